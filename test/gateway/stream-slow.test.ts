// Peers that do not read, read slowly, or are gone, over real WebSockets: memory is bounded, orders
// go on, reports have no gap, and books begin anew.

import { connect as connectTcp } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { HttpGatewayOptions } from '../../src/gateway/http/gateway.ts'
import { Databases } from '../support/databases.ts'
import { type Said, SCENE } from './exchange-support.ts'
import { type HttpRunning, order, serveHttp } from './http-support.ts'
import { Book, range, StreamClient } from './stream-support.ts'

let databases: Databases
let open: HttpRunning[] = []

beforeAll(async () => {
  databases = await Databases.start()
}, 600_000)
afterAll(() => databases.stop(), 600_000)
afterEach(async () => {
  for (const each of open) await each.close()
  open = []
}, 600_000)

async function start(http: Partial<HttpGatewayOptions>) {
  const each = await serveHttp(await databases.create(), { http })
  for (const command of SCENE) each.exchange.submit(command)
  await each.exchange.settled()
  open.push(each)
  return each
}

const BUFFER_BYTES = 16 * 1024
/** No message is longer. */
const MESSAGE_BYTES = 512 * 1024
/** More than the system keeps for a peer that does not read. */
const ORDERS = 24_000

/** What alice and bob trade with each other, a round at a time; the most that was buffered. */
async function trade({ exchange, http }: HttpRunning, orders = ORDERS): Promise<number> {
  let most = 0
  for (let n = 0; n < orders; n += 1) {
    const [account, side] = n % 2 === 0 ? (['alice', 'buy'] as const) : (['bob', 'sell'] as const)
    const price = String(10 + (n % 50) / 100)
    const orderQty = n % 6 === 0 ? '2' : '1'
    exchange.submit({ cmd: 'new', account, ...order(`o-${n}`, { side, price, orderQty }) })
    if (n % 200 < 199) continue
    await exchange.settled()
    most = Math.max(most, http.streamStats.bufferedBytes)
  }
  await exchange.settled()
  return most
}

const FEEDS = ['reports', 'depth', 'bbo', 'trades'] as const

async function subscribeAll(client: StreamClient): Promise<void> {
  for (const feed of FEEDS) {
    const symbol = feed === 'reports' ? {} : { symbol: 'XUSD' }
    expect(await client.ask({ cmd: 'subscribe', feed, ...symbol })).toMatchObject({
      event: 'subscribed',
    })
  }
}

const bookOf = (client: StreamClient): Book => {
  const book = new Book()
  for (const { message } of client.of('depth')) book.take(message)
  return book
}

test('a reader that stops for a while misses no report, and its book begins anew', async () => {
  const streamBounds = { bufferBytes: BUFFER_BYTES, stuckMs: 600_000, heartbeatMs: 600_000 }
  const running = await start({ depthEveryMs: 1, streamBounds })
  const [slow, fast] = [await StreamClient.open(running.url), await StreamClient.open(running.url)]
  for (const client of [slow, fast]) await subscribeAll(client)
  slow.socket.pause()
  const most = await trade(running)
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThan(2 * (BUFFER_BYTES + MESSAGE_BYTES))
  const { body } = await running.ask('GET /v1/book/XUSD?depth=50')
  slow.socket.resume()
  const levels = (side: Said[]) => side.map(({ price, qty }) => [price, qty]).sort()
  const wanted = JSON.stringify([levels(body.bids), levels(body.asks)])
  const shown = ({ bids, asks }: Book) => JSON.stringify([[...bids].sort(), [...asks].sort()])
  const [{ tradeId }] = (await running.ask('GET /v1/trades/XUSD?limit=1')).body.trades
  for (const client of [slow, fast]) {
    const { newest } = (await running.ask('GET /v1/accounts/alice/fills?since=0')).body
    await client.until(() => (client.execSeqs.at(-1) === newest ? true : undefined))
    expect(client.execSeqs).toEqual(range(4, newest))
    await client.until(() => (shown(bookOf(client)) === wanted ? true : undefined))
    // All trades were sent, or are told to be missing.
    await client.until(() => {
      const trades = client.of('trades').flatMap(({ message }) => message)
      const missed = client.heard.filter(({ event }) => event === 'missed')
      const count = missed.reduce((sum, each) => sum + each.count, trades.length)
      return count === Number(tradeId) ? true : undefined
    })
  }
  const isMissing = ({ heard }: StreamClient) => heard.some(({ event }) => event === 'missed')
  expect(isMissing(slow)).toBe(true)
  for (const client of [slow, fast]) await client.close()
})

