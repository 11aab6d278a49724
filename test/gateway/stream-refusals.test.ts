// Streams that are not let in, messages that are refused, and bounds that are reached: one typed
// word for each, over real WebSockets.

import { randomBytes } from 'node:crypto'
import { connect as connectTcp } from 'node:net'
import { SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createAuthenticate, signRequest } from '../../src/gateway/http/auth/authenticator.ts'
import type { HttpGatewayOptions } from '../../src/gateway/http/gateway.ts'
import { Databases } from '../support/databases.ts'
import { SCENE } from './exchange-support.ts'
import { byToken, type HttpRunning, serveHttp } from './http-support.ts'
import { StreamClient, type StreamOptions } from './stream-support.ts'

let databases: Databases
let open: HttpRunning[] = []
let url = ''
const refused: string[] = []

beforeAll(async () => {
  databases = await Databases.start()
}, 600_000)
afterAll(() => databases.stop(), 600_000)
afterEach(async () => {
  for (const each of open) await each.close()
  open = []
  refused.length = 0
}, 600_000)

async function start(http: Partial<HttpGatewayOptions> = {}): Promise<HttpRunning> {
  const onRefused = (code: string) => refused.push(code)
  const each = await serveHttp(await databases.create(), { http: { onRefused, ...http } })
  for (const command of SCENE) each.exchange.submit(command)
  await each.exchange.settled()
  open.push(each)
  url = each.url
  return each
}

/** What a handshake comes to. */
async function outcome(options: StreamOptions): Promise<string> {
  const client = await StreamClient.connect(url, options)
  if (client instanceof StreamClient) {
    await client.close()
    return `in ${client.socket.protocol}`.trim()
  }
  const { status, body, type } = client
  expect(type).toBe('application/problem+json')
  expect(body).toMatchObject({ status, type: `urn:onefill:problem:${body.code}` })
  return [status, body.code, body.field].filter((each) => each !== undefined).join(' ')
}

test('who is let in, and who is not', async () => {
  await start()
  const token = 'onefill.bearer.alice'
  const cases: [StreamOptions, string][] = [
    [{}, 'in'],
    [{ protocols: ['onefill.v1'] }, 'in onefill.v1'],
    // As browsers do: the token is not repeated in the answer.
    [{ as: '', protocols: ['onefill.v1', token] }, 'in onefill.v1'],
    [{ as: '', protocols: [token, 'onefill.v1'] }, 'in onefill.v1'],
    [{ as: '' }, '401 UNAUTHENTICATED'],
    [{ as: '', protocols: ['onefill.v1'] }, '401 UNAUTHENTICATED'],
    [{ as: 'no!body' }, '401 UNAUTHENTICATED'],
    [{ as: '', protocols: ['onefill.v1', 'onefill.bearer.no!body'] }, '401 UNAUTHENTICATED'],
    [{ protocols: ['onefill.v1', token] }, '401 UNAUTHENTICATED'],
    [{ as: '', protocols: ['onefill.v1', token, `${token}2`] }, '401 UNAUTHENTICATED'],
    [{ as: '', protocols: [token] }, '400 MALFORMED Sec-WebSocket-Protocol'],
    [{ protocols: ['mqtt'] }, '400 MALFORMED Sec-WebSocket-Protocol'],
    [{ as: '', path: '/v1/stream?token=alice' }, '400 MALFORMED url'],
    [{ path: '/v1/streams' }, '404 NOT_FOUND'],
    [{ path: '/v1/orders' }, '404 NOT_FOUND'],
  ]
  for (const [options, expected] of cases) {
    expect([options, await outcome(options)]).toEqual([options, expected])
  }
})

test('a request that is none for a WebSocket', async () => {
  const { ask } = await start()
  const { status, headers, body } = await ask('GET /v1/stream')
  expect([status, headers.get('upgrade'), body.code]).toEqual([
    ...[426, 'websocket', 'UPGRADE_REQUIRED'],
  ])
  // Whoever offers another protocol is answered in this one.
  const get = (path: string) => [`GET ${path} HTTP/1.1`, 'host: x', 'authorization: Bearer alice']
  const other = [...get('/v1/instruments'), 'connection: upgrade', 'upgrade: h2c']
  expect(await raw(other)).toMatch(/^HTTP\/1\.1 200 OK/)
  const version = 'sec-websocket-version: 12'
  const wish = [...get('/v1/stream'), 'connection: upgrade', 'upgrade: WebSocket']
  for (const lines of [
    [...wish, version, KEY],
    [...wish, KEY],
    [...wish, version],
  ]) {
    const answer = await raw(lines)
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
    expect(answer).toMatch(/"code":"MALFORMED","field":"Sec-WebSocket"/)
  }
})

