// Market data: whoever applies what is published has exactly the book, whatever is lost on the way.

import { expect, test } from 'vitest'
import type { BookAnswer } from '../../src/engine/answers.ts'
import { DepthView } from '../../src/gateway/depth-changes.ts'
import { type DepthMessage, MarketData } from '../../src/gateway/market-data.ts'
import { tradeAt } from '../../src/gateway/trade-message.ts'
import { createExchange, type Exchange } from '../../src/index.ts'
import { Prng } from '../support/prng.ts'

const LEVELS = 5

/** A real exchange with random orders in one symbol, so that the books are real ones. */
function randomMarket(seed: number) {
  const random = new Prng(seed)
  const exchange = createExchange()
  exchange.execute([
    { cmd: 'asset', asset: 'USD', decimals: 4 },
    { cmd: 'asset', asset: 'NVDA', decimals: 0 },
    {
      ...{ cmd: 'instrument', symbol: 'NVDA', base: 'NVDA', quote: 'USD' },
      ...{ tickSize: '0.05', lotSize: '1' },
    },
    { cmd: 'limits', duplicateWindowMs: 'off', priceDeviation: 'off' },
  ])
  for (const account of ['alice', 'bob']) {
    exchange.execute([
      { cmd: 'account', account },
      { cmd: 'deposit', account, asset: 'USD', amount: '9000000', transferId: `u-${account}` },
      { cmd: 'deposit', account, asset: 'NVDA', amount: '900000', transferId: `n-${account}` },
    ])
  }
  let orders = 0
  /** A command; whether the book is another one by it, and its trades. */
  const step = () => {
    const account = random.pick(['alice', 'bob'])
    if (random.chance(0.25) && orders > 0) {
      const origClOrdId = `o-${random.int(1, orders)}`
      return played(exchange, { cmd: 'cancel', account, symbol: 'NVDA', origClOrdId })
    }
    orders += 1
    return played(exchange, {
      ...{ cmd: 'new', account, clOrdId: `o-${orders}`, symbol: 'NVDA', ordType: 'limit' },
      side: random.pick(['buy', 'sell']),
      // From "9.80" to "10.20", so that prices of different lengths are compared.
      price: (9.8 + random.int(0, 8) * 0.05).toFixed(2),
      orderQty: String(random.int(1, 20)),
    })
  }
  const book = (depth = LEVELS): BookAnswer =>
    exchange.execute({ cmd: 'book', symbol: 'NVDA', depth })[0] as unknown as BookAnswer
  return { random, exchange, step, book }
}

function played(exchange: Exchange, command: object) {
  exchange.offer(command)
  const { reports } = exchange.pumpReports()
  const numbers = Array.from({ length: reports.length }, (_, number) => number)
  return {
    isChanged: numbers.some((number) => reports.changesBook(number)),
    trades: numbers.filter((n) => reports.isTakersFill(n)).map((n) => tradeAt(reports, n)),
    reports: [...reports],
  }
}

const sides = ({ bids, asks }: { bids: unknown; asks: unknown }) => ({ bids, asks })

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'seed %i: who applies all has the book; who misses some, after a snapshot',
  (seed) => {
    const { random, step, book } = randomMarket(seed)
    const market = new MarketData({ intervalMs: 10, snapshotEvery: 7 })
    const [all, some] = [new DepthView(), new DepthView()]
    let [nowMs, gaps, updates, snapshots, missed] = [0, 0, 0, 0, 0]
    let bbo: unknown
    for (let i = 0; i < 600; i += 1) {
      if (step().isChanged) market.changed('NVDA')
      nowMs += random.int(0, 8)
      for (const symbol of market.due(nowMs)) {
        const answer = book()
        expect(symbol).toBe('NVDA')
        const out = market.update(answer)
        if (out.bbo) bbo = [out.bbo.bid, out.bbo.ask]
        if (out.depth) {
          expect(all.apply(out.depth)).toBe('applied')
          if (out.depth.type === 'update') updates += 1
          else snapshots += 1
          if (random.chance(0.1)) missed += 1
          else if (some.apply(out.depth) === 'gap') {
            gaps += 1
            expect(some.apply(market.snapshot('NVDA')!)).toBe('applied')
          }
        }
        expect(sides(all)).toEqual(sides(answer))
        expect(bbo).toEqual([answer.bids.at(0) ?? null, answer.asks.at(0) ?? null])
        expect(sides(market.snapshot('NVDA')!)).toEqual(sides(answer))
        if (some.seq === all.seq) expect(sides(some)).toEqual(sides(answer))
      }
    }
    expect(Math.min(updates, snapshots, missed, gaps)).toBeGreaterThan(3)
  },
)

