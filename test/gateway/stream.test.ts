// Streams over real WebSockets, on a real Postgres: what subscribers get, that it is what NATS
// gives, and that reports have no gap whatever happens between.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { MarketFeed, type MarketFeedOptions } from '../../src/gateway/market-feed.ts'
import { client, type Said, SCENE, type Servers, startServers } from './exchange-support.ts'
import { type HttpRunning, order, serveHttp } from './http-support.ts'
import { Book, range, StreamClient } from './stream-support.ts'

let servers: Servers
const running: HttpRunning[] = []

beforeAll(async () => {
  servers = await startServers()
}, 600_000)
afterAll(() => servers.end(), 600_000)
afterEach(async () => {
  for (const each of running.splice(0)) await each.close()
}, 600_000)

async function start(options: Parameters<typeof serveHttp>[1] = {}, url?: string) {
  const database = url ?? (await servers.database())
  const each = await serveHttp(database, options)
  running.push(each)
  if (url === undefined) for (const command of SCENE) each.exchange.submit(command)
  await each.exchange.settled()
  return { ...each, database }
}

const subscribe = (feed: string, symbol?: string, more: object = {}) => ({
  ...{ cmd: 'subscribe', feed, ...(symbol !== undefined && { symbol }), ...more },
})
const events = ({ heard }: StreamClient) => heard.filter(({ event }) => event !== undefined)

test('a symbol from its snapshot on: depth, best prices, trades', async () => {
  const { ask, url, exchange } = await start({ http: { depthEveryMs: 1 } })
  await ask('POST /v1/orders', { body: order('a-1', { price: '2', orderQty: '5' }) })
  const stream = await StreamClient.open(url)
  for (const feed of ['depth', 'bbo', 'trades']) stream.send(subscribe(feed, 'XUSD', { id: feed }))
  await stream.until(() => events(stream)[2])
  const echo = (feed: string) => ({ event: 'subscribed', id: feed, feed, symbol: 'XUSD' })
  expect(events(stream)).toEqual([echo('depth'), echo('bbo'), echo('trades')])
  const first = { price: '2', qty: '5', orders: 1 }
  const depth = await stream.find(({ feed, event }) => feed === 'depth' && event === undefined)
  expect(depth).toMatchObject({
    ...{ feed: 'depth', symbol: 'XUSD', message: { type: 'snapshot', bids: [first], asks: [] } },
  })
  await ask('POST /v1/orders', { as: 'bob', body: order('b-1', { price: '2', side: 'sell' }) })
  await exchange.settled()
  const trades = await stream.find(({ message }) => Array.isArray(message))
  expect(trades).toMatchObject({
    ...{ feed: 'trades', symbol: 'XUSD' },
    message: [{ symbol: 'XUSD', price: '2', qty: '1', side: 'sell' }],
  })
  const { message: before } = depth
  const update = await stream.find(({ message }) => message?.type === 'update')
  expect(update.message).toMatchObject({
    ...{ feedSeq: before.feedSeq + 1, fromSeq: before.seq, bids: [{ price: '2', qty: '4' }] },
  })
  const best = await stream.until(() =>
    stream.of('bbo').find(({ message }) => message.bid.qty === '4'),
  )
  expect(best.message).toMatchObject({ bid: { price: '2', qty: '4', orders: 1 }, ask: null })
  await stream.close()
})

test('what is streamed is what NATS gives, made once', async () => {
  const { url, exchange, nats } = await start({ natsUrl: servers.nats.url })
  const { listen, connection } = await client(servers)
  const heard: Record<string, Said[]> = {}
  for (const feed of ['depth', 'bbo', 'trades']) {
    heard[feed] = await listen(`onefill.v1.md.XUSD.${feed}`)
  }
  heard.reports = await listen('onefill.v1.exec.alice')
  const stream = await StreamClient.open(url)
  expect(await stream.ask(subscribe('depth', 'XUSD'))).toMatchObject({ event: 'subscribed' })
  for (const feed of ['bbo', 'trades']) await stream.ask(subscribe(feed, 'XUSD'))
  const { newest } = await stream.ask(subscribe('reports'))
  for (let n = 0; n < 30; n += 1) {
    exchange.submit({ cmd: 'new', account: 'alice', ...order(`a-${n}`, { orderQty: '2' }) })
    exchange.submit({ cmd: 'new', account: 'bob', ...order(`b-${n}`, { side: 'sell' }) })
    await exchange.settled()
  }
  const lastOf = (said: Said[]) =>
    said.find(({ feedSeq }) => feedSeq === nats?.market.depth('XUSD')?.feedSeq)
  await stream.until(() => (stream.execSeqs.at(-1) === newest + 60 ? true : undefined))
  await stream.until(() => lastOf(stream.of('depth').map(({ message }) => message)))
  await connection.flush()
  for (const feed of ['depth', 'bbo', 'trades', 'reports']) {
    const streamed = stream.of(feed).flatMap(({ message }) => message)
    // The first books came as snapshots of their own, before there was a change.
    const common = streamed.slice(-heard[feed].length)
    expect([feed, heard[feed].slice(-common.length)]).toEqual([feed, common])
    expect(common.length).toBeGreaterThan(0)
  }
  expect(stream.of('trades').flatMap(({ message }) => message)).toHaveLength(30)
  await connection.close()
  await stream.close()
})

