// `npm run load:in-process -- --rounds 10000`: a thousand buys at once against money for one, by
// function calls to the durable exchange in this process. Exactly one success, each round.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { build } from 'hdr-histogram-js'
import { writeHgrm } from '../bench/histogram.ts'
import { median } from '../bench/rounds.ts'
import { InProcessWay } from '../experiments/locks/in-process.ts'
import { rush } from '../experiments/locks/measure.ts'
import { wholeFrom } from '../src/cli/arguments.ts'
import { startEmbedded } from '../src/persistence/embedded.ts'

const BUYERS = 1_000

const program = new Command('npm run load:in-process --')
  .description('1,000 buys at once against money for one, in one process: one success, each round')
  .option('--rounds <n>', 'how often', wholeFrom(1), 1_000)
  .parse()
const { rounds } = program.opts<{ rounds: number }>()

const folder = mkdtempSync(join(tmpdir(), 'onefill-load-'))
const postgres = await startEmbedded({ folder })
try {
  const way = await InProcessWay.open(postgres.url)
  const wallMs: number[] = []
  const latency = build({ numberOfSignificantValueDigits: 3 })
  for (let round = 1; round <= rounds; round += 1) {
    const { accepted, wrong, ms, nanos } = await rush(way, undefined, BUYERS, 1)
    if (accepted !== 1 || wrong !== 0) {
      throw new Error(`round ${round}: ${accepted} accepted, ${wrong} wrong`)
    }
    wallMs.push(ms)
    for (const each of nanos) latency.recordValue(Math.round(each))
    if (round % 1_000 === 0) console.error(`round ${round} of ${rounds}`)
  }
  await way.close()
  console.log(`${rounds} rounds of ${BUYERS} buys: one success in each`)
  console.log(`until the last answer, median ${median(wallMs).toFixed(1)} ms`)
  console.log(`histogram: ${writeHgrm('load-in-process', latency)}`)
} finally {
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
}