test('who does not read at all is closed, and costs nobody else anything', async () => {
  const closed = Promise.withResolvers<string>()
  const streamBounds = { bufferBytes: BUFFER_BYTES, stuckMs: 1_000, heartbeatMs: 200 }
  const running = await start({ streamBounds, onRefused: closed.resolve })
  const [stuck, fast] = [await StreamClient.open(running.url), await StreamClient.open(running.url)]
  for (const client of [stuck, fast]) await client.ask({ cmd: 'subscribe', feed: 'reports' })
  stuck.socket.pause()
  await trade(running)
  expect(await closed.promise).toBe('SLOW_READER')
  while (running.http.streamStats.open > 1) await turn()
  const { newest } = (await running.ask('GET /v1/accounts/alice/fills?since=0')).body
  await fast.until(() => (fast.execSeqs.at(-1) === newest ? true : undefined))
  expect(fast.execSeqs).toEqual(range(4, newest))
  while (running.http.streamStats.bufferedBytes > 0) await turn()
  stuck.socket.terminate()
  await fast.close()
})

test('all buffers together are bounded; who reads goes on', async () => {
  const streamBounds = { bufferBytes: 1024 * 1024, buffersBytes: 1024 * 1024 }
  const endless = { stuckMs: 600_000, heartbeatMs: 600_000 }
  const running = await start({ streamBounds: { ...streamBounds, ...endless } })
  const stuck = await Promise.all(range(1, 8).map(() => StreamClient.open(running.url)))
  const fast = await StreamClient.open(running.url)
  for (const client of [...stuck, fast]) {
    await client.ask({ cmd: 'subscribe', feed: 'reports' })
    if (client !== fast) client.socket.pause()
  }
  const most = await trade(running)
  // One message more for each; without the bound it would be eight buffers.
  expect(most).toBeGreaterThan(1024 * 1024)
  expect(most).toBeLessThan(4 * 1024 * 1024)
  const { newest } = (await running.ask('GET /v1/accounts/alice/fills?since=0')).body
  await fast.until(() => (fast.execSeqs.at(-1) === newest ? true : undefined))
  for (const client of stuck) client.socket.resume()
  for (const client of [...stuck, fast]) {
    await client.until(() => (client.execSeqs.at(-1) === newest ? true : undefined))
    expect(client.execSeqs).toEqual(range(4, newest))
    await client.close()
  }
})

test('a peer that is gone without a word is found out; one that answers stays', async () => {
  const running = await start({ streamBounds: { heartbeatMs: 200 } })
  const alive = await StreamClient.open(running.url)
  const { hostname, port } = new URL(running.url)
  const dead = connectTcp(Number(port), hostname)
  const lines = ['GET /v1/stream HTTP/1.1', 'host: x', 'authorization: Bearer alice']
  const wish = ['connection: upgrade', 'upgrade: websocket', 'sec-websocket-version: 13']
  const key = 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=='
  const gone = new Promise<void>((resolve) => dead.on('error', () => {}).once('close', resolve))
  dead.write([...lines, ...wish, key, '', ''].join('\r\n'))
  // It reads, and says nothing.
  dead.resume()
  const silent = await StreamClient.open(running.url, { autoPong: false })
  await gone
  expect(await silent.closed).toEqual({ code: 1006, reason: '' })
  expect(await alive.ask({ cmd: 'subscribe', feed: 'depth', symbol: 'XUSD' })).toMatchObject({
    event: 'subscribed',
  })
  expect(running.http.streamStats.open).toBe(1)
  await alive.close()
})

