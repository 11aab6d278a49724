// The whole exchange over worker threads, without I/O: throughput at 0 to 4 workers, what each
// worker uses of a processor, and one lone command in to out.
//
// Every run starts from the same funded state, takes the same rounds and must end in the same state
// hash as the engine in one thread.

import { createHash } from 'node:crypto'
import type { Usage } from '../src/actors/control.ts'
import type { Core } from '../src/actors/core.ts'
import type { Workers } from '../src/actors/placement.ts'
import { startThreads } from '../src/actors/threads.ts'
import { Engine } from '../src/engine/engine.ts'
import { writeState } from '../src/engine/state.ts'
import { assert } from '../src/lib/assert.ts'
import { CommandLog } from '../src/protocol/command-log.ts'
import { type EngineFlow, fundedEngine, loadRound, recordFlow, SMALL } from './engine-flow.ts'
import { histogramOf, PERCENTILE_COLUMNS, percentileRow, writeHgrm } from './histogram.ts'
import type { BenchOptions, Report } from './report.ts'
import { type Measured, median, rate, ratio } from './rounds.ts'

/** Commands in a round: what gathers under full load while the rounds before are under way. */
const ROUND = 4_000
const COMMANDS = 2_200_000
/** More than are remembered; and four workers each learn from a quarter only. */
const WARM = 1_200_000
const TURNS = 5
const LONE_COMMANDS = 20_000

interface Case {
  readonly name: string
  readonly workers: Workers
}

const CASES: readonly Case[] = [
  { name: 'inline', workers: 0 },
  { name: '1 worker', workers: 1 },
  { name: '2 workers', workers: 2 },
  { name: '3 workers', workers: 3 },
  { name: '4 workers', workers: 4 },
  { name: '1 for accounts, 1 for symbols', workers: { accounts: 1, symbols: 1 } },
]

/** What the runs of a case came to. */
interface Found extends Measured {
  /** By turn: processor time of the busiest worker, and of all threads, ns a command. */
  readonly busiest: number[]
  readonly all: number[]
  /** By turn: the share of the time that the workers slept. */
  readonly asleep: number[]
}

export async function run({ quick }: BenchOptions): Promise<Report> {
  const shrink = quick ? 10 : 1
  const flow = recordFlow({ ...SMALL, commands: COMMANDS / shrink })
  const start = fundedState(flow)
  const found = CASES.map(
    ({ name }): Found => ({ name, rates: [], busiest: [], all: [], asleep: [] }),
  )
  let hash = ''
  for (let turn = 0; turn <= (quick ? 1 : TURNS); turn += 1) {
    for (let of = 0; of < CASES.length; of += 1) {
      const at = (of + turn) % CASES.length
      const core = startCore(CASES[at].workers, start)
      const result = timed(core, flow, WARM / shrink, turn === 0 ? undefined : found[at])
      await core.close?.()
      if (hash === '') hash = result
      assert(result === hash, `${CASES[at].name} ends in the same state`)
    }
  }
  const [inline, one, two, , four] = found
  const lone = await loneCommands(start, quick)
  return {
    name: 'workers',
    tables: [
      {
        title:
          `The mix in rounds of ${ROUND}: ${SMALL.accounts} accounts, ${SMALL.symbols} symbols; ` +
          'processor time in ns a command',
        columns: ['', 'M commands/s', 'busiest worker', 'all threads', 'asleep %'],
        rows: found.map((of) => [
          of.name,
          rate(of) / 1e6,
          Math.round(median(of.busiest)),
          Math.round(median(of.all)),
          Math.round(median(of.asleep) * 100),
        ]),
      },
      {
        title: 'One lone command, in to out, while the workers sleep',
        columns: PERCENTILE_COLUMNS,
        rows: lone.rows,
      },
    ],
    demands: [
      { what: 'one worker / inline', value: ratio(one, inline), atLeast: 0.6 },
      { what: 'two workers / one', value: ratio(two, one), atLeast: 0.9 },
      {
        what: 'processor time a command: busiest of four workers / the only one',
        value: median(four.busiest.map((ns, turn) => ns / one.busiest[turn])),
        atMost: 0.35,
      },
      { what: 'lone command over one worker, p50 in us', value: lone.p50Us, atMost: 200 },
    ],
    notes: [
      'every run ends in the same state hash',
      'a worker sleeps when it has nothing to do: at a phase end, or because no round is there',
      ...lone.paths.map((path) => `written: ${path}`),
    ],
  }
}

