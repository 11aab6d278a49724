// What goes wrong over HTTP: each status, each as a problem with its code and field; nobody gets at
// another account; nothing that is malformed gets in.

import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { encodeFrame } from '../../src/gateway/frame.ts'
import { ReportHistory } from '../../src/gateway/history.ts'
import type { Authenticate, SignedRequest, Throttle } from '../../src/gateway/http/principal.ts'
import { HttpServer } from '../../src/gateway/http/server.ts'
import { Databases } from '../support/databases.ts'
import { type Said, SCENE } from './exchange-support.ts'
import { byToken, change, type HttpRunning, order, ROUTES, serveHttp } from './http-support.ts'

let databases: Databases
const running: HttpRunning[] = []
/** One exchange for all that must not change anything. */
let unchanged: HttpRunning

beforeAll(async () => {
  databases = await Databases.start()
  unchanged = await start()
  running.splice(0)
}, 600_000)
afterAll(async () => {
  await unchanged.close()
  await databases.stop()
})
afterEach(async () => {
  for (const each of running.splice(0)) await each.close()
})

async function start(options: Parameters<typeof serveHttp>[1] = {}) {
  const each = await serveHttp(await databases.create(), options)
  running.push(each)
  for (const command of SCENE) each.exchange.submit(command)
  await each.exchange.settled()
  return each
}

test('without somebody who says who asks there are no routes', async () => {
  const health = () => ({ isReady: true, status: 'ready', degraded: [] })
  const server = await HttpServer.listen({ host: '127.0.0.1', port: 0, health })
  try {
    for (const [, line] of [...ROUTES, ['', 'GET /v1/docs'], ['', 'GET /v1/openapi.json']]) {
      const [method, path] = line.split(' ')
      const { status } = await fetch(`${server.url}${path}`, { method })
      expect([line, status]).toEqual([line, 404])
    }
  } finally {
    await server.close()
  }
})

test('who is not known is 401, on each route; whose scope does not do is 403', async () => {
  const { ask, http, exchange } = await start()
  const { seq } = exchange
  const documented = Object.entries<Said>((http.document as Said).paths).flatMap(
    ([path, operations]) => Object.keys(operations).map((each) => `${each} ${path}`),
  )
  // The two that are left are open to anybody.
  expect(ROUTES).toHaveLength(documented.length - 2)
  for (const [scope, line, request] of ROUTES) {
    const unknown = await ask(line, { ...request, as: '' })
    expect([line, unknown.status, unknown.body.code]).toEqual([line, 401, 'UNAUTHENTICATED'])
    expect(unknown.headers.get('www-authenticate')).toBe('Bearer')
    if (scope === '') continue
    for (const other of ['trade', 'read', 'admin'].filter((each) => each !== scope)) {
      const { status, body } = await ask(line, { ...request, as: `alice/${other}` })
      expect([line, status, body.code]).toEqual([line, 403, 'FORBIDDEN'])
    }
  }
  expect(exchange.seq).toBe(seq)
})

test('nobody gets at another account, by no route', async () => {
  const { ask, exchange } = await start()
  const mine = await ask('POST /v1/orders', { body: order('x-1') })
  const { orderId } = mine.body
  const { seq } = exchange
  const as = 'bob/trade,read,admin'
  for (const what of ['', '/positions', '/fills']) {
    for (const name of ['alice', '%61lice', '$fees', 'ALICE', 'bob%2F..%2Falice']) {
      const { status, body } = await ask(`GET /v1/accounts/${name}${what}`, { as })
      expect([name, status, body.code]).toEqual([name, 403, 'FORBIDDEN'])
    }
  }
  const account = 'alice'
  for (const [line, body] of [
    ['POST /v1/orders', order('x-3', { account })],
    [`PATCH /v1/orders/${orderId}`, { ...change, account }],
  ] as const) {
    const { status, body: said } = await ask(line, { as, body })
    expect([line, status, said.code, said.field]).toEqual([line, 403, 'WRONG_ACCOUNT', 'account'])
  }
  const { body: batch } = await ask('POST /v1/orders:batch', {
    ...{ as, body: [{ cmd: 'cancel', account, symbol: 'XUSD', orderId }] },
  })
  expect(batch).toMatchObject([{ code: 'WRONG_ACCOUNT', field: 'account' }])
  expect(exchange.seq).toBe(seq)
  for (const line of [
    ...[`GET /v1/orders/${orderId}`, 'GET /v1/orders/x-1?by=clOrdId'],
    ...[`DELETE /v1/orders/${orderId}`, `DELETE /v1/orders/${orderId}?symbol=XUSD`],
    'DELETE /v1/orders/x-1?by=clOrdId&symbol=XUSD',
  ]) {
    const { status, body } = await ask(line, { as })
    expect([line, status, body.code]).toEqual([line, 404, 'UNKNOWN_ORDER'])
  }
  const replaced = await ask(`PATCH /v1/orders/${orderId}`, { as, body: change })
  expect([replaced.status, replaced.body.code]).toEqual([404, 'UNKNOWN_ORDER'])
  expect((await ask('DELETE /v1/orders', { as })).body).toMatchObject({ affected: 0 })
  expect((await ask('GET /v1/orders', { as })).body.orders).toEqual([])
  // What was alice's is hers still, and an account in a query is no parameter.
  expect((await ask(`GET /v1/orders/${orderId}`)).status).toBe(200)
  const asked = await ask('GET /v1/orders?account=alice', { as })
  expect([asked.status, asked.body.field]).toEqual([400, 'account'])
})

