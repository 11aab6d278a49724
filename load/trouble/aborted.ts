// k6 is aborted half-way, by Ctrl+C and by kill -9: what it was told is in the journal, what it was
// not told may be, once; its connections are gone, and memory does not grow with each.

import { setTimeout as delay } from 'node:timers/promises'
import type { Report } from '../../bench/report.ts'
import { assert } from '../../src/lib/assert.ts'
import { HttpTraders } from '../../test/support/http-traders.ts'
import { type K6Outcome, startK6, type Variables } from '../k6/k6.ts'
import { noteLines } from '../k6/rounds.ts'
import { SCRIPTS } from '../k6/scripts.ts'
import { Crowd } from '../nats/crowd.ts'
import type { HttpTarget } from '../target.ts'
import { openMarket, until } from './market.ts'

export interface AbortedOptions {
  /** How often each script is aborted by each signal. */
  readonly times: number
}

const SIGNALS = ['SIGINT', 'SIGKILL'] as const
/** An abort comes at any time until so long after the begin, in ms. */
const ABORT_MS_MAX: Readonly<Record<string, number>> = { 'thousand-buys': 300, steady: 2_000 }
const BUYERS = 1_000
/** By so much memory may differ between the first abort and the last: garbage that waits. */
const GROWTH_BYTES_MAX = 96 * 2 ** 20

interface Aborted {
  readonly script: string
  readonly signal: string
  readonly afterMs: number
  readonly told: number
  readonly rssBytes: number
}

/** Runs it; throws where it does not hold. */
export async function k6Aborted({ times }: AbortedOptions): Promise<Report> {
  const target = await openMarket([])
  const crowd = await Crowd.open(target.natsUrl, 1)
  const traders = new HttpTraders(target.httpUrl)
  try {
    const open = target.openFiles()
    const aborted: Aborted[] = []
    const unfinished: Variables[] = []
    for (let time = 0; time < times; time += 1) {
      for (const script of Object.keys(ABORT_MS_MAX)) {
        for (const signal of SIGNALS) {
          const RUN = `k6-${process.pid}-${aborted.length}`
          const prepared = { ...(await SCRIPTS[script](target, crowd, RUN)), RUN }
          const afterMs = Math.random() * ABORT_MS_MAX[script]
          const { lines } = await abort(target, script, prepared, signal, afterMs)
          noteLines(traders.acknowledged, lines)
          if (script === 'thousand-buys') unfinished.push(prepared)
          // What it had asked is carried out, and no connection of its is left.
          await until('its connections are gone', () => target.openFiles() <= open)
          const told = lines.length
          aborted.push({ script, signal, afterMs, told, rssBytes: target.rssBytes() })
        }
      }
    }
    const half = await traders.acknowledged.audit(target.databaseUrl)
    for (const each of unfinished) await finish(traders, each)
    const whole = await traders.acknowledged.audit(target.databaseUrl)
    return reportOf(aborted, [
      `when k6 was gone: ${half.accepted} orders accepted as told, ${half.untold} untold`,
      `each thousand finished by another client, by the same ids: one success in each`,
      `in the journal: ${whole.accepted + whole.untold} orders, each once; money conserved`,
    ])
  } finally {
    traders.close()
    await crowd.close()
    await target.close()
  }
}

async function abort(
  target: HttpTarget,
  script: string,
  prepared: Variables,
  signal: NodeJS.Signals,
  afterMs: number,
): Promise<K6Outcome> {
  const { httpUrl: BASE_URL } = target
  const run = await startK6(script, { ...prepared, BASE_URL, ACKS: '1' })
  await run.begun
  await delay(afterMs)
  run.child.kill(signal)
  const outcome = await run.ended
  assert(outcome.code !== 0, `${script} was over before it was aborted`)
  return outcome
}

/** The buys of an aborted thousand, by their ids: what k6 has sent is answered as it was. */
async function finish(traders: HttpTraders, prepared: Variables): Promise<void> {
  const { TOKEN: token, ACCOUNT: account, SYMBOL: symbol, RUN, PRICE: price } = prepared
  const answers = await Promise.all(
    Array.from({ length: BUYERS }, (_, n) =>
      traders.submit({ account, token, symbol }, `${RUN}-${n + 1}`, { price }),
    ),
  )
  const accepted = answers.filter(({ status }) => status === 201).length
  assert(accepted === 1, `${account}: exactly one is accepted, not ${accepted}`)
  const codes = answers.map(({ text }) => JSON.parse(text).code)
  const lack = codes.filter((code) => code === 'INSUFFICIENT_FUNDS').length
  assert(lack === BUYERS - 1, `${account}: the rest lack money, not ${lack}`)
}

function reportOf(aborted: readonly Aborted[], notes: readonly string[]): Report {
  const rows = aborted.map(({ script, signal, afterMs, told, rssBytes }) => [
    ...[script, signal, `${afterMs.toFixed(0)} ms`, told, (rssBytes / 2 ** 20).toFixed(0)],
  ])
  const [first, last] = [aborted[0].rssBytes, aborted[aborted.length - 1].rssBytes]
  const columns = ['script', 'signal', 'after', 'answers k6 has noted', 'memory then, MiB']
  return {
    name: 'load:trouble aborted',
    tables: [{ title: 'k6 aborted', columns, rows }],
    demands: [
      {
        what: 'memory, last abort less the first, MiB',
        ...{ value: (last - first) / 2 ** 20, atMost: GROWTH_BYTES_MAX / 2 ** 20 },
      },
    ],
    notes,
  }
}
