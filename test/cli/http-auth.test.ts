// `onefill serve` with orders over HTTP, as its settings say: a file, development, or nobody.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { Databases } from '../support/databases.ts'
import { logLines } from '../support/surroundings.ts'
import { endTools, Served } from '../support/tool.ts'

const SECRET = 'a-secret-of-forty-three-characters-or-more-0123456789'
const SCENE = [
  { cmd: 'asset', asset: 'USD', decimals: 2 },
  { cmd: 'asset', asset: 'X', decimals: 0 },
  {
    ...{ cmd: 'instrument', symbol: 'XUSD', base: 'X', quote: 'USD' },
    ...{ tickSize: '0.01', lotSize: '1' },
  },
  { cmd: 'account', account: 'alice' },
  { cmd: 'deposit', account: 'alice', asset: 'USD', amount: '100', transferId: 'd-1' },
]
/** A Postgres on a slow disk takes its time to start and to stop. */
const HOOK_MS = 60_000

let databases: Databases
let folder = ''
beforeAll(async () => {
  databases = await Databases.start()
  folder = mkdtempSync(join(tmpdir(), 'onefill-http-'))
}, HOOK_MS)
afterEach(endTools)
afterAll(async () => {
  await databases.stop()
  rmSync(folder, { recursive: true })
}, HOOK_MS)

const events = (served: Served, event: string) =>
  logLines(served.stderr).filter((line) => line.event === event)

/** Leads with alice's hundred dollars; where HTTP is. */
async function serve(...args: string[]): Promise<{ served: Served; url: string }> {
  const url = await databases.create()
  const served = new Served(['--stdio', '--stay', '--http-port', '0', ...args], { url })
  await served.until(() => events(served, 'ready').length > 0)
  served.say(SCENE)
  await served.until(() => served.lines.length === SCENE.length)
  return { served, url: String(events(served, 'http')[0].url) }
}

async function buy(url: string, token: string, price: string, more = {}) {
  const order = { symbol: 'XUSD', side: 'buy', ordType: 'limit', price, orderQty: '1' }
  const response = await fetch(`${url}/v1/orders`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ clOrdId: `c-${price}`, ...order, ...more }),
  })
  const { code, orderId } = (await response.json()) as { code?: string; orderId?: string }
  return { status: response.status, code, orderId, after: response.headers.get('retry-after') }
}

test('a file says who trades, and the settings how much', async () => {
  const file = join(folder, 'auth.json')
  const jwt = { issuer: 'us', audience: 'onefill', secret: SECRET }
  writeFileSync(file, JSON.stringify({ jwt }))
  const { served, url } = await serve('--http-auth', file, '--http-account-rate', '3')
  const token = await new SignJWT({ account: 'alice', scopes: ['trade'] })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('us')
    .setAudience('onefill')
    .setExpirationTime('5m')
    .sign(Buffer.from(SECRET))
  expect(await buy(url, 'no token', '1')).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' })
  expect(await buy(url, token, '60')).toMatchObject({ status: 201, orderId: expect.any(String) })
  const poor = await buy(url, token, '50')
  expect(poor).toMatchObject({ status: 422, code: 'INSUFFICIENT_FUNDS' })
  const prices = Array.from({ length: 40 }, (_, n) => (0.01 * (n + 1)).toFixed(2))
  const many = await Promise.all(prices.map((price) => buy(url, token, price)))
  const held = many.filter(({ status }) => status === 429)
  expect(held.length).toBeGreaterThan(0)
  expect(held[0]).toMatchObject({ code: 'RATE_LIMITED', after: '1' })
  served.signal('SIGTERM')
  expect(await served.end()).toBe(0)
})

test('in development it makes a token, and says so; by default nobody trades', async () => {
  const { served, url } = await serve('--http-auth', 'development')
  const [{ level, account, token }] = events(served, 'development-token')
  expect([level, account]).toEqual(['warn', 'alice'])
  expect(await buy(url, String(token), '60')).toMatchObject({ status: 201 })
  const health = await fetch(`${url}/readyz`)
  expect([health.status, await health.json()]).toMatchObject([200, { status: 'ready' }])
  await served.kill()
  const { url: closed } = await serve()
  expect(await buy(closed, String(token), '60')).toMatchObject({ status: 404 })
})

test('a Redis that is away is said, and orders go on', async () => {
  const redis = ['--redis', 'redis://127.0.0.1:1', '--http-account-rate', '1000']
  const { served, url } = await serve('--http-auth', 'development', ...redis)
  await served.until(() => events(served, 'redis-away').length > 0)
  const [{ token }] = events(served, 'development-token')
  expect(await buy(url, String(token), '60')).toMatchObject({ status: 201 })
  const health = await fetch(`${url}/readyz`)
  const said = { status: 'degraded', degraded: ['limits'] }
  expect([health.status, await health.json()]).toMatchObject([200, said])
})

test('settings that cannot be used end it with a sentence', async () => {
  const file = join(folder, 'wrong.json')
  writeFileSync(file, JSON.stringify({ jwt: { issuer: 'us', secret: 'short' } }))
  const url = await databases.create()
  const served = new Served(['--stdio', '--http-port', '0', '--http-auth', file], { url })
  expect(await served.end()).toBe(2)
  expect(served.stderr).toContain('audience')
  expect(served.stderr).not.toContain('short"')
  expect(served.stderr).not.toMatch(/^\s+at /m)
})
