// Each report of an account exactly once, in order of `execSeq`, out of messages that come twice,
// not at all, or ahead of others. Knows no NATS.
//
// Whoever leads keeps reports in memory from the first one that it has published itself. So what is
// missing is asked for, page by page; and what nobody has any more is told, not passed over.

import type { HistoryAnswer, NumberedReport } from '../gateway/history.ts'

/** Reports that wait for one before them; further ones are dropped, and asked for in their turn. */
export const AHEAD_MAX = 10_000
/** Reports asked for at a time; the exchange gives no more. */
const PAGE = 500
/** Tries, when whoever answers neither has what is missing nor says that it is gone. */
const HELPLESS_MAX = 5

/** Reports that are not in the exchange's memory any more; the table order_audit has them. */
export interface GoneReports {
  /** The first and the last one that will not come. */
  readonly from: number
  readonly to: number
  /** What the exchange has in memory; `oldest` is `newest + 1` if it has none. */
  readonly oldest: number
  readonly newest: number
}

export interface ReportStreamOptions {
  /** The first one wanted; without it, whatever comes after now. */
  readonly fromExecSeq?: number | undefined
  readonly onReport: (report: NumberedReport) => void
  readonly onGone: (gone: GoneReports) => void
  /** Asks the exchange for reports; does not resolve before it was answered. */
  readonly ask: (from: number, to: number) => Promise<HistoryAnswer>
  /** Waits a little, longer after more tries. */
  readonly pause: (tries: number) => Promise<void>
}

export class ReportStream {
  readonly #options: ReportStreamOptions
  /** The next one to give out; undefined until it is known where to begin. */
  #next: number | undefined
  /** Reports above `#next`, by their numbers. */
  readonly #ahead = new Map<number, NumberedReport>()
  /** The highest number that is known of. */
  #newest = 0
  /** The exchange had none when it was asked first, so all that it has later came since. */
  #wasEmpty = false
  #isStopped = false
  #isAskedAgain = false
  #filling: Promise<void> | undefined

  constructor(options: ReportStreamOptions) {
    this.#options = options
    this.#next = options.fromExecSeq
  }

  /** The number of the report that is given out next; undefined until that is known. */
  get nextExecSeq(): number | undefined {
    return this.#next
  }

  /** Whether something is known of that was not given out: {@link catchUp} brings it. */
  get hasGap(): boolean {
    return this.#next === undefined ? this.#newest > 0 : this.#next <= this.#newest
  }

  /** What has come, in any order. */
  take(reports: readonly NumberedReport[]): void {
    for (const report of reports) {
      if (this.#isStopped) return
      const { execSeq } = report
      this.#newest = Math.max(this.#newest, execSeq)
      if (execSeq === this.#next) this.#give(report)
      else if (this.#next === undefined || execSeq > this.#next) this.#hold(report)
    }
    this.#giveHeld()
  }

  /** Asks what the newest is and brings all up to it, one question at a time; rejects as `ask`. */
  catchUp(): Promise<void> {
    // A question that is under way may have been asked before what is missing now.
    this.#isAskedAgain = true
    this.#filling ??= this.#fillUntilQuiet()
    return this.#filling
  }

  /** Gives out nothing more. */
  stop(): void {
    this.#isStopped = true
    this.#ahead.clear()
  }

  async #fillUntilQuiet(): Promise<void> {
    try {
      while (this.#isAskedAgain && !this.#isStopped) {
        this.#isAskedAgain = false
        if (this.#next === undefined) await this.#begin()
        if (this.#next !== undefined) await this.#fill(this.#next)
      }
    } finally {
      this.#filling = undefined
    }
  }

  /** Finds out where to begin: behind the newest. */
  async #begin(): Promise<void> {
    const answer = await this.#options.ask(1, 1)
    if (answer.newest === 0) {
      this.#wasEmpty = true
      return
    }
    const oldest = answer.kind === 'gone' ? answer.oldest : 1
    this.#next = Math.min(this.#wasEmpty ? oldest : answer.newest + 1, this.#lowestAhead())
  }

  async #fill(first: number): Promise<void> {
    let from = first
    let helpless = 0
    do {
      const to = Math.min(from + PAGE - 1, this.#lowestAhead() - 1)
      // Given out meanwhile, or where to begin was one of those that wait.
      if (to < from) this.#giveHeld()
      // Where to begin may be no number at all, which the exchange is to refuse.
      else this.#takeAnswer(await this.#options.ask(from, to), from, helpless)
      const next = this.#next as number
      helpless = next === from ? helpless + 1 : 0
      from = next
      if (helpless > 0 && this.hasGap) await this.#options.pause(helpless)
    } while (this.hasGap && !this.#isStopped)
  }

  #takeAnswer(answer: HistoryAnswer, from: number, helpless: number): void {
    if (this.#isStopped) return
    const { newest } = answer
    this.#newest = Math.max(this.#newest, newest)
    if (answer.kind === 'reports' && answer.reports.length > 0) return this.take(answer.reports)
    const isStill = this.#next === from && from <= this.#newest
    const oldest = answer.kind === 'gone' ? answer.oldest : newest + 1
    // An answer without what is known to have been can be a late one of who led before.
    if (isStill && (answer.kind === 'gone' || helpless >= HELPLESS_MAX)) this.#pass(oldest, newest)
  }

  /** Goes on behind what nobody has any more. */
  #pass(oldest: number, newest: number): void {
    const from = this.#next as number
    const next = Math.min(oldest > from ? oldest : this.#newest + 1, this.#lowestAhead())
    this.#next = next
    this.#options.onGone({ from, to: next - 1, oldest, newest })
    this.#giveHeld()
  }

  #give(report: NumberedReport): void {
    // It may wait, and have come once more by another way: nothing below it is asked for again.
    this.#ahead.delete(report.execSeq)
    this.#next = report.execSeq + 1
    this.#options.onReport(report)
  }

  #hold(report: NumberedReport): void {
    if (this.#ahead.size < AHEAD_MAX) this.#ahead.set(report.execSeq, report)
  }

  #giveHeld(): void {
    while (this.#next !== undefined && !this.#isStopped) {
      const report = this.#ahead.get(this.#next)
      if (report === undefined) return
      this.#give(report)
    }
  }

  #lowestAhead(): number {
    let lowest = Number.POSITIVE_INFINITY
    for (const execSeq of this.#ahead.keys()) lowest = Math.min(lowest, execSeq)
    return lowest
  }
}
