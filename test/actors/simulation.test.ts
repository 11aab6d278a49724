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

const RUNS = 1_000

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

  test('actors are dealt evenly, every second one too, and stay where they are', () => {
    for (const shards of [2, 3, 4, 7]) {
      const all = Array.from({ length: shards }, () => 0)
      const even = Array.from({ length: shards }, () => 0)
      for (let handle = 1; handle <= 10_000; handle += 1) {
        all[homeOf(handle, shards)] += 1
        if (handle % 2 === 0) even[homeOf(handle, shards)] += 1
      }
      expect(Math.max(...all) - Math.min(...all)).toBeLessThanOrEqual(2)
      expect(Math.max(...even) / Math.min(...even)).toBeLessThan(1.2)
    }
    const homes = [1, 2, 3, 4, 5, 6, 7, 8, 1_000_000].map((handle) => homeOf(handle, 4))
    expect(homes).toEqual([1, 2, 3, 3, 0, 1, 2, 2, 0])
    expect(homeOf(77, 1)).toBe(0)
  })

  test('what is no number of workers is refused', () => {
    for (const workers of [0, -1, 1.5, Number.NaN, WORKERS_MAX + 1]) {
      expect(() => placementOn(workers)).toThrow('number of workers')
      expect(() => placementOn({ accounts: 1, symbols: workers })).toThrow('number of workers')
    }
  })
})