const KEY = 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=='

/** What a request of these lines is answered, as far as it comes at once. */
function raw(lines: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connectTcp(Number(port), hostname)
  socket.write([...lines, '', ''].join('\r\n'))
  return new Promise((resolve) => {
    socket.once('data', (data) => {
      socket.destroy()
      resolve(data.toString())
    })
  })
}

test('real tokens and real signatures', async () => {
  const secret = randomBytes(32).toString('base64url')
  const key = { id: 'bob-1', secret, account: 'bob', scopes: ['trade', 'read'] as const }
  const windowMs = 300_000
  const authenticate = createAuthenticate({
    jwt: {
      ...{ issuer: 'i', audience: 'a', algorithms: ['HS256'], clockToleranceS: 0 },
      key: { kind: 'secret', secret },
    },
    apiKeys: { keys: [key], windowMs, nonces: { perKey: 10, all: 10 } },
  })
  await start({ authenticate })
  const jwt = new SignJWT({ account: 'alice', scopes: ['read'] })
  jwt.setProtectedHeader({ alg: 'HS256' }).setIssuer('i').setAudience('a').setExpirationTime('1h')
  const token = await jwt.sign(Buffer.from(secret))
  expect(await outcome({ as: token })).toBe('in')
  const inProtocol = { as: '', protocols: ['onefill.v1', `onefill.bearer.${token}`] }
  expect(await outcome(inProtocol)).toBe('in onefill.v1')
  const wrong = `${token.slice(0, -3)}abc`
  expect(await outcome({ as: wrong })).toBe('401 UNAUTHENTICATED')
  const headers = signRequest({ method: 'GET', url: '/v1/stream' }, { id: key.id, secret })
  const signed = await StreamClient.open(url, { as: '', headers })
  expect(await signed.ask({ cmd: 'subscribe', feed: 'reports' })).toMatchObject({ account: 'bob' })
  await signed.close()
  // Each signature once; and not with a token besides.
  expect(await outcome({ as: '', headers })).toBe('401 UNAUTHENTICATED')
  expect(await outcome({ ...inProtocol, headers })).toBe('401 UNAUTHENTICATED')
})

test('a stream ends with the token that it was opened with', async () => {
  const untilMs = Date.now() + 50
  await start({
    authenticate: async (request) => ({ ...(await byToken(request)), untilMs }) as never,
  })
  const client = await StreamClient.open(url)
  expect(await client.closed).toEqual({ code: 4001, reason: 'TOKEN_EXPIRED' })
  expect(refused).toEqual(['TOKEN_EXPIRED'])
})

const S = { cmd: 'subscribe', symbol: 'XUSD', feed: 'depth' }
const R = { cmd: 'subscribe', feed: 'reports' }
const MALFORMED: readonly (readonly [object | string | Uint8Array, string])[] = [
  ['', 'frame'],
  ['x', 'frame'],
  ['[]', 'frame'],
  [[S], 'frame'],
  ['"text"', 'frame'],
  ['{"cmd":"subscribe"', 'frame'],
  ['{"cmd":"subscribe"}}', 'frame'],
  [Buffer.from('81a3636d64a178', 'hex'), 'frame'],
  [Buffer.from(JSON.stringify(S)), 'frame'],
  ['{"cmd":"subscribe","cmd":"unsubscribe"}', 'cmd'],
  ['{"cmd":"subscribe","from":1.5}', 'from'],
  ['{"__proto__":1}', '__proto__'],
  [{ ...S, feed: 'x'.repeat(300) }, 'feed'],
  [{ ...S, a: { b: { c: { d: 1 } } } }, 'a'],
  [{}, 'cmd'],
  [{ ...S, cmd: 'Subscribe' }, 'cmd'],
  [{ ...S, cmd: 7 }, 'cmd'],
  [{ ...S, extra: 1 }, 'extra'],
  [{ ...S, feed: undefined }, 'feed'],
  [{ ...S, feed: 'snapshot' }, 'feed'],
  [{ ...S, feed: ['depth'] }, 'feed'],
  [{ ...S, symbol: undefined }, 'symbol'],
  [{ ...S, symbol: 'X USD' }, 'symbol'],
  [{ ...S, symbol: '*' }, 'symbol'],
  [{ ...S, symbol: 'x'.repeat(37) }, 'symbol'],
  [{ ...S, from: 1 }, 'from'],
  [{ ...S, id: '' }, 'id'],
  [{ ...S, id: 'ä' }, 'id'],
  [{ ...S, id: 'x'.repeat(37) }, 'id'],
  [{ ...S, account: '$fees' }, 'account'],
  [{ ...S, account: null }, 'account'],
  [{ ...R, symbol: 'XUSD' }, 'symbol'],
  [{ ...R, from: 0 }, 'from'],
  [{ ...R, from: -1 }, 'from'],
  [{ ...R, from: '1' }, 'from'],
  [{ ...R, from: null }, 'from'],
  [{ ...R, cmd: 'unsubscribe', from: 1 }, 'from'],
  [`{"cmd":"subscribe","feed":"depth","symbol":"${'x'.repeat(4_100)}"}`, 'frame'],
]

