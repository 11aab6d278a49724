// Compares engine and model on any number of random commands; a difference is shrunk and printed.

import { parseArgs } from 'node:util'
import { createExchange, restoreExchange } from '../src/index.ts'
import { Coverage } from '../test/support/coverage.ts'
import { describe, type Engine, runSeed, shrinkRun } from '../test/support/duel.ts'

const { values } = parseArgs({
  options: {
    commands: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    'per-seed': { type: 'string', default: '4000' },
    quiet: { type: 'boolean', default: false },
  },
})

const engine: Engine = {
  create: (options) => createExchange(options),
  restore: (bytes, options) => restoreExchange(bytes, options),
}

process.exitCode = fuzz(Number(values.commands), Number(values.seed), Number(values['per-seed']))

function fuzz(commandsTotal: number, firstSeed: number, perSeed: number): number {
  const coverage = new Coverage()
  const started = performance.now()
  let commands = 0
  let seed = firstSeed
  for (; commands < commandsTotal; seed++) {
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