test('reports: from now on, or from a number on, and never those of another account', async () => {
  const { ask, url } = await start()
  const live = await StreamClient.open(url)
  const bob = await StreamClient.open(url, { as: 'bob' })
  expect(await live.ask(subscribe('reports', undefined, { account: 'alice' }))).toEqual({
    ...{ event: 'subscribed', feed: 'reports', account: 'alice', newest: 3 },
  })
  await bob.ask(subscribe('reports'))
  for (let n = 0; n < 5; n += 1) await ask('POST /v1/orders', { body: order(`a-${n}`) })
  await live.until(() => (live.execSeqs.length === 5 ? true : undefined))
  expect(live.execSeqs).toEqual(range(4, 8))
  expect(live.of('reports')[0].message[0]).toMatchObject({ execType: 'new', clOrdId: 'a-0' })
  const late = await StreamClient.open(url)
  await late.ask(subscribe('reports', undefined, { from: 2 }))
  await ask('POST /v1/orders', { body: order('a-5') })
  await late.until(() => (late.execSeqs.at(-1) === 9 ? true : undefined))
  expect(late.execSeqs).toEqual(range(2, 9))
  // Again: from there anew. And no more after the end.
  await late.ask(subscribe('reports', undefined, { from: 9 }))
  await late.until(() => (late.execSeqs.length === 9 ? true : undefined))
  expect(late.execSeqs.slice(8)).toEqual([9])
  expect(await late.ask({ cmd: 'unsubscribe', feed: 'reports' })).toMatchObject({
    event: 'unsubscribed',
  })
  await ask('POST /v1/orders', { body: order('a-6') })
  await live.until(() => (live.execSeqs.at(-1) === 10 ? true : undefined))
  await late.ask({ cmd: 'unsubscribe', feed: 'bbo', symbol: 'XUSD' })
  expect(late.execSeqs).toHaveLength(9)
  expect(bob.execSeqs).toEqual([])
  for (const each of [live, late, bob]) await each.close()
})

test('many streams come and go while an account trades, each without a gap', async () => {
  const { url, exchange } = await start()
  const [total, streams] = [400, 20]
  let from = 1
  const clients: { stream: StreamClient; from: number }[] = []
  for (let n = 0; n < total; n += 1) {
    exchange.submit({ cmd: 'new', account: 'alice', ...order(`a-${n}`) })
    if (n % (total / streams) > 0) continue
    const stream = await StreamClient.open(url)
    stream.send(subscribe('reports', undefined, { from }))
    clients.push({ stream, from })
    from += 7
  }
  await exchange.settled()
  for (const { stream, from } of clients) {
    await stream.until(() => (stream.execSeqs.at(-1) === total + 3 ? true : undefined))
    expect(stream.execSeqs).toEqual(range(from, total + 3))
    await stream.close()
  }
})

test('beyond memory there is a refusal, at once or as soon as it is known', async () => {
  const first = await start()
  await first.ask('POST /v1/orders', { body: order('a-1') })
  await running.pop()!.close()
  // A new process has published nothing of the account yet.
  const { ask, url } = await start({}, first.database)
  const early = await StreamClient.open(url)
  expect(await early.ask(subscribe('reports', undefined, { from: 2 }))).toMatchObject({
    ...{ event: 'subscribed', newest: 0 },
  })
  const next = await StreamClient.open(url)
  await next.ask(subscribe('reports', undefined, { from: 5 }))
  await ask('POST /v1/orders', { body: order('a-2') })
  const gone = { event: 'refused', code: 'HISTORY_GONE', field: 'from', oldest: 5, newest: 5 }
  expect(await early.find(({ event }) => event === 'refused')).toMatchObject(gone)
  await next.until(() => next.execSeqs[0])
  const late = await StreamClient.open(url)
  expect(await late.ask(subscribe('reports', undefined, { from: 4, id: 'x' }))).toMatchObject({
    ...{ ...gone, id: 'x', feed: 'reports' },
  })
  // It goes on from where memory begins.
  await early.ask(subscribe('reports', undefined, { from: 5 }))
  await early.until(() => early.execSeqs[0])
  expect([next.execSeqs, early.execSeqs, late.execSeqs]).toEqual([[5], [5], []])
  for (const each of [early, next, late]) await each.close()
})

