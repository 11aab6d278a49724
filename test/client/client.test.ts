// The client library against the real exchange on a real NATS server and Postgres: under restarts
// of either, each order is carried out once and each report comes once.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from '@nats-io/transport-node'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import {
  AdminClient,
  type Book,
  type GoneReports,
  type NumberedReport,
  OnefillClient,
  type Reply,
  type TradeMessage,
  Unanswered,
} from '../../src/client.ts'
import type { Report } from '../../src/protocol/report-json.ts'
import {
  type Running,
  SCENE,
  type Servers,
  serve,
  startServers,
} from '../gateway/exchange-support.ts'
import { until } from '../support/until.ts'
import { type Wire, wireTo } from './proxy.ts'

const ROOT = join(import.meta.dirname, '../..')

let servers: Servers
let running: Running | undefined
const closing: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  servers = await startServers()
}, 600_000)
/** A Postgres on a slow disk takes its time to stop. */
const HOOK_MS = 60_000
afterAll(() => servers.end(), HOOK_MS)
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  await running?.close()
  running = undefined
}, HOOK_MS)

const QUICK = { timeoutMs: 500 } as const

async function trader(
  account: string,
  more: Partial<Parameters<typeof OnefillClient.connect>[0]> = {},
) {
  const client = await OnefillClient.connect({
    ...{ servers: servers.nats.url, account, ...QUICK, ...more },
  })
  closing.push(() => client.close())
  return client
}

async function operator() {
  const admin = await AdminClient.connect({ servers: servers.nats.url, ...QUICK })
  closing.push(() => admin.close())
  return admin
}

/** A running exchange with the scene in it. */
async function start(): Promise<string> {
  const url = await servers.database()
  running = await serve(servers, url)
  const replies = await (await operator()).batch(SCENE)
  expect(replies.map(({ execType }) => execType)).toEqual(SCENE.map(() => 'accepted'))
  return url
}

/** An exchange in a process of its own, which can be killed. */
async function serveApart(url: string) {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'exchange-process.ts'), servers.nats.url, url],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const gone = once(child, 'exit')
  const kill = async () => {
    child.kill('SIGKILL')
    await gone
  }
  closing.push(kill)
  await once(child.stdout, 'data')
  return { kill }
}

async function wire(): Promise<Wire> {
  const made = await wireTo(servers.nats.port)
  closing.push(() => made.close())
  return made
}

const buy = (clOrdId?: string, price = '1') => ({
  ...({ clOrdId, symbol: 'XUSD', side: 'buy', price, orderQty: '1' } as const),
})
const sell = (price: string, orderQty = '1') =>
  ({ symbol: 'XUSD', side: 'sell', price, orderQty }) as const

/** Every report of a client, and what was gone. */
function collect(client: OnefillClient, fromExecSeq?: number) {
  const reports: NumberedReport[] = []
  const gone: GoneReports[] = []
  const { ready, stop } = client.onReport((report) => reports.push(report), {
    ...{ fromExecSeq, onGone: (some) => gone.push(some) },
  })
  return { reports, gone, ready, stop }
}

const seqs = (reports: readonly NumberedReport[]) => reports.map(({ execSeq }) => execSeq)
const gapless = (reports: readonly NumberedReport[]) =>
  reports.map((_, n) => reports[0].execSeq + n)
const opened = (reports: readonly NumberedReport[]) =>
  reports.flatMap(({ execType, duplicate, clOrdId }) =>
    execType === 'new' && !duplicate ? [clOrdId] : [],
  )

/** Sends so many orders, some at a time, until all are answered. */
async function sendAll(client: OnefillClient, count: number, inFlight = 20): Promise<Reply[]> {
  const replies: Reply[] = []
  let sent = 0
  const one = async () => {
    while (sent < count) {
      sent += 1
      replies.push(await client.submit(buy(`n-${sent}`)))
    }
  }
  await Promise.all(Array.from({ length: inFlight }, one))
  return replies
}

