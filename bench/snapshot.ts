// Orders while a snapshot of a million resting orders is taken, against quiet: open loop, latency
// from the moment each order was due.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DurableExchange } from '../src/durable.ts'
import { assert } from '../src/lib/assert.ts'
import { startEmbedded } from '../src/persistence/embedded.ts'
import { GENESIS } from '../src/persistence/row.ts'
import { histogramOf, PERCENTILE_COLUMNS, percentileRow, writeHgrm } from './histogram.ts'
import { JournalFlow } from './journal-flow.ts'
import type { BenchOptions, Report } from './report.ts'

const RESTING = 1_000_000
const PER_SECOND = 2_000
const QUIET_MS = 20_000
const WARM_MS = 5_000

export async function run({ quick }: BenchOptions): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'onefill-bench-snapshot-'))
  const postgres = await startEmbedded({ folder })
  try {
    const resting = quick ? RESTING / 20 : RESTING
    await fill(postgres.url, resting)
    const load = new Load()
    const exchange = await DurableExchange.open({
      url: postgres.url,
      snapshotEvery: 0,
      onReports: (reports) => {
        for (const { clOrdId } of reports) load.answered(clOrdId)
      },
    })
    await load.begin(exchange)
    await load.run(exchange, sleep(WARM_MS))
    const quiet = await load.run(exchange, sleep(quick ? 2_000 : QUIET_MS))
    // Twice: the first begins with the journal, the second behind the first.
    const startMs = performance.now()
    const taken: unknown[] = []
    const during = await load.run(
      exchange,
      (async () => {
        for (let number = 0; number < 2; number += 1) taken.push(await exchange.snapshot())
      })(),
    )
    const seconds = (performance.now() - startMs) / 1_000
    assert(
      taken.every((each) => each !== undefined),
      'snapshots were taken',
    )
    const { hash } = await exchange.stateHash()
    await exchange.close()
    const again = await DurableExchange.open({ url: postgres.url, onReports: () => {} })
    assert(again.recovery.hash === hash, 'the snapshot is of that state')
    assert(again.recovery.snapshotSeq > 0, 'and it was used')
    await again.close()
    return report(quiet, during, seconds, resting)
  } finally {
    await postgres.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function fill(url: string, resting: number): Promise<void> {
  const options = { accounts: resting / 10, symbols: 1_000, resting, round: 500, seed: 1 }
  await new JournalFlow(GENESIS, options).run(url, 1)
}

/** Orders that are due at fixed times, whether or not those before were answered. */
class Load {
  private number = 0
  private readonly dueMs = new Map<string, number>()
  private nanos: number[] = []

  /** Accounts and an instrument of its own. */
  async begin(exchange: DurableExchange): Promise<void> {
    const commands = [
      { cmd: 'asset', asset: 'Z', decimals: 0 },
      { cmd: 'instrument', symbol: 'Z', base: 'Z', quote: 'USD', tickSize: '0.01', lotSize: '1' },
      ...['y', 'z'].flatMap((account) => [
        { cmd: 'account', account },
        { cmd: 'deposit', account, asset: 'USD', amount: '1000000', transferId: 'usd' },
        { cmd: 'deposit', account, asset: 'Z', amount: '1000000000', transferId: 'z' },
      ]),
    ]
    for (const command of commands) assert(typeof exchange.submit(command) === 'number', 'taken')
    await exchange.settled()
  }

  /** Sends until `over`; the latencies of what was due by then. */
  async run(exchange: DurableExchange, over: Promise<unknown>) {
    let isOver = false
    const end = over.finally(() => {
      isOver = true
    })
    this.nanos = []
    for (let due = performance.now(); !isOver; ) {
      while (due <= performance.now()) {
        this.send(exchange, due)
        due += 1_000 / PER_SECOND
      }
      await sleep(Math.max(0, due - performance.now()))
    }
    await end
    await exchange.settled()
    const nanos = Float64Array.from(this.nanos)
    return histogramOf(nanos, 0, nanos.length)
  }

  answered(clOrdId: string | undefined): void {
    const dueMs = this.dueMs.get(clOrdId ?? '')
    if (dueMs === undefined) return
    this.dueMs.delete(clOrdId ?? '')
    this.nanos.push((performance.now() - dueMs) * 1e6)
  }

  private send(exchange: DurableExchange, due: number): void {
    this.number += 1
    const isBuy = this.number % 2 === 0
    const clOrdId = `l-${this.number}`
    this.dueMs.set(clOrdId, due)
    const taken = exchange.submit({
      ...{ cmd: 'new', account: isBuy ? 'y' : 'z', clOrdId, symbol: 'Z', ordType: 'limit' },
      ...{ side: isBuy ? 'buy' : 'sell', price: '0.01', orderQty: '1' },
    })
    assert(typeof taken === 'number', 'every order is taken in')
  }
}

function report(
  quiet: Awaited<ReturnType<Load['run']>>,
  during: Awaited<ReturnType<Load['run']>>,
  seconds: number,
  resting: number,
): Report {
  const what = `${PER_SECOND} orders a second, ${resting.toLocaleString('en')} resting`
  return {
    name: 'snapshot',
    tables: [
      {
        title: `${what}: an order, due to reported`,
        columns: PERCENTILE_COLUMNS,
        rows: [percentileRow('quiet', quiet), percentileRow('during snapshots', during)],
      },
    ],
    demands: [
      {
        what: 'p99.9 during snapshots / quiet',
        value: during.getValueAtPercentile(99.9) / quiet.getValueAtPercentile(99.9),
        atMost: 3,
      },
    ],
    notes: [
      `two snapshots one behind the other took ${seconds.toFixed(1)} s, by a process of low priority`,
      'the market waits for nothing: the process has a copy of the state of its own',
      `written: ${writeHgrm('snapshot-quiet', quiet)}, ${writeHgrm('snapshot-during', during)}`,
    ],
  }
}
