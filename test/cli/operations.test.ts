// The running exchange as an operator meets it: orders over NATS, health in each state, the log, a
// stop in order, outages.

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { openStore } from '../../src/persistence/store.ts'
import { CutProxy } from '../persistence/postgres-support.ts'
import { variant } from '../support/sql.ts'
import { ask, logLines, type Said, Surroundings } from '../support/surroundings.ts'
import { endTools, onefill, Served, type ServedOptions } from '../support/tool.ts'

const HOOK_MS = 600_000
const SCENE = [
  { cmd: 'asset', asset: 'USD', decimals: 2 },
  { cmd: 'asset', asset: 'X', decimals: 0 },
  { cmd: 'instrument', symbol: 'XUSD', base: 'X', quote: 'USD', tickSize: '0.01', lotSize: '1' },
  { cmd: 'account', account: 'alice' },
  { cmd: 'deposit', account: 'alice', asset: 'USD', amount: '1000000', transferId: 'd-1' },
]
const buy = (clOrdId: string, price = '1') => ({
  ...{ clOrdId, symbol: 'XUSD', side: 'buy', ordType: 'limit', price, orderQty: '1' },
})

let around: Surroundings
let url = ''
beforeAll(async () => {
  around = await Surroundings.start()
}, HOOK_MS)
afterAll(() => around.stop(), HOOK_MS)
beforeEach(async () => {
  url = await around.databases.create()
})
afterEach(async () => {
  endTools()
  await around.closeClients()
})

const said = (served: Served, event: string) =>
  logLines(served.stderr).filter((line) => line.event === event)

/** A running exchange, ready, or as far as `event` says. */
async function serve(args: string[] = [], event = 'ready', options: ServedOptions = {}) {
  const env = { NATS_URL: around.nats.url, ...options.env }
  const served = new Served(['--http-port', '0', ...args], { url, ...options, env })
  await served.until(() => said(served, event).length > 0)
  return { served, http: said(served, 'http')[0].url as string }
}

async function health(http: string): Promise<{ status: number; body: Said }> {
  const response = await fetch(`${http}/readyz`)
  return { status: response.status, body: await response.json() }
}

/** Asks until it is so; what never is, is an error. */
async function healthUntil(http: string, holds: (body: Said) => boolean) {
  const untilMs = performance.now() + 40_000
  for (;;) {
    const found = await health(http)
    if (holds(found.body)) return found
    if (performance.now() > untilMs) throw new Error(`health is ${JSON.stringify(found)}`)
    await sleep(20)
  }
}

test('an order in over NATS, a stop in order, and a restart that remembers', async () => {
  const { served, http } = await serve()
  const client = await around.client()
  const replies = await ask(client, 'onefill.v1.admin.batch', SCENE)
  expect(replies.map(({ execType }: Said) => execType)).toEqual(SCENE.map(() => 'accepted'))
  const first = await ask(client, 'onefill.v1.order.alice.new', buy('a-1'))
  expect(first).toMatchObject({ execType: 'new', clOrdId: 'a-1' })
  // The clock is set without being asked to.
  expect(Date.parse(first.transactTime)).toBeGreaterThan(Date.now() - 600_000)
  expect(await health(http)).toMatchObject({
    status: 200,
    body: { status: 'ready', degraded: [], journal: 'ready', nats: 'there', version: '0.1.0' },
  })
  expect((await fetch(`${http}/livez`)).status).toBe(200)
  expect(await ask(client, 'onefill.v1.status')).toMatchObject({
    ...{ status: 'leading', phase: 'leading', journal: 'ready', version: '0.1.0' },
    ...{ recovery: { seq: 0, term: 1 }, uptimeMs: expect.any(Number) },
  })
  const announced: Said[] = []
  client.subscribe('onefill.v1.status', { callback: (_, m) => void announced.push(m.json()) })
  await client.flush()
  served.signal('SIGTERM')
  expect(await served.end()).toBe(0)
  await client.flush()
  const events = logLines(served.stderr).map(({ event }) => event)
  const order = [
    'start',
    'http',
    'recovering',
    'recovered',
    'leads',
    'ready',
    'stopping',
    'stopped',
  ]
  expect(events).toEqual(order)

  const again = await serve()
  // The snapshot of the stop: nothing is replayed.
  expect(said(again.served, 'recovered')[0].msg).toMatch(/the snapshot at seq \d+ \+ 0 commands/)
  expect(await ask(client, 'onefill.v1.order.alice.new', buy('a-1'))).toMatchObject({
    ...{ duplicate: true, orderId: first.orderId },
  })
  expect(announced.map(({ status }) => status)).toContain('leading')
})

