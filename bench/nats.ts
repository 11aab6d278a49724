// Orders over NATS in, durable, reports out: with publisher, NATS server, Postgres and exchange on
// this machine, against a service that only decodes and encodes the same messages, in turn.
//
// Every order has its own reply, every account's reports come without a gap, and the journal
// replays to the exchange's state.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import pg from 'pg'
import { type EmbeddedNats, startNats } from '../src/gateway/embedded-nats.ts'
import { assert } from '../src/lib/assert.ts'
import { type EmbeddedPostgres, startEmbedded } from '../src/persistence/embedded.ts'
import { replayAll } from '../test/support/witness.ts'
import { histogramOf, PERCENTILE_COLUMNS, percentileRow, writeHgrm } from './histogram.ts'
import { KeptMessages } from './kept-messages.ts'
import {
  BATCH,
  batches,
  echoed,
  type Flow,
  Publisher,
  packr,
  type Sent,
  scene,
  singles,
} from './nats-flow.ts'
import { type Heard, Published, REPORTS_PER_COMMAND } from './nats-published.ts'
import { drawHgrm } from './plot.ts'
import { CpuClock } from './process-time.ts'
import type { BenchOptions, Demand, Report, Table } from './report.ts'
import { type Measured, rate, ratio } from './rounds.ts'

const TURNS = 5
const SECONDS = 2
/** Messages on their way: orders, and of a hundred each. */
const WINDOW = 2_048
const BATCHES_WINDOW = 64
/**
 * Few at a time and often in turn: the machine's minutes differ by more than what is compared.
 * Whole groups of four, as the flow is.
 */
const LONE = 240
const LONE_TURNS = 18
const OPEN_SECONDS = 20
/** Reports that do not come within so long do not come, in ms. */
const PATIENCE_MS = 30_000
const DOCS = join(import.meta.dirname, '../docs/benchmarks')

