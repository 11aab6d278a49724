// What goes out, in order, and how far that is certain: the published mark. Reports above the mark
// may have gone out or not; after a crash they go out again, under the same execId.

import type { Answer } from '../exchange.ts'

/** Batches given out and not certain; with more, the exchange makes no new answers. */
const UNDER_WAY_MAX = 256

/** Takes answers out. What it returns, if anything, resolves when they are certain to arrive. */
export type OnAnswers = (answers: Answer[]) => void | Promise<void>

export class Publication {
  /** All that rounds up to this one came to is out for certain. */
  round: number
  private readonly onAnswers: OnAnswers
  private readonly onFailed: (error: unknown) => void
  private readonly onRoom: () => void
  private last: Promise<void> = Promise.resolve()
  private underWay = 0

  constructor(
    round: number,
    to: { onAnswers: OnAnswers; onFailed: (error: unknown) => void; onRoom: () => void },
  ) {
    this.round = round
    this.onAnswers = to.onAnswers
    this.onFailed = to.onFailed
    this.onRoom = to.onRoom
  }

  get hasRoom(): boolean {
    return this.underWay < UNDER_WAY_MAX
  }

  get isIdle(): boolean {
    return this.underWay === 0
  }

  /** Gives out the answers of rounds up to `round`. Throws what the taker throws. */
  give(round: number, answers: Answer[]): void {
    const certain = answers.length > 0 ? this.onAnswers(answers) : undefined
    if (certain === undefined && this.underWay === 0) {
      this.round = round
      return
    }
    this.underWay += 1
    const before = this.last
    this.last = Promise.all([before, certain]).then(
      () => {
        this.round = round
        this.underWay -= 1
        this.onRoom()
      },
      (error) => this.onFailed(error),
    )
  }
}
