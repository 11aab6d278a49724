// Compares engine and model on any number of random commands; a difference is shrunk and printed.

import { Command } from 'commander'
import type { Core } from '../src/actors/core.ts'
import { wholeFrom } from '../src/cli/arguments.ts'
import { Coverage } from '../test/support/coverage.ts'
import { describe, engineOn, runSeed, shrinkRun } from '../test/support/duel.ts'
import { endAll, inline, type MakeCore, simulated, threaded } from '../test/support/placements.ts'
import { Prng } from '../test/support/prng.ts'

const program = new Command('npm run fuzz --')
  .description('Engine and model on random commands; a difference is shrunk and printed.')
  .option('--commands <n>', 'in all', wholeFrom(1), 1_000_000)
  .option('--seed <n>', 'the first', wholeFrom(0), 1)
  .option('--per-seed <n>', 'commands of each seed', wholeFrom(1), 4_000)
  .option('--quiet', 'no table of what was covered', false)
  .option('--workers <n>', 'worker threads; 0 runs all in one', wholeFrom(0), 0)
  .option('--simulate', 'in one thread, the seed saying who runs next and who is where', false)
  .parse()
const { commands, seed, perSeed, quiet, workers, simulate } = program.opts<{
  commands: number
  seed: number
  perSeed: number
  quiet: boolean
  workers: number
  simulate: boolean
}>()
const cores: Core[] = []

process.exitCode = await fuzz(commands, seed, perSeed)

function makerOf(seed: number): MakeCore {
  if (simulate) return simulated(new Prng(seed), workers === 0 ? undefined : workers)
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
  if (!quiet) console.log(coverage.table())
  const seconds = (performance.now() - started) / 1000
  console.log(
    `${commands} commands, seeds ${firstSeed} to ${seed - 1}: engine and model agree ` +
      `(${seconds.toFixed(1)} s)`,
  )
  return 0
}
