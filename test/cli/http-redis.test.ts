// `onefill serve` whose Redis is killed under orders over HTTP: none is lost or doubled, the limits
// go on in the process, readiness says so, and it goes back by itself.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest'
import { redisTest } from '../gateway/redis-support.ts'
import { Databases } from '../support/databases.ts'
import { type HttpTrader, HttpTraders, orderOf } from '../support/http-traders.ts'
import { logLines } from '../support/surroundings.ts'
import { endTools, Served } from '../support/tool.ts'

const SCENE = [
  { cmd: 'asset', asset: 'USD', decimals: 2 },
  { cmd: 'asset', asset: 'X', decimals: 0 },
  {
    ...{ cmd: 'instrument', symbol: 'XUSD', base: 'X', quote: 'USD' },
    ...{ tickSize: '0.01', lotSize: '1' },
  },
  { cmd: 'limits', duplicateWindowMs: 'off' },
  ...['alice', 'bob'].flatMap((account) => [
    { cmd: 'account', account },
    { cmd: 'deposit', account, asset: 'USD', amount: '1000000', transferId: 'd-1' },
  ]),
]
/** A Postgres on a slow disk takes its time to start and to stop. */
const HOOK_MS = 60_000
/** Orders in each part of the run, so many at a time. */
const [ORDERS, AT_ONCE] = [60, 8]
/** What an account may send in a second; what is over is sent again when it may. */
const RATE = 100
const SECRET = 'a-secret-of-forty-three-characters-or-more-0123456789'

const buy = (clOrdId: string) => ({ cmd: 'new', ...orderOf(clOrdId, 'XUSD') })
const traderOf = async (account: string): Promise<HttpTrader> => ({
  account,
  token: await new SignJWT({ account, scopes: ['trade', 'read'] })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('us')
    .setAudience('onefill')
    .setExpirationTime('1h')
    .sign(Buffer.from(SECRET)),
  symbol: 'XUSD',
})

let databases: Databases
beforeAll(async () => {
  databases = await Databases.start()
}, HOOK_MS)
afterEach(endTools)
afterAll(() => databases.stop(), HOOK_MS)

redisTest('Redis killed under orders: none lost, none doubled, limits go on', async (redis) => {
  const database = await databases.create()
  const file = join(databases.folder, 'auth.json')
  const jwt = { issuer: 'us', audience: 'onefill', secret: SECRET }
  writeFileSync(file, JSON.stringify({ jwt }))
  const http = ['--http-port', '0', '--http-auth', file, '--redis', redis.url]
  const rate = ['--http-account-rate', String(RATE)]
  const served = new Served(['--stdio', '--stay', ...http, ...rate], { url: database })
  const events = (event: string) => logLines(served.stderr).filter((each) => each.event === event)
  await served.until(() => events('ready').length > 0)
  served.say(SCENE)
  await served.until(() => served.lines.length === SCENE.length)
  const [{ url }] = events('http')
  const health = async () => {
    const response = await fetch(`${url}/readyz`)
    const { status, degraded } = (await response.json()) as { status: string; degraded: string[] }
    return [response.status, status, ...degraded]
  }
  const becomes = (said: unknown[]) =>
    vi.waitFor(async () => expect(await health()).toEqual(said), HOOK_MS)
  const [alice, bob] = await Promise.all([traderOf('alice'), traderOf('bob')])
  const traders = new HttpTraders(String(url), AT_ONCE)
  try {
    await becomes([200, 'ready'])
    let sent = 0
    const trade = async () => {
      for (const end = sent + ORDERS; sent < end; ) {
        sent += 1
        expect((await traders.submit(alice, `r-${sent}`)).status).toBe(201)
      }
    }
    const many = () => Promise.all(Array.from({ length: AT_ONCE }, trade))
    const [under, killed] = [many(), redis.kill()]
    await Promise.all([under, killed])
    await becomes([200, 'degraded', 'limits'])
    await many()
    // The process counts by itself: a batch of ten windows leaves nothing for the next.
    const batch = Array.from({ length: RATE * 10 }, (_, n) => buy(`b-${n}`))
    const passes = await traders.ask('POST', '/v1/orders:batch', bob.token, batch)
    const held = await traders.ask('POST', '/v1/orders:batch', bob.token, batch)
    expect([passes.status, held.status]).toEqual([200, 429])
    expect(Number(held.headers['retry-after'])).toBeGreaterThan(0)
    const [under2, started] = [many(), redis.start()]
    await Promise.all([under2, started])
    await becomes([200, 'ready'])
    await many()
    expect(traders.countOf(503) + traders.countOf(0)).toBe(0)
    const { accepted, refused, untold } = await traders.acknowledged.audit(database)
    // Of bob's batch, which he was told of as a whole, each order is there as well.
    expect([accepted, refused, untold]).toEqual([sent, 0, batch.length])
  } finally {
    traders.close()
  }
})
