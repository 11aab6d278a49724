// The seam of the simulation: interleavings repeat, and give what inline gives. `npm run simulate`
// explores any number of them.

import { describe, expect, test, vi } from 'vitest'
import { AccountRole } from '../../src/actors/account-role.ts'
import { BookRole } from '../../src/actors/book-role.ts'
import { homeOf, placementOn, WORKERS_MAX } from '../../src/actors/placement.ts'
import { Sequencer } from '../../src/actors/sequencer.ts'
import { simulate } from '../../src/actors/simulation.ts'
import { randomJournal, runPipelined } from '../support/journals.ts'
import { PLACEMENTS } from '../support/placements.ts'
import { ShortRuns } from '../support/short-journals.ts'

const RUNS = 2_000

test(`${RUNS} interleavings of short journals on tiny rings`, () => {
  const shortRuns = new ShortRuns()
  for (let number = 0; number < RUNS; number += 1) {
    expect(shortRuns.run(number)).toBe(undefined)
  }
})

test('a seed repeats an interleaving, step by step', () => {
  const journal = randomJournal(7, 200, 50)
  const traceOf = (seed: number) => {
    const steps = [Sequencer, AccountRole, BookRole].map((role) => vi.spyOn(role.prototype, 'step'))
    const workers = { accounts: 2, symbols: 2 }
    runPipelined((options) => simulate({ ...options, workers, seed, ringRecords: 2 }), journal)
    const trace = steps.map(({ mock }) => [...mock.invocationCallOrder])
    vi.restoreAllMocks()
    const first = Math.min(...trace.flat())
    return trace.map((calls) => calls.map((order) => order - first))
  }
  const trace = traceOf(1)
  expect(trace.flat().length).toBeGreaterThan(1_000)
  expect(traceOf(1)).toEqual(trace)
  expect(traceOf(2)).not.toEqual(trace)
})

describe('placement', () => {
  test.each(PLACEMENTS)('%j: every shard lives in one worker', (workers) => {
    const placement = placementOn(workers)
    for (const kind of ['accounts', 'symbols'] as const) {
      const shards = placement.workers.flatMap((worker) => worker[kind])
      const all = Array.from({ length: placement[kind] }, (_, shard) => shard)
      expect(shards.sort((a, b) => a - b)).toEqual(all)
    }
  })

  test('names are spread evenly, and stay where they are', () => {
    for (const shards of [2, 3, 4, 7]) {
      const counts = Array.from({ length: shards }, () => 0)
      for (let n = 0; n < 10_000; n += 1) counts[homeOf(`acct-${n}`, shards)] += 1
      for (const count of counts) expect(count / (10_000 / shards)).toBeCloseTo(1, 0)
      expect(Math.max(...counts) / Math.min(...counts)).toBeLessThan(1.2)
    }
    expect(['alice', 'bob', 'NVDA', ''].map((name) => homeOf(name, 1_000))).toMatchInlineSnapshot(`
      [
        802,
        190,
        468,
        809,
      ]
    `)
  })

  test('what is no number of workers is refused', () => {
    for (const workers of [0, -1, 1.5, Number.NaN, WORKERS_MAX + 1]) {
      expect(() => placementOn(workers)).toThrow('number of workers')
      expect(() => placementOn({ accounts: 1, symbols: workers })).toThrow('number of workers')
    }
  })
})