test('what is malformed is refused with its field, once, and the stream goes on', async () => {
  await start()
  const client = await StreamClient.open(url)
  for (const [message, field] of MALFORMED) {
    const said = await client.ask(message)
    expect([message, said]).toEqual([
      message,
      { event: 'refused', code: 'MALFORMED', field, text: expect.stringMatching(/\w/) },
    ])
  }
  expect(refused).toEqual(MALFORMED.map(() => 'MALFORMED'))
  // No UTF-8, as text.
  client.socket.send(Buffer.from('{"cmd":"\xff"}', 'latin1'), { binary: false })
  await client.until(() => client.heard[MALFORMED.length])
  expect(client.heard.at(-1)).toMatchObject({ code: 'MALFORMED', field: 'frame' })
  expect(await client.ask({ ...S, id: 'x' })).toMatchObject({ event: 'subscribed', id: 'x' })
  await client.close()
})

test("another account's feeds, scopes that are missing, symbols that are not there", async () => {
  await start()
  const client = await StreamClient.open(url)
  for (const cmd of ['subscribe', 'unsubscribe']) {
    for (const feed of ['reports', 'depth', 'bbo', 'trades']) {
      const more = feed === 'reports' ? {} : { symbol: 'XUSD' }
      const said = await client.ask({ cmd, feed, ...more, account: 'bob', id: 'x' })
      expect(said).toMatchObject({ event: 'refused', code: 'WRONG_ACCOUNT', field: 'account' })
    }
  }
  for (const feed of ['depth', 'bbo', 'trades']) {
    const said = await client.ask({ cmd: 'subscribe', feed, symbol: 'NONE', id: 'y' })
    const unknown = { code: 'UNKNOWN_SYMBOL', field: 'symbol', feed, symbol: 'NONE', id: 'y' }
    expect(said).toMatchObject({ event: 'refused', ...unknown })
  }
  const trader = await StreamClient.open(url, { as: 'alice/trade' })
  expect(await trader.ask(R)).toMatchObject({ code: 'FORBIDDEN', field: 'feed', feed: 'reports' })
  expect(await trader.ask(S)).toMatchObject({ event: 'subscribed' })
  await client.close()
  await trader.close()
})

test('bounds on streams: of an account, and of all', async () => {
  await start({ streamBounds: { streams: 3, ofAccount: 2 } })
  const first = await StreamClient.open(url)
  const second = await StreamClient.open(url)
  expect(await outcome({})).toBe('429 TOO_MANY_STREAMS')
  const third = await StreamClient.open(url, { as: 'bob' })
  expect(await outcome({ as: 'bob' })).toBe('503 OVERLOADED')
  await first.close()
  // It is known to be closed here a moment before it is there.
  while ((await outcome({})) !== 'in') await second.ask('')
  expect(refused.slice(0, 2)).toEqual(['TOO_MANY_STREAMS', 'OVERLOADED'])
  await second.close()
  await third.close()
})

test('of many that come at once no more are let in than there is room for', async () => {
  await start({ streamBounds: { streams: 5, ofAccount: 2 } })
  const names = ['a', 'a', 'a', 'a', 'b', 'b', 'b', 'b', 'c', 'c', 'c', 'c']
  const all = await Promise.all(names.map((as) => StreamClient.connect(url, { as })))
  const letIn = all.filter((each) => each instanceof StreamClient)
  expect(letIn).toHaveLength(5)
  expect(open[0].http.streamStats.open).toBe(5)
  for (const client of letIn) await client.close()
})