test('kill -9 under load: all that was replied to is there after the restart', async () => {
  const { served } = await serve()
  const client = await around.client()
  await ask(client, 'onefill.v1.admin.batch', SCENE)
  const replied: string[] = []
  const sending = Array.from({ length: 200 }, async (_, n) => {
    // Each at a price of its own: the same again within seconds is refused as a mistake.
    const order = buy(`k-${n}`, (1 + n / 100).toFixed(2))
    const reply = await ask(client, 'onefill.v1.order.alice.new', order).catch(() => null)
    if (reply?.execType === 'new') replied.push(reply.orderId)
    if (replied.length === 50) served.signal('SIGKILL')
  })
  await served.end()
  await Promise.all(sending)
  await serve()
  const { orders } = await ask(client, 'onefill.v1.query.alice.orders')
  const present = new Set(orders.map(({ orderId }: Said) => orderId))
  expect(replied.length).toBeGreaterThanOrEqual(50)
  expect(replied.filter((orderId) => !present.has(orderId))).toEqual([])
})

test('a standby says so, takes no orders, and serves once the leader is gone', async () => {
  const leader = await serve()
  const client = await around.client()
  await ask(client, 'onefill.v1.admin.batch', SCENE)
  const standby = await serve(['--standby'], 'standby')
  expect(await health(standby.http)).toMatchObject({ status: 503, body: { status: 'standby' } })
  expect((await fetch(`${standby.http}/livez`)).status).toBe(200)
  expect(await ask(client, 'onefill.v1.order.alice.new', buy('s-1'))).toMatchObject({
    execType: 'new',
  })
  leader.served.signal('SIGKILL')
  expect(await healthUntil(standby.http, ({ status }) => status === 'ready')).toMatchObject({
    status: 200,
  })
  await standby.served.until(() => said(standby.served, 'leads').length === 1)
  expect(await ask(client, 'onefill.v1.order.alice.new', buy('s-1'))).toMatchObject({
    duplicate: true,
  })
})

test('losing the lease: no order is taken, one last line, and 75', async () => {
  const { served } = await serve()
  const before = served.stderr.length
  const other = await openStore(url)
  await other.takeLease('another')
  expect(await served.end()).toBe(75)
  await other.close()
  const lines = logLines(served.stderr.slice(before))
  // That its session was ended may be said first.
  expect(lines.filter(({ event }) => event !== 'journal-away')).toMatchObject([
    { level: 'fatal', exit: 75, msg: expect.stringContaining('lease of term 1') },
  ])
  const client = await around.client()
  await expect(ask(client, 'onefill.v1.order.alice.new', buy('x'))).rejects.toThrow('responders')
})

test('NATS and Postgres away and back: health names the part, the log has a line', async () => {
  const { served, http } = await serve()
  await around.nats.kill()
  expect(await healthUntil(http, ({ status }) => status === 'degraded')).toMatchObject({
    ...{ status: 503, body: { degraded: ['nats'], nats: 'away' } },
  })
  await around.nats.start()
  await healthUntil(http, ({ status }) => status === 'ready')
  await around.databases.postgres.kill()
  expect(await healthUntil(http, ({ status }) => status === 'degraded')).toMatchObject({
    ...{ status: 503, body: { degraded: ['journal'], journal: 'away' } },
  })
  await around.databases.postgres.start()
  await healthUntil(http, ({ status }) => status === 'ready')
  for (const event of ['nats-away', 'nats-back', 'journal-away', 'journal-back']) {
    expect([event, said(served, event).length]).toEqual([event, 1])
  }
})

test('a stop while NATS is away ends, and what was not said comes after the restart', async () => {
  const { served, http } = await serve(['--stdio', '--stay', '--http-port', '0'])
  served.say(SCENE)
  await served.until(() => served.lines.length >= SCENE.length)
  await around.nats.kill()
  try {
    await healthUntil(http, ({ nats }) => nats === 'away')
    served.say([{ cmd: 'new', account: 'alice', ...buy('n-1') }])
    await served.until(() => served.lines.some((line) => line.includes('n-1')))
    served.signal('SIGTERM')
    expect(await served.end()).toBe(1)
    expect(logLines(served.stderr).at(-1)?.msg).toContain('come again after the next start')
  } finally {
    await around.nats.start()
  }
  const client = await around.client()
  const heard: Said[] = []
  client.subscribe('onefill.v1.exec.alice', {
    callback: (_, message) => void heard.push(...message.json<Said[]>()),
  })
  await client.flush()
  const again = await serve()
  await again.served.until(() => heard.some(({ clOrdId }) => clOrdId === 'n-1'))
  expect(said(again.served, 'leads')[0].republished).toBeGreaterThan(0)
})