export async function run({ quick }: BenchOptions): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'onefill-bench-nats-'))
  const [postgres, nats] = await Promise.all([
    startEmbedded({ folder: join(folder, 'postgres') }),
    startNats({ folder: join(folder, 'nats') }),
  ])
  const bench = new Bench(postgres, nats, quick)
  try {
    await bench.start()
    return await bench.measure()
  } finally {
    await bench.end()
    await nats.stop()
    await postgres.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Numbered {
  readonly account: string
  readonly execSeq: number
}

class Bench {
  private readonly postgres: EmbeddedPostgres
  private readonly nats: EmbeddedNats
  private readonly quick: boolean
  private readonly children: ChildProcess[] = []
  private connection!: NatsConnection
  private runs = 0
  /** Messages of reports, looked at once no clock runs. */
  private readonly heard = new KeptMessages()
  private readonly newest = new Map<string, number>()
  private readonly echo = measured('echo of the same messages')
  private readonly single = measured('single orders, a reply each')
  private readonly published = measured('single orders, answered by reports')
  private readonly batched = measured(`batches of ${BATCH}, a reply each`)
  private readonly publishedBatches = measured(`batches of ${BATCH}, answered by reports`)
  private readonly echoOfBatches = measured(`echo of batches of ${BATCH}`)
  private cpu: Record<string, Record<string, number>> = {}
  private underWay: Published | undefined
  /** Reports that have come, and that must have. */
  private heardCount = 0
  private expectedCount = 0

  constructor(postgres: EmbeddedPostgres, nats: EmbeddedNats, quick: boolean) {
    this.postgres = postgres
    this.nats = nats
    this.quick = quick
  }

  async start(): Promise<void> {
    const { nats, postgres } = this
    await this.child('nats-exchange.ts', { BENCH_NATS: nats.url, BENCH_DATABASE: postgres.url })
    await this.child('nats-echo.ts', { ECHO_URL: nats.url, ECHO_CONNECTIONS: '1' })
    this.connection = await connect({ servers: nats.url })
    this.connection.subscribe('onefill.v1.exec.*', {
      callback: (_, { data }) => {
        this.heard.add(data)
        // An array of up to 65,535, as the exchange writes it.
        const count = data[1] * 256 + data[2]
        this.heardCount += count
        this.underWay?.hear(count)
      },
    })
    await this.connection.request('onefill.v1.admin.batch', JSON.stringify(scene()), {
      timeout: 30_000,
    })
    await this.allHeard(scene().filter((command) => 'account' in command).length)
    this.heard.clear()
  }

  /** Waits for the reports of what has just been sent, so that none counts for what comes next. */
  private async allHeard(more: number): Promise<void> {
    this.expectedCount += more
    const untilMs = performance.now() + PATIENCE_MS
    while (this.heardCount < this.expectedCount && performance.now() < untilMs) await delay(1)
    const { heardCount, expectedCount } = this
    assert(heardCount === expectedCount, `${heardCount} reports came, and ${expectedCount} must`)
  }

  async end(): Promise<void> {
    await this.connection?.close()
    for (const child of this.children) {
      if (child.exitCode !== null) continue
      child.kill()
      await once(child, 'exit')
    }
  }

  async measure(): Promise<Report> {
    const { single, published, batched, publishedBatches, echo, echoOfBatches } = this
    const cases = [
      { into: echo, run: () => this.echoes(echo.name, singles, 1) },
      { into: single, run: () => this.saturate(single.name, singles, 1) },
      { into: published, run: () => this.publish(published.name, singles, 1) },
      { into: batched, run: () => this.saturate(batched.name, batches, BATCH) },
      { into: publishedBatches, run: () => this.publish(publishedBatches.name, batches, BATCH) },
      { into: echoOfBatches, run: () => this.echoes(echoOfBatches.name, batches, BATCH) },
    ]
    for (let turn = 0; turn <= (this.quick ? 1 : TURNS); turn += 1) {
      // The first only warms up; nobody is always the first.
      for (const { into, run } of turn % 2 === 0 ? cases.toReversed() : cases) {
        const perSecond = await run()
        if (turn > 0) into.rates.push(perSecond)
        else this.cpu = {}
      }
    }
    const lone = await this.lone()
    const perSecond = Math.round(rate(single) / 2)
    const open = await this.open(perSecond)
    const commands = await this.proveJournal()
    return this.report({ lone, open, perSecond, commands })
  }

  private report({
    lone: { ours, floor, table },
    open,
    perSecond,
    commands,
  }: {
    lone: { ours: number; floor: number; table: Table }
    open: Table
    perSecond: number
    commands: number
  }): Report {
    const { single, published, batched, publishedBatches, echo, echoOfBatches, cpu } = this
    const ofBatches = [batched, publishedBatches]
    const rates: Table = {
      title: 'Commands a second, all processes on this machine',
      columns: ['', 'median', 'of the echo', ...echo.rates.map((_, turn) => `turn ${turn + 1}`)],
      rows: [echo, single, published, echoOfBatches, ...ofBatches].map((of) => [
        ...[
          of.name,
          Math.round(rate(of)),
          ratio(of, ofBatches.includes(of) ? echoOfBatches : echo),
        ],
        ...of.rates.map(Math.round),
      ]),
    }
    const processes = ['publisher', 'nats', 'exchange', 'postgres', 'echo']
    const times: Table = {
      title: 'Processor time a command, microseconds',
      columns: ['', ...processes, 'all'],
      rows: Object.entries(cpu).map(([name, by]) => [
        ...[name, ...processes.map((of) => by[of] / by.commands)],
        processes.reduce((sum, of) => sum + by[of], 0) / by.commands,
      ]),
    }
    const demands: Demand[] = [
      {
        what: 'single orders by reports, of the echo',
        value: ratio(published, echo),
        atLeast: 0.6,
      },
      { what: 'single orders by replies, of the echo', value: ratio(single, echo), atLeast: 0.6 },
      {
        what: 'batches of 100 by reports, of single orders',
        value: ratio(publishedBatches, published),
        atLeast: 3,
      },
      {
        what: 'batches of 100 by replies, of single ones',
        value: ratio(batched, single),
        atLeast: 3,
      },
      { what: 'a lone order, of NATS and commit', value: ours / floor, atMost: 1.5 },
    ]
    const notes = [
      `every reply was looked at, each account's reports are gapless, and the journal of ` +
        `${commands.toLocaleString('en-US')} commands replays to the exchange's state`,
      `open loop: ${perSecond.toLocaleString('en-US')} orders a second, timed from when each ` +
        'was to be sent; the sender wakes once a millisecond',
    ]
    return { name: 'nats', tables: [rates, times, table, open], demands, notes }
  }

  /** Messages a second, each with its echo; commands, that is. */
  private async echoes(name: string, flow: (run: string) => Flow, size: number): Promise<number> {
    const publisher = new Publisher(this.connection, echoed(flow(this.nextRun())))
    return (await this.measured(name, publisher, size)).perSecond
  }

  /** Commands a second, each with its reply. */
  private async saturate(name: string, flow: (run: string) => Flow, size: number): Promise<number> {
    const publisher = new Publisher(this.connection, flow(this.nextRun()))
    const { perSecond, commands } = await this.measured(name, publisher, size)
    await this.allHeard(commands * REPORTS_PER_COMMAND)
    this.checkHeard()
    return perSecond
  }

  /** Commands a second, each with its reports. */
  private async publish(name: string, flow: (run: string) => Flow, size: number): Promise<number> {
    const published = new Published(this.connection, flow(this.nextRun()), size)
    this.underWay = published
    const { perSecond, commands } = await this.measured(name, published, size)
    this.underWay = undefined
    await this.allHeard(commands * REPORTS_PER_COMMAND)
    published.check(this.reports())
    this.checkHeard()
    return perSecond
  }

  private async measured(
    name: string,
    run: Pick<Published, 'saturate'>,
    size: number,
  ): Promise<{ perSecond: number; commands: number }> {
    const clock = await this.clock()
    const seconds = this.quick ? 0.5 : SECONDS
    const before = clock.read()
    const sent = await run.saturate(seconds, size === 1 ? WINDOW : BATCHES_WINDOW)
    const after = clock.read()
    const commands = sent.messages * size
    const into = this.cpu[name] ?? { commands: 0 }
    into.commands += commands
    for (const [of, micros] of Object.entries(after)) {
      into[of] = (into[of] ?? 0) + micros - before[of]
    }
    this.cpu[name] = into
    return { perSecond: commands / sent.seconds, commands }
  }

  /** Medians, in turn: a lone order, a bare round trip, a bare commit. */
  private async lone(): Promise<{ ours: number; floor: number; table: Table }> {
    const client = new pg.Client({ connectionString: this.postgres.url })
    // Whatever breaks says so first, and not that its connection has ended.
    client.on('error', () => {})
    await client.connect()
    await client.query('CREATE TABLE bench_lone (at bigserial, body bytea)')
    const all: Record<'ours' | 'bare' | 'commit' | 'both', number[]> = {
      ...{ ours: [], bare: [], commit: [], both: [] },
    }
    const count = this.quick ? 100 : LONE
    const insert = { name: 'lone', text: 'INSERT INTO bench_lone (body) VALUES ($1)' }
    const body = Buffer.alloc(256, 1)
    for (let turn = 0; turn <= (this.quick ? 1 : LONE_TURNS); turn += 1) {
      const ours = await new Publisher(this.connection, singles(this.nextRun())).lone(count)
      await this.allHeard(count * REPORTS_PER_COMMAND)
      const bare = await new Publisher(this.connection, echoed(singles('e'))).lone(count)
      const commit: number[] = []
      const both: number[] = []
      const echo = { subject: 'bench.echo.0', bytes: packr.pack(singles('e')(0).body) }
      for (let number = 0; number < count; number += 1) {
        const startMs = performance.now()
        await client.query({ ...insert, values: [body] })
        commit.push((performance.now() - startMs) * 1e6)
      }
      // In turn each has slept while the other worked, as it has for an order.
      for (let number = 0; number < count; number += 1) {
        const startMs = performance.now()
        await this.connection.request(echo.subject, echo.bytes)
        await client.query({ ...insert, values: [body] })
        both.push((performance.now() - startMs) * 1e6)
      }
      if (turn === 0) continue
      all.ours.push(...taken(ours))
      all.bare.push(...taken(bare))
      all.commit.push(...commit)
      all.both.push(...both)
    }
    await client.end()
    this.checkHeard()
    const histogram = (nanos: number[]) => histogramOf(Float64Array.from(nanos), 0, nanos.length)
    const [ours, bare, commit, both] = [all.ours, all.bare, all.commit, all.both].map(histogram)
    const table: Table = {
      title: 'One at a time, nanoseconds',
      columns: PERCENTILE_COLUMNS,
      rows: [
        percentileRow('an order, published to durable reply', ours),
        percentileRow('a bare NATS round trip', bare),
        percentileRow('a bare commit of one row', commit),
        percentileRow('a bare round trip, and then a bare commit', both),
      ],
    }
    const floor = bare.getValueAtPercentile(50) + commit.getValueAtPercentile(50)
    return { ours: ours.getValueAtPercentile(50), floor, table }
  }

  private async open(perSecond: number): Promise<Table> {
    const seconds = this.quick ? 1 : OPEN_SECONDS
    const publisher = new Publisher(this.connection, singles(this.nextRun()))
    const { nanos, messages } = await publisher.openLoop(seconds, perSecond)
    await this.allHeard(messages * REPORTS_PER_COMMAND)
    this.checkHeard()
    const histogram = histogramOf(nanos, 0, messages)
    if (!this.quick) {
      const offered = `open loop, ${perSecond.toLocaleString('en-US')} a second`
      drawHgrm(
        writeHgrm('nats-open-loop', histogram, DOCS),
        `From when an order is due to its durable reply over NATS: ${offered}`,
      )
    }
    return {
      title: 'Open loop at half of saturation, nanoseconds from the time to send',
      columns: PERCENTILE_COLUMNS,
      rows: [percentileRow('an order to its durable reply', histogram)],
    }
  }

  /** The journal, replayed by other means, comes to the exchange's state. */
  private async proveJournal(): Promise<number> {
    const [exchange] = this.children
    exchange.send('hash')
    const [{ seq, hash }] = await once(exchange, 'message')
    const replayed = await replayAll(this.postgres.url)
    assert(replayed.seq === seq && replayed.hash === hash, 'the journal replays to the state')
    const sum = [...this.newest.values()].reduce((all, each) => all + each, 0)
    const numbered = replayed.history.length
    assert(sum > 0 && sum <= numbered, 'no more reports were heard than there are')
    return seq
  }

  /** Each account's reports came, numbered without a gap. */
  private checkHeard(): void {
    for (const { account, execSeq } of this.reports()) {
      const last = this.newest.get(account)
      assert(last === undefined || execSeq === last + 1, `the reports of ${account} have no gap`)
      this.newest.set(account, execSeq)
    }
    this.heard.clear()
  }

  private *reports(): Generator<Numbered & Heard> {
    for (const data of this.heard.all()) yield* packr.unpack(data) as (Numbered & Heard)[]
  }

  private nextRun(): string {
    this.runs += 1
    return `r${this.runs}`
  }

  private async clock(): Promise<CpuClock> {
    const [exchange, echo] = this.children
    const [nats, postgres] = [this.nats.pid, this.postgres.pid]
    assert(nats !== null && postgres !== null, 'the servers run')
    return new CpuClock({
      ...{ publisher: [process.pid], nats: [nats], exchange: [exchange.pid as number] },
      ...{ postgres: CpuClock.family(postgres), echo: [echo.pid as number] },
    })
  }

  /** `BENCH_PROFILE=1` leaves a profile of each in bench/out. */
  private async child(file: string, env: Record<string, string>): Promise<void> {
    const child = fork(join(import.meta.dirname, file), [], {
      ...{ env: { ...process.env, ONEFILL_BENCH: '', ...env } },
      execArgv:
        process.env.BENCH_PROFILE === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir=bench/out'],
    })
    this.children.push(child)
    await once(child, 'message')
  }
}

const measured = (name: string): Measured => ({ name, rates: [] })
const taken = ({ nanos, messages }: Sent) => Array.from(nanos.subarray(0, messages))
