// Under attack: one account sends a hundred times what it may, the others go on as before. Quiet
// and attacked phases in turn, so that what else the machine does meets both alike.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Histogram } from 'hdr-histogram-js'
import { build } from 'hdr-histogram-js'
import { CpuClock } from '../../bench/process-time.ts'
import type { Report } from '../../bench/report.ts'
import { median } from '../../bench/rounds.ts'
import { assert } from '../../src/lib/assert.ts'
import { HttpTraders, orderOf } from '../../test/support/http-traders.ts'
import { Crowd } from '../nats/crowd.ts'
import { prepare } from '../nats/open-loop.ts'
import { paced } from '../pace.ts'
import { type HttpTarget, openOwnTarget } from '../target.ts'
import { NUMBER, type Order, type Tally } from './attacker-words.ts'
import { tradersOf } from './market.ts'

export interface AttackOptions {
  /** Orders, and apart from them requests, that an account may send in a second. */
  readonly accountRate: number
  /** Times its rate that the attacker sends. */
  readonly times: number
  /** Orders a second of all others together, each with its cancel. */
  readonly rate: number
  /** Quiet and attacked phases, so many each, of so many seconds. */
  readonly phases: number
  readonly seconds: number
  readonly connections: number
}

/** The others' p99 may be so many times that of the quiet phases. */
const P99_TIMES_MAX = 2
/** Traders besides the attacker. */
const OTHERS = 20
const ATTACKER = 'trader-62'
/** Of each phase, so much is not counted: the attack begins and ends, connections open. */
const SETTLE_MS = 500

interface Phase {
  readonly isAttacked: boolean
  /** Milliseconds from when an order of the others was due to its answer. */
  readonly latency: Histogram
  readonly tally: Tally | undefined
  readonly cpuMicros: Readonly<Record<string, number>>
}

/** Measures; throws where an order of the others is not answered as it must be. */
export async function attackOverHttp(options: AttackOptions): Promise<Report> {
  const target = await openOwnTarget(['--http-account-rate', String(options.accountRate)])
  try {
    const crowd = await Crowd.open(target.natsUrl, 1)
    await prepare(crowd)
    await crowd.close()
    return await measure(target, options)
  } finally {
    await target.close()
  }
}

async function measure(target: HttpTarget, options: AttackOptions): Promise<Report> {
  const traders = new HttpTraders(target.httpUrl)
  const others = await tradersOf(target, OTHERS)
  const attacker = fork(join(import.meta.dirname, 'attacker.ts'), { stdio: 'inherit' })
  const tell = (order: Order) => attacker.send(order)
  try {
    tell({ do: 'aim', ...(await aimAt(target)), size: options.connections })
    const clock = target.cpuClock()
    const own = new CpuClock({ attacker: [attacker.pid as number], 'the others': [process.pid] })
    const phases: Phase[] = []
    let sent = 0
    // One phase before all, that only warms up.
    for (let phase = -1; phase < options.phases * 2; phase += 1) {
      const isAttacked = phase % 2 !== 0
      if (isAttacked) tell({ do: 'attack', rate: options.accountRate * options.times })
      await delay(SETTLE_MS)
      const before = { ...clock.read(), ...own.read() }
      const latency = build({ numberOfSignificantValueDigits: 3 })
      await paced(options.rate, options.seconds, async (_, dueMs) => {
        sent += 1
        const trader = others[sent % OTHERS]
        const clOrdId = `a-${process.pid}-${sent}`
        const { status, text } = await traders.submit(trader, clOrdId)
        latency.recordValue(Math.max(1, Math.round((performance.now() - dueMs) * 1_000)))
        assert(status === 201, `an order of the others: ${status} ${text}`)
        await traders.cancel(trader, clOrdId)
      })
      const after = { ...clock.read(), ...own.read() }
      const cpuMicros = Object.fromEntries(
        Object.entries(after).map(([name, micros]) => [name, micros - before[name]]),
      )
      let tally: Tally | undefined
      if (isAttacked) {
        tell({ do: 'rest' })
        ;[tally] = (await once(attacker, 'message')) as [Tally]
      }
      if (phase >= 0) phases.push({ isAttacked, latency, tally, cpuMicros })
    }
    const refused = traders.countOf(429) + traders.countOf(503) + traders.countOf(0)
    assert(refused === 0, `${refused} requests of the others were refused or not answered`)
    const audit = await traders.acknowledged.audit(target.databaseUrl)
    return reportOf(options, phases, `${audit.accepted} orders of the others, all in the journal`)
  } finally {
    attacker.disconnect()
    traders.close()
  }
}

