// What replayed rounds came to, kept by who follows the journal: all above the published mark, to
// be given out again by whoever leads next, and the newest below it, which can be asked for again.

import type { FinishedRound } from '../engine/engine.ts'
import type { Directory } from '../protocol/directory.ts'
import { ReportLog } from '../protocol/report-log.ts'
import { Reports } from '../protocol/reports.ts'

/** Reports below the mark; one more: the oldest round goes. */
const PUBLISHED_REPORTS_MAX = 50_000

interface Round {
  readonly round: number
  readonly reports: ReportLog
}

/** Rounds in binary, in order. */
export class Replayed {
  /** All that rounds above this one came to is here. */
  from = 0
  private published: number
  private readonly publishedMax: number
  private rounds: (Round | undefined)[] = []
  /** Those before have gone; the first above the mark. */
  private head = 0
  private mark = 0
  /** Reports of the rounds between. */
  private count = 0
  private spare: ReportLog | undefined

  /** `published`: the mark so far. */
  constructor(published: number, publishedMax = PUBLISHED_REPORTS_MAX) {
    this.published = published
    this.publishedMax = publishedMax
  }

  /** Keeps what a round came to. */
  add(round: number, { reports }: FinishedRound): void {
    if (reports.count === 0) return
    const kept = this.spare ?? new ReportLog(reports.count)
    this.spare = undefined
    kept.copy(reports)
    this.rounds.push({ round, reports: kept })
    this.settle()
  }

  /** The mark has moved on. */
  moveOn(published: number): void {
    this.published = Math.max(this.published, published)
    this.settle()
  }

  /** The reports of each round above the mark, in order. */
  *unpublished(names: Directory): Generator<{ round: number; reports: Reports }> {
    for (const { round, reports } of this.rounds.slice(this.mark) as Round[]) {
      yield { round, reports: new Reports(reports, names) }
    }
  }

  /** The newest below it, by round, in order; they stay as they are. */
  publishedReports(names: Directory): Reports[] {
    const rounds = this.rounds.slice(this.head, this.mark) as Round[]
    return rounds.map(({ reports }) => new Reports(reports, names))
  }

  private settle(): void {
    const { rounds } = this
    for (; this.mark < rounds.length; this.mark += 1) {
      const { round, reports } = rounds[this.mark] as Round
      if (round > this.published) break
      this.count += reports.count
    }
    for (; this.count > this.publishedMax; this.head += 1) {
      const { round, reports } = rounds[this.head] as Round
      this.count -= reports.count
      this.from = round
      // Millions of rounds may be replayed: the memory of one that has gone is the next one's.
      this.spare = reports
      // Let go at once: the array is only shortened now and then.
      rounds[this.head] = undefined
    }
    if (this.head <= 1_024 || this.head * 2 <= rounds.length) return
    this.rounds = rounds.slice(this.head)
    this.mark -= this.head
    this.head = 0
  }
}
