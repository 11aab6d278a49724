// What durability costs: throughput with the journal against without, against a database that
// commits order by order, and one lone command's acknowledgement against a bare commit.
//
// Every durable run must leave a journal that replays to the same state hash.

import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import pg from 'pg'
import type { Core } from '../src/actors/core.ts'
import { JournaledCore } from '../src/actors/journaled-core.ts'
import { DurableExchange } from '../src/durable.ts'
import { Engine } from '../src/engine/engine.ts'
import { writeState } from '../src/engine/state.ts'
import { createExchange } from '../src/index.ts'
import { assert } from '../src/lib/assert.ts'
import { Prng } from '../src/lib/prng.ts'
import { type EmbeddedPostgres, startEmbedded } from '../src/persistence/embedded.ts'
import { followRows, GENESIS, type RowEnd, readRounds } from '../src/persistence/row.ts'
import { openStore } from '../src/persistence/store.ts'
import { StoreJournal } from '../src/persistence/store-journal.ts'
import { CommandLog } from '../src/protocol/command-log.ts'
import { type EngineFlow, fundedEngine, loadRound, recordFlow, SMALL } from './engine-flow.ts'
import { histogramOf, PERCENTILE_COLUMNS, percentileRow } from './histogram.ts'
import type { BenchOptions, Report } from './report.ts'
import { type Measured, rate, ratio } from './rounds.ts'

/** Commands in a round: what gathers under full load. */
const ROUND = 4_000
const COMMANDS = 1_500_000
const WARM = 400_000
const TURNS = 5
const ORDERS = 600_000
const INSERTS = 4_000
const INSERTING = 16
const LONE = 3_000

