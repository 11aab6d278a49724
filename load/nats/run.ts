// `npm run load:nats -- SCENARIO [options]`: load over NATS from many connections, against the
// exchange at NATS_URL or one of its own. What does not hold ends it with exit code 1.

import { Command } from 'commander'
import { PERCENTILE_COLUMNS, percentileRow, writeHgrm } from '../../bench/histogram.ts'
import { render } from '../../bench/report.ts'
import { median } from '../../bench/rounds.ts'
import { openTarget, type Target } from '../target.ts'
import { Crowd } from './crowd.ts'
import { type LoopResult, openLoop, prepare, spike, steady } from './open-loop.ts'
import { thousandBuys } from './thousand-buys.ts'

const whole = (text: string): number => {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 0) program.error(`${text} is not a whole number`)
  return number
}
const program = new Command('npm run load:nats --').description(
  'Load over NATS, against the exchange at NATS_URL or one of its own.',
)

program
  .command('thousand-buys')
  .description('1,000 buys at once against money for one: exactly one success, each round')
  .option('--rounds <n>', 'how often', whole, 20)
  .option('--kills <n>', 'rounds in which the exchange is killed (not with NATS_URL)', whole, 0)
  .option('--connections <n>', 'over so many', whole, 16)
  .action(({ rounds, kills, connections }) =>
    against(connections, async (crowd, target) => {
      const onRound = (round: number) => {
        if (round % 100 === 0) console.error(`round ${round} of ${rounds}`)
      }
      const result = await thousandBuys(crowd, target, { rounds, kills, onRound })
      const { wallMs, repeated, latency } = result
      const wall = wallMs.length === 0 ? '' : `, median ${median(wallMs).toFixed(1)} ms`
      console.log(`${rounds} rounds of 1,000 buys, ${kills} with a kill: one success in each`)
      console.log(`asked again: ${repeated}; until the last answer${wall}`)
      // With a kill in each there is none to time.
      if (latency.totalCount === 0) return
      console.log(`histogram: ${writeHgrm('load-nats-thousand-buys', latency)}`)
    }),
  )

const loop = (name: string, what: string, seconds: number, timetable: typeof spike) =>
  program
    .command(name)
    .description(what)
    .option('--rate <n>', 'orders a second', whole, 5_000)
    .option('--seconds <n>', 'how long', whole, seconds)
    .option('--connections <n>', 'over so many: 1, 2, 4, 8, 16 or 32', whole, 16)
    .action((options) =>
      against(options.connections, async (crowd) => {
        await prepare(crowd)
        const of = timetable(options.rate, options.seconds)
        report(name, await openLoop(crowd, options.seconds, of))
      }),
    )

loop('steady', 'a mixed flow at one rate, open loop', 20, steady)
loop('spike', 'ten times the rate in the middle third', 15, spike)
loop('soak', 'the mixed flow for long', 600, steady)

await program.parseAsync()

async function against(
  connections: number,
  work: (crowd: Crowd, target: Target) => Promise<void>,
): Promise<void> {
  const target = await openTarget()
  try {
    const crowd = await Crowd.open(target.natsUrl, connections)
    try {
      await work(crowd, target)
    } finally {
      await crowd.close()
    }
  } catch (error) {
    console.error(`load:nats: ${error instanceof Error ? error.message : error}`)
    process.exitCode = 1
  } finally {
    await target.close()
  }
}

function report(name: string, { sent, right, refused, latency, openMost }: LoopResult): void {
  const orders = sent.toLocaleString('en-US')
  const title = `${orders} orders, ns from the time to send to the durable answer`
  const rows = [percentileRow(name, latency)]
  const others = [...refused].map(([code, count]) => `${code} ${count}`).join(', ') || 'none'
  console.log(
    render({
      name: `load:nats ${name}`,
      tables: [{ title, columns: PERCENTILE_COLUMNS, rows }],
      demands: [
        { what: 'orders answered as they must be, of all', value: right / sent, atLeast: 1 },
      ],
      notes: [
        `other answers: ${others}; at most ${openMost} waited at once`,
        `histogram: ${writeHgrm(`load-nats-${name}`, latency)}`,
      ],
    }),
  )
  if (right < sent) process.exitCode = 1
}
