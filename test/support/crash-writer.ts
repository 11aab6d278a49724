// A process that trades on a durable exchange, or stands by to, until it is killed. It writes each
// report, once it has it, as a line on its standard output: what it has said there, it must never
// take back. What else it says are lines without an `execId`.

import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { DurableExchange, type DurableOptions, Standby, takeSnapshot } from '../../src/durable.ts'
import { openStore } from '../../src/persistence/store.ts'
import type { Report } from '../../src/protocol/report-json.ts'
import { type KillPoint, putKillPoints } from './kill-points.ts'
import { Load } from './load.ts'
import { Prng } from './prng.ts'

/** What a writer is told, as JSON in its first argument. */
export interface WriterTask {
  readonly url: string
  readonly workers: number
  readonly seed: number
  readonly role: 'leader' | 'standby'
  /** What it does to itself, and where. */
  readonly kill?: KillPoint
  /** Reports go out, and are certain, only after so many ms, in order; 0: at once. */
  readonly publishMs: number
  /** Between two snapshots, in ms; 0: none. */
  readonly snapshotMs: number
  /** Whether a snapshot is taken in this process, where its kill points are, or beside it. */
  readonly snapshotHere: boolean
  /** How many snapshots are kept. */
  readonly snapshots: number
  /** How long rows are kept that no snapshot needs. */
  readonly journalMs: number
  /** Commands at a time, at most. */
  readonly burst: number
}

/** Submitted and not answered. */
const WAITING_MAX = 2_000

const task: WriterTask = JSON.parse(process.argv[2])
const retention = { snapshots: task.snapshots, journalMs: task.journalMs }
const reach = putKillPoints(task.kill)
let answered = 0

const say = (...lines: object[]) =>
  writeSync(1, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))

let last: Promise<unknown> = Promise.resolve()
async function publishLate(reports: Report[]): Promise<void> {
  const before = last
  const certain = sleep(task.publishMs).then(async () => {
    await before
    publish(reports)
  })
  last = certain
  await certain
}

function publish(reports: Report[]): void {
  answered = Math.max(answered, reports.at(-1)?.seq ?? 0)
  reach('before report')
  // At once and whole: a line that is out was acknowledged.
  say(...reports)
  reach('after report')
}

const options: DurableOptions = {
  url: task.url,
  workers: task.workers,
  onReports: (reports) => (task.publishMs > 0 ? publishLate(reports) : publish(reports)),
  onBroken: (error) => {
    const code = error instanceof Error && 'code' in error ? error.code : String(error)
    say({ broken: code })
    process.exit(3)
  },
  retention,
  snapshotEvery: 0,
  // A writer whose only rival was killed does not wait for long.
  ...(task.role === 'leader' && { silenceMs: 300 }),
}

const exchange = await start()
say({ recovered: exchange.recovery })
await exchange.settled()
say({ isWhole: exchange.recovery.seq })
if (task.snapshotMs > 0) void takeSnapshots()
await trade()

async function start(): Promise<DurableExchange> {
  if (task.role === 'leader') return DurableExchange.open(options)
  const standby = await Standby.open(options)
  say({ follows: standby.seq })
  return standby.leading
}

async function trade(): Promise<never> {
  const random = new Prng(task.seed)
  const load = new Load(random, String(task.seed))
  if (exchange.seq === 0) for (const command of Load.scene()) exchange.submit(command)
  for (;;) {
    for (
      let n = random.int(1, task.burst);
      n > 0 && exchange.seq - answered < WAITING_MAX;
      n -= 1
    ) {
      exchange.submit(load.command())
    }
    await sleep(1)
  }
}

async function takeSnapshots(): Promise<never> {
  const store = await openStore(task.url)
  for (;;) {
    await sleep(task.snapshotMs)
    if (task.snapshotHere) await takeSnapshot(store, { retention })
    else await exchange.snapshot()
  }
}