const deep = `{"clOrdId":${'['.repeat(9)}${']'.repeat(9)}}`
const good = JSON.stringify(order('x-1'))
const withField = (text: string) => good.replace('{', `{${text},`)

test.each<[string, unknown, string]>([
  ['nothing', undefined, 'frame'],
  ['an empty body', '', 'frame'],
  ['no JSON', '{"clOrdId"', 'frame'],
  ['JSON twice', `${good}${good}`, 'frame'],
  ['a number', '17', 'frame'],
  ['null', 'null', 'frame'],
  ['an array', `[${good}]`, 'frame'],
  ['msgpack', Uint8Array.of(0x81, 0xa3, 0x63, 0x6d, 0x64, 0xa3, 0x6e, 0x65, 0x77), 'frame'],
  ['no UTF-8', Buffer.from(withField('"cmd":"\u00ff"'), 'latin1'), 'frame'],
  ['too deep', deep, 'clOrdId'],
  ['__proto__', withField('"__proto__":{"account":"bob"}'), '__proto__'],
  ['__proto__ escaped', withField('"\\u005f_proto__":{}'), 'frame'],
  ['constructor', withField('"constructor":{}'), 'constructor'],
  ['a field twice', withField('"side":"sell"'), 'side'],
  ['a field nobody knows', withField('"foo":1'), 'foo'],
  ['another command', withField('"cmd":"cancel"'), 'cmd'],
  ['a command of operators', withField('"cmd":"deposit"'), 'cmd'],
  ['a price that is a number', good.replace('"price":"1"', '"price":1'), 'price'],
  ['a negative price', good.replace('"price":"1"', '"price":"-1"'), 'price'],
  ['an id with a space', good.replace('x-1', 'x 1'), 'clOrdId'],
  ['an id that is null', good.replace('"x-1"', 'null'), 'clOrdId'],
  ['no id', good.replace('"clOrdId":"x-1",', ''), 'clOrdId'],
  ['an account that is no name', withField('"account":{"a":1}'), 'account'],
  ['a limit order without a price', good.replace('"price":"1",', ''), 'price'],
  ['a problem of its own', '{"kind":"problem","status":200,"headers":{},"body":{}}', ''],
])('malformed: %s', async (_, body, field) => {
  const { ask, exchange } = unchanged
  const { seq } = exchange
  const said = await ask('POST /v1/orders', { body })
  const { code, detail } = said.body
  expect([said.status, code, said.headers.get('content-type')]).toEqual([
    ...[400, 'MALFORMED', 'application/problem+json; charset=utf-8'],
  ])
  if (field !== '') expect(said.body.field).toBe(field)
  expect(detail).toBeTypeOf('string')
  // Nothing got in, and nothing has stuck to objects.
  expect([exchange.seq, ({} as { account?: string }).account]).toEqual([seq, undefined])
})

