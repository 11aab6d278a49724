// A shard of account actors: its state, and the two phases of a round that change it.

import type { RecordLog } from '../../lib/record-log.ts'
import { SUBMISSIONS_REMEMBERED } from '../../protocol/bounds.ts'
import type { CommandLog } from '../../protocol/command-log.ts'
import type { EventRecords } from '../../protocol/event-log.ts'
import { ReportLog } from '../../protocol/report-log.ts'
import { Market } from '../market.ts'
import { AccountStore, FEES } from './account-store.ts'
import { Administration } from './administration.ts'
import { HoldPhase } from './hold.ts'
import { Postings } from './postings.ts'
import { Reporter } from './reporter.ts'
import { ALONE, type Residence } from './residence.ts'
import { SettlePhase } from './settle.ts'

export interface AccountShardOptions {
  /** Write double-entry postings; default false. */
  readonly postings?: boolean
  /** Commands for which a closed submission is remembered; part of the state. */
  readonly submissionsRemembered?: number
  /** Any integer that senders do not know; changes no result, see account/id-hash.ts. Default 0. */
  readonly hashSeed?: number
  /** Accounts and open orders to make room for at the start; more is made as needed. */
  readonly ordersInitial?: number
}

export class AccountShard {
  readonly market = new Market()
  readonly submissionsRemembered: number
  readonly store: AccountStore
  /** The last round's reports about accounts that live here, in (seq, index) order. */
  readonly reports = new ReportLog()
  /** The last round's postings, if enabled. */
  readonly postings: Postings
  private readonly holdPhase: HoldPhase
  private readonly settlePhase: SettlePhase

  /** `residence` says which accounts live here; all, unless it is given. */
  constructor(options: AccountShardOptions, residence: Residence = ALONE) {
    this.submissionsRemembered = options.submissionsRemembered ?? SUBMISSIONS_REMEMBERED
    this.postings = new Postings(options.postings ?? false)
    this.store = new AccountStore(
      this.market,
      this.submissionsRemembered,
      options.ordersInitial ?? 256,
      options.hashSeed ?? 0,
    )
    this.holdPhase = new HoldPhase(this.store, residence)
    const reporter = new Reporter(this.store, this.reports)
    this.settlePhase = new SettlePhase(this.store, residence, reporter, this.postings)
    new Administration(this.store).create(FEES)
  }

  /**
   * Phase one: checks and holds. `commands` are those of this shard, stamped with their seq, and
   * stay unchanged until {@link settle}; `firstSeq` is that of the round's first command.
   */
  hold(commands: CommandLog, firstSeq: number): void {
    this.postings.log.clear()
    this.holdPhase.run(commands, firstSeq)
  }

  /** What the hold phase has for the books, in seq order. */
  get messages(): RecordLog {
    return this.holdPhase.messages
  }

  /** Phase three: settles what the books say, in (seq, index) order, and writes the reports. */
  settle(commands: CommandLog, events: EventRecords): void {
    this.settlePhase.run(commands, this.holdPhase.outcomes, events)
  }
}