export async function run({ quick }: BenchOptions): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'onefill-bench-durability-'))
  const postgres = await startEmbedded({ folder })
  const bench = new Bench(postgres, quick ? 20 : 1)
  try {
    for (let number = 0; number <= (quick ? 1 : TURNS); number += 1) {
      // The first only warms up.
      await bench.round(number > 0, number % 2 === 0)
    }
    return bench.report(await bench.lone())
  } finally {
    await postgres.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

const named = (name: string): Measured => ({ name, rates: [] })

class Bench {
  private readonly postgres: EmbeddedPostgres
  private readonly shrink: number
  private readonly flow: EngineFlow
  private readonly start: Uint8Array[]
  private databases = 0
  private hash = ''
  private readonly plain = named('binary commands, no journal')
  private readonly journaled = named('binary commands, journal')
  private readonly objects = named('JSON orders, no journal')
  private readonly durable = named('JSON orders, journal')
  private readonly one = named('an INSERT and COMMIT for each order, one connection')
  private readonly many = named(`an INSERT and COMMIT for each order, ${INSERTING} connections`)

  constructor(postgres: EmbeddedPostgres, shrink: number) {
    this.postgres = postgres
    this.shrink = shrink
    this.flow = recordFlow({ ...SMALL, commands: COMMANDS / shrink })
    const funded = fundedEngine(this.flow.options)
    this.start = Array.from(writeState(funded), (section) => section.slice())
  }

  /** Each case once. */
  async round(counts: boolean, isReversed: boolean): Promise<void> {
    const cases = [
      { into: this.plain, run: () => this.runPlain() },
      { into: this.journaled, run: () => this.runJournaled() },
      { into: this.objects, run: () => this.runObjects() },
      { into: this.durable, run: () => this.runDurable() },
      { into: this.one, run: () => this.runInserts(1) },
      { into: this.many, run: () => this.runInserts(INSERTING) },
    ]
    for (const { into, run } of isReversed ? cases.toReversed() : cases) {
      const perSecond = await run()
      if (counts) into.rates.push(perSecond)
    }
  }

  private async database(): Promise<string> {
    this.databases += 1
    const name = `bench_${this.databases}`
    const client = new pg.Client({ connectionString: this.postgres.url })
    await client.connect()
    await client.query(`CREATE DATABASE ${name}`)
    await client.end()
    const url = new URL(this.postgres.url)
    url.pathname = `/${name}`
    return url.href
  }

  private funded(): Engine {
    const [market, ...rest] = this.start
    const engine = new Engine({ ordersInitial: SMALL.resting })
    const loader = engine.load(market)
    for (const section of rest) loader.add(section)
    loader.end()
    return engine
  }

  /** The flow's state at the end, the same in every run. */
  private check(core: Core): void {
    const hash = createHash('sha256')
    for (const section of core.sections()) hash.update(section)
    const found = hash.digest('hex')
    if (this.hash === '') this.hash = found
    assert(found === this.hash, 'every run ends in the same state')
  }

  private get timedFrom(): number {
    return Math.ceil((this.flow.filling + WARM / this.shrink) / ROUND) * ROUND
  }

  private async runPlain(): Promise<number> {
    const { flow, timedFrom } = this
    const core = this.funded()
    const log = new CommandLog(ROUND)
    const go = (from: number, to: number) => {
      for (let at = from; at < to; at += ROUND) {
        loadRound(flow, at, Math.min(at + ROUND, to), log)
        core.start(log)
        core.take()
      }
    }
    go(0, timedFrom)
    const startMs = performance.now()
    go(timedFrom, flow.count)
    const perSecond = (flow.count - timedFrom) / ((performance.now() - startMs) / 1_000)
    this.check(core)
    return perSecond
  }

  private async runJournaled(): Promise<number> {
    const { flow, timedFrom } = this
    const url = await this.database()
    const store = await openStore(url)
    const term = await store.takeLease('bench')
    const inner = this.funded()
    const end: RowEnd = { ...GENESIS, lastSeq: inner.seq }
    let wake = () => {}
    const journal = new StoreJournal(store, {
      ...{ end, term, nowMs: Date.now },
      onDurable: () => wake(),
      onBroken: (error) => {
        throw error
      },
    })
    const core = new JournaledCore(inner, journal, () => {
      throw new Error('nobody waits')
    })
    const log = new CommandLog(ROUND)
    const go = async (from: number, to: number) => {
      for (let at = from; at < to; ) {
        if (core.canStart) {
          loadRound(flow, at, Math.min(at + ROUND, to), log)
          core.start(log)
          at += ROUND
          await turn()
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
        while (core.take(false) !== undefined) {}
      }
      while (core.seq - inner.seq < 0 || core.taken < Math.ceil(to / ROUND)) {
        await turn()
        while (core.take(false) !== undefined) {}
      }
    }
    await go(0, timedFrom)
    const startMs = performance.now()
    await go(timedFrom, flow.count)
    const perSecond = (flow.count - timedFrom) / ((performance.now() - startMs) / 1_000)
    this.check(inner)
    const replayed = this.funded()
    for await (const row of followRows(store.readRows(1), end)) {
      for (const { commands } of readRounds(row)) replayed.round(commands)
    }
    this.check(replayed)
    await store.close()
    return perSecond
  }

  /** New orders that trade or rest, over some accounts; as a publisher would send them. */
  private *orders(count: number): Generator<object> {
    const random = new Prng(7)
    for (let number = 0; number < count; number += 1) {
      yield {
        ...{ cmd: 'new', account: `a${random.int(100)}`, clOrdId: `o-${number}`, symbol: 'X' },
        ...{ side: random.int(2) === 0 ? 'buy' : 'sell', ordType: 'limit' },
        ...{ price: `1.${10 + random.int(10)}`, orderQty: String(1 + random.int(9)) },
      }
    }
  }

  private *scene(): Generator<object> {
    yield { cmd: 'asset', asset: 'USD', decimals: 2 }
    yield { cmd: 'asset', asset: 'X', decimals: 0 }
    const units = { base: 'X', quote: 'USD', tickSize: '0.01', lotSize: '1' }
    yield { cmd: 'instrument', symbol: 'X', ...units }
    for (let number = 0; number < 100; number += 1) {
      const account = `a${number}`
      yield { cmd: 'account', account }
      const deposit = { cmd: 'deposit', account, amount: '1000000000' }
      yield { ...deposit, asset: 'USD', transferId: 'u' }
      yield { ...deposit, asset: 'X', transferId: 'x' }
    }
  }

  private objectHash = ''
  private checkObjects(hash: string): void {
    if (this.objectHash === '') this.objectHash = hash
    assert(this.objectHash === hash, 'the orders give the same state')
  }

  private async runObjects(): Promise<number> {
    const exchange = createExchange()
    exchange.execute([...this.scene()])
    const count = ORDERS / this.shrink
    const orders = [...this.orders(count)]
    let reports = 0
    const startMs = performance.now()
    for (let at = 0; at < count; at += ROUND) {
      for (let of = at; of < Math.min(at + ROUND, count); of += 1) exchange.submit(orders[of])
      reports += exchange.run().length
      await turn()
    }
    const perSecond = count / ((performance.now() - startMs) / 1_000)
    assert(reports >= count, 'every order is answered')
    this.checkObjects(exchange.stateHash())
    return perSecond
  }

  private async runDurable(): Promise<number> {
    const url = await this.database()
    let reports = 0
    const exchange = await DurableExchange.open({
      url,
      onReports: (some) => {
        reports += some.length
      },
    })
    for (const command of this.scene()) exchange.submit(command)
    await exchange.settled()
    reports = 0
    const count = ORDERS / this.shrink
    const orders = [...this.orders(count)]
    const startMs = performance.now()
    for (let at = 0; at < count; ) {
      for (let of = 0; of < ROUND && at < count; of += 1, at += 1) {
        // Refused for now: as much waits as may.
        if (typeof exchange.submit(orders[at]) !== 'number') break
      }
      await turn()
    }
    await exchange.settled()
    const perSecond = count / ((performance.now() - startMs) / 1_000)
    assert(reports >= count, 'every order is answered')
    this.checkObjects((await exchange.stateHash()).hash)
    await exchange.close()
    const again = await DurableExchange.open({ url, onReports: () => {} })
    this.checkObjects(String(again.recovery.hash))
    await again.close()
    return perSecond
  }

  /** What a table of orders does that is written order by order. */
  private async runInserts(connections: number): Promise<number> {
    const url = await this.database()
    const clients = Array.from(
      { length: connections },
      () => new pg.Client({ connectionString: url }),
    )
    await Promise.all(clients.map((client) => client.connect()))
    await clients[0].query(`CREATE TABLE orders (id bigint PRIMARY KEY, account text, symbol text,
      side text, price numeric, qty numeric)`)
    const orders = [...this.orders(INSERTS / this.shrink)] as Record<string, string>[]
    let next = 0
    const startMs = performance.now()
    await Promise.all(
      clients.map(async (client) => {
        while (next < orders.length) {
          const id = next
          next += 1
          const { account, symbol, side, price, orderQty } = orders[id]
          await client.query({
            name: 'insert',
            text: 'INSERT INTO orders VALUES ($1, $2, $3, $4, $5, $6)',
            values: [id, account, symbol, side, price, orderQty],
          })
        }
      }),
    )
    const perSecond = orders.length / ((performance.now() - startMs) / 1_000)
    const { rows } = await clients[0].query('SELECT count(*)::int AS count FROM orders')
    assert(rows[0].count === orders.length, 'every order is in the table')
    for (const client of clients) await client.end()
    return perSecond
  }

  /** One command at a time, to its report; and a commit of as many bytes, in turns. */
  async lone() {
    const url = await this.database()
    let told = () => {}
    const exchange = await DurableExchange.open({ url, onReports: () => told() })
    for (const command of this.scene()) exchange.submit(command)
    await exchange.settled()
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query('CREATE TABLE bare (id bigint PRIMARY KEY, payload bytea NOT NULL)')
    const text = 'INSERT INTO bare VALUES ($1, $2)'
    const count = LONE / this.shrink
    const [bare, ours] = [new Float64Array(count), new Float64Array(count)]
    let number = 0
    for (const order of this.orders(count)) {
      let from = performance.now()
      await new Promise<void>((resolve) => {
        told = resolve
        exchange.submit(order)
      })
      ours[number] = (performance.now() - from) * 1e6
      // The bytes of that order's row, and its other columns.
      from = performance.now()
      await client.query({ name: 'bare', text, values: [number, Buffer.alloc(140, number)] })
      bare[number] = (performance.now() - from) * 1e6
      number += 1
    }
    await client.end()
    await exchange.close()
    const from = Math.floor(count / 5)
    return { ours: histogramOf(ours, from, count), bare: histogramOf(bare, from, count) }
  }

  report({ ours, bare }: Awaited<ReturnType<Bench['lone']>>): Report {
    const { plain, journaled, objects, durable, one, many } = this
    const rows = [plain, journaled, objects, durable, one, many].map((of) => [
      of.name,
      Math.round(rate(of)),
    ])
    const p50 = ours.getValueAtPercentile(50) / bare.getValueAtPercentile(50)
    return {
      name: 'durability',
      tables: [
        { title: 'Commands a second, one thread', columns: ['', 'per second'], rows },
        {
          title: 'One lone order, submitted to reported',
          columns: PERCENTILE_COLUMNS,
          rows: [percentileRow('Onefill', ours), percentileRow('a bare commit', bare)],
        },
      ],
      demands: [
        { what: 'orders: journal / none', value: ratio(durable, objects), atLeast: 0.8 },
        { what: 'orders / an INSERT and COMMIT for each', value: ratio(durable, one), atLeast: 50 },
        { what: 'lone order p50 / bare commit', value: p50, atMost: 1.5 },
      ],
      notes: ['every durable run was replayed from its journal to the same state hash'],
    }
  }
}
