// The levels of books' sides, against a sorted list of prices: near, far, and at the ends.

import { describe, expect, test } from 'vitest'
import { LEVEL, LevelStore } from '../../src/engine/book/levels.ts'
import { Prng } from '../../src/lib/prng.ts'
import { Side } from '../../src/protocol/order-flags.ts'

const MAX = Number.MAX_SAFE_INTEGER

/** Prices as they come in books, and as they should not. */
const PRICE_KINDS: { [name: string]: (random: Prng) => number } = {
  'around the touch': (random) => 10_000 + random.int(100),
  'over many pages': (random) => 1 + random.int(100_000),
  'any safe integer': (random) => 1 + Math.floor(random.next() * 2 ** 52) * 2,
  'the ends and the borders of pages': (random) =>
    [1, 2, 31, 32, 33, 63, 64, 65, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 32 + 31, MAX - 32, MAX][
      random.int(14)
    ],
}

const BOOK = 3
const SIDES = { bids: Side.buy, asks: Side.sell }

describe.each(Object.entries(SIDES))('%s', (_, side) => {
  test.each(Object.entries(PRICE_KINDS))('are the sorted prices: %s', (_, priceOf) => {
    const random = new Prng(29)
    const store = new LevelStore(1)
    store.reserve(BOOK)
    const number = BOOK * 2 + side
    const there = new Map<number, number>()
    const ticksOf = (level: number) => store.levels.f64[(level * LEVEL.words) / 2 + LEVEL.ticks]
    const walk = () => {
      const prices: number[] = []
      for (let level = store.best(number); level !== 0; level = store.after(number, level)) {
        prices.push(ticksOf(level))
      }
      return prices
    }
    const sorted = () => [...there.keys()].sort((a, b) => (side === Side.buy ? b - a : a - b))
    for (let step = 0; step < 4_000; step += 1) {
      const swelling = Math.floor(step / 1_000) % 2 === 0
      if (random.chance(swelling ? 0.8 : 0.3)) {
        const price = priceOf(random)
        const level = store.levelAt(number, price)
        expect(ticksOf(level)).toBe(price)
        expect(there.get(price) ?? level).toBe(level)
        there.set(price, level)
      } else if (there.size > 0) {
        // Mostly the best, as in a book.
        const price = random.chance(0.5) ? sorted()[0] : [...there.keys()][random.int(there.size)]
        store.removeLevel(number, there.get(price)!)
        there.delete(price)
      }
      const best = store.best(number)
      expect(best === 0 ? undefined : ticksOf(best)).toBe(sorted()[0])
      expect(store.bestTicks(number)).toBe(sorted()[0] ?? 0)
      if (step % 50 === 0) expect(walk()).toEqual(sorted())
      expect(store.levels.count).toBe(there.size)
    }
    expect(walk()).toEqual(sorted())
    const pages = new Set([...there.keys()].map((price) => Math.floor(price / 32)))
    expect(store.pages.count).toBe(pages.size)
    for (const level of there.values()) store.removeLevel(number, level)
    expect([store.best(number), store.levels.count, store.pages.count]).toEqual([0, 0, 0])
  })
})

test('sides share a store without meeting', () => {
  const store = new LevelStore(1)
  store.reserve(1)
  const [bids, asks] = [2, 3]
  const [bid, ask] = [store.levelAt(bids, 100), store.levelAt(asks, 100)]
  expect(bid).not.toBe(ask)
  store.removeLevel(bids, bid)
  expect([store.best(bids), store.best(asks)]).toEqual([0, ask])
})

test('page lists grow beside each other and are used again', () => {
  const random = new Prng(31)
  const store = new LevelStore(1)
  const books = 20
  store.reserve(books)
  const prices = new Map<number, Set<number>>()
  const run = () => {
    for (let step = 0; step < 3_000; step += 1) {
      const side = 2 + random.int(books * 2)
      const price = 1 + random.int(200) * 32
      prices.set(side, (prices.get(side) ?? new Set()).add(price))
      store.levelAt(side, price)
    }
    for (const [side, there] of prices) {
      const sorted = [...there].sort((a, b) => (side % 2 === Side.buy ? b - a : a - b))
      for (const price of sorted) {
        const best = store.best(side)
        expect(store.bestTicks(side)).toBe(price)
        expect(store.levelAt(side, price)).toBe(best)
        store.removeLevel(side, best)
      }
      expect(store.best(side)).toBe(0)
    }
    prices.clear()
  }
  run()
  run()
  const { bytes } = store.lists
  for (let round = 0; round < 3; round += 1) run()
  expect(store.lists.bytes).toBe(bytes)
  expect(store.pages.count).toBe(0)
})
