// The book alone, as `import { OrderBook } from 'onefill/book'` gives it.

import { describe, expect, test } from 'vitest'
import {
  type BookEvent,
  CODE_NAMES,
  EV,
  EVENT_WORDS,
  EVF,
  EventKind,
  EventLog,
  OrderBook,
  OrdType,
  orderFlags,
  SelfTrade,
  Side,
  TimeInForce,
} from '../../src/book.ts'
import { Prng } from '../../src/lib/prng.ts'

const MAX = Number.MAX_SAFE_INTEGER
const { buy, sell } = Side

function fresh(): { book: OrderBook; take: () => BookEvent[] } {
  const events = new EventLog()
  const book = new OrderBook(events, 4)
  const take = () => {
    const taken = [...events]
    events.clear()
    return taken
  }
  return { book, take }
}

/** What of an event tells the story. */
const told = ({ kind, orderId, priceTicks, qtyLots, leavesLots, code }: BookEvent) =>
  code === 0
    ? [kind, orderId, priceTicks, qtyLots, leavesLots]
    : [kind, orderId, priceTicks, qtyLots, leavesLots, CODE_NAMES[code]]

test('the example of its documentation', () => {
  const { book, take } = fresh()
  book.limit(1, 7, Side.sell, 10_001, 5)
  book.limit(2, 8, Side.buy, 10_001, 3)
  expect(take().map(told)).toEqual([
    ['accepted', 1, 10_001, 5, 5],
    ['accepted', 2, 10_001, 3, 3],
    ['tradeTaker', 2, 10_001, 3, 0],
    ['tradeMaker', 1, 10_001, 3, 2],
  ])
  expect(take()).toEqual([])
  expect([book.bestBidTicks, book.bestAskTicks, book.ordersCount]).toEqual([0, 10_001, 1])
})

describe('events', () => {
  test('are stamped with operation and index, and carry owner, tag and flags', () => {
    const { book, take } = fresh()
    const ioc = orderFlags({ side: buy, timeInForce: TimeInForce.IOC })
    book.limit(10, 1, sell, 100, 5, sell, -77)
    book.limit(11, 2, buy, 101, 7, ioc, 2 ** 31 - 1)
    const [accepted, ...rest] = take()
    expect(accepted).toEqual({
      kind: 'accepted',
      code: 0,
      seq: 1,
      index: 0,
      orderId: 10,
      owner: 1,
      tag: -77,
      flags: sell,
      symbol: 0,
      priceTicks: 100,
      qtyLots: 5,
      leavesLots: 5,
      cumLots: 0,
      aux: 0,
    })
    const order = { seq: 2, orderId: 11, owner: 2, tag: 2 ** 31 - 1, flags: ioc }
    expect(rest).toMatchObject([
      { ...order, kind: 'accepted', index: 0 },
      { ...order, kind: 'tradeTaker', index: 1, qtyLots: 5, leavesLots: 2, cumLots: 5, aux: 1 },
      { kind: 'tradeMaker', index: 2, seq: 2, orderId: 10, owner: 1, tag: -77, aux: 1 },
      { ...order, kind: 'expired', index: 3, leavesLots: 2, cumLots: 5 },
    ])
  })

  test('read by the arrays are the same as read as objects', () => {
    const { book } = fresh()
    const { events } = book
    book.limit(1, 1, sell, 100, 5)
    book.limit(2, 2, buy, 100, 2)
    book.cancel(1, 1)
    const read = Array.from({ length: events.count }, (_, n) => {
      const [i, f] = [n * EVENT_WORDS, (n * EVENT_WORDS) / 2]
      return [
        events.i32[i + EV.kind] & 255,
        events.f64[f + EVF.orderId],
        events.f64[f + EVF.qtyLots],
        events.f64[f + EVF.leavesLots],
      ]
    })
    expect(read).toEqual(
      [...events].map(({ kind, orderId, qtyLots, leavesLots }) => [
        EventKind[kind],
        orderId,
        qtyLots,
        leavesLots,
      ]),
    )
    expect(read).toHaveLength(5)
  })

  test('grow the log as needed', () => {
    const events = new EventLog(1)
    const book = new OrderBook(events, 1)
    for (let id = 1; id <= 1_000; id += 1) book.limit(id, id, sell, id, 1)
    book.limit(2_000, 2_000, buy, 1_000, 1_000)
    const ids = [...events]
      .filter(({ kind }) => kind === 'tradeMaker')
      .map((event) => event.orderId)
    expect(ids).toEqual(Array.from({ length: 1_000 }, (_, n) => n + 1))
    expect(events.count).toBe(1_000 + 1 + 2_000)
  })
})

