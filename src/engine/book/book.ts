// One symbol's book as whoever asks sees it: best prices, depth, resting orders. What changes it
// is matching.ts.

import { assert } from '../../lib/assert.ts'
import { Side } from '../../protocol/order-flags.ts'
import { LEVEL, SIDE } from './levels.ts'
import type { Matching } from './matching.ts'
import { BOOK_ORDER, BOOKS_MAX, type BookStore } from './store.ts'

/** One level of depth. */
export interface Depth {
  priceTicks: number
  qtyLots: number
  orders: number
}

/** One resting order, in queue order, as a snapshot has it. */
export interface RestingOrder {
  orderId: number
  owner: number
  tag: number
  flags: number
  priceTicks: number
  leavesLots: number
  cumLots: number
}

export class Book {
  /** By this number {@link Matching} knows the book. */
  readonly number: number
  private readonly store: BookStore
  private readonly matching: Matching

  /** The book with a number from 1; made empty when it is first asked for. */
  constructor(store: BookStore, matching: Matching, number: number) {
    assert(number >= 1 && number <= BOOKS_MAX, 'no room for more books')
    this.number = number
    this.store = store
    this.matching = matching
    store.levels.reserve(number)
  }

  /** Trades so far; a trade's number is this count after it. */
  get trades(): number {
    return this.store.levels.sideDoubles[this.double + SIDE.trades]
  }

  set trades(trades: number) {
    this.store.levels.sideDoubles[this.double + SIDE.trades] = trades
  }

  /** The last trade's price, 0 before the first. */
  get lastTradeTicks(): number {
    return this.store.levels.sideDoubles[this.double + SIDE.lastTradeTicks]
  }

  set lastTradeTicks(ticks: number) {
    this.store.levels.sideDoubles[this.double + SIDE.lastTradeTicks] = ticks
  }

  /** Best bid in ticks, 0 if there is none. */
  get bestBidTicks(): number {
    return this.store.levels.bestTicks(this.side(Side.buy))
  }

  /** Best ask in ticks, 0 if there is none. */
  get bestAskTicks(): number {
    return this.store.levels.bestTicks(this.side(Side.sell))
  }

  /** Aggregated levels of a side from the best price, at most `max`. */
  depth(side: Side, max: number): Depth[] {
    const depth: Depth[] = []
    for (const level of this.levels(side)) {
      if (depth.length >= max) break
      const { i32, f64 } = this.store.levels.levels
      const at = level * LEVEL.words
      depth.push({
        priceTicks: f64[(at >> 1) + LEVEL.ticks],
        qtyLots: f64[(at >> 1) + LEVEL.lots],
        orders: i32[at + LEVEL.orders],
      })
    }
    return depth
  }

  /** All resting orders of a side, best price first, each price in queue order. */
  *resting(side: Side): Generator<RestingOrder> {
    const { levels } = this.store.levels
    for (const level of this.levels(side)) {
      let order = levels.i32[level * LEVEL.words + LEVEL.head]
      while (order !== 0) {
        const { i32, f64 } = this.store.orders
        const at = order * BOOK_ORDER.words
        yield {
          orderId: f64[(at >> 1) + BOOK_ORDER.id],
          owner: i32[at + BOOK_ORDER.owner],
          tag: i32[at + BOOK_ORDER.tag],
          flags: i32[at + BOOK_ORDER.flags] & (2 ** BOOK_ORDER.flagBits - 1),
          priceTicks: levels.f64[(level * LEVEL.words) / 2 + LEVEL.ticks],
          leavesLots: f64[(at >> 1) + BOOK_ORDER.leaves],
          cumLots: f64[(at >> 1) + BOOK_ORDER.cum],
        }
        order = i32[at + BOOK_ORDER.behind]
      }
    }
  }

  /**
   * Puts an order back at the end of its queue without matching or events: for restoring a
   * snapshot.
   */
  restore(order: RestingOrder): void {
    const { orderId, owner, tag, flags, priceTicks, leavesLots, cumLots } = order
    const word = flags | (this.number << BOOK_ORDER.flagBits)
    this.matching.rest(orderId, owner, tag, word, priceTicks, leavesLots, cumLots)
  }

  private *levels(of: Side): Generator<number> {
    const { levels } = this.store
    const side = this.side(of)
    for (let level = levels.best(side); level !== 0; level = levels.after(side, level)) yield level
  }

  private side(of: Side): number {
    return this.number * 2 + of
  }

  /** The first double of its record. */
  private get double(): number {
    return (this.side(Side.buy) * SIDE.words) / 2
  }
}