test.each(['json', 'msgpack'] as const)('every method, in %s', async (format) => {
  await start()
  const [alice, bob] = [await trader('alice', { format }), await trader('bob', { format })]
  const { reports, ready } = collect(alice)
  const books: Book[] = []
  const trades: TradeMessage[] = []
  const book = alice.book('XUSD', (each) => books.push(each))
  const feed = alice.trades('XUSD', (each) => trades.push(each))
  await Promise.all([ready, book.ready, feed.ready])
  const first = await alice.submit({ ...buy('a-1', '2'), orderQty: '5' })
  expect(first).toMatchObject({ execType: 'new', ordType: 'limit', clOrdId: 'a-1' })
  const unnamed = await bob.submit(sell('2', '3'))
  expect(unnamed).toMatchObject({ execType: 'new', account: 'bob' })
  expect(unnamed.clOrdId).toMatch(/^[\w-]{10,36}$/)
  await until(() => books.at(-1)?.bids[0]?.qty === '2' && trades.length === 1)
  expect(trades).toMatchObject([{ price: '2', qty: '3', side: 'sell' }])
  expect(
    await alice.replace({ symbol: 'XUSD', origClOrdId: 'a-1', price: '2.01', orderQty: '6' }),
  ).toMatchObject({ execType: 'replaced', price: '2.01', leavesQty: '3' })
  expect(await alice.cancel({ symbol: 'XUSD', orderId: first.orderId })).toMatchObject({
    execType: 'canceled',
  })
  expect(await alice.cancel({ symbol: 'XUSD', orderId: first.orderId })).toMatchObject({
    ...{ execType: 'rejected', code: 'UNKNOWN_ORDER' },
  })
  const replies = await alice.batch([
    { cmd: 'new', ...buy('a-2', '2') },
    { cmd: 'new', ...buy('a-3'), price: '2.001' },
    { cmd: 'cancel', symbol: 'XUSD', origClOrdId: 'a-2' },
  ])
  expect(replies.map(({ execType, code }) => code ?? execType)).toEqual([
    ...['new', 'PRICE_PRECISION', 'canceled'],
  ])
  await alice.submit(buy(undefined, '2'))
  expect(await alice.orders()).toMatchObject({ orders: [{ price: '2' }] })
  expect(await alice.massCancel({ side: 'buy' })).toMatchObject({ affected: 1 })
  expect(await alice.balances()).toMatchObject({ positions: [{ symbol: 'XUSD', qty: '3' }] })
  expect(await alice.status()).toMatchObject({ status: 'leading' })
  const nobody = await trader('nobody')
  expect(await nobody.orders()).toMatchObject({ code: 'UNKNOWN_ACCOUNT' })
  await until(() => reports.at(-1)?.execType === 'canceled' && reports.length >= 9)
  expect(seqs(reports)).toEqual(gapless(reports))
})

test('what the operator can do', async () => {
  await start()
  const admin = await operator()
  const accepted = [
    await admin.asset('EUR', 2),
    await admin.instrument({
      ...{ symbol: 'XEUR', base: 'X', quote: 'EUR', tickSize: '0.01', lotSize: '1' },
    }),
    await admin.account('carol'),
    await admin.deposit({ account: 'carol', asset: 'EUR', amount: '10' }),
    await admin.withdraw({ account: 'carol', asset: 'EUR', amount: '1' }),
    await admin.transfer({ account: 'carol', to: 'bob', asset: 'EUR', amount: '2' }),
    await admin.limits({ account: 'carol', maxOrderQty: '5', maxOpenOrders: 'off' }),
    await admin.halt('XEUR'),
    await admin.resume('XEUR'),
    await admin.suspend('carol'),
    await admin.activate('carol'),
    await admin.killSwitch({ on: true, account: 'carol', cancelAll: true }),
    await admin.killSwitch({ on: false, account: 'carol' }),
    ...(await admin.batch([
      { cmd: 'deposit', account: 'carol', asset: 'EUR', amount: '1', transferId: undefined },
    ])),
  ]
  expect(accepted.map(({ execType }) => execType)).toEqual(accepted.map(() => 'accepted'))
  expect(await (await trader('carol')).balances()).toMatchObject({
    balances: [{ asset: 'EUR', available: '8' }],
  })
  expect(await admin.deposit({ account: 'carol', asset: 'EUR', amount: '0.001' })).toMatchObject({
    ...{ execType: 'rejected', code: 'AMOUNT_PRECISION' },
  })
})