describe('orders', () => {
  test('of every time in force and with post-only', () => {
    const { book, take } = fresh()
    book.limit(1, 1, sell, 100, 5)
    book.limit(2, 2, buy, 100, 6, orderFlags({ side: buy, timeInForce: TimeInForce.FOK }))
    book.limit(3, 2, buy, 100, 1, orderFlags({ side: buy, postOnly: true }))
    book.limit(4, 2, buy, 99, 1, orderFlags({ side: buy, postOnly: true }))
    book.limit(5, 2, buy, 100, 6, orderFlags({ side: buy, timeInForce: TimeInForce.IOC }))
    const market = orderFlags({ side: buy, ordType: OrdType.market, timeInForce: TimeInForce.IOC })
    book.limit(6, 2, buy, 200, 1, market)
    expect(take().map(told)).toEqual([
      ['accepted', 1, 100, 5, 5],
      ['rejected', 2, 100, 6, 0, 'FOK_NOT_FILLABLE'],
      ['rejected', 3, 100, 1, 0, 'POST_ONLY_WOULD_CROSS'],
      ['accepted', 4, 99, 1, 1],
      ['accepted', 5, 100, 6, 6],
      ['tradeTaker', 5, 100, 5, 1],
      ['tradeMaker', 1, 100, 5, 0],
      ['expired', 5, 100, 6, 1, 'IOC_REMAINDER'],
      ['rejected', 6, 200, 1, 0, 'NO_LIQUIDITY'],
    ])
  })

  test('of one owner never trade with each other', () => {
    const modes = Object.entries(SelfTrade).map(([name, selfTrade]) => {
      const { book, take } = fresh()
      book.limit(1, 7, sell, 100, 3)
      book.limit(2, 7, buy, 100, 5, orderFlags({ side: buy, selfTrade }))
      const kinds = take()
        .slice(2)
        .map(({ kind, orderId }) => `${kind} ${orderId}`)
      return [name, kinds.join(', '), book.ordersCount]
    })
    expect(modes).toEqual([
      ['cancelNewest', 'expired 2', 1],
      ['cancelOldest', 'expired 1', 1],
      ['cancelBoth', 'expired 1, expired 2', 0],
      ['decrement', 'expired 1, restated 2', 1],
    ])
  })

  test('are canceled and replaced by their owner alone', () => {
    const { book, take } = fresh()
    book.limit(1, 7, buy, 100, 5)
    book.cancel(1, 8)
    book.replace(1, 8, 101, 5)
    book.replace(1, 7, 100, 3)
    book.cancel(2, 7)
    book.cancel(1, 7)
    book.cancel(1, 7)
    book.replace(1, 7, 100, 3)
    expect(take().map(told).slice(1)).toEqual([
      ['cancelRejected', 1, 0, 0, 0, 'UNKNOWN_ORDER'],
      ['replaceRejected', 1, 0, 0, 0, 'UNKNOWN_ORDER'],
      ['replaced', 1, 100, 3, 3],
      ['cancelRejected', 2, 0, 0, 0, 'UNKNOWN_ORDER'],
      ['canceled', 1, 100, 3, 3],
      ['cancelRejected', 1, 0, 0, 0, 'UNKNOWN_ORDER'],
      ['replaceRejected', 1, 0, 0, 0, 'UNKNOWN_ORDER'],
    ])
  })

  test('keep their place when they shrink, and lose it otherwise', () => {
    const queue = (priceTicks: number, qtyLots: number) => {
      const { book, take } = fresh()
      book.limit(1, 1, sell, 100, 5)
      book.limit(2, 2, sell, 100, 5)
      book.replace(1, 1, 101, 5)
      book.replace(1, 1, 100, 5)
      book.limit(3, 3, sell, 100, 5)
      book.replace(2, 2, priceTicks, qtyLots)
      take()
      book.limit(9, 9, buy, 200, 100)
      return take()
        .filter(({ kind }) => kind === 'tradeMaker')
        .map(({ orderId }) => orderId)
    }
    expect(queue(100, 5)).toEqual([2, 1, 3])
    expect(queue(100, 1)).toEqual([2, 1, 3])
    expect(queue(100, 6)).toEqual([1, 3, 2])
    expect(queue(99, 5)).toEqual([2, 1, 3])
    expect(queue(101, 5)).toEqual([1, 3, 2])
  })

  test('have flags of their own side', () => {
    const { book } = fresh()
    expect(() => book.limit(1, 1, sell, 100, 1, orderFlags({ side: buy }))).toThrow('same side')
  })

  test('of the largest ids, prices and quantities', () => {
    const { book, take } = fresh()
    book.limit(MAX, MAX % 2 ** 31, sell, MAX, MAX)
    book.limit(MAX - 1, 1, buy, MAX - 1, MAX)
    book.limit(MAX - 2, 2, buy, MAX, MAX - 1)
    expect(take().map(told).at(-1)).toEqual(['tradeMaker', MAX, MAX, MAX - 1, 1])
    expect([book.bestBidTicks, book.bestAskTicks]).toEqual([MAX - 1, MAX])
  })
})

