// Orders over real HTTP, on a real Postgres: each route, what it answers, and that the same again
// is carried out once.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Authenticate } from '../../src/gateway/http/principal.ts'
import { client, type Said, SCENE, type Servers, startServers } from './exchange-support.ts'
import { byToken, type HttpRunning, serveHttp } from './http-support.ts'

let servers: Servers
const running: HttpRunning[] = []

beforeAll(async () => {
  servers = await startServers()
}, 600_000)
afterAll(() => servers.end())
afterEach(async () => {
  for (const each of running.splice(0)) await each.close()
})

type Options = Parameters<typeof serveHttp>[1]

async function start(url?: string, options: Options = {}) {
  const at = url ?? (await servers.database())
  const each = await serveHttp(at, options)
  running.push(each)
  if (url === undefined) for (const command of SCENE) each.exchange.submit(command)
  await each.exchange.settled()
  return { ...each, database: at }
}

const order = (clOrdId: string, side = 'buy', price = '1', orderQty = '1') => ({
  ...{ clOrdId, symbol: 'XUSD', side, ordType: 'limit', price, orderQty },
})

test('an order from its first report to its fills, looked at on the way', async () => {
  const { ask } = await start()
  const sent = await ask('POST /v1/orders', { body: order('a-1', 'buy', '2', '5') })
  expect([sent.status, sent.body]).toMatchObject([
    201,
    { execType: 'new', account: 'alice', clOrdId: 'a-1', leavesQty: '5', execSeq: 4 },
  ])
  const { orderId } = sent.body
  expect(sent.headers.get('location')).toBe(`/v1/orders/${orderId}`)
  const found = await ask(`GET ${sent.headers.get('location')}`)
  expect([found.status, found.body]).toMatchObject([200, { orderId, ordStatus: 'new' }])
  expect((await ask('GET /v1/orders/a-1?by=clOrdId')).body).toEqual(found.body)
  const sold = await ask('POST /v1/orders', { as: 'bob', body: order('b-1', 'sell', '2', '3') })
  expect(sold.status).toBe(201)
  expect((await ask(`GET /v1/orders/${orderId}`)).body).toMatchObject({ leavesQty: '2' })
  const { body: fills } = await ask('GET /v1/accounts/alice/fills')
  expect(fills).toMatchObject({
    ...{ fills: [{ execType: 'trade', lastQty: '3', orderId }], upTo: 5, newest: 5, more: false },
  })
  expect((await ask('GET /v1/accounts/alice/fills?since=4')).body).toEqual(fills)
  expect((await ask('GET /v1/accounts/alice/fills?since=5')).body).toEqual({
    ...{ account: 'alice', fills: [], upTo: 5, newest: 5, more: false },
  })
  expect((await ask('GET /v1/book/XUSD')).body).toMatchObject({
    ...{ bids: [{ price: '2', qty: '2', orders: 1 }], asks: [] },
  })
  const { body } = await ask('GET /v1/trades/XUSD')
  expect(body).toMatchObject({ symbol: 'XUSD', trades: [{ price: '2', qty: '3', side: 'sell' }] })
  expect((await ask('GET /v1/accounts/alice')).body).toMatchObject({
    ...{ query: 'balances', balances: [{ asset: 'USD', available: '999990', held: '4' }, {}] },
  })
  expect((await ask('GET /v1/accounts/alice/positions')).body).toMatchObject({
    ...{ account: 'alice', positions: [{ symbol: 'XUSD', qty: '3', openBuyQty: '2' }] },
  })
  expect((await ask('GET /v1/instruments')).body).toMatchObject({
    instruments: [{ symbol: 'XUSD', base: 'X', quote: 'USD', tickSize: '0.01', lotSize: '1' }],
  })
})

test('orders are replaced and canceled, by either id, with or without the symbol', async () => {
  const { ask } = await start()
  const send = async (clOrdId: string, price: string) => {
    const { body } = await ask('POST /v1/orders', { body: order(clOrdId, 'buy', price) })
    return body.orderId as string
  }
  const first = await send('a-1', '1')
  const change = { clOrdId: 'a-2', symbol: 'XUSD', price: '1.5', orderQty: '4' }
  expect((await ask(`PATCH /v1/orders/${first}`, { body: change })).body).toMatchObject({
    ...{ execType: 'replaced', clOrdId: 'a-2', origClOrdId: 'a-1', price: '1.5', orderQty: '4' },
  })
  const { symbol, ...rest } = { ...change, clOrdId: 'a/3', orderQty: '6' }
  const again = await ask('PATCH /v1/orders/a-2?by=clOrdId', { body: rest })
  expect([again.status, again.body]).toMatchObject([200, { execType: 'replaced', symbol }])
  const escaped = await ask('DELETE /v1/orders/a%2F3?by=clOrdId')
  expect([escaped.status, escaped.body]).toMatchObject([200, { execType: 'canceled' }])
  const second = await send('a-4', '2')
  const canceled = await ask(`DELETE /v1/orders/${second}?symbol=XUSD`)
  expect([canceled.status, canceled.body]).toMatchObject([200, { execType: 'canceled' }])
  for (const line of [
    `DELETE /v1/orders/${second}`,
    `DELETE /v1/orders/${second}?symbol=XUSD`,
    'DELETE /v1/orders/a-1?by=clOrdId&symbol=XUSD',
    `GET /v1/orders/${second}`,
    'GET /v1/orders/a-4?by=clOrdId',
  ]) {
    const { status, body } = await ask(line)
    expect([line, status, body.code]).toEqual([line, 404, 'UNKNOWN_ORDER'])
  }
  const body = { ...change, clOrdId: 'a-5' }
  expect(await ask(`PATCH /v1/orders/${second}`, { body })).toMatchObject({
    ...{ status: 404, body: { code: 'UNKNOWN_ORDER', report: { clOrdId: 'a-5' } } },
  })
})

