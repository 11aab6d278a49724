// A core whose rounds are written down while they run, and come out only once they are durable.
//
// The journal gets a round before the actors do and works beside them; what they came to waits for
// it here. So whatever anybody was told is in the journal, whenever the process ends.

import type { BookAnswer, Holdings, OpenOrder } from '../engine/answers.ts'
import type { FinishedRound } from '../engine/engine.ts'
import type { CommandLog } from '../protocol/command-log.ts'
import type { Instrument } from '../protocol/instrument.ts'
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
  }

  /** Whether the next round is durable and only the actors are still waited for. */
  get isOwed(): boolean {
    return this.taken < this.written && this.journal.durable > this.taken
  }

  take(isPatient: boolean): FinishedRound | undefined {
    if (this.taken === this.written) return undefined
    const isDurable = () => this.journal.durable > this.taken
    if (isPatient) this.wait(isDurable)
    else this.core.work?.()
    if (!isDurable()) return undefined
    const round = this.core.take(isPatient)
    if (round !== undefined) this.taken += 1
    return round
  }

  work(): void {
    this.core.work?.()
  }

  holdings(account: number): Holdings {
    return this.core.holdings(account)
  }

  openOrders(account: number): OpenOrder[] {
    return this.core.openOrders(account)
  }

  levels(symbol: number, instrument: Instrument, depth: number): Pick<BookAnswer, 'bids' | 'asks'> {
    return this.core.levels(symbol, instrument, depth)
  }

  sections(): Iterable<Uint8Array> {
    return this.core.sections()
  }

  load(market: Uint8Array, rest: Iterator<Uint8Array>): void {
    this.core.load(market, rest)
  }

  check(): void {
    this.core.check()
  }

  async close(): Promise<void> {
    await this.core.close?.()
  }
}
