// What goes out, in order, and how far that is certain: the published mark. Reports above the mark
// may have gone out or not; after a crash they go out again, under the same execId.

import type { Report } from '../protocol/report-json.ts'
import type { Reports } from '../protocol/reports.ts'

/** Batches, and reports, given out and not certain; with more, the exchange makes no new ones. */
const UNDER_WAY_MAX = 256
const REPORTS_MAX = 65_536

/** Takes reports out. What it returns, if anything, resolves when they are certain to arrive. */
export type OnReports = (reports: Report[]) => void | Promise<void>

/** As {@link OnReports}, for who needs no objects: they are valid until it returns. */
export type TakeReports = (reports: Reports) => void | Promise<void>

export class Publication {
  /** All that rounds up to this one came to is out for certain. */
  round: number
  /** The last command whose reports are; 0 before the first. */
  seq = 0
  private readonly take: TakeReports
  private readonly onFailed: (error: unknown) => void
  private readonly onRoom: () => void
  private last: Promise<void> = Promise.resolve()
  private underWay = 0
  private reports = 0

  constructor(
    round: number,
    to: { take: TakeReports; onFailed: (error: unknown) => void; onRoom: () => void },
  ) {
    this.round = round
    this.take = to.take
    this.onFailed = to.onFailed
    this.onRoom = to.onRoom
  }

  get hasRoom(): boolean {
    return this.underWay < UNDER_WAY_MAX && this.reports < REPORTS_MAX
  }

  get isIdle(): boolean {
    return this.underWay === 0
  }

  /** Gives out the reports of rounds up to `round`. Throws what the taker throws. */
  give(round: number, reports: Reports): void {
    const seq = reports.seqAt(reports.length - 1) ?? 0
    const certain = reports.length > 0 ? this.take(reports) : undefined
    if (certain === undefined && this.underWay === 0) {
      this.reached(round, seq)
      return
    }
    this.underWay += 1
    const { length } = reports
    this.reports += length
    const before = this.last
    this.last = Promise.all([before, certain]).then(
      () => {
        this.reached(round, seq)
        this.underWay -= 1
        this.reports -= length
        this.onRoom()
      },
      (error) => this.onFailed(error),
    )
  }

  private reached(round: number, seq: number): void {
    this.round = round
    this.seq = Math.max(this.seq, seq)
  }
}