test('a publisher that starts anew is followed, however its numbers fall', () => {
  const { step, book } = randomMarket(9)
  const market = () => new MarketData({ intervalMs: 0, snapshotEvery: 1_000 })
  let [running, view] = [market(), new DepthView()]
  const next = (apply: boolean): DepthMessage => {
    for (;;) {
      step()
      const { depth } = running.update(book())
      if (depth === undefined) continue
      if (apply && view.apply(depth) === 'gap') view.apply(running.snapshot('NVDA')!)
      return depth
    }
  }
  for (let i = 0; i < 5; i += 1) next(true)
  running = market()
  // Its first snapshot and updates are lost, up to the very number that the view waits for.
  let last = next(false)
  while (last.feedSeq < view.feedSeq) last = next(false)
  last = next(true)
  expect([last.type, last.feedSeq]).toEqual(['update', 6])
  expect(sides(view)).toEqual(sides(book()))
  view = new DepthView()
  expect(view.apply(next(false))).toBe('gap')
  // And one whose view is ahead of the new numbers.
  for (let i = 0; i < 20; i += 1) next(true)
  running = market()
  next(true)
  expect(sides(view)).toEqual(sides(book()))
})

test("a trade is told once, with the taker's side and numbers without a gap", () => {
  const { step } = randomMarket(10)
  const all = Array.from({ length: 400 }, step)
  const trades = all.flatMap((each) => each.trades)
  const takers = all
    .flatMap(({ reports }) => reports)
    .filter(({ execType, aggressor }) => execType === 'trade' && aggressor)
  expect(trades.length).toBeGreaterThan(20)
  expect(trades.map(({ tradeId }) => tradeId)).toEqual(trades.map((_, i) => String(i + 1)))
  expect(trades).toEqual(
    takers.map(({ symbol, tradeId, seq, lastPx: price, lastQty: qty, side }) => ({
      ...{ symbol, tradeId, seq, price, qty, side },
    })),
  )
})

test('refusals, duplicates and commands change no book; a trade has the time of its report', () => {
  const { exchange, step } = randomMarket(11)
  const isChanged = (command: object) => played(exchange, command).isChanged
  const order = {
    ...{ cmd: 'new', account: 'alice', clOrdId: 'x-1', symbol: 'NVDA', side: 'buy' },
    ...{ ordType: 'limit', price: '9', orderQty: '1' },
  }
  expect(isChanged({ cmd: 'time', now: '2026-01-02T03:04:05.678Z' })).toBe(false)
  expect(isChanged(order)).toBe(true)
  expect(isChanged(order)).toBe(false)
  expect(isChanged({ ...order, clOrdId: 'x-2', orderQty: '1000000000' })).toBe(false)
  expect(isChanged({ cmd: 'halt', symbol: 'NVDA' })).toBe(false)
  expect(isChanged({ cmd: 'resume', symbol: 'NVDA' })).toBe(false)
  expect(isChanged({ cmd: 'cancel', account: 'alice', symbol: 'NVDA', origClOrdId: 'x-1' })).toBe(
    true,
  )
  const [trade] = Array.from({ length: 100 }, step).flatMap(({ trades }) => trades)
  expect(trade).toMatchObject({ symbol: 'NVDA', transactTime: '2026-01-02T03:04:05.678Z' })
})

const answer = (seq: number, qty = '1'): BookAnswer => ({
  ...{ query: 'book', seq, symbol: 'NVDA' },
  bids: [{ price: '1', qty, orders: 1 }],
  asks: [],
})

test('a symbol is asked for once an interval, and not while an answer is awaited', () => {
  const market = new MarketData({ intervalMs: 100, snapshotEvery: 10 })
  expect([market.due(0), market.nextDueMs()]).toEqual([[], undefined])
  market.changed('NVDA')
  market.changed('ACME')
  expect(market.due(1_000)).toEqual(['NVDA', 'ACME'])
  market.changed('NVDA')
  expect([market.due(5_000), market.nextDueMs()]).toEqual([[], undefined])
  market.update(answer(1))
  expect(market.nextDueMs()).toBe(1_100)
  expect([market.due(1_099), market.due(1_100)]).toEqual([[], ['NVDA']])
  market.failed('NVDA')
  expect([market.due(1_199), market.due(1_200)]).toEqual([[], ['NVDA']])
  market.update(answer(2))
  expect([market.due(9_000), market.nextDueMs()]).toEqual([[], undefined])
})

test('what has not changed is not told', () => {
  const market = new MarketData({ intervalMs: 0, snapshotEvery: 10 })
  expect(market.due(0)).toEqual([])
  expect(market.snapshot('NVDA')).toBeUndefined()
  expect(Object.keys(market.update(answer(5)))).toEqual(['depth', 'bbo'])
  expect(market.update(answer(6))).toEqual({})
  expect(market.update(answer(4, '2'))).toEqual({})
  expect(market.update(answer(7, '2'))).toMatchObject({
    depth: { type: 'update', feedSeq: 2, fromSeq: 5, seq: 7 },
    bbo: { feedSeq: 2, bid: { qty: '2' }, ask: null },
  })
})
