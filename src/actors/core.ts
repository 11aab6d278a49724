// What runs an exchange's rounds: the engine in this thread, or actors in worker threads. Both give
// the same bytes.

import type { BookAnswer, Holdings, OrdersPage } from '../engine/answers.ts'
import type { FinishedRound } from '../engine/engine.ts'
import type { StateLoader } from '../engine/restore.ts'
import type { CommandLog } from '../protocol/command-log.ts'
import type { Page } from '../protocol/decode.ts'
import type { Instrument } from '../protocol/instrument.ts'

export interface Core {
  /** The `seq` of the last command that was handed over. */
  readonly seq: number
  /** Whether one more round may be under way; if not, take one first. */
  readonly canStart: boolean
  /** Hands over a round's commands, which are the caller's again when it returns. */
  start(commands: CommandLog): void
  /**
   * The oldest round that is finished and was not taken. `isPatient`: waits for one if one is under
   * way. Undefined if there is none. Throws a Fault if an actor broke an invariant.
   */
  take(isPatient: boolean): FinishedRound | undefined
  /** Goes on with what is under way, where that needs the caller, without taking anything. */
  work?(): void

  // Between rounds, with none under way:

  holdings(account: number, page?: Page): Holdings
  openOrders(account: number, page?: Page): OrdersPage
  /** The `execSeq` of each account's last report, by handle. */
  execSeqs(): Float64Array
  levels(symbol: number, instrument: Instrument, depth: number): Pick<BookAnswer, 'bids' | 'asks'>
  /** The state's canonical sections (engine/state.ts); each is valid until the next. */
  sections(): Iterable<Uint8Array>
  /** Fills a fresh core with a state: its market's section, and those that the loader is given. */
  load(market: Uint8Array): StateLoader
  /** Checks every invariant of the state; throws a Fault at the first that does not hold. */
  check(): void
  /** Ends the threads behind it, if there are any; nothing else may be called then. */
  close?(): Promise<void>
}
