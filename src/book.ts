// The order book alone, without accounts and risk: `import { OrderBook } from 'onefill/book'`.

import { Book, type Depth } from './engine/book/book.ts'
import { Matching } from './engine/book/matching.ts'
import { BookStore } from './engine/book/store.ts'
import { assert } from './lib/assert.ts'
import type { EventLog } from './protocol/event-log.ts'
import type { Side } from './protocol/order-flags.ts'

export { CODE_NAMES, Code, codeText } from './protocol/codes.ts'
export { type BookEvent, EV, EVENT_WORDS, EVF, EventKind, EventLog } from './protocol/event-log.ts'
export { OrdType, orderFlags, SelfTrade, Side, TimeInForce } from './protocol/order-flags.ts'
export type { Depth }

/** The number of the only book in its store. */
const NUMBER = 1

/**
 * One symbol's book with price-time priority. Integers in (ticks, lots, ids), events into the
 * caller's `EventLog` (read it with `for (const event of log)` or by its arrays, then `clear()`
 * it).
 *
 *     const events = new EventLog()
 *     const book = new OrderBook(events)
 *     book.limit(1, 7, Side.sell, 10_001, 5)   // order 1 of owner 7: sell 5 lots at 10,001 ticks
 *     book.limit(2, 8, Side.buy, 10_001, 3)    // trades 3 lots with it
 *     for (const event of events) console.log(event.kind, event.orderId, event.qtyLots)
 *     events.clear()
 */
export class OrderBook {
  readonly events: EventLog
  private readonly book: Book
  private readonly store: BookStore
  private readonly matching: Matching
  private operations = 0

  /** `ordersInitial`: resting orders to make room for at the start; more is made as needed. */
  constructor(events: EventLog, ordersInitial = 1024) {
    this.events = events
    this.store = new BookStore(events, ordersInitial)
    this.matching = new Matching(this.store)
    this.book = new Book(this.store, this.matching, NUMBER)
  }

  /**
   * A limit order. `orderId`: a safe integer above 0 that no resting order has. `owner`: a whole
   * number; orders of one owner never trade with each other. `flags`: from `orderFlags`, for time
   * in force, post-only, self-trade mode; default GTC. `tag`: any 32-bit integer, given back in the
   * order's events. Events: accepted or rejected, trades (taker's and maker's), expired.
   */
  limit(
    orderId: number,
    owner: number,
    side: Side,
    priceTicks: number,
    qtyLots: number,
    flags: number = side,
    tag = 0,
  ): void {
    assert((flags & 1) === side, 'flags are of the same side: orderFlags({ side, ... })')
    this.next()
    this.matching.submit(NUMBER, orderId, owner, tag, flags, priceTicks, qtyLots, 0)
  }

  /** Cancels `orderId` of `owner`. Events: canceled or cancelRejected. */
  cancel(orderId: number, owner: number): void {
    this.next()
    this.matching.cancel(NUMBER, orderId, owner, 0, 0)
  }

  /**
   * New price and total quantity of `orderId` of `owner`. Events: replaced (then trades …) or
   * replaceRejected.
   */
  replace(orderId: number, owner: number, priceTicks: number, qtyLots: number): void {
    this.next()
    this.matching.replace(NUMBER, orderId, owner, 0, priceTicks, qtyLots, 0)
  }

  /** Best bid in ticks, 0 if there is none. */
  get bestBidTicks(): number {
    return this.book.bestBidTicks
  }

  /** Best ask in ticks, 0 if there is none. */
  get bestAskTicks(): number {
    return this.book.bestAskTicks
  }

  /** Levels of a side from the best price, at most `levelsMax`. */
  depth(side: Side, levelsMax = 10): Depth[] {
    return this.book.depth(side, levelsMax)
  }

  /** Resting orders. */
  get ordersCount(): number {
    return this.store.orders.count
  }

  /** Bytes of memory behind the resting orders. */
  get bytes(): number {
    return this.store.bytes
  }

  private next(): void {
    this.operations += 1
    this.events.begin(this.operations, 0, 0)
  }
}