test('a batch that is malformed is refused whole, and says where', async () => {
  const { ask, exchange } = await start()
  const { seq } = exchange
  const one = JSON.stringify({ cmd: 'new', ...order('x-1') })
  const cases: [unknown, object][] = [
    ['[]', { field: 'frame' }],
    [one, { field: 'frame' }],
    [`[${one},17]`, { field: 'cmd', index: 1 }],
    [`[${one},{"a":1,"a":2}]`, { field: 'a', index: 1 }],
    [`[${Array.from({ length: 1_001 }, () => '{}').join()}]`, { field: 'frame' }],
  ]
  for (const [body, what] of cases) {
    const said = await ask('POST /v1/orders:batch', { body })
    expect(said).toMatchObject({ status: 400, body: { code: 'MALFORMED', ...what } })
  }
  const headers = { 'idempotency-key': 'x' }
  const keyed = await ask('POST /v1/orders:batch', { body: `[${one}]`, headers })
  expect(keyed).toMatchObject({ status: 400, body: { field: 'Idempotency-Key' } })
  expect(exchange.seq).toBe(seq)
})

test('parameters, ids in paths and headers are checked too', async () => {
  const { ask } = await start()
  const cases: [string, number, string, string][] = [
    ['GET /v1/orders?after=x', 400, 'MALFORMED', 'after'],
    ['GET /v1/orders?after=1&after=2', 400, 'MALFORMED', 'after'],
    ['GET /v1/orders?__proto__=1', 400, 'MALFORMED', '__proto__'],
    // No id is not all orders.
    ['DELETE /v1/orders/', 400, 'MALFORMED', 'orderId'],
    ['DELETE /v1/orders/?symbol=XUSD&by=clOrdId', 400, 'MALFORMED', 'clOrdId'],
    ['GET /v1/orders/x', 400, 'MALFORMED', 'orderId'],
    ['GET /v1/orders/9007199254740993', 400, 'MALFORMED', 'orderId'],
    ['GET /v1/orders/a%20b?by=clOrdId', 400, 'MALFORMED', 'clOrdId'],
    ['GET /v1/orders/1?by=symbol', 400, 'MALFORMED', 'by'],
    ['DELETE /v1/orders/1?symbol=', 400, 'MALFORMED', 'symbol'],
    ['DELETE /v1/orders?side=both', 400, 'MALFORMED', 'side'],
    ['DELETE /v1/orders?symbol=NONE', 422, 'UNKNOWN_SYMBOL', 'symbol'],
    ['GET /v1/book/a.b', 400, 'MALFORMED', 'symbol'],
    ['GET /v1/book/NONE', 404, 'UNKNOWN_SYMBOL', 'symbol'],
    ['GET /v1/trades/NONE', 404, 'UNKNOWN_SYMBOL', 'symbol'],
    ['GET /v1/book/XUSD?depth=0', 400, 'MALFORMED', 'depth'],
    ['GET /v1/book/XUSD?depth=1e2', 400, 'MALFORMED', 'depth'],
    ['GET /v1/trades/XUSD?limit=1001', 400, 'MALFORMED', 'limit'],
    ['GET /v1/accounts/alice/fills?since=-1', 400, 'MALFORMED', 'since'],
    ['GET /v1/orders/%zz', 400, 'MALFORMED', 'url'],
    [`GET /v1/orders/${'9'.repeat(300)}`, 414, 'URL_TOO_LONG', 'url'],
  ]
  for (const [line, status, code, field] of cases) {
    const said = await ask(line)
    expect([line, said.status, said.body]).toMatchObject([line, status, { code, field }])
  }
  for (const line of ['GET /v1/nothing', 'PUT /v1/orders', 'HEAD /v1/orders']) {
    const [method, path] = line.split(' ')
    const { status, headers } = await fetch(`${running[0].url}${path}`, { method })
    expect([line, status]).toEqual([line, 404])
    expect(headers.get('content-type')).toContain('application/problem+json')
  }
  const keys = ['a b', '', 'x'.repeat(37), '""', 'a, b']
  for (const key of keys) {
    const { clOrdId, ...body } = order('x-1')
    const said = await ask('POST /v1/orders', { body, headers: { 'idempotency-key': key } })
    expect([key, said.status, said.body.field]).toEqual([key, 400, 'Idempotency-Key'])
  }
  const twice = await ask('PATCH /v1/orders/6', { body: { ...change, orderId: '7' } })
  expect([twice.status, twice.body.field]).toEqual([400, 'orderId'])
  const nobody = await ask('GET /v1/accounts/nobody', { as: 'nobody' })
  expect([nobody.status, nobody.body.code]).toEqual([404, 'UNKNOWN_ACCOUNT'])
})

