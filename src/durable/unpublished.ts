// What rounds came to that have perhaps not been published: kept by who follows the journal, to be
// given out again by whoever leads next.

import type { FinishedRound } from '../engine/engine.ts'
import type { Directory } from '../protocol/directory.ts'
import { ReportLog } from '../protocol/report-log.ts'
import { Reports } from '../protocol/reports.ts'

/** The rounds above the published mark, in binary. */
export class Unpublished {
  private published: number
  private rounds: { round: number; reports: ReportLog }[] = []

  /** `published`: the mark so far. */
  constructor(published: number) {
    this.published = published
  }

  /** Keeps what a round came to, unless it is published already. */
  add(round: number, { reports }: FinishedRound): void {
    if (round <= this.published || reports.count === 0) return
    const kept = new ReportLog(reports.count)
    kept.copy(reports)
    this.rounds.push({ round, reports: kept })
  }

  /** The mark has moved on. */
  forget(published: number): void {
    this.published = Math.max(this.published, published)
    const left = this.rounds.findIndex(({ round }) => round > this.published)
    this.rounds = left < 0 ? [] : this.rounds.slice(left)
  }

  /** The reports of each round, in order. */
  *reports(names: Directory): Generator<{ round: number; reports: Reports }> {
    for (const { round, reports } of this.rounds) {
      yield { round, reports: new Reports(reports, names) }
    }
  }
}