/** Where to, and an order of the attacker's, as bytes on the wire. */
async function aimAt(target: HttpTarget): Promise<{ port: number; request: string }> {
  const [{ account, token, symbol }] = await tradersOf(target, 1, ATTACKER)
  assert(account === ATTACKER, 'the attacker is an account like others')
  const body = JSON.stringify(orderOf(`x-${process.pid}-${NUMBER}`, symbol))
  const { host, port } = new URL(target.httpUrl)
  const lines = [
    ...['POST /v1/orders HTTP/1.1', `host: ${host}`, `authorization: Bearer ${token}`],
    ...['content-type: application/json', `content-length: ${body.length}`, '', body],
  ]
  return { port: Number(port), request: lines.join('\r\n') }
}

function reportOf(options: AttackOptions, phases: readonly Phase[], audited: string): Report {
  const p99Of = ({ latency }: Phase) => latency.getValueAtPercentile(99) / 1_000
  const ratios = Array.from({ length: options.phases }, (_, n) => {
    const [quiet, attacked] = [phases[n * 2], phases[n * 2 + 1]]
    return p99Of(attacked) / p99Of(quiet)
  })
  const rows = [false, true].map((isAttacked) => {
    const of = phases.filter((phase) => phase.isAttacked === isAttacked)
    const at = (percentile: number) =>
      median(of.map(({ latency }) => latency.getValueAtPercentile(percentile) / 1_000)).toFixed(1)
    return [isAttacked ? 'attacked' : 'quiet', at(50), at(95), at(99), at(100)]
  })
  const cpuRows = Object.keys(phases[0].cpuMicros).map((name) => {
    const share = (isAttacked: boolean) => {
      const of = phases.filter((phase) => phase.isAttacked === isAttacked)
      const seconds = options.seconds
      return median(of.map(({ cpuMicros }) => cpuMicros[name] / (seconds * 1e4))).toFixed(0)
    }
    return [name, `${share(false)} %`, `${share(true)} %`]
  })
  const tallies = phases.flatMap(({ tally }) => (tally === undefined ? [] : [tally]))
  const sum = (of: (tally: Tally) => number) => tallies.reduce((all, each) => all + of(each), 0)
  const statuses = Object.entries(
    tallies.reduce<Record<string, number>>((all, each) => {
      for (const [status, count] of Object.entries(each.statuses)) {
        all[status] = (all[status] ?? 0) + count
      }
      return all
    }, {}),
  )
  const said = statuses.map(([status, count]) => `${status} ${count}`).join(', ')
  return {
    name: 'load:trouble attack',
    tables: [
      {
        title: "ms from an other account's due order to its durable answer, medians of phases",
        ...{ columns: ['phase', 'p50', 'p95', 'p99', 'max'], rows },
      },
      { title: 'of one core', columns: ['process', 'quiet', 'attacked'], rows: cpuRows },
    ],
    demands: [
      {
        what: "the others' p99, attacked / quiet, median of the pairs",
        ...{ value: median(ratios), atMost: P99_TIMES_MAX },
      },
    ],
    notes: [
      `attack: ${options.accountRate * options.times}/s where ${options.accountRate}/s are allowed`,
      `attacker: ${sum(({ due }) => due)} due, answered ${said}; ` +
        `${sum(({ heldBack }) => heldBack)} found no free connection, ` +
        `${sum(({ cutOff }) => cutOff)} connections cut off`,
      `pairs: ${ratios.map((each) => each.toFixed(2)).join(', ')}`,
      audited,
    ],
  }
}