test('more balances than an answer over NATS holds are all there', async () => {
  await start()
  const admin = await operator()
  const assets = Array.from({ length: 1_100 }, (_, n) => `ASSET-${n}`)
  await admin.account('carol')
  for (const some of [assets.slice(0, 600), assets.slice(600)]) {
    await admin.batch(some.map((asset) => ({ cmd: 'asset', asset, decimals: 0 })))
    await admin.batch(
      some.map((asset) => ({ ...{ cmd: 'deposit', account: 'carol', asset }, amount: '1' })),
    )
  }
  const answer = await (await trader('carol')).balances()
  if (!('balances' in answer)) throw new Error('refused')
  expect(answer.balances.map(({ asset }) => asset)).toEqual(assets)
  expect('more' in answer).toBe(false)
})

test('NATS is killed twice under use: each order once, each report once', async () => {
  await start()
  const alice = await trader('alice')
  const { reports, gone, ready } = collect(alice)
  await ready
  const sending = sendAll(alice, 2_000)
  for (const count of [300, 1_000]) {
    await until(() => reports.length >= count)
    await servers.nats.kill()
    await servers.nats.start()
  }
  const replies = await sending
  expect(replies.map(({ execType }) => execType)).toEqual(replies.map(() => 'new'))
  await until(() => new Set(opened(reports)).size === 2_000)
  expect(opened(reports).length).toBe(2_000)
  expect(seqs(reports)).toEqual(gapless(reports))
  expect(gone).toEqual([])
  const { orders } = (await alice.orders()) as { orders: unknown[] }
  expect(orders.length).toBe(2_000)
})

test('the exchange is restarted, and killed, in the middle of submits', async () => {
  const url = await start()
  const alice = await trader('alice')
  const { reports, gone, ready } = collect(alice, 1)
  await ready
  const sending = sendAll(alice, 1_500)
  await until(() => opened(reports).length >= 300)
  await running?.close()
  running = undefined
  const other = await serveApart(url)
  await until(() => opened(reports).length >= 800)
  await other.kill()
  running = await serve(servers, url)
  const replies = await sending
  expect(replies.map(({ execType }) => execType)).toEqual(replies.map(() => 'new'))
  const { orders } = (await alice.orders()) as { orders: unknown[] }
  expect(orders.length).toBe(1_500)
  await until(() => opened(reports).length >= 1_500 || gone.length > 0)
  expect(gone).toEqual([])
  expect(opened(reports).length).toBe(1_500)
  expect(seqs(reports)).toEqual(gapless(reports))
})

test('a subscriber that was away while reports went out gets them, page by page', async () => {
  await start()
  const between = await wire()
  const alice = await trader('alice', { servers: between.url })
  const elsewhere = await trader('alice')
  const { reports, gone, ready } = collect(alice)
  await ready
  await elsewhere.submit(buy('before'))
  await until(() => reports.length === 1)
  between.cut()
  await until(() => !alice.isConnected)
  for (const part of [0, 1]) {
    await elsewhere.batch(
      Array.from({ length: 800 }, (_, n) => ({ cmd: 'new', ...buy(`x-${part}-${n}`) }) as const),
    )
  }
  // In the middle of the outage orders are given to the client, too: they wait.
  const waiting = alice.submit(buy('waiting'))
  between.mend()
  expect(await waiting).toMatchObject({ execType: 'new', clOrdId: 'waiting' })
  await until(() => reports.length >= 1_602)
  expect(seqs(reports)).toEqual(gapless(reports))
  expect(new Set(opened(reports)).size).toBe(1_602)
  expect(gone).toEqual([])
})

