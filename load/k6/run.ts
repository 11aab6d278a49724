// `npm run load:k6 [-- SCRIPT] [options]`: a k6 script against an exchange of its own, over HTTP. A
// threshold that does not hold ends it with exit code 1.

import { Command, InvalidArgumentError } from 'commander'
import { type Demand, passes, render } from '../../bench/report.ts'
import { Crowd } from '../nats/crowd.ts'
import { openOwnTarget } from '../target.ts'
import { findK6 } from './binary.ts'
import { costTables } from './cost.ts'
import { startK6 } from './k6.ts'
import { runRounds, tellRounds } from './rounds.ts'
import { SCRIPTS } from './scripts.ts'

const whole = (text: string): number => {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number >= 0) return number
  throw new InvalidArgumentError('It is a whole number.')
}

/** Scripts that have turns by a timetable. */
const PACED = ['steady', 'spike', 'soak', 'clients']
const program = new Command('npm run load:k6 --')
  .description('Runs a k6 script against an exchange of its own. docs/load.md has them all.')
  .argument('[script]', Object.keys(SCRIPTS).join(', '), 'thousand-buys')
  .option('--rounds <n>', 'thousand-buys: how often, each with an account of its own', whole)
  .option('--kills <n>', 'thousand-buys: rounds in which the exchange is killed', whole)
  .option('--rate <n>', `${PACED.join(', ')}: turns a second, an order and its cancel each`, whole)
  .option('--seconds <n>', `${PACED.join(', ')}: how long`, whole)
  .option('--clients <n>', 'clients: how many', whole, 1_000)
  .parse()
type Options = Partial<Record<'rounds' | 'kills' | 'rate' | 'seconds', number>> & {
  readonly clients: number
}
const [script] = program.processedArgs as [string]
const { rounds, kills = 0, ...rest } = program.opts<Options>()
if (!Object.hasOwn(SCRIPTS, script)) program.error(`no script is called ${script}; see --help`)
const isRush = script === 'thousand-buys'
if (kills > (rounds ?? 1)) program.error('--kills: no more than there are rounds')
if (!isRush && (rounds !== undefined || kills > 0)) program.error('rounds are of thousand-buys')
const isPaced = PACED.includes(script)
if (!isPaced && (rest.rate ?? rest.seconds) !== undefined) program.error(`${script} has no rate`)

// Before anything is started: it may not be there, or has to be built.
findK6()
const target = await openOwnTarget(['--http-server-timing'])
const crowd = await Crowd.open(target.natsUrl, 1)
try {
  if (isRush && (rounds !== undefined || kills > 0)) await runMany(rounds ?? 1)
  else await runOne()
} catch (error) {
  console.error(`load:k6: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
} finally {
  await crowd.close()
  await target.close()
}

async function runMany(rounds: number): Promise<void> {
  const options = { rounds, kills }
  const result = await runRounds(target, crowd, options)
  for (const line of tellRounds(options, result)) console.log(line)
}

/** One run, with k6's own summary. */
async function runOne(): Promise<void> {
  const RUN = `k6-${process.pid}`
  const prepared = await SCRIPTS[script](target, crowd, RUN)
  const given = Object.entries(rest).map(([name, value]) => [name.toUpperCase(), String(value)])
  const variables = { ...Object.fromEntries(given), BASE_URL: target.httpUrl, RUN, ...prepared }
  const watch = watchProcess()
  const run = await startK6(script, variables, { isShown: true, others: target.cpuClock() })
  const outcome = await run.ended
  const { openMost, notes: seen } = watch()
  const notes = ['from the first user to the last; "in the exchange" is its header Server-Timing']
  const { clients } = rest
  const demands: Demand[] =
    script === 'clients' && openMost !== undefined
      ? // No more of them: k6 counts those opened.
        [{ what: 'connections open at once', value: openMost, atLeast: clients }]
      : []
  const tables = costTables(outcome)
  console.log(render({ name: `load:k6 ${script}`, tables, demands, notes: [...notes, ...seen] }))
  if (outcome.code !== 0 || !demands.every(passes)) process.exitCode = 1
}

/** What was seen of the exchange meanwhile; nothing but on Linux. */
interface Seen {
  /** Files and sockets open at once beyond those before, at most: connections over HTTP. */
  readonly openMost?: number
  readonly notes: readonly string[]
}

/** Watches the exchange; the function ends it and tells what was seen. */
function watchProcess(): () => Seen {
  if (process.platform !== 'linux') return () => ({ notes: [] })
  const [before, openBefore] = [target.rssBytes(), target.openFiles()]
  let openMost = 0
  const timer = setInterval(() => {
    openMost = Math.max(openMost, target.openFiles() - openBefore)
  }, 250)
  return () => {
    clearInterval(timer)
    const memory = [before, target.rssBytes()].map((bytes) => `${Math.round(bytes / 2 ** 20)} MiB`)
    const notes = [
      `memory of the exchange before and after: ${memory.join(', ')}`,
      `connections open at once, at most: ${openMost}`,
    ]
    return { openMost, notes }
  }
}