test('what the exchange refuses is 422, with its code and its word', async () => {
  const { ask } = await start()
  const cases: [object, string, string | undefined][] = [
    [{ orderQty: '1000000000' }, 'INSUFFICIENT_FUNDS', undefined],
    [{ symbol: 'NONE' }, 'UNKNOWN_SYMBOL', 'symbol'],
    [{ price: '1.001' }, 'PRICE_PRECISION', 'price'],
    [{ orderQty: '0.5' }, 'QTY_PRECISION', 'orderQty'],
    [{ timeInForce: 'FOK' }, 'FOK_NOT_FILLABLE', undefined],
  ]
  for (const [n, [more, code, field]] of cases.entries()) {
    const { status, body } = await ask('POST /v1/orders', { body: order(`x-${n}`, more) })
    expect([status, body.code, body.field, body.report.code]).toEqual([422, code, field, code])
    expect(body).toMatchObject({ detail: body.report.text, report: { clOrdId: `x-${n}` } })
  }
  const nobody = await ask('POST /v1/orders', { as: 'nobody', body: order('n-1') })
  expect([nobody.status, nobody.body.code]).toEqual([422, 'UNKNOWN_ACCOUNT'])
})

test('bodies that are too long, or of another kind', async () => {
  const { ask, url } = await start()
  const long = `${good.slice(0, -1)}${' '.repeat(512 * 1024)}}`
  const { status, body } = await ask('POST /v1/orders', { body: long })
  expect([status, body.code]).toEqual([413, 'BODY_TOO_LARGE'])
  for (const type of ['text/plain', 'application/msgpack', 'application/x-www-form-urlencoded']) {
    const said = await ask('POST /v1/orders', { body: good, headers: { 'content-type': type } })
    expect([type, said.status, said.body.code]).toEqual([type, 415, 'UNSUPPORTED_MEDIA_TYPE'])
  }
  const headers = { 'content-type': 'application/json; charset=utf-8' }
  expect((await ask('POST /v1/orders', { body: good, headers })).status).toBe(201)
  // One that never ends is told so as soon as it is too long.
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const heard = new Promise<string>((resolve) => socket.once('data', (data) => resolve(`${data}`)))
  const head = ['POST /v1/orders HTTP/1.1', 'Host: x', 'Content-Type: application/json']
  socket.write(`${[...head, 'Transfer-Encoding: chunked'].join('\r\n')}\r\n\r\n`)
  const chunk = 'x'.repeat(64 * 1024)
  for (let n = 0; n < 9; n += 1) socket.write(`10000\r\n${chunk}\r\n`)
  socket.on('error', () => {})
  expect(await heard).toContain(' 413 ')
  socket.destroy()
})

test('too much of an account is 429 with Retry-After; its cancels pass all the same', async () => {
  const spent: string[] = []
  const left = { orders: 3, requests: 4 }
  const throttle =
    (of: keyof typeof left): Throttle =>
    async (account, cost) => {
      spent.push(`${account} ${of} ${cost}`)
      left[of] -= cost
      return left[of] < 0 ? { retryAfterMs: 1_001 } : undefined
    }
  const throttles = { orders: throttle('orders'), requests: throttle('requests') }
  const { ask } = await start({ http: { throttles } })
  const { body: mine } = await ask('POST /v1/orders', { body: order('x-1') })
  const commands = [
    { cmd: 'new', ...order('x-2') },
    { cmd: 'new', ...order('x-3') },
    { cmd: 'cancel', symbol: 'XUSD', origClOrdId: 'x-2' },
  ]
  expect((await ask('POST /v1/orders:batch', { body: commands })).status).toBe(200)
  const first = ['alice requests 1', 'alice orders 1', 'alice requests 1', 'alice orders 2']
  expect(spent.splice(0)).toEqual(first)
  const { orderId } = mine
  const held = async (line: string, body?: unknown): Promise<void> => {
    const said = await ask(line, { body })
    expect([line, said.status, said.body.code]).toEqual([line, 429, 'RATE_LIMITED'])
    expect(said.headers.get('retry-after')).toBe('2')
  }
  // No order more, but requests.
  await held('POST /v1/orders', order('x-4'))
  expect((await ask('GET /v1/orders')).status).toBe(200)
  expect(spent.splice(0)).toEqual(['alice requests 1', 'alice orders 1', 'alice requests 1'])
  for (const [line, body] of [
    ['POST /v1/orders', order('x-4')],
    [`PATCH /v1/orders/${orderId}`, { ...change, clOrdId: 'x-5' }],
    ['POST /v1/orders:batch', commands],
    ...ROUTES.map(([, route]) => [route]).filter(([route]) => route.startsWith('GET')),
    [`DELETE /v1/orders/${orderId}`],
  ] as [string, unknown?][]) {
    await held(line, body)
    expect([line, spent.splice(0)]).toEqual([line, ['alice requests 1']])
  }
  const canceled = await ask(`DELETE /v1/orders/${orderId}?symbol=XUSD`)
  expect(canceled.body.execType).toBe('canceled')
  const cancels = [commands[2], { cmd: 'massCancel' }]
  expect((await ask('POST /v1/orders:batch', { body: cancels })).status).toBe(200)
  expect((await ask('DELETE /v1/orders')).status).toBe(200)
  expect(spent).toEqual([])
})