test('what no exchange has in memory any more is told, and the rest goes on', async () => {
  const url = await start()
  const between = await wire()
  const alice = await trader('alice', { servers: between.url })
  const elsewhere = await trader('alice')
  const { reports, gone, ready } = collect(alice)
  await ready
  await elsewhere.submit(buy('one'))
  await until(() => reports.length === 1)
  between.cut()
  await until(() => !alice.isConnected)
  await elsewhere.submit(buy('two'))
  await elsewhere.submit(buy('three'))
  await running?.close()
  // It remembers nothing of before.
  running = await serve(servers, url, { exchange: { onPublishedBefore: () => {} } })
  between.mend()
  await until(() => alice.isConnected)
  // By its answer the question after the reconnect is answered too: there was nothing to tell.
  await alice.orders()
  await elsewhere.submit(buy('four'))
  await until(() => opened(reports).includes('four'))
  const { execSeq } = reports[0]
  expect(opened(reports)).toEqual(['one', 'four'])
  expect(gone).toEqual([
    { from: execSeq + 1, to: execSeq + 2, oldest: execSeq + 3, newest: execSeq + 3 },
  ])
  // Who comes new to an exchange that has just started begins with what it has.
  const late = collect(elsewhere, 1)
  await late.ready
  expect(opened(late.reports)).toEqual(['four'])
  expect(late.gone).toMatchObject([{ from: 1, to: execSeq + 2 }])
})

test('a reply that is lost: carried out once, and the answer says what is known', async () => {
  await start()
  const between = await wire()
  const alice = await trader('alice', { servers: between.url, timeoutMs: 30_000 })
  const elsewhere = await trader('alice')
  const { reports, ready } = collect(elsewhere)
  await ready
  /** Loses the reply of what is sent: the exchange has done it, and the client sends it again. */
  const losing = async (send: () => Promise<Reply>, execType: string) => {
    between.deafen()
    const asked = send()
    await until(() => reports.at(-1)?.execType === execType)
    between.cut()
    await until(() => !alice.isConnected)
    between.mend()
    return asked
  }
  expect(await losing(() => alice.submit(buy('once')), 'new')).toMatchObject({
    ...{ execType: 'new', clOrdId: 'once', duplicate: true, repeated: true },
  })
  expect(await alice.orders()).toMatchObject({ orders: [{ clOrdId: 'once' }] })
  const cancel = () => alice.cancel({ symbol: 'XUSD', origClOrdId: 'once' })
  expect(await losing(cancel, 'canceled')).toMatchObject({ code: 'UNKNOWN_ORDER', repeated: true })
  expect((await alice.orders()) as { orders: unknown[] }).toMatchObject({ orders: [] })
  expect(await alice.submit(buy('next'))).not.toHaveProperty('repeated')
})