test('answers to who asks and does not read are bounded: pings, refusals', async () => {
  const refused: string[] = []
  const streamBounds = { bufferBytes: BUFFER_BYTES, messagesAtOnce: 1e9, heartbeatMs: 600_000 }
  const onRefused = (code: string) => refused.push(code)
  const running = await start({ streamBounds, onRefused })
  const pinging = await StreamClient.open(running.url)
  pinging.socket.pause()
  const payload = Buffer.alloc(125)
  let most = 0
  for (let n = 0; n < 120_000; n += 1) {
    pinging.socket.ping(payload)
    // They are read, and would be answered, before there are more.
    if (n % 500 === 0) while (pinging.socket.bufferedAmount > 0) await turn()
    most = Math.max(most, running.http.streamStats.bufferedBytes)
  }
  expect(most).toBeGreaterThan(0)
  expect(most).toBeLessThan(BUFFER_BYTES + 1_024)
  const asking = await StreamClient.open(running.url)
  asking.socket.pause()
  for (let n = 0; !refused.includes('SLOW_READER'); n += 1) {
    asking.send('{}')
    if (n % 100 === 0) await turn()
    most = Math.max(most, running.http.streamStats.bufferedBytes)
  }
  expect(most).toBeLessThan(2 * (BUFFER_BYTES + 70 * 1024))
  for (const client of [pinging, asking]) client.socket.terminate()
})

test('hundreds idle, some that do not read: orders go on, and all hear of it', async () => {
  const streamBounds = { ofAccount: 1_000, bufferBytes: 64 * 1024, stuckMs: 600_000 }
  const running = await start({ streamBounds: { ...streamBounds, heartbeatMs: 600_000 } })
  const clients: StreamClient[] = []
  for (let n = 0; n < 300; n += 1) {
    const client = await StreamClient.open(running.url, { as: n % 2 === 0 ? 'alice' : 'bob' })
    await client.ask({ cmd: 'subscribe', feed: 'bbo', symbol: 'XUSD' })
    clients.push(client)
  }
  const stuck = clients.slice(0, 5)
  for (const client of stuck) {
    await client.ask({ cmd: 'subscribe', feed: 'reports' })
    client.socket.pause()
  }
  const most = await trade(running)
  expect(most).toBeLessThan(5 * (64 * 1024 + MESSAGE_BYTES) + 300 * 1_024)
  const { status, body } = await running.ask('POST /v1/orders', {
    body: order('last', { side: 'buy', price: '9.99', orderQty: '7' }),
  })
  expect([status, body.execType]).toEqual([201, 'new'])
  expect(running.http.streamStats.open).toBe(300)
  const best = (await running.ask('GET /v1/book/XUSD?depth=1')).body
  for (const client of stuck) client.socket.resume()
  for (const client of clients) {
    const isLast = ({ message: { bid, ask } }: Said) =>
      JSON.stringify([bid, ask]) === JSON.stringify([best.bids[0] ?? null, best.asks[0] ?? null])
    await client.until(() => client.of('bbo').findLast(isLast))
  }
  for (const client of stuck) {
    const { account } = client.of('reports')[0]
    const path = `/v1/accounts/${account}/fills?since=0`
    const { newest } = (await running.ask(`GET ${path}`, { as: account })).body
    await client.until(() => (client.execSeqs.at(-1) === newest ? true : undefined))
    expect(client.execSeqs).toEqual(range(client.execSeqs[0], newest))
  }
  for (const client of clients) client.socket.terminate()
})
