// One symbol's depth as it is, out of snapshots and changes of which some may be missing. Knows no
// NATS.

import type { BookLevel } from '../engine/answers.ts'
import { DepthView } from '../gateway/depth-changes.ts'
import type { DepthMessage } from '../gateway/market-data.ts'

/** Changes kept while a snapshot is under way; beyond them another snapshot is asked for. */
const PENDING_MAX = 1_000

/** A book's best levels, consistent with the command `seq`. */
export interface Book {
  readonly symbol: string
  readonly seq: number
  /** From the best price on. */
  readonly bids: readonly BookLevel[]
  readonly asks: readonly BookLevel[]
}

export interface BookFeedOptions {
  readonly symbol: string
  readonly onBook: (book: Book) => void
  /** Asks for a snapshot; does not resolve before it was answered. */
  readonly ask: () => Promise<DepthMessage>
  /** Waits a little, longer after more tries. */
  readonly pause: (tries: number) => Promise<void>
}

export class BookFeed {
  readonly #options: BookFeedOptions
  readonly #view = new DepthView()
  /** Changes that do not follow what is known, until a snapshot is there. */
  #pending: DepthMessage[] = []
  #isStopped = false
  #isAskedAgain = false
  #asking: Promise<void> | undefined

  constructor(options: BookFeedOptions) {
    this.#options = options
  }

  /** Whether changes wait for a snapshot: {@link synchronise} brings it. */
  get hasGap(): boolean {
    return this.#pending.length > 0
  }

  /** What came from the feed. */
  take(message: DepthMessage): void {
    if (this.#isStopped) return
    const outcome = this.#view.apply(message)
    if (outcome === 'gap' && this.#pending.length < PENDING_MAX) this.#pending.push(message)
    if (outcome !== 'applied') return
    this.#applyPending()
    this.#tell()
  }

  /** Asks for a snapshot, until all that came follows it; rejects as `ask` does. */
  synchronise(): Promise<void> {
    this.#isAskedAgain = true
    this.#asking ??= this.#synchroniseUntilQuiet()
    return this.#asking
  }

  /** Gives out nothing more. */
  stop(): void {
    this.#isStopped = true
    this.#pending = []
  }

  async #synchroniseUntilQuiet(): Promise<void> {
    try {
      for (let tries = 0; this.#isAskedAgain && !this.#isStopped; tries += 1) {
        this.#isAskedAgain = false
        this.take(await this.#options.ask())
        if (!this.hasGap) continue
        this.#applyPending()
        this.#isAskedAgain = this.hasGap
        if (this.hasGap) await this.#options.pause(tries)
      }
    } finally {
      this.#asking = undefined
    }
  }

  /** Those that follow what is known now; the others go on waiting. */
  #applyPending(): void {
    // Full: what came behind it was dropped, so it leads nowhere.
    const pending = this.#pending.length < PENDING_MAX ? this.#pending : []
    this.#pending = pending.filter((message) => this.#view.apply(message) === 'gap')
  }

  #tell(): void {
    const { seq, bids, asks } = this.#view
    this.#options.onBook({ symbol: this.#options.symbol, seq, bids, asks })
  }
}
