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
import { BAF, BALANCE_WORDS } from './records.ts'
import { Reporter } from './reporter.ts'
import { ALONE, type Residence } from './residence.ts'
import { SettlePhase } from './settle.ts'

/** What a phase was doing. Zero: not known. */
export interface Whereabouts {
  readonly phase: 'hold' | 'settle'
  readonly seq: number
  readonly account: number
}

export interface AccountShardOptions {
  /** Write double-entry postings; default false. */
  readonly postings?: boolean
  /** Commands for which a closed submission is remembered; part of the state. */
  readonly submissionsRemembered?: number
  /** Any integer that senders do not know; changes no result, see account/id-hash.ts. Default 0. */
  readonly hashSeed?: number
  /** Accounts and open orders to make room for at the start; more is made as needed. */
  readonly ordersInitial?: number
  /** Closed submissions to make room for at the start; more is made as needed. */
  readonly submissionsInitial?: number
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
  private isHolding = false

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
    const { submissionsInitial = 0 } = options
    this.store.submissions.reserve(Math.min(submissionsInitial, this.submissionsRemembered))
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
    this.isHolding = true
    this.postings.log.clear()
    this.holdPhase.run(commands, firstSeq)
  }

  /** What the hold phase has for the books, in seq order. */
  get messages(): RecordLog {
    return this.holdPhase.messages
  }

  /** Adds to what `$fees` has here (less than nothing: takes away), smallest units of `asset`. */
  addFees(asset: number, amount: number): void {
    const { balances } = this.store
    const balance = this.store.balance(FEES, asset)
    balances.f64[balance * (BALANCE_WORDS >> 1) + BAF.available] += amount
  }

  /** The command that a phase is at, or was at when it broke off; zeros for what is not known. */
  whereabouts(): Whereabouts {
    return this.isHolding ? this.holdPhase.whereabouts() : this.settlePhase.whereabouts()
  }

  /** Phase three: settles what the books say, in (seq, index) order, and writes the reports. */
  settle(commands: CommandLog, events: EventRecords): void {
    this.isHolding = false
    this.settlePhase.run(commands, this.holdPhase.outcomes, events)
  }
}
