// Postgres under a trading exchange is killed, slow, and without space: the exchange acknowledges
// nothing meanwhile, says why, and goes on by itself.

import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { DurableExchange } from '../../src/durable.ts'
import { assert } from '../../src/lib/assert.ts'
import type { EmbeddedPostgres } from '../../src/persistence/embedded.ts'
import type { StoreProblem } from '../../src/persistence/problem.ts'
import type { Report } from '../../src/protocol/report-json.ts'
import { Load } from './load.ts'
import { Prng } from './prng.ts'
import { Consumer, Witness } from './witness.ts'

/** Commands in one turn; and when it is to be refused soon. */
const BURST = 20
const BURST_PRESSING = 3_000
const CLOSE_MS_MAX = 20_000
/** Between two reports that are on their way there is no such pause. */
const QUIET_MS = 200
/** Nothing that is waited for takes longer. */
const PATIENCE_MS = 60_000

/** An exchange under load, and what it says. */
export class Market {
  readonly exchange: DurableExchange
  readonly said: string[] = []
  /** Of the refusals, by code. */
  readonly refused: Record<string, number> = {}
  /** What was told of the journal, in order; null: it can be written. */
  readonly told: (StoreProblem | null)[] = []
  private readonly load: Load
  private readonly timer: NodeJS.Timeout
  /** Sends so much that it is refused soon, or the disk is full. */
  isPressing = false

  private constructor(exchange: DurableExchange, seed: number, market: Partial<Market>) {
    this.exchange = exchange
    Object.assign(this, market)
    this.load = new Load(new Prng(seed), String(seed))
    for (const command of Load.scene()) exchange.submit(command)
    this.timer = setInterval(() => this.submit(), 2)
  }

  static async open(url: string, seed: number): Promise<Market> {
    const said: string[] = []
    const told: (StoreProblem | null)[] = []
    const exchange = await DurableExchange.open({
      url,
      onReports: (reports: Report[]) => {
        said.push(...reports.map((report) => JSON.stringify(report)))
      },
      onJournal: (problem) => told.push(problem),
      snapshotEvery: 0,
    })
    return new Market(exchange, seed, { said, told })
  }

  /** Whether Postgres is known to be away. */
  get isAway(): boolean {
    return this.told.at(-1) !== null
  }

  /** Waits until more has been said. */
  async goesOn(): Promise<void> {
    const before = this.said.length
    await until('it goes on by itself', () => this.said.length > before)
  }

  /** Waits until what is committed has been said: rounds of many reports are on their way. */
  async isQuiet(): Promise<void> {
    for (let before = -1; this.said.length > before; ) {
      before = this.said.length
      await sleep(QUIET_MS)
    }
  }

  /** Waits until it refuses, as so much waits already. */
  async refuses(): Promise<void> {
    const before = this.refused.JOURNAL_UNAVAILABLE ?? 0
    const refused = () => this.refused.JOURNAL_UNAVAILABLE ?? 0
    this.isPressing = true
    await until('it refuses for the journal', () => refused() > before)
    this.isPressing = false
  }

  /** Ends the load, and answers what was taken in. */
  async settle(): Promise<void> {
    clearInterval(this.timer)
    await this.exchange.settled()
  }

  /** Bounded: where a check has failed, what it waits for may never come. */
  async close(): Promise<void> {
    clearInterval(this.timer)
    await Promise.race([this.exchange.close(), sleep(CLOSE_MS_MAX, undefined, { ref: false })])
  }

  private submit(): void {
    const burst = this.isPressing ? BURST_PRESSING : BURST
    for (let n = 0; n < burst; n += 1) {
      const { load } = this
      const taken = this.exchange.submit(this.isPressing ? load.cheapCommand() : load.command())
      if (typeof taken === 'number') continue
      const { code = '' } = taken
      this.refused[code] = (this.refused[code] ?? 0) + 1
      return
    }
  }
}

export async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!holds()) {
    assert(performance.now() < deadline, what)
    await sleep(2)
  }
}

export interface OutageTally {
  outages: number
  acknowledged: number
  refused: number
}

