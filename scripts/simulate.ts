// Explores interleavings of sequencer and shards: short journals on tiny rings at random
// placements, in one thread, by the million. Prints the first run that differs from inline.

import { Command } from 'commander'
import { wholeFrom } from '../src/cli/arguments.ts'
import { ShortRuns } from '../test/support/short-journals.ts'

const program = new Command('npm run simulate --')
  .description('Short journals over many placements and interleavings, in one thread.')
  .option('--runs <n>', 'how many', wholeFrom(1), 100_000)
  .option('--seed <n>', "the first run's number", wholeFrom(0), 1)
  .parse()
const { runs, seed } = program.opts<{ runs: number; seed: number }>()

process.exitCode = explore(runs, seed)

function explore(runs: number, first: number): number {
  const started = performance.now()
  const shortRuns = new ShortRuns()
  for (let number = first; number < first + runs; number += 1) {
    const wrong = shortRuns.run(number)
    if (wrong === undefined) continue
    console.error(`${wrong}\nagain: npm run simulate -- --runs 1 --seed ${number}`)
    return 1
  }
  const seconds = (performance.now() - started) / 1_000
  console.log(`${runs} runs from ${first}: as inline (${seconds.toFixed(1)} s)`)
  return 0
}
