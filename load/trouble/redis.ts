// Redis killed and started again under orders over HTTP: none is lost or doubled, the limits go on
// in the process, and readiness says so.

import type { Report } from '../../bench/report.ts'
import { assert } from '../../src/lib/assert.ts'
import { HttpTraders } from '../../test/support/http-traders.ts'
import { RedisServer } from '../../test/support/redis-server.ts'
import { paced } from '../pace.ts'
import {
  ATTACKER,
  assertAnswers,
  becomes,
  OTHERS,
  openMarket,
  statusOf,
  tradersOf,
} from './market.ts'

export interface RedisOptions {
  /** Orders a second of all traders, each with its cancel. */
  readonly rate: number
  /** Requests a second that an account may send; one more account sends three times as many. */
  readonly accountRate: number
  /** Of each of the three parts: with Redis, without, with it again. */
  readonly seconds: number
}

/** What an account that asks too much may get, times its rate: windows that begin anew. */
const TIMES_MAX = 2

/** Runs it; throws where it does not hold. */
export async function redisKilled(options: RedisOptions): Promise<Report> {
  const { rate, accountRate, seconds } = options
  const redis = await RedisServer.start()
  const flags = ['--redis', redis.url, '--http-account-rate', String(accountRate)]
  const target = await openMarket(flags)
  const [traders, greedy] = [new HttpTraders(target.httpUrl), new HttpTraders(target.httpUrl)]
  try {
    const others = await tradersOf(target, OTHERS)
    const [{ token }] = await tradersOf(target, 1, ATTACKER)
    await becomes(target, 'ready')
    let sent = 0
    const order = async () => {
      sent += 1
      const trader = others[sent % OTHERS]
      const clOrdId = `r-${process.pid}-${sent}`
      await traders.submit(trader, clOrdId)
      await traders.cancel(trader, clOrdId)
    }
    const part = async (name: string, meanwhile: () => Promise<void>) => {
      const before = [200, 429].map((status) => greedy.countOf(status))
      await Promise.all([
        paced(rate, seconds, order),
        paced(accountRate * 3, seconds, async () => {
          await greedy.ask('GET', '/v1/instruments', token)
        }),
        meanwhile(),
      ])
      const [passed, held] = [200, 429].map((status, n) => greedy.countOf(status) - before[n])
      const isHeld = held > 0 && passed <= accountRate * (seconds + 1) * TIMES_MAX
      assert(isHeld, `${name}: of one that asks too much ${passed} pass, ${held} do not`)
      const { status, degraded } = await statusOf(target)
      return [
        name,
        [status, ...degraded].join(' '),
        String(Math.round(passed / seconds)),
        String(Math.round(held / seconds)),
      ]
    }
    const rows = [
      await part('with Redis', async () => {}),
      await part('killed', async () => {
        await redis.kill()
        await becomes(target, 'degraded', 'limits')
      }),
      await part('there again', async () => {
        await redis.start()
        await becomes(target, 'ready')
      }),
    ]
    assertAnswers('the traders', traders, { 201: sent, 200: sent })
    const asked = Math.floor(accountRate * 3 * seconds) * rows.length
    const held = greedy.countOf(429)
    assertAnswers('who asks too much', greedy, { 200: asked - held, 429: held })
    const audit = await traders.acknowledged.audit(target.databaseUrl)
    assert(audit.accepted === sent && audit.untold === 0, 'each order is in the journal, once')
    const columns = ['part', '/readyz', 'of one that asks too much, passed/s', '429/s']
    return {
      name: 'load:trouble redis',
      tables: [{ title: `${accountRate} requests/s an account may send`, columns, rows }],
      demands: [],
      notes: [`${sent} orders, each accepted and in the journal once; no answer but 201 and 200`],
    }
  } finally {
    for (const each of [traders, greedy]) each.close()
    await target.close()
    await redis.end()
  }
}
