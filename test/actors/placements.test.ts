// The same journals at every placement: the same answers, postings and states, to the byte.

import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { Core } from '../../src/actors/core.ts'
import { Coverage } from '../support/coverage.ts'
import * as journals from '../support/journals.ts'
import {
  endAll,
  inline,
  type MakeCore,
  nameOf,
  PLACEMENTS,
  simulated,
  threaded,
} from '../support/placements.ts'
import { Prng } from '../support/prng.ts'

const SEEDS = 200
const SEEDS_PER_TEST = 50
/** One seed in so many has thousands of commands, and rounds of up to 10,000 of them. */
const LONG_EVERY = 30
const THREAD_SEEDS = [1_001, 1_002]
/** Every command, report type and code is reached at least this often. */
const REACHED_LEAST = 5

const coverage = new Coverage()
const rounds = { count: 0, commands: 0, longest: 0, runs: 0 }
afterAll(() => {
  const { count, commands, longest, runs } = rounds
  console.log(
    `${commands} commands in ${count} rounds of up to ${longest}, ${runs} runs beside inline\n` +
      coverage.table(),
  )
})

/** A journal, what it comes to inline, and what of that is compared at other placements. */
function prepare(seed: number) {
  const isLong = seed % LONG_EVERY === 0
  const journal = journals.randomJournal(seed, isLong ? 12_000 : 300, isLong ? 10_000 : 300)
  const last = journal.rounds.length - 1
  const looks = new Set([last >> 2, last >> 1, last])
  const expected = journals.runJournal(inline, journal, looks)
  coverage.add(journals.coverageOf(journal, expected))
  rounds.count += journal.rounds.length
  for (const round of journal.rounds) {
    rounds.commands += round.length
    rounds.longest = Math.max(rounds.longest, round.length)
  }
  return { journal, looks, expected }
}
type Prepared = ReturnType<typeof prepare>

/** Round by round, changing placement on the way if told so. */
function compare(
  { journal, looks, expected }: Prepared,
  make: MakeCore,
  moves: ReadonlyMap<number, MakeCore>,
  where: string,
): void {
  const outcome = journals.runJournal(make, journal, looks, moves)
  rounds.runs += 1
  for (const [round, answers] of outcome.answers.entries()) {
    if (answers === expected.answers[round]) continue
    expect.soft(JSON.parse(answers)).toEqual(JSON.parse(expected.answers[round]))
    throw new Error(`${where}: round ${round} is answered otherwise`)
  }
  expect([where, ...outcome.hashes]).toEqual([where, ...expected.hashes])
  if (outcome.postings !== expected.postings) throw new Error(`${where}: other postings`)
}

/** With as many rounds under way as there can be. */
function comparePipelined({ journal, expected }: Prepared, make: MakeCore, where: string): void {
  const { answers, hash } = journals.runPipelined(make, journal)
  rounds.runs += 1
  if (answers !== journals.joined(expected)) throw new Error(`${where}: other answers, pipelined`)
  expect([where, hash]).toEqual([where, expected.hashes.get(journal.rounds.length - 1)])
}

describe('simulated', () => {
  for (let first = 1; first <= SEEDS; first += SEEDS_PER_TEST) {
    test(`seeds ${first} to ${first + SEEDS_PER_TEST - 1} at every placement`, () => {
      for (let seed = first; seed < first + SEEDS_PER_TEST; seed += 1) compareSimulated(seed)
    })
  }

  test('every command, report type and code is reached', () => {
    expect(coverage.missing(REACHED_LEAST)).toEqual([])
    expect(rounds.longest).toBeGreaterThan(5_000)
  })
})

function compareSimulated(seed: number): void {
  const random = new Prng(seed)
  const prepared = prepare(seed)
  for (const workers of PLACEMENTS) {
    const make = simulated(random, workers)
    const where = `seed ${seed} at ${nameOf(workers)}, simulated`
    if (random.chance(0.4)) {
      comparePipelined(prepared, make, where)
      continue
    }
    const moves = new Map<number, MakeCore>()
    // The state goes on elsewhere: at another placement, or inline, and back.
    for (let count = random.int(0, 2); count > 0; count -= 1) {
      const round = random.int(0, prepared.journal.rounds.length - 1)
      moves.set(round, random.chance(0.2) ? inline : simulated(random))
    }
    compare(prepared, make, moves, where)
  }
}

describe('on threads', () => {
  const cores: Core[] = []
  afterEach(() => endAll(cores))

  test.each(THREAD_SEEDS)('seed %i at every placement', async (seed) => {
    const prepared = prepare(seed)
    for (const [number, workers] of PLACEMENTS.entries()) {
      const where = `seed ${seed} at ${nameOf(workers)}`
      comparePipelined(prepared, threaded(workers, cores), where)
      const elsewhere = PLACEMENTS[(number + seed) % PLACEMENTS.length]
      const moves = new Map([[prepared.journal.rounds.length >> 1, threaded(elsewhere, cores)]])
      compare(prepared, threaded(workers, cores), moves, where)
      await endAll(cores)
    }
  })

  test('a long journal in rounds of up to 10,000 at every placement', async () => {
    const prepared = prepare(40 * LONG_EVERY)
    for (const workers of PLACEMENTS) {
      comparePipelined(prepared, threaded(workers, cores), `a long journal at ${nameOf(workers)}`)
      await endAll(cores)
    }
  })
})