test('a client keeps the whole book out of what it gets', async () => {
  const { url, ask, exchange } = await start({ http: { depthEveryMs: 1 } })
  const stream = await StreamClient.open(url)
  await stream.ask(subscribe('depth', 'XUSD'))
  for (let n = 0; n < 300; n += 1) {
    const side = n % 3 === 0 ? 'sell' : 'buy'
    const price = String(side === 'sell' ? 50 + (n % 17) : 20 + (n % 29))
    exchange.submit({ cmd: 'new', account: 'alice', ...order(`a-${n}`, { side, price }) })
    if (n % 7 === 0) await exchange.settled()
  }
  await exchange.settled()
  const { body } = await ask('GET /v1/book/XUSD?depth=50')
  const levels = (side: Said[]) => Object.fromEntries(side.map(({ price, qty }) => [price, qty]))
  const wanted = { bids: levels(body.bids), asks: levels(body.asks) }
  const isSame = (book: Book) =>
    JSON.stringify([...book.bids].sort()) === JSON.stringify(Object.entries(wanted.bids).sort()) &&
    JSON.stringify([...book.asks].sort()) === JSON.stringify(Object.entries(wanted.asks).sort())
  const whole = await stream.until(() => {
    const book = new Book()
    for (const { message } of stream.of('depth')) book.take(message)
    return isSame(book) ? book : undefined
  })
  expect(whole.snapshots).toBeGreaterThan(0)
  expect(whole.feedSeq).toBeGreaterThan(whole.snapshots)
  await stream.close()
})

test('only what is durable is streamed', async () => {
  const { url, exchange } = await start()
  const stream = await StreamClient.open(url)
  await stream.ask(subscribe('reports'))
  await servers.postgres.kill()
  exchange.submit({ cmd: 'new', account: 'alice', ...order('a-1') })
  // Answered on the way that the report would take.
  await stream.ask({ cmd: 'unsubscribe', feed: 'bbo', symbol: 'XUSD' })
  expect(stream.execSeqs).toEqual([])
  await servers.postgres.start()
  await stream.until(() => stream.execSeqs[0])
  expect(stream.execSeqs).toEqual([4])
  await stream.close()
})

test('a stop is told, what was taken in still comes, then streams are closed', async () => {
  const { url, exchange, http } = await start()
  const stream = await StreamClient.open(url)
  await stream.ask(subscribe('reports'))
  exchange.submit({ cmd: 'new', account: 'alice', ...order('a-1') })
  http.finishTaking()
  expect(await StreamClient.connect(url)).toMatchObject({
    ...{ status: 503, type: 'application/problem+json', body: { code: 'NOT_LEADING' } },
  })
  await exchange.settled()
  await http.close()
  expect(await stream.closed).toEqual({ code: 1001, reason: 'GOING_AWAY' })
  expect(events(stream).at(-1)).toEqual({ event: 'stopping' })
  expect(stream.execSeqs).toEqual([4])
  expect(http.streamStats).toEqual({ open: 0, bufferedBytes: 0 })
})

test('a fault on the way of a book is told, and ends the stream that met it', async () => {
  const errors: unknown[] = []
  const fault = new Error('a taker that breaks')
  const query = async () => ({ ...{ query: 'book', seq: 1, symbol: 'XUSD' }, bids: [], asks: [] })
  const onError = (error: unknown) => errors.push(error)
  const feed = new MarketFeed({ query: query as MarketFeedOptions['query'], onFault: onError })
  feed.addTaker(() => {
    throw fault
  })
  const { url } = await start({ http: { market: () => feed, onError } })
  const [hit, other] = [await StreamClient.open(url), await StreamClient.open(url)]
  await expect(hit.ask(subscribe('depth', 'XUSD'))).rejects.toThrow('it was closed')
  expect(await hit.closed).toMatchObject({ code: 1006 })
  expect(errors).toEqual([fault])
  expect(hit.heard).toEqual([])
  expect(await other.ask(subscribe('reports'))).toMatchObject({ event: 'subscribed' })
  await other.close()
})
