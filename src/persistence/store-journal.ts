// Rounds into the journal's rows: what gathers while rows are being committed is the next row.

import { performance } from 'node:perf_hooks'
import type { CommandLog } from '../protocol/command-log.ts'
import { type Row, RowBuilder, type RowEnd } from './row.ts'
import type { Store } from './store.ts'

/** Rows on their way at a time: one is committed while the next is sent. */
const ROWS_UNDER_WAY_MAX = 2
/** Rounds and bytes that are not durable; beyond them no more is taken in. */
const ROUNDS_MAX = 1_024
const BYTES_MAX = 2 * 2 ** 20

export interface StoreJournalOptions {
  /** The row that the journal goes on behind, or GENESIS. */
  readonly end: RowEnd
  readonly term: number
  /** The clock, ms since 1970. */
  readonly nowMs: () => number
  /** More rounds are durable. */
  readonly onDurable: () => void
  /** A row was committed, so long after it was sent, in ms. */
  readonly onCommitted?: ((ms: number) => void) | undefined
  /** Nothing more can be written, ever: the lease has moved on, or the store is closed. */
  readonly onBroken: (error: unknown) => void
}

export class StoreJournal {
  /** Rounds written here that are durable. */
  durable = 0
  /** The last command that is durable. */
  durableSeq: number
  /** The last row on its way: the next one follows it. */
  end: RowEnd
  private readonly store: Pick<Store, 'append'>
  private readonly options: StoreJournalOptions
  private readonly builder: RowBuilder
  private written = 0
  private underWay = 0
  private isBroken = false
  /** When the oldest row under way was sent, or the last one answered, in ms. */
  private sinceMs = 0

  constructor(store: Pick<Store, 'append'>, options: StoreJournalOptions) {
    this.store = store
    this.options = options
    this.end = options.end
    this.durableSeq = options.end.lastSeq
    this.builder = new RowBuilder(options.end)
  }

  /** Whether one more round may be written: there is a bound on what is not durable. */
  get hasRoom(): boolean {
    const isSmall = this.builder.bytes < BYTES_MAX
    return !this.isBroken && isSmall && this.written - this.durable < ROUNDS_MAX
  }

  /** How long the oldest row under way has been waited for, in ms; 0 if there is none. */
  get waitingMs(): number {
    return this.underWay === 0 ? 0 : performance.now() - this.sinceMs
  }

  /** Takes down the next round, whose first command has `firstSeq`. */
  write(firstSeq: number, commands: CommandLog): void {
    const round = this.end.lastRound + this.builder.rounds + 1
    this.builder.add(round, firstSeq, commands)
    this.written += 1
    this.send()
  }

  private send(): void {
    while (this.underWay < ROWS_UNDER_WAY_MAX && this.builder.rounds > 0 && !this.isBroken) {
      const timeMs = Math.max(this.end.timeMs, this.options.nowMs())
      const row = this.builder.seal(this.end, this.options.term, timeMs)
      this.end = row
      if (this.underWay === 0) this.sinceMs = performance.now()
      this.underWay += 1
      void this.append(row)
    }
  }

  private async append(row: Row): Promise<void> {
    const startMs = performance.now()
    try {
      await this.store.append(row)
    } catch (error) {
      this.isBroken = true
      this.options.onBroken(error)
      return
    }
    this.underWay -= 1
    this.sinceMs = performance.now()
    this.durable += row.lastRound - row.firstRound + 1
    this.durableSeq = row.lastSeq
    this.options.onCommitted?.(this.sinceMs - startMs)
    this.send()
    this.options.onDurable()
  }
}