test('a book follows through outages of the wire and a restart of the exchange', async () => {
  const url = await start()
  const between = await wire()
  const watcher = await trader('bob', { servers: between.url })
  const alice = await trader('alice')
  const books: Book[] = []
  const { ready } = watcher.book('XUSD', (book) => books.push(book))
  await ready
  expect(books).toMatchObject([{ bids: [], asks: [] }])
  // No book, by somebody who may publish there: nobody minds.
  const stranger = await connect({ servers: servers.nats.url })
  stranger.publish('onefill.v1.md.XUSD.depth', JSON.stringify({ type: 'snapshot', seq: 1e6 }))
  stranger.publish('onefill.v1.md.XUSD.depth', JSON.stringify({ execType: 'rejected', code: 'x' }))
  await stranger.flush()
  await stranger.close()
  await alice.submit(buy('one', '1'))
  await until(() => books.at(-1)?.bids.length === 1)
  between.cut()
  await until(() => !watcher.isConnected)
  await alice.submit(buy('two', '2'))
  between.mend()
  await until(() => books.at(-1)?.bids.length === 2)
  await alice.submit(buy('three', '3'))
  // At once: what this changed was not published.
  await running?.close()
  running = await serve(servers, url)
  await until(() => books.at(-1)?.bids.length === 3)
  await alice.submit(buy('four', '4'))
  await until(() => books.at(-1)?.bids.length === 4)
  expect(books.at(-1)?.bids.map(({ price }) => price)).toEqual(['4', '3', '2', '1'])
  const levels = books.map(({ seq }) => seq)
  expect(levels).toEqual([...levels].sort((x, y) => x - y))
  await expect(watcher.book('NONE', () => {}).ready).rejects.toMatchObject({ code: 'REFUSED' })
})

test('nobody there: the deadline, and what is known then', async () => {
  const alice = await trader('alice')
  const asked = alice.submit(buy('a-1'), { deadlineMs: 300 })
  await expect(asked).rejects.toBeInstanceOf(Unanswered)
  // Nobody was subscribed, so nobody can have taken it in.
  await expect(asked).rejects.toMatchObject({ mayHaveTakenEffect: false, clOrdIds: ['a-1'] })
  const url = await servers.database()
  running = await serve(servers, url)
  await (await operator()).batch(SCENE)
  running.gateway.stopTaking()
  // Somebody hears it, and never answers.
  const deaf = await connect({ servers: servers.nats.url })
  deaf.subscribe('onefill.v1.order.alice.*', { callback: () => {} })
  await deaf.flush()
  const silent = alice.submit(buy('a-1'), { deadlineMs: 1_200 })
  await expect(silent).rejects.toMatchObject({ mayHaveTakenEffect: true, clOrdIds: ['a-1'] })
  await expect(silent).rejects.toThrow(/may be sent again with its id a-1/)
  // A question has no effect, whoever heard it.
  for (const subject of ['onefill.v1.status', 'onefill.v1.query.alice.*']) {
    deaf.subscribe(subject, { callback: () => {} })
  }
  await deaf.flush()
  const within = { deadlineMs: 300 }
  for (const question of [alice.status(within), alice.balances(within), alice.orders(within)]) {
    await expect(question).rejects.toMatchObject({
      ...{ code: 'UNANSWERED', mayHaveTakenEffect: false },
      message: expect.stringMatching(/^No answer within \d+ ms\.$/),
    })
  }
  await deaf.close()
  running.gateway.open(running.exchange)
  expect(await alice.submit(buy('a-1'))).toMatchObject({ execType: 'new' })
  const waiting = (await trader('bob')).submit(buy('b-1'))
  expect(await waiting).toMatchObject({ execType: 'new' })
})

test('what cannot be: one sentence, at once', async () => {
  await expect(
    OnefillClient.connect({ servers: 'nats://127.0.0.1:1', account: 'a' }),
  ).rejects.toThrow(/^No NATS server can be used at 127\.0\.0\.1:1: /)
  await expect(trader('a.b')).rejects.toMatchObject({ code: 'NOT_SENDABLE' })
  const alice = await trader('alice')
  const long = Array.from({ length: 9_000 }, () => ({ cmd: 'new', ...buy() }) as const)
  await expect(alice.batch(long)).rejects.toMatchObject({ code: 'NOT_SENDABLE' })
  const asked = alice.submit(buy(), { deadlineMs: 60_000 })
  await alice.close()
  await expect(asked).rejects.toMatchObject({ code: 'CLOSED' })
  await expect(alice.submit(buy())).rejects.toMatchObject({ code: 'CLOSED' })
})

