// Engine and model, a million random commands: every report, every answer, every state hash.

import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { createExchange, restoreExchange } from '../src/index.ts'
import { Coverage } from './support/coverage.ts'
import { type Engine, replay, runSeed, describe as say, shrinkRun } from './support/duel.ts'
import { shortRun } from './support/short-runs.ts'

const COMMANDS_TOTAL = 1_000_000
const COMMANDS_PER_SEED = 4_000
const SEEDS_PER_TEST = 25
/** Every command, report type and code is reached at least this often. */
const REACHED_LEAST = 100

const engine: Engine = {
  create: (options) => createExchange(options),
  restore: (bytes, options) => restoreExchange(bytes, options),
}

describe('random commands', () => {
  const coverage = new Coverage()
  let commands = 0
  const seeds = Math.ceil(COMMANDS_TOTAL / COMMANDS_PER_SEED)

  for (let first = 1; first <= seeds; first += SEEDS_PER_TEST) {
    test(`seeds ${first} to ${first + SEEDS_PER_TEST - 1}`, () => {
      for (let seed = first; seed < first + SEEDS_PER_TEST; seed++) {
        const run = runSeed(engine, seed, COMMANDS_PER_SEED)
        if (run.difference !== null) {
          const { rounds, difference } = shrinkRun(engine, run)
          const lines = rounds.map((round) => round.map((line) => JSON.stringify(line)).join('\n'))
          throw new Error(`${say(run, difference)}\nrounds:\n${lines.join('\n\n')}`)
        }
        coverage.add(run.coverage)
        commands += run.commands
      }
    })
  }

  test('reach every command, report type and code', () => {
    console.log(`${commands} random commands\n${coverage.table()}`)
    expect(commands).toBeGreaterThanOrEqual(COMMANDS_TOTAL)
    expect(coverage.missing(REACHED_LEAST)).toEqual([])
  })

  test('give the same state hash when a seed runs twice', () => {
    for (const seed of [3, 4, 5]) {
      const [first, second] = [runSeed(engine, seed, 2000), runSeed(engine, seed, 2000)]
      expect(second.stateHash).toBe(first.stateHash)
    }
  })
})

test('one definition more than there is room for is refused', () => {
  const exchange = createExchange()
  let last: object = {}
  for (let number = 0; !('code' in last) && number < 100_000; number++) {
    ;[last] = exchange.execute([{ cmd: 'asset', asset: `a${number}`, decimals: 0 }])
  }
  expect(last).toMatchObject({ execType: 'rejected', code: 'LIMIT_REACHED', field: 'asset' })
})

describe('short lists of commands', () => {
  let runs = 0
  afterAll(() => console.log(`${runs} short lists`))

  test('give what the model gives', () => {
    const checks = {
      submissionsRemembered: 20,
      answersEvery: 1,
      restoreEvery: 3,
      postings: false,
    }
    const property = fc.property(shortRun(), (rounds) => {
      runs++
      const difference = replay(engine, rounds, checks)
      if (difference !== null) throw new Error(JSON.stringify(difference))
    })
    fc.assert(property, { numRuns: 2000, seed: 20260102 })
  })
})