test('a stop while Postgres is away ends too; what was not answered is sent again', async () => {
  const { served } = await serve()
  const client = await around.client()
  for (const command of SCENE) await ask(client, `onefill.v1.admin.${command.cmd}`, command)
  await around.databases.postgres.kill()
  try {
    const [order, question] = [
      client.request('onefill.v1.order.alice.new', JSON.stringify(buy('n-1')), { timeout: 60_000 }),
      client.request('onefill.v1.query.alice.balances', '', { timeout: 60_000 }),
    ].map((asked) => asked.then(String, () => 'unanswered'))
    await served.until(() => said(served, 'journal-away').length > 0)
    served.signal('SIGTERM')
    expect(await served.end()).toBe(1)
    const { level, msg } = logLines(served.stderr).at(-1) ?? {}
    expect([level, msg]).toEqual([
      'fatal',
      expect.stringMatching(/^Postgres was away for too long/),
    ])
    await client.close()
    expect(await Promise.all([order, question])).toEqual(['unanswered', 'unanswered'])
  } finally {
    await around.databases.postgres.start()
  }
  await serve()
  const again = await ask(await around.client(), 'onefill.v1.order.alice.new', buy('n-1'))
  expect(again).toMatchObject({ execType: 'new', clOrdId: 'n-1' })
})

test('a stop ends where Postgres says nothing any more, with nothing under way', async () => {
  const proxy = new CutProxy(around.databases.postgres.port)
  url = variant(url, { port: await proxy.start() })
  const { served } = await serve()
  proxy.isSilent = true
  served.signal('SIGTERM')
  expect(await served.end()).toBe(1)
  expect(logLines(served.stderr).at(-1)?.msg).toMatch(/^Postgres was away for too long/)
  await proxy.end()
})

test('refusals are one line with counts by code, not one each', async () => {
  const { served } = await serve()
  const client = await around.client()
  await ask(client, 'onefill.v1.admin.batch', SCENE)
  const wrong = { ...buy('w'), price: 1 }
  for (let n = 0; n < 30; n += 1) await ask(client, 'onefill.v1.order.alice.new', wrong)
  for (let n = 0; n < 3; n += 1) {
    await ask(client, 'onefill.v1.order.alice.new', buy(`dear-${n}`, `999999${n}`))
  }
  served.signal('SIGTERM')
  expect(await served.end()).toBe(0)
  const lines = said(served, 'refusals')
  const count = (code: string) =>
    lines.reduce((sum, { codes }) => sum + ((codes as Said)[code] ?? 0), 0)
  expect([count('MALFORMED'), count('INSUFFICIENT_FUNDS')]).toEqual([30, 3])
  expect(lines.length).toBeLessThan(10)
})

test('no NATS at the start is one clear line, and the end', async () => {
  const { status, stderr } = onefill(
    ['serve', '--http-port', '0', '--nats', 'nats://127.0.0.1:1'],
    {
      url,
    },
  )
  expect(status).toBe(1)
  expect(logLines(stderr).at(-1)).toMatchObject({
    ...{ level: 'fatal', exit: 1 },
    msg: expect.stringMatching(/^No NATS server can be used at 127\.0\.0\.1:1: .+\.$/),
  })
})

test('the log holds no password, whatever goes wrong', async () => {
  const secret = 'hunter2'
  const wrong = Object.assign(new URL(url), { password: secret }).href
  const nats = around.nats.url.replace('//', `//user:${secret}@`)
  const logs = [
    onefill(['serve', wrong, '--nats', nats, '--http-port', '0']),
    onefill(['serve', '--http-port', '0', '--nats', `nats://u:${secret}@127.0.0.1:1`], { url }),
    onefill(['serve', `postgres:/u:${secret}@h`, '--nats', `nats:/u:${secret}`]),
    onefill(['config', '--database', wrong, '--nats', nats]),
    onefill(['config', '--database', wrong, '--nats', nats, '--json']),
    onefill(['doctor', wrong, '--nats', nats]),
  ]
  for (const { stdout, stderr } of logs) {
    expect(stdout + stderr).not.toContain(secret)
    expect((stdout + stderr).length).toBeGreaterThan(20)
  }
  // A server without users takes any: it runs, and still says nothing.
  const { served } = await serve([], 'ready', { env: { NATS_URL: nats } })
  served.signal('SIGTERM')
  expect(await served.end()).toBe(0)
  const { password } = new URL(url)
  expect(served.stderr).not.toContain(secret)
  expect(served.stderr).not.toContain(password)
})