test('fills that are no longer in memory are 410; without since, from the oldest', async () => {
  const history = new ReportHistory({ reportsMax: 2 })
  for (let execSeq = 9; execSeq <= 12; execSeq += 1) {
    const report = { execType: 'trade', account: 'alice', execSeq } as const
    history.add('alice', execSeq, 1, encodeFrame([report], 'msgpack'))
  }
  const { ask } = await start({ http: { history } })
  const said = await ask('GET /v1/accounts/alice/fills?since=9')
  const body = { code: 'HISTORY_GONE', field: 'since', oldest: 11, newest: 12 }
  expect(said).toMatchObject({ status: 410, body })
  const { body: oldest } = await ask('GET /v1/accounts/alice/fills')
  expect(oldest).toMatchObject({ fills: [{ execSeq: 11 }, { execSeq: 12 }], upTo: 12, more: false })
})

test('who says who asks is given the request as it came, byte for byte', async () => {
  const seen: SignedRequest[] = []
  const authenticate: Authenticate = (request) => {
    seen.push(request)
    return byToken(request)
  }
  const { ask } = await start({ http: { authenticate } })
  const body = `${good.replace(',', ' ,\n')} `
  const headers = { 'X-Signature': 'abc' }
  expect((await ask('POST /v1/orders', { body, headers })).status).toBe(201)
  await ask('DELETE /v1/orders/x%2d1?by=clOrdId&symbol=XUSD')
  expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual([
    ...['POST /v1/orders', 'DELETE /v1/orders/x%2d1?by=clOrdId&symbol=XUSD'],
  ])
  expect(seen.map((each) => Buffer.from(each.body).toString())).toEqual([body, ''])
  expect(seen[0].headers).toMatchObject({ 'x-signature': 'abc', authorization: 'Bearer alice' })
})

test('what is refused before it is in history is counted, once each', async () => {
  const codes: string[] = []
  const { ask } = await start({ http: { onRefused: (code) => void codes.push(code) } })
  await ask('GET /v1/instruments', { as: '' })
  await ask('GET /v1/accounts/bob')
  await ask('POST /v1/orders', { body: '{' })
  await ask('POST /v1/orders', { body: order('x-1', { price: '1.001' }) })
  const body = [{ cmd: 'new', ...order('x-2', { symbol: 'NONE' }) }, { cmd: 'massCancel' }]
  await ask('POST /v1/orders:batch', { body })
  // This one is in history: whoever counts reports counts it.
  await ask('POST /v1/orders', { body: order('x-3', { orderQty: '1000000000' }) })
  expect(codes).toEqual([
    ...['UNAUTHENTICATED', 'FORBIDDEN', 'MALFORMED', 'PRICE_PRECISION', 'UNKNOWN_SYMBOL'],
  ])
})

test('a fault of ours is 500, tells nothing, and is told to whoever runs it', async () => {
  const errors: unknown[] = []
  const fault = new Error('the key store is on fire at /etc/keys')
  const authenticate = () => Promise.reject(fault)
  const onError = (error: unknown) => void errors.push(error)
  const { ask } = await start({ http: { authenticate, onError } })
  const { status, body } = await ask('GET /v1/instruments')
  expect([status, body.code, JSON.stringify(body).includes('fire')]).toEqual([
    500,
    'INTERNAL',
    false,
  ])
  expect(errors).toEqual([fault])
})