test('messages are carried out in their order, though some wait', async () => {
  await start()
  const client = await StreamClient.open(url)
  const wanted: string[] = []
  for (let n = 0; n < 40; n += 1) {
    // The first of a symbol waits for the exchange, the others do not.
    const symbol = n % 2 === 0 ? 'XUSD' : `NONE-${n}`
    client.send({ ...S, symbol, id: `${n}` })
    client.send({ ...S, symbol, id: `${n}`, cmd: 'unsubscribe' })
    wanted.push(`${n} ${n % 2 === 0 ? 'subscribed' : 'refused'}`, `${n} unsubscribed`)
  }
  const events = () => client.heard.filter(({ event }) => event !== undefined)
  await client.until(() => events()[wanted.length - 1])
  expect(events().map(({ id, event }) => `${id} ${event}`)).toEqual(wanted)
  await client.close()
})

test('opening a stream and subscribing count in the rate of requests', async () => {
  const asked: string[] = []
  const requests = async (account: string) => {
    asked.push(account)
    return asked.length > 2 ? { retryAfterMs: 1_500 } : undefined
  }
  await start({ throttles: { requests } })
  const client = await StreamClient.open(url)
  expect(await client.ask(S)).toMatchObject({ event: 'subscribed' })
  expect(await client.ask(R)).toMatchObject({
    ...{ event: 'refused', code: 'RATE_LIMITED', feed: 'reports', retryAfterMs: 1_500 },
  })
  // Ending one asks for nothing.
  expect(await client.ask({ ...S, cmd: 'unsubscribe' })).toMatchObject({ event: 'unsubscribed' })
  expect(await outcome({})).toBe('429 RATE_LIMITED')
  expect(asked).toEqual(['alice', 'alice', 'alice', 'alice'])
  await client.close()
})

test('bounds on subscriptions; the same again is no further one', async () => {
  await start({ streamBounds: { subscriptions: 2 } })
  const client = await StreamClient.open(url)
  for (const feed of ['depth', 'bbo', 'depth']) {
    expect(await client.ask({ ...S, feed })).toMatchObject({ event: 'subscribed', feed })
  }
  const over = { event: 'refused', code: 'LIMIT_REACHED', field: 'feed' }
  expect(await client.ask({ ...S, feed: 'trades' })).toMatchObject(over)
  expect(await client.ask(R)).toMatchObject(over)
  // What is refused takes no place.
  await client.ask({ ...S, feed: 'bbo', cmd: 'unsubscribe' })
  expect(await client.ask({ ...S, symbol: 'NONE' })).toMatchObject({ code: 'UNKNOWN_SYMBOL' })
  expect(await client.ask(R)).toMatchObject({ event: 'subscribed' })
  await client.close()
})

test('messages beyond the rate are refused, then the stream is closed', async () => {
  await start({ streamBounds: { messagesAtOnce: 5, messagesPerS: 0.001 } })
  const client = await StreamClient.open(url)
  for (let n = 0; n < 5; n += 1) {
    expect(await client.ask(S)).toMatchObject({ event: 'subscribed' })
  }
  for (let n = 0; n < 5; n += 1) {
    const said = await client.ask(S)
    expect(said).toMatchObject({ event: 'refused', code: 'RATE_LIMITED' })
    expect(said.retryAfterMs).toBeGreaterThan(0)
  }
  client.send(S)
  expect(await client.closed).toEqual({ code: 4029, reason: 'RATE_LIMITED' })
  // Pings are messages.
  const pings = await StreamClient.open(url)
  for (let n = 0; n < 11; n += 1) pings.socket.ping()
  expect(await pings.closed).toEqual({ code: 4029, reason: 'RATE_LIMITED' })
})

test('a message that is much too long closes the stream', async () => {
  await start()
  const long = await StreamClient.open(url)
  long.send('x'.repeat(65 * 1024))
  expect(await long.closed).toMatchObject({ code: 1009 })
  const pieces = await StreamClient.open(url)
  for (let n = 0; n < 100; n += 1) pieces.socket.send('x', { fin: false })
  expect((await pieces.closed).code).toBe(1008)
})