test('mass cancel: all, a symbol, a side; open orders page by page', async () => {
  const { ask } = await start()
  const both = [order('a-1'), order('a-2'), order('a-3', 'sell', '9'), order('a-4', 'sell', '9.5')]
  for (const body of both) expect((await ask('POST /v1/orders', { body })).status).toBe(201)
  const { body: open } = await ask('GET /v1/orders')
  const ids = (said: Said) => said.orders.map(({ clOrdId }: Said) => clOrdId)
  expect(ids(open)).toEqual(['a-1', 'a-2', 'a-3', 'a-4'])
  const [{ orderId }] = open.orders
  expect(ids((await ask(`GET /v1/orders?after=${orderId}`)).body)).toEqual(['a-2', 'a-3', 'a-4'])
  expect((await ask('DELETE /v1/orders?side=sell&symbol=XUSD')).body).toMatchObject({
    ...{ execType: 'accepted', cmd: 'massCancel', affected: 2, symbol: 'XUSD' },
  })
  expect((await ask('DELETE /v1/orders')).body).toMatchObject({ affected: 2 })
  expect((await ask('GET /v1/orders')).body.orders).toEqual([])
})

test('a batch: one answer each, in their order, whatever they say', async () => {
  const { ask } = await start()
  const body = [
    { cmd: 'new', ...order('a-1') },
    { cmd: 'new', ...order('a-2', 'buy', '1.005') },
    { cmd: 'new', account: 'bob', ...order('a-3') },
    { cmd: 'cancel', symbol: 'XUSD', origClOrdId: 'a-1' },
    { cmd: 'deposit', asset: 'USD', amount: '1', transferId: 't' },
    { cmd: 'massCancel' },
  ]
  const { status, body: said } = await ask('POST /v1/orders:batch', { body })
  expect(status).toBe(200)
  expect(said.map(({ execType, code }: Said) => [execType, code])).toEqual([
    ['new', undefined],
    ['rejected', 'PRICE_PRECISION'],
    ['rejected', 'WRONG_ACCOUNT'],
    ['canceled', undefined],
    ['rejected', 'MALFORMED'],
    ['accepted', undefined],
  ])
})