describe('depth', () => {
  test('is by level from the best price, as many as asked for', () => {
    const { book } = fresh()
    const sides: [Side, number[]][] = [
      [buy, [99, 1, 98, 99, 64, 63, 32, 31]],
      [sell, [200, 127, 128, 2 ** 40, 200, 101]],
    ]
    for (const [side, prices] of sides) {
      for (const [n, price] of prices.entries()) book.limit(price * 100 + n, 1, side, price, n + 1)
    }
    expect(book.depth(buy)).toEqual([
      { priceTicks: 99, qtyLots: 5, orders: 2 },
      { priceTicks: 98, qtyLots: 3, orders: 1 },
      { priceTicks: 64, qtyLots: 5, orders: 1 },
      { priceTicks: 63, qtyLots: 6, orders: 1 },
      { priceTicks: 32, qtyLots: 7, orders: 1 },
      { priceTicks: 31, qtyLots: 8, orders: 1 },
      { priceTicks: 1, qtyLots: 2, orders: 1 },
    ])
    expect(book.depth(sell, 2)).toEqual([
      { priceTicks: 101, qtyLots: 6, orders: 1 },
      { priceTicks: 127, qtyLots: 2, orders: 1 },
    ])
    expect(book.depth(sell, 100).at(-1)).toEqual({ priceTicks: 2 ** 40, qtyLots: 4, orders: 1 })
    expect(book.depth(sell, 0)).toEqual([])
  })
})

describe('memory', () => {
  test('follows the resting orders, not the range of their prices', () => {
    const { book, take } = fresh()
    const random = new Prng(31)
    const spread = () => 1 + Math.floor(random.next() * 2 ** 52)
    const cycle = (first: number) => {
      for (let n = 0; n < 2_000; n += 1) book.limit(first + n, 1, n % 2 === 0 ? buy : sell, 1, 1)
      for (let n = 0; n < 2_000; n += 1) book.cancel(first + n, 1)
      for (let n = 0; n < 1_000; n += 1) book.limit(first + n, 1, sell, spread(), 1)
      for (let n = 0; n < 1_000; n += 1) book.cancel(first + n, 1)
      take()
    }
    cycle(1)
    const { bytes } = book
    for (let round = 1; round < 20; round += 1) cycle(round * 10_000)
    expect(book.ordersCount).toBe(0)
    expect(book.bytes).toBe(bytes)
  })
})
