// Compares engine and model on any number of random commands; a difference is shrunk and printed.

import { parseArgs } from 'node:util'
import type { Core } from '../src/actors/core.ts'
import { Coverage } from '../test/support/coverage.ts'
import { describe, engineOn, runSeed, shrinkRun } from '../test/support/duel.ts'
import { endAll, inline, type MakeCore, simulated, threaded } from '../test/support/placements.ts'
import { Prng } from '../test/support/prng.ts'

const { values } = parseArgs({
  options: {
    commands: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    'per-seed': { type: 'string', default: '4000' },
    quiet: { type: 'boolean', default: false },
    /** Worker threads; 0 runs all in this one. */
    workers: { type: 'string', default: '0' },
    /** In one thread, the seed saying who runs next, at a placement of its own choice. */
    simulate: { type: 'boolean', default: false },
  },
})

const workers = Number(values.workers)
const cores: Core[] = []

process.exitCode = await fuzz(
  Number(values.commands),
  Number(values.seed),
  Number(values['per-seed']),
)

function makerOf(seed: number): MakeCore {
  if (values.simulate) return simulated(new Prng(seed), workers === 0 ? undefined : workers)
  return workers === 0 ? inline : threaded(workers, cores)
}

async function fuzz(commandsTotal: number, firstSeed: number, perSeed: number): Promise<number> {
  const coverage = new Coverage()
  const started = performance.now()
  let commands = 0
  let seed = firstSeed
  for (; commands < commandsTotal; seed++) {
    const engine = engineOn(makerOf(seed))
    const run = runSeed(engine, seed, Math.min(perSeed, commandsTotal))
    if (run.difference !== null) {
      console.error(describe(run, run.difference))
      console.error(`options ${JSON.stringify(run.checks)}`)
      console.error('shrinking ...')
      const { rounds, difference } = shrinkRun(engine, run)
      console.error(describe(run, difference))
      // A blank line between rounds.
      console.log(
        rounds.map((round) => round.map((c) => JSON.stringify(c)).join('\n')).join('\n\n'),
      )
      return 1
    }
    await endAll(cores)
    coverage.add(run.coverage)
    commands += run.commands
  }
  if (!values.quiet) console.log(coverage.table())
  const seconds = (performance.now() - started) / 1000
  console.log(
    `${commands} commands, seeds ${firstSeed} to ${seed - 1}: engine and model agree ` +
      `(${seconds.toFixed(1)} s)`,
  )
  return 0
}