/** Each report of the journal was said once, and nothing else. */
export async function checkAll(url: string, said: readonly string[]): Promise<void> {
  const witness = await Witness.open(url)
  try {
    await witness.advance()
    const consumer = new Consumer(witness)
    consumer.hear(said)
    assert(consumer.heard === witness.history.length, 'each report of the journal was said')
  } finally {
    await witness.close()
  }
}

/**
 * Kills Postgres and starts it again, `outages` times, every third time only when commands are
 * refused already. Throws where a report comes between a death that was noticed and the start, or
 * the exchange does not go on.
 */
export async function killPostgres(
  postgres: EmbeddedPostgres,
  url: string,
  outages: number,
  seed: number,
): Promise<OutageTally> {
  const random = new Prng(seed)
  const market = await Market.open(url, seed)
  try {
    for (let outage = 0; outage < outages; outage += 1) {
      await market.goesOn()
      await sleep(random.int(0, 150))
      await postgres.kill()
      await until('its death is noticed', () => market.isAway)
      await market.isQuiet()
      const before = market.said.length
      if (outage % 3 === 0) await market.refuses()
      else await sleep(random.int(0, 300))
      assert(market.said.length === before, 'nothing is acknowledged while Postgres is away')
      await postgres.start()
      await market.goesOn()
    }
    await market.settle()
    await checkAll(url, market.said)
  } finally {
    await market.close()
  }
  const { said, refused } = market
  return { outages, acknowledged: said.length, refused: refused.JOURNAL_UNAVAILABLE ?? 0 }
}

/** Postgres answers no append for a while: its process for them is stopped, and goes on. */
export async function slowPostgres(url: string, times: number, seed: number): Promise<OutageTally> {
  const market = await Market.open(url, seed)
  try {
    for (let time = 0; time < times; time += 1) {
      await market.goesOn()
      const pid = await writerPid(url)
      process.kill(pid, 'SIGSTOP')
      try {
        await market.isQuiet()
        const before = market.said.length
        await market.refuses()
        assert(market.said.length === before, 'nothing is acknowledged while it is not answered')
      } finally {
        process.kill(pid, 'SIGCONT')
      }
      await market.goesOn()
    }
    await market.settle()
    await checkAll(url, market.said)
  } finally {
    await market.close()
  }
  const { said, refused } = market
  return { outages: times, acknowledged: said.length, refused: refused.JOURNAL_UNAVAILABLE ?? 0 }
}

/** The server's process that has the connection for appends. */
async function writerPid(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query(`SELECT pid FROM pg_stat_activity
      WHERE application_name = 'onefill writer' AND datname = current_database()`)
    return rows[0].pid
  } finally {
    await client.end()
  }
}

/**
 * Kills the process that takes a snapshot beside the market, `times` times; the market goes on and
 * the next snapshot is taken. How many were killed before they were done.
 */
export async function killSnapshots(url: string, times: number, seed: number): Promise<number> {
  const random = new Prng(seed)
  const market = await Market.open(url, seed)
  let killed = 0
  try {
    for (let time = 0; time < times; time += 1) {
      await market.goesOn()
      const taken = market.exchange.snapshot().then(
        () => true,
        (error) => {
          assert(String(error).includes('SIGKILL'), String(error))
          return false
        },
      )
      await until('the process is there', () => besidePid() !== undefined)
      await sleep(random.int(0, 400))
      const pid = besidePid()
      // It may be done by now.
      if (pid !== undefined) process.kill(pid, 'SIGKILL')
      if (!(await taken)) killed += 1
      await market.goesOn()
    }
    await market.settle()
    let next: unknown
    // The server needs a moment to notice that the last one has gone.
    while (next === undefined) next = await market.exchange.snapshot()
    await checkAll(url, market.said)
  } finally {
    await market.close()
  }
  return killed
}

/** Of this process's children, the one that takes a snapshot. */
function besidePid(): number | undefined {
  const list = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
  const isIt = ([, parent, ...args]: string[]) =>
    Number(parent) === process.pid && args.some((arg) => arg.endsWith('beside-process.ts'))
  const found = list
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find(isIt)
  return found && Number(found[0])
}