test('a thousand buys at once against money for one: one is in, 999 have not enough', async () => {
  const { ask, exchange } = await start()
  const setUp = [
    { cmd: 'account', account: 'carol' },
    { cmd: 'deposit', account: 'carol', asset: 'USD', amount: '100', transferId: 'usd' },
    { cmd: 'limits', account: 'carol', duplicateWindowMs: 'off' },
  ]
  for (const command of setUp) expect(exchange.submit(command)).toBeTypeOf('number')
  const answers = await Promise.all(
    Array.from({ length: 1_000 }, (_, n) =>
      ask('POST /v1/orders', { as: 'carol', body: order(`c-${n}`, 'buy', '100') }),
    ),
  )
  const counts = new Map<string, number>()
  for (const { status, body } of answers) {
    const key = `${status} ${body.code}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  expect(Object.fromEntries(counts)).toEqual({ '201 undefined': 1, '422 INSUFFICIENT_FUNDS': 999 })
  const { body } = await ask('GET /v1/accounts/carol', { as: 'carol' })
  expect(body.balances).toEqual([{ asset: 'USD', available: '0', held: '100' }])
})

test('the same again is carried out once, over a restart too; another is 409', async () => {
  const { ask, database } = await start()
  const { clOrdId, ...body } = order('key-1', 'buy', '2', '5')
  const headers = { 'idempotency-key': clOrdId }
  const first = await ask('POST /v1/orders', { body, headers })
  expect([first.status, first.body.clOrdId]).toEqual([201, 'key-1'])
  const poor = {
    headers: { 'idempotency-key': '"key-2"' },
    body: { ...body, orderQty: '999999999' },
  }
  const refused = await ask('POST /v1/orders', poor)
  expect([refused.status, refused.body.code]).toEqual([422, 'INSUFFICIENT_FUNDS'])
  expect(refused.body.report.clOrdId).toBe('key-2')
  for (const each of running.splice(0)) await each.close()
  const { ask: askAgain } = await start(database)
  const again = await askAgain('POST /v1/orders', { body, headers })
  expect([again.status, again.body]).toMatchObject([
    201,
    { execType: 'new', duplicate: true, orderId: first.body.orderId },
  ])
  // In the body as good as in the header, and in both.
  for (const more of [{}, { headers }]) {
    const same = await askAgain('POST /v1/orders', { body: { clOrdId, ...body }, ...more })
    expect([same.status, same.body.duplicate]).toEqual([201, true])
  }
  const still = await askAgain('POST /v1/orders', poor)
  expect([still.status, still.body.code, still.body.report.duplicate]).toEqual([
    ...[422, 'INSUFFICIENT_FUNDS', true],
  ])
  const other = await askAgain('POST /v1/orders', { headers, body: { ...body, orderQty: '6' } })
  expect([other.status, other.body.code]).toEqual([409, 'DUPLICATE_ID'])
  const torn = await askAgain('POST /v1/orders', { headers, body: { clOrdId: 'key-3', ...body } })
  expect([torn.status, torn.body.code]).toEqual([400, 'IDEMPOTENCY_KEY_MISMATCH'])
  expect((await askAgain('GET /v1/orders')).body.orders).toHaveLength(1)
})

test('orders over both at once: each answer is of its own order', async () => {
  const { ask } = await start(undefined, { natsUrl: servers.nats.url })
  const { connection, ask: askNats } = await client(servers)
  try {
    const ids = Array.from({ length: 300 }, (_, n) => `n-${n}`)
    const answers = await Promise.all(
      ids.map(async (clOrdId, n) => {
        const body = order(clOrdId, 'buy', String(n + 1))
        if (n % 2 === 0) return askNats('onefill.v1.order.bob.new', body)
        return (await ask('POST /v1/orders', { body })).body
      }),
    )
    expect(answers.map(({ execType, clOrdId }) => `${execType} ${clOrdId}`)).toEqual(
      ids.map((clOrdId) => `new ${clOrdId}`),
    )
    const accounts = new Set(answers.map(({ account }, n) => `${account} ${n % 2}`))
    expect([...accounts].sort()).toEqual(['alice 1', 'bob 0'])
  } finally {
    await connection.close()
  }
})

test('what others hand in just before is not taken for the answer', async () => {
  let before = () => {}
  const authenticate: Authenticate = async (request) => {
    before()
    return byToken(request)
  }
  const { ask, exchange } = await start(undefined, { http: { authenticate } })
  let others = 0
  before = () => {
    others += 1
    exchange.submit({ cmd: 'new', account: 'bob', ...order(`b-${others}`) })
  }
  for (const clOrdId of ['a-1', 'a-2', 'a-3']) {
    const { body } = await ask('POST /v1/orders', { body: order(clOrdId) })
    expect([body.account, body.clOrdId]).toEqual(['alice', clOrdId])
  }
})

test('one exchange serves NATS and HTTP: the same answers, the same reports', async () => {
  const { ask } = await start(undefined, { natsUrl: servers.nats.url })
  const { connection, ask: askNats, listen } = await client(servers)
  try {
    const heard = await listen('onefill.v1.exec.alice')
    const over = await ask('POST /v1/orders', { body: order('h-1') })
    const said = await askNats('onefill.v1.order.alice.new', order('n-1', 'buy', '2'))
    expect(Object.keys(said)).toEqual(Object.keys(over.body))
    // What one has taken in the other knows.
    const repeat = await askNats('onefill.v1.order.alice.new', order('h-1'))
    expect(repeat).toMatchObject({ duplicate: true, orderId: over.body.orderId })
    const refused = await ask('POST /v1/orders', { body: order('n-1', 'sell') })
    const sameRefused = await askNats('onefill.v1.order.alice.new', order('n-1', 'sell'))
    const { seq, execId, execSeq, ...report } = sameRefused
    expect(refused.body).toMatchObject({ status: 409, code: 'DUPLICATE_ID', report })
    const endMs = performance.now() + 30_000
    while (heard.length < 5 && performance.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    expect(heard).toContainEqual(over.body)
    expect(heard).toContainEqual(refused.body.report)
    await ask('POST /v1/orders', { as: 'bob', body: order('b-1', 'sell', '2') })
    const { body } = await ask('GET /v1/accounts/alice/fills')
    expect(body.fills).toMatchObject([{ clOrdId: 'n-1', lastPx: '2' }])
  } finally {
    await connection.close()
  }
})
