// The levels of a book's side, against a sorted list of prices: near, far, and at the ends.

import { describe, expect, test } from 'vitest'
import { BookSide, LEVEL, LevelStore } from '../../src/engine/book/levels.ts'
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

const SIDES = { bids: Side.buy, asks: Side.sell }

describe.each(Object.entries(SIDES))('%s', (_, side) => {
  test.each(Object.entries(PRICE_KINDS))('are the sorted prices: %s', (_, priceOf) => {
    const random = new Prng(29)
    const store = new LevelStore(1)
    const levels = new BookSide(side, store)
    const there = new Map<number, number>()
    const ticksOf = (level: number) => store.levels.f64[(level * LEVEL.words) / 2 + LEVEL.ticks]
    const walk = () => {
      const prices: number[] = []
      for (let level = levels.best; level !== 0; level = levels.after(level)) {
        prices.push(ticksOf(level))
      }
      return prices
    }
    const sorted = () => [...there.keys()].sort((a, b) => (side === Side.buy ? b - a : a - b))
    for (let step = 0; step < 4_000; step += 1) {
      const swelling = Math.floor(step / 1_000) % 2 === 0
      if (random.chance(swelling ? 0.8 : 0.3)) {
        const price = priceOf(random)
        const level = levels.levelAt(price)
        expect(ticksOf(level)).toBe(price)
        expect(there.get(price) ?? level).toBe(level)
        there.set(price, level)
      } else if (there.size > 0) {
        // Mostly the best, as in a book.
        const price = random.chance(0.5) ? sorted()[0] : [...there.keys()][random.int(there.size)]
        levels.removeLevel(there.get(price)!)
        there.delete(price)
      }
      expect(levels.best === 0 ? undefined : ticksOf(levels.best)).toBe(sorted()[0])
      if (step % 50 === 0) expect(walk()).toEqual(sorted())
      expect(store.levels.count).toBe(there.size)
    }
    expect(walk()).toEqual(sorted())
    const pages = new Set([...there.keys()].map((price) => Math.floor(price / 32)))
    expect(store.pages.count).toBe(pages.size)
    for (const level of there.values()) levels.removeLevel(level)
    expect([levels.best, store.levels.count, store.pages.count]).toEqual([0, 0, 0])
  })
})

test('sides share a store without meeting', () => {
  const store = new LevelStore(1)
  const bids = new BookSide(Side.buy, store)
  const asks = new BookSide(Side.sell, store)
  const [bid, ask] = [bids.levelAt(100), asks.levelAt(100)]
  expect(bid).not.toBe(ask)
  bids.removeLevel(bid)
  expect([bids.best, asks.best]).toEqual([0, ask])
})
