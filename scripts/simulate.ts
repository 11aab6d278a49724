// Explores interleavings of sequencer and shards: short journals on tiny rings at random
// placements, in one thread, by the million. Prints the first run that differs from inline.

import { parseArgs } from 'node:util'
import { ShortRuns } from '../test/support/short-journals.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100000' },
    /** The first run's number. */
    seed: { type: 'string', default: '1' },
  },
})

process.exitCode = explore(Number(values.runs), Number(values.seed))

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