test('the example in docs/client.md, against an exchange', async () => {
  await start()
  const admin = await operator()
  const scene = [
    { cmd: 'asset', asset: 'NVDA', decimals: 0 },
    {
      cmd: 'instrument',
      symbol: 'NVDA',
      base: 'NVDA',
      quote: 'USD',
      tickSize: '0.01',
      lotSize: '1',
    },
    { cmd: 'deposit', account: 'bob', asset: 'NVDA', amount: '100' },
  ]
  expect((await admin.batch(scene)).map(({ code }) => code)).toEqual([
    undefined,
    undefined,
    undefined,
  ])
  const bob = await trader('bob')
  await bob.submit({ symbol: 'NVDA', side: 'sell', orderQty: '100', price: '167.5' })
  const document = readFileSync(join(ROOT, 'docs/client.md'), 'utf8')
  const [, code] = /```ts\n([\s\S]*?)```/.exec(document) ?? []
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-'], {
    ...{ cwd: ROOT, env: { ...process.env, NATS_URL: servers.nats.url } },
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  child.stdin.end(code)
  await once(child, 'close')
  expect(child.exitCode).toBe(0)
  expect(said).toMatch(/^\d+$/m)
})

test.each(['json', 'msgpack'] as const)('%s: posted, and answered by reports', async (format) => {
  await start()
  const alice = await trader('alice', { format })
  const reports: NumberedReport[] = []
  const refused: Report[] = []
  const all = alice.onReport((report) => void reports.push(report))
  const none = alice.onRefused((refusal) => void refused.push(refusal))
  await Promise.all([all.ready, none.ready])
  const ids = Array.from({ length: 200 }, (_, n) =>
    alice.post(buy(n % 2 === 0 ? `p-${n}` : undefined)),
  )
  expect(ids.filter((id) => id.startsWith('p-'))).toHaveLength(100)
  alice.post(buy('bad', '1.001'))
  alice.postAll([])
  alice.postAll([
    { cmd: 'cancel', symbol: 'XUSD', origClOrdId: ids[0] },
    { cmd: 'new', ...buy('last', '2') },
  ])
  await until(() => reports.length === 202 && refused.length === 1)
  expect(reports.slice(0, 200).map(({ clOrdId }) => clOrdId)).toEqual(ids)
  expect(reports.slice(200).map(({ execType }) => execType)).toEqual(['canceled', 'new'])
  expect(refused).toMatchObject([{ code: 'PRICE_PRECISION', clOrdId: 'bad' }])
  none.stop()
  alice.post(buy('bad-2', '1.001'))
  await alice.status()
  expect(refused).toHaveLength(1)
  for (const fromExecSeq of [0, -5, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    const { ready } = alice.onReport(() => {}, { fromExecSeq })
    await expect(ready).rejects.toMatchObject({ code: 'REFUSED' })
  }
  const long = { ...buy(), symbol: 'x'.repeat(600_000) }
  expect(() => alice.post(long)).toThrow(expect.objectContaining({ code: 'NOT_SENDABLE' }))
  await alice.close()
  expect(() => alice.post(buy())).toThrow(expect.objectContaining({ code: 'CLOSED' }))
})

test('nothing is posted while the server is away, and that is said', async () => {
  await start()
  const away = await wire()
  let isThere = true
  const alice = await trader('alice', {
    servers: away.url,
    onConnection: (is) => {
      isThere = is
    },
  })
  away.cut()
  await until(() => !isThere)
  expect(() => alice.post(buy('x'))).toThrow(expect.objectContaining({ code: 'NOT_CONNECTED' }))
  away.mend()
  await until(() => isThere)
  const refused = alice.onRefused(() => {})
  await refused.ready
  alice.post(buy('x'))
  expect(await alice.submit(buy('x'))).toMatchObject({ execType: 'new', duplicate: true })
})
