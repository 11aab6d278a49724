// What is kept of replayed rounds: all above the mark, and the newest below it within a bound.

import { expect, test } from 'vitest'
import { Replayed } from '../../src/durable/replayed.ts'
import type { FinishedRound } from '../../src/engine/engine.ts'
import { Directory } from '../../src/protocol/directory.ts'
import { REPORT_WORDS, ReportLog, RPF } from '../../src/protocol/report-log.ts'
import type { Reports } from '../../src/protocol/reports.ts'
import { Prng } from '../support/prng.ts'

const names = new Directory()

/** A round of `count` reports, each with the round's number as its `seq`. */
function finished(round: number, count: number): FinishedRound {
  const reports = new ReportLog(1)
  for (let n = 0; n < count; n += 1) {
    const word = reports.appendZeroed()
    reports.f64[(word >> 1) + RPF.seq] = round
  }
  return { reports } as unknown as FinishedRound
}

const seqsIn = (each: Reports) =>
  Array.from({ length: each.length }, (_, n) => each.log.f64[((n * REPORT_WORDS) >> 1) + RPF.seq])

test.each([1, 2, 3])('seed %i: as a plain list would have it', (seed) => {
  const random = new Prng(seed)
  const bound = random.int(1, 400)
  const replayed = new Replayed(0, bound)
  const rounds: { round: number; count: number }[] = []
  let mark = 0
  for (let round = 1; round <= 5_000; round += 1) {
    const count = random.chance(0.3) ? 0 : random.int(1, 9)
    rounds.push({ round, count })
    replayed.add(round, finished(round, count))
    if (random.chance(0.2)) {
      mark = Math.max(mark, round - random.int(0, 20))
      replayed.moveOn(mark)
    }
    if (round % 50 !== 0) continue
    const above = [...replayed.unpublished(names)]
    const expected = rounds.filter((each) => each.round > mark && each.count > 0)
    expect(above.map(({ round: of, reports }) => [of, reports.length])).toEqual(
      expected.map((each) => [each.round, each.count]),
    )
    const below = replayed.publishedReports(names).flatMap(seqsIn)
    expect(below.length).toBeLessThanOrEqual(bound)
    // Nothing between is missing, and one round more would have been too many.
    const all = rounds.filter((each) => each.round > replayed.from && each.round <= mark)
    expect(below).toEqual(all.flatMap((each) => Array(each.count).fill(each.round)))
    const next = rounds.find((each) => each.round === replayed.from)?.count ?? 0
    expect(replayed.from === 0 || below.length + next > bound).toBe(true)
  }
})
