// A core whose rounds are written down while they run, and come out only once they are durable.
//
// The journal gets a round before the actors do and works beside them; what they came to waits for
// it here, while they go on with the next. So whatever anybody was told is in the journal, whenever
// the process ends.

import type { BookAnswer, Holdings, OrdersPage } from '../engine/answers.ts'
import type { FinishedRound } from '../engine/engine.ts'
import type { StateLoader } from '../engine/restore.ts'
import { RecordLog } from '../lib/record-log.ts'
import type { CommandLog } from '../protocol/command-log.ts'
import type { Page } from '../protocol/decode.ts'
import type { Instrument } from '../protocol/instrument.ts'
import { POSTING_WORDS, ReportLog } from '../protocol/report-log.ts'
import type { Core } from './core.ts'

/** Where rounds are written down. */
export interface RoundJournal {
  /** Takes down the next round, which is the caller's again when it returns. */
  write(firstSeq: number, commands: CommandLog): void
  /** How many of the rounds written are durable: all up to this one, counted from 1. */
  readonly durable: number
  /** Whether one more may be written: there is a bound on those that are not durable. */
  readonly hasRoom: boolean
}

export class JournaledCore implements Core {
  private readonly core: Core
  private readonly journal: RoundJournal
  private readonly wait: (isDone: () => boolean) => void
  private written = 0
  /** Rounds that are finished and were not taken, oldest first: not durable yet, or just so. */
  private readonly finished: FinishedRound[] = []
  /** Those that were taken, for the next to be copied into. */
  private readonly spare: FinishedRound[] = []
  private given: FinishedRound | undefined
  /** Rounds that came out. */
  taken = 0

  /** `wait` lets journal and actors go on until `isDone`. */
  constructor(core: Core, journal: RoundJournal, wait: (isDone: () => boolean) => void) {
    this.core = core
    this.journal = journal
    this.wait = wait
  }

  get seq(): number {
    return this.core.seq
  }

  get canStart(): boolean {
    return this.core.canStart && this.journal.hasRoom
  }

  start(commands: CommandLog): void {
    this.journal.write(this.core.seq + 1, commands)
    this.written += 1
    this.core.start(commands)
    this.gather()
  }

  /** Whether the next round is durable: it can be taken, or only the actors are waited for. */
  get isOwed(): boolean {
    return this.taken < this.written && this.journal.durable > this.taken
  }

  take(isPatient: boolean): FinishedRound | undefined {
    if (this.taken === this.written) return undefined
    const isDurable = () => this.journal.durable > this.taken
    if (isPatient) this.wait(isDurable)
    if (!isDurable()) {
      this.gather()
      return undefined
    }
    if (this.given !== undefined) this.spare.push(this.given)
    this.given = undefined
    const round = this.finished.shift()
    if (round === undefined) {
      // Durable before the actors were done: nothing has to be kept.
      const next = this.core.take(isPatient)
      if (next !== undefined) this.taken += 1
      return next
    }
    this.given = round
    this.taken += 1
    return round
  }

  work(): void {
    this.core.work?.()
    this.gather()
  }

  /** Keeps what the actors have finished, for them to go on. */
  private gather(): void {
    while (this.taken + this.finished.length < this.written) {
      const round = this.core.take(false)
      if (round === undefined) return
      const into = this.spare.pop() ?? emptyRound()
      this.finished.push(copyInto(round, into))
    }
  }

  holdings(account: number, page?: Page): Holdings {
    return this.core.holdings(account, page)
  }

  openOrders(account: number, page?: Page): OrdersPage {
    return this.core.openOrders(account, page)
  }

  execSeqs(): Float64Array {
    return this.core.execSeqs()
  }

  levels(symbol: number, instrument: Instrument, depth: number): Pick<BookAnswer, 'bids' | 'asks'> {
    return this.core.levels(symbol, instrument, depth)
  }

  sections(): Iterable<Uint8Array> {
    return this.core.sections()
  }

  load(market: Uint8Array): StateLoader {
    return this.core.load(market)
  }

  check(): void {
    this.core.check()
  }

  async close(): Promise<void> {
    await this.core.close?.()
  }
}

const emptyRound = (): FinishedRound => ({
  firstSeq: 0,
  reports: new ReportLog(),
  postings: new RecordLog(POSTING_WORDS, 16),
})

function copyInto(round: FinishedRound, { reports, postings }: FinishedRound): FinishedRound {
  reports.copy(round.reports)
  postings.copy(round.postings)
  return { firstSeq: round.firstSeq, reports, postings }
}
