// Ten million commands in steady state: how often the garbage collector runs, and what grows.

import { PerformanceObserver } from 'node:perf_hooks'
import { memoryUsage } from 'node:process'
import { LiveFlow } from './live-flow.ts'
import type { BenchOptions, Report } from './report.ts'

const ROUNDS = 10_000
const ROUNDS_QUICK = 500
const OF = {
  accounts: 1_000,
  symbols: 16,
  resting: 16_000,
  round: 1_000,
  seed: 1,
  commandsMax: 14_000_000,
}
/** Collections that are a handful, over ten million commands. */
const COLLECTIONS_MAX = 10
const GROWTH_MAX_BYTES = 4 * 2 ** 20

export async function run({ quick }: BenchOptions): Promise<Report> {
  const flow = new LiveFlow(OF)
  // Pools reach their size, code is compiled.
  for (let round = 0; round < (quick ? 300 : 2_500); round += 1) flow.round()
  let collections = 0
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length
  })
  observer.observe({ entryTypes: ['gc'] })
  await seen()
  collections = 0
  const before = memoryUsage()
  const rounds = quick ? ROUNDS_QUICK : ROUNDS
  for (let round = 0; round < rounds; round += 1) flow.round()
  const after = memoryUsage()
  await seen()
  observer.disconnect()
  const buffers = after.arrayBuffers - before.arrayBuffers
  const commands = rounds * OF.round
  return {
    name: 'garbage',
    tables: [
      {
        title: `Over ${commands.toLocaleString('en-US')} commands`,
        columns: ['', 'before', 'after'],
        rows: [
          ['heap used, MB', before.heapUsed / 2 ** 20, after.heapUsed / 2 ** 20],
          ['array buffers, MB', before.arrayBuffers / 2 ** 20, after.arrayBuffers / 2 ** 20],
          ['resident, MB', before.rss / 2 ** 20, after.rss / 2 ** 20],
        ],
      },
    ],
    demands: [
      { what: 'collections', value: collections, atMost: COLLECTIONS_MAX },
      { what: 'growth of array buffers, bytes', value: buffers, atMost: GROWTH_MAX_BYTES },
    ],
    notes: [`${flow.open} orders rest at the end; drawing the commands is included`],
  }
}

/** Lets the observer deliver what it has. */
const seen = (): Promise<void> =>
  new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