/** A state with money in all accounts, as sections. */
function fundedState(flow: EngineFlow): Uint8Array[] {
  return Array.from(writeState(fundedEngine(flow.options)), (section) => section.slice())
}

function startCore(
  workers: Workers,
  [market, ...rest]: Uint8Array[],
): Core & { usage?(): Usage[] } {
  const options = { ordersInitial: SMALL.resting }
  const core: Core = workers === 0 ? new Engine(options) : startThreads(workers, options)
  const loader = core.load(market)
  for (const section of rest) loader.add(section)
  loader.end()
  return core
}

/** Runs the flow; notes the time of what is behind `warm`. Returns the state hash at the end. */
function timed(
  core: Core & { usage?(): Usage[] },
  flow: EngineFlow,
  warm: number,
  into?: Found,
): string {
  const log = new CommandLog(ROUND)
  const go = (from: number, to: number) => {
    for (let at = from; at < to; at += ROUND) {
      loadRound(flow, at, Math.min(at + ROUND, to), log)
      if (!core.canStart) core.take(true)
      core.start(log)
    }
    while (core.take(true) !== undefined) {}
  }
  const from = Math.ceil((flow.filling + warm) / ROUND) * ROUND
  go(0, from)
  const usedBefore = core.usage?.() ?? []
  const cpuBefore = process.cpuUsage()
  const startMs = performance.now()
  go(from, flow.count)
  const ms = performance.now() - startMs
  const { user, system } = process.cpuUsage(cpuBefore)
  const used = core.usage?.() ?? []
  const count = flow.count - from
  const cpuMs = used.map((of, worker) => of.cpuMs - usedBefore[worker].cpuMs)
  const asleepMs = used.map((of, worker) => of.asleepMs - usedBefore[worker].asleepMs)
  const allNs = ((user + system) * 1e3) / count
  into?.rates.push(count / (ms / 1_000))
  into?.all.push(allNs)
  into?.busiest.push(used.length === 0 ? allNs : (Math.max(...cpuMs) * 1e6) / count)
  const workers = Math.max(1, used.length)
  into?.asleep.push(asleepMs.reduce((sum, of) => sum + of, 0) / workers / ms)
  const hash = createHash('sha256')
  for (const section of core.sections()) hash.update(section)
  return hash.digest('hex')
}

/** A round of one command at a time, each started when the one before is out. */
async function loneCommands(start: Uint8Array[], quick: boolean) {
  const count = quick ? LONE_COMMANDS / 10 : LONE_COMMANDS
  const flow = recordFlow({ ...SMALL, commands: count })
  const rows: (string | number)[][] = []
  const paths: string[] = []
  let p50Us = 0
  for (const { name, workers } of CASES) {
    const core = startCore(workers, start)
    const log = new CommandLog(1)
    const nanos = new Float64Array(count)
    const first = flow.count - count
    for (let at = 0; at < flow.count; at += 1) {
      loadRound(flow, at, at + 1, log)
      const startMs = performance.now()
      core.start(log)
      const round = core.take(true)
      if (at >= first) nanos[at - first] = (performance.now() - startMs) * 1e6
      assert(round !== undefined && round.reports.count > 0, 'a command is answered')
    }
    await core.close?.()
    const histogram = histogramOf(nanos, 0, count)
    rows.push(percentileRow(name, histogram))
    paths.push(writeHgrm(`lone-${name}`, histogram))
    if (workers === 1) p50Us = histogram.getValueAtPercentile(50) / 1_000
  }
  return { rows, paths, p50Us }
}
