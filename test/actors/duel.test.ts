// The core's fuzz and scenario suites over workers: the same duel with the model, the same stories.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, test } from 'vitest'
import type { Core } from '../../src/actors/core.ts'
import { compareStory, readStories } from '../scenarios/story.ts'
import { engineOn, runSeed, describe as say, shrinkRun } from '../support/duel.ts'
import {
  endAll,
  type MakeCore,
  nameOf,
  PLACEMENTS,
  simulated,
  threaded,
} from '../support/placements.ts'
import { Prng } from '../support/prng.ts'

const FIRST_SEED = 20_000
const SEEDS = 80
const COMMANDS_PER_SEED = 800
const THREAD_COMMANDS_PER_SEED = 600
/** Of the stories' files, one in so many has its first told over threads as well. */
const THREAD_FILES_EVERY = 3

const cores: Core[] = []
afterEach(() => endAll(cores))

function duel(make: MakeCore, seed: number, commands: number, isShrunk: boolean): void {
  const engine = engineOn(make)
  const run = runSeed(engine, seed, commands)
  if (run.difference === null) return
  if (!isShrunk) throw new Error(say(run, run.difference))
  const { rounds, difference } = shrinkRun(engine, run)
  const lines = rounds.map((round) => round.map((line) => JSON.stringify(line)).join('\n'))
  throw new Error(`${say(run, difference)}\nrounds:\n${lines.join('\n\n')}`)
}

test(`the duel with the model: ${SEEDS} simulated interleavings`, () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed += 1) {
    duel(simulated(new Prng(seed)), seed, COMMANDS_PER_SEED, true)
  }
})

test.each(PLACEMENTS.map((workers, at) => [nameOf(workers), workers, at] as const))(
  'the duel with the model: %s',
  (_, workers, at) => {
    duel(threaded(workers, cores), FIRST_SEED + SEEDS + at, THREAD_COMMANDS_PER_SEED, false)
  },
)

describe('stories', () => {
  const directory = join(import.meta.dirname, '..', 'scenarios')
  const files = readdirSync(directory).filter((name) => name.endsWith('.txt'))
  const storiesOf = (name: string) => readStories(readFileSync(join(directory, name), 'utf8'))

  test.each(files.map((name, at) => [name, at] as const))('%s, simulated', (name, at) => {
    const random = new Prng(at)
    for (const story of storiesOf(name)) {
      compareStory(story, `test/scenarios/${name}`, simulated(random))
    }
  })

  const some = files.filter((_, at) => at % THREAD_FILES_EVERY === 0)
  test.each(some)('the first of %s, over two threads', (name) => {
    compareStory(storiesOf(name)[0], `test/scenarios/${name}`, threaded(2, cores))
  })
})
