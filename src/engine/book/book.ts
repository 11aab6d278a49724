// One symbol's order book: strict price-time priority, one event per thing that happens.
//
// Books of a shard share a BookStore: pools of orders, levels and pages, one map from order id to
// record, one event log. A book changes only through the four methods on top; each writes its
// events in order.

import { assert } from '../../lib/assert.ts'
import { IdMap } from '../../lib/id-map.ts'
import { RecordPool } from '../../lib/record-pool.ts'
import { Code } from '../../protocol/codes.ts'
import { EVENT_WORDS, EVF, EventKind, type EventLog } from '../../protocol/event-log.ts'
import {
  Flag,
  isMarket,
  SelfTrade,
  Side,
  selfTradeOf,
  TimeInForce,
  timeInForceOf,
} from '../../protocol/order-flags.ts'
import { BookSide, LEVEL, LevelStore } from './levels.ts'

/**
 * Resting order, 12 words: f64 0 id, 1 leavesLots, 2 cumLots; i32 6 before and 7 behind in the
 * queue, 8 level, 9 owner, 10 tag: the owner's own number, 11 flags in the low 12 bits, the book's
 * number above.
 */
export const BOOK_ORDER = { words: 12, before: 6, behind: 7, level: 8 } as const
const { words: ORDER_WORDS, before: BEFORE, behind: BEHIND, level: AT } = BOOK_ORDER
const ORDER_DOUBLES = ORDER_WORDS / 2
const ID = 0
const LEAVES = 1
const CUM = 2
const OWNER = 9
const TAG = 10
const FLAGS = 11
const FLAG_BITS = 12
const FLAG_MASK = 2 ** FLAG_BITS - 1
const BOOKS_MAX = 2 ** (32 - FLAG_BITS) - 1

// Imported words by local names: V8 builds a module's private constants into the machine code, but
// loads imported ones at each use, which made the book a tenth slower.
const Kind = EventKind
const { sell: SELL, postOnly: POST_ONLY, market: MARKET } = Flag
const {
  words: LEVEL_WORDS,
  ticks: TICKS,
  lots: LOTS,
  head: HEAD,
  tail: TAIL,
  orders: ORDERS,
} = LEVEL
const LEVEL_DOUBLES = LEVEL_WORDS / 2
const EVENT_DOUBLES = EVENT_WORDS / 2
const EVENT = EVF
/** Orders that nothing but a crossing price can keep from resting have none of these bits. */
const CONDITIONS = POST_ONLY | MARKET | (3 << Flag.timeInForceShift)

const SELF_TRADE_EXPIRED = Kind.expired | (Code.SELF_TRADE << 8)
const SELF_TRADE_RESTATED = Kind.restated | (Code.SELF_TRADE << 8)

/** What the books of a shard share. */
export class BookStore {
  readonly orders: RecordPool
  readonly ids: IdMap
  readonly levels: LevelStore
  readonly events: EventLog
  /** Books made so far; a book's number is this count after it. */
  books = 0

  /** `ordersInitial` is only the first size of the pools; they grow. */
  constructor(events: EventLog, ordersInitial: number) {
    this.events = events
    this.orders = new RecordPool('book orders', ORDER_WORDS, ordersInitial)
    this.ids = new IdMap(this.orders, ID, ordersInitial)
    this.levels = new LevelStore(Math.max(16, ordersInitial >> 2))
  }

  /** Bytes of memory behind orders, their map, levels and pages. */
  get bytes(): number {
    const { levels, pages } = this.levels
    return this.orders.bytes + this.ids.bytes + levels.bytes + pages.bytes
  }
}

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
  /** Trades so far; a trade's number is this count after it. */
  trades = 0
  /** The last trade's price, 0 before the first. */
  lastTradeTicks = 0
  private readonly orders: RecordPool
  private readonly ids: IdMap
  private readonly levels: RecordPool
  private readonly events: EventLog
  private readonly bids: BookSide
  private readonly asks: BookSide
  /** This book's number, in the place where its orders have it. */
  private readonly mark: number

  constructor(store: BookStore) {
    store.books += 1
    assert(store.books <= BOOKS_MAX, 'no room for more books')
    this.mark = store.books << FLAG_BITS
    this.orders = store.orders
    this.ids = store.ids
    this.levels = store.levels.levels
    this.events = store.events
    this.bids = new BookSide(Side.buy, store.levels)
    this.asks = new BookSide(Side.sell, store.levels)
  }

  /**
   * A new order. `qtyLots` and `priceTicks` are positive safe integers, for a market order the
   * protection price. `tag` and `aux` come back in its events. Events: accepted or rejected
   * (POST_ONLY_WOULD_CROSS, FOK_NOT_FILLABLE, NO_LIQUIDITY), then its trades, then expired if a
   * remainder may not rest.
   */
  submit(
    orderId: number,
    owner: number,
    tag: number,
    flags: number,
    priceTicks: number,
    qtyLots: number,
    aux: number,
  ): void {
    const code = this.refusal(owner, flags, priceTicks, qtyLots)
    if (code !== 0) {
      this.emit(
        Kind.rejected | (code << 8),
        flags,
        owner,
        tag,
        orderId,
        priceTicks,
        qtyLots,
        0,
        0,
        aux,
      )
      return
    }
    this.emit(Kind.accepted, flags, owner, tag, orderId, priceTicks, qtyLots, qtyLots, 0, aux)
    this.take(orderId, owner, tag, flags, priceTicks, qtyLots, 0)
  }

  /** Cancels an order of `owner`. Events: canceled, or cancelRejected (UNKNOWN_ORDER). */
  cancel(orderId: number, owner: number, tag: number, aux: number): void {
    const order = this.ids.get(orderId)
    if (order === 0 || !this.holds(order, owner)) {
      const kind = Kind.cancelRejected | (Code.UNKNOWN_ORDER << 8)
      this.emit(kind, 0, owner, tag, orderId, 0, 0, 0, 0, aux)
      return
    }
    this.emitResting(Kind.canceled, order, aux)
    this.remove(order)
  }

  /**
   * Replaces price and total quantity (what is filled included) of an order of `owner`. Lower
   * quantity at the same price keeps the place; anything else queues anew and may trade. Events:
   * replaced, then as for a new order; or replaceRejected (UNKNOWN_ORDER, QTY_ALREADY_FILLED,
   * POST_ONLY_WOULD_CROSS).
   */
  replace(
    orderId: number,
    owner: number,
    tag: number,
    priceTicks: number,
    qtyLots: number,
    aux: number,
  ): void {
    const { orders, levels } = this
    const order = this.ids.get(orderId)
    if (order === 0 || !this.holds(order, owner)) {
      this.refuseReplace(Code.UNKNOWN_ORDER, 0, owner, tag, orderId, aux)
      return
    }
    const { f64, i32 } = orders
    const i = order * ORDER_WORDS
    const f = order * ORDER_DOUBLES
    const flags = i32[i + FLAGS] & FLAG_MASK
    const ownTag = i32[i + TAG]
    const level = i32[i + AT]
    const cum = f64[f + CUM]
    const leaves = qtyLots - cum
    if (leaves <= 0) {
      this.refuseReplace(Code.QTY_ALREADY_FILLED, flags, owner, ownTag, orderId, aux)
      return
    }
    const samePrice = levels.f64[level * LEVEL_DOUBLES + TICKS] === priceTicks
    const less = f64[f + LEAVES] - leaves
    if (samePrice && less >= 0) {
      f64[f + LEAVES] = leaves
      levels.f64[level * LEVEL_DOUBLES + LOTS] -= less
      this.emit(Kind.replaced, flags, owner, ownTag, orderId, priceTicks, qtyLots, leaves, cum, aux)
      return
    }
    if ((flags & POST_ONLY) !== 0 && this.crosses(flags, priceTicks)) {
      this.refuseReplace(Code.POST_ONLY_WOULD_CROSS, flags, owner, ownTag, orderId, aux)
      return
    }
    this.emit(Kind.replaced, flags, owner, ownTag, orderId, priceTicks, qtyLots, leaves, cum, aux)
    this.remove(order)
    this.take(orderId, owner, ownTag, flags, priceTicks, leaves, cum)
  }

  /**
   * Puts an order back at the end of its queue without matching or events: for restoring a
   * snapshot.
   */
  restore(order: RestingOrder): void {
    const { orderId, owner, tag, flags, priceTicks, leavesLots, cumLots } = order
    this.rest(orderId, owner, tag, flags, priceTicks, leavesLots, cumLots)
  }

  /** The page of a price near the touch, for look-ahead; 0 if it is not among the best. */
  nearPage(flags: number, priceTicks: number): number {
    return ((flags & SELL) !== 0 ? this.asks : this.bids).nearPage(priceTicks)
  }

  /** Best bid in ticks, 0 if there is none. */
  get bestBidTicks(): number {
    return this.priceOf(this.bids.best)
  }

  /** Best ask in ticks, 0 if there is none. */
  get bestAskTicks(): number {
    return this.priceOf(this.asks.best)
  }

  /** Aggregated levels of a side from the best price, at most `max`. */
  depth(side: Side, max: number): Depth[] {
    const of = side === Side.buy ? this.bids : this.asks
    const { levels } = this
    const depth: Depth[] = []
    for (let level = of.best; level !== 0 && depth.length < max; level = of.after(level)) {
      depth.push({
        priceTicks: this.priceOf(level),
        qtyLots: levels.f64[level * LEVEL_DOUBLES + LOTS],
        orders: levels.i32[level * LEVEL_WORDS + ORDERS],
      })
    }
    return depth
  }

  /** All resting orders of a side, best price first, each price in queue order. */
  *resting(side: Side): Generator<RestingOrder> {
    const of = side === Side.buy ? this.bids : this.asks
    for (let level = of.best; level !== 0; level = of.after(level)) {
      let order = this.levels.i32[level * LEVEL_WORDS + HEAD]
      while (order !== 0) {
        const { f64, i32 } = this.orders
        yield {
          orderId: f64[order * ORDER_DOUBLES + ID],
          owner: i32[order * ORDER_WORDS + OWNER],
          tag: i32[order * ORDER_WORDS + TAG],
          flags: i32[order * ORDER_WORDS + FLAGS] & FLAG_MASK,
          priceTicks: this.priceOf(level),
          leavesLots: f64[order * ORDER_DOUBLES + LEAVES],
          cumLots: f64[order * ORDER_DOUBLES + CUM],
        }
        order = i32[order * ORDER_WORDS + BEHIND]
      }
    }
  }

  // --- deciding ---------------------------------------------------------------------------------

  /** Why the book refuses a new order, or 0. */
  private refusal(owner: number, flags: number, priceTicks: number, qtyLots: number): number {
    if ((flags & CONDITIONS) === 0) return 0
    if ((flags & POST_ONLY) !== 0 && this.crosses(flags, priceTicks)) {
      return Code.POST_ONLY_WOULD_CROSS
    }
    if (timeInForceOf(flags) === TimeInForce.FOK) {
      return this.fillable(owner, flags, priceTicks, qtyLots) ? 0 : Code.FOK_NOT_FILLABLE
    }
    return isMarket(flags) && !this.crosses(flags, priceTicks) ? Code.NO_LIQUIDITY : 0
  }

  private crosses(flags: number, priceTicks: number): boolean {
    const opposite = (flags & SELL) !== 0 ? this.bids : this.asks
    const best = opposite.best
    if (best === 0) return false
    const ticks = this.levels.f64[best * LEVEL_DOUBLES + TICKS]
    return (flags & SELL) !== 0 ? ticks >= priceTicks : ticks <= priceTicks
  }

  /**
   * Whether a fill-or-kill order would fill whole, own orders in its way counted as its mode treats
   * them.
   */
  private fillable(owner: number, flags: number, priceTicks: number, qtyLots: number): boolean {
    const sell = (flags & SELL) !== 0
    const opposite = sell ? this.bids : this.asks
    const passOwn = selfTradeOf(flags) === SelfTrade.cancelOldest
    const { orders, levels } = this
    let wanted = qtyLots
    for (let level = opposite.best; level !== 0; level = opposite.after(level)) {
      const ticks = this.priceOf(level)
      if (sell ? ticks < priceTicks : ticks > priceTicks) return false
      let order = levels.i32[level * LEVEL_WORDS + HEAD]
      while (order !== 0) {
        if (orders.i32[order * ORDER_WORDS + OWNER] !== owner) {
          wanted -= orders.f64[order * ORDER_DOUBLES + LEAVES]
          if (wanted <= 0) return true
        } else if (!passOwn) {
          return false
        }
        order = orders.i32[order * ORDER_WORDS + BEHIND]
      }
    }
    return false
  }

  // --- matching ---------------------------------------------------------------------------------

  /** Trades an accepted order as taker, then lets the remainder rest or expire. */
  private take(
    orderId: number,
    owner: number,
    tag: number,
    flags: number,
    priceTicks: number,
    qtyLots: number,
    cumBefore: number,
  ): void {
    const { orders, levels } = this
    const sell = (flags & SELL) !== 0
    const opposite = sell ? this.bids : this.asks
    let leaves = qtyLots
    let cum = cumBefore
    for (let best = opposite.best; best !== 0 && leaves > 0; best = opposite.best) {
      const ticks = levels.f64[best * LEVEL_DOUBLES + TICKS]
      if (sell ? ticks < priceTicks : ticks > priceTicks) break
      const maker = levels.i32[best * LEVEL_WORDS + HEAD]
      const { i32, f64 } = orders
      if (i32[maker * ORDER_WORDS + OWNER] === owner) {
        leaves = this.preventSelfTrade(maker, flags, orderId, owner, tag, priceTicks, leaves, cum)
        continue
      }
      const available = f64[maker * ORDER_DOUBLES + LEAVES]
      const lots = Math.min(available, leaves)
      leaves -= lots
      cum += lots
      this.trade(maker, best, ticks, lots, orderId, owner, tag, flags, leaves, cum)
    }
    if (leaves <= 0) return
    if (timeInForceOf(flags) === TimeInForce.GTC) {
      this.rest(orderId, owner, tag, flags, priceTicks, leaves, cum)
    } else {
      const kind = Kind.expired | (Code.IOC_REMAINDER << 8)
      this.emit(kind, flags, owner, tag, orderId, priceTicks, leaves + cum, leaves, cum, 0)
    }
  }

  /**
   * One trade of `lots` at the resting order's price: two events, then the resting order shrinks or
   * goes.
   */
  private trade(
    maker: number,
    level: number,
    ticks: number,
    lots: number,
    orderId: number,
    owner: number,
    tag: number,
    flags: number,
    leaves: number,
    cum: number,
  ): void {
    const { i32, f64 } = this.orders
    const i = maker * ORDER_WORDS
    const f = maker * ORDER_DOUBLES
    const makerLeaves = f64[f + LEAVES] - lots
    const makerCum = f64[f + CUM] + lots
    f64[f + LEAVES] = makerLeaves
    f64[f + CUM] = makerCum
    this.levels.f64[level * LEVEL_DOUBLES + LOTS] -= lots
    this.trades += 1
    this.lastTradeTicks = ticks
    this.emit(Kind.tradeTaker, flags, owner, tag, orderId, ticks, lots, leaves, cum, this.trades)
    this.emit(
      Kind.tradeMaker,
      i32[i + FLAGS] & FLAG_MASK,
      i32[i + OWNER],
      i32[i + TAG],
      f64[f + ID],
      ticks,
      lots,
      makerLeaves,
      makerCum,
      this.trades,
    )
    if (makerLeaves === 0) this.remove(maker)
  }

  /** The taker met its own order `maker`; returns what is left of the taker (0 ends it). */
  private preventSelfTrade(
    maker: number,
    flags: number,
    orderId: number,
    owner: number,
    tag: number,
    priceTicks: number,
    leaves: number,
    cum: number,
  ): number {
    const mode = selfTradeOf(flags)
    if (mode === SelfTrade.decrement) {
      return this.decrement(maker, flags, orderId, owner, tag, priceTicks, leaves, cum)
    }
    if (mode !== SelfTrade.cancelNewest) {
      this.emitResting(SELF_TRADE_EXPIRED, maker, 0)
      this.remove(maker)
      if (mode === SelfTrade.cancelOldest) return leaves
    }
    this.emit(
      SELF_TRADE_EXPIRED,
      flags,
      owner,
      tag,
      orderId,
      priceTicks,
      leaves + cum,
      leaves,
      cum,
      0,
    )
    return 0
  }

  /** Both orders lose the smaller remainder without a trade. */
  private decrement(
    maker: number,
    flags: number,
    orderId: number,
    owner: number,
    tag: number,
    priceTicks: number,
    leaves: number,
    cum: number,
  ): number {
    const { f64, i32 } = this.orders
    const f = maker * ORDER_DOUBLES
    const both = Math.min(f64[f + LEAVES], leaves)
    f64[f + LEAVES] -= both
    const level = i32[maker * ORDER_WORDS + AT]
    this.levels.f64[level * LEVEL_DOUBLES + LOTS] -= both
    if (f64[f + LEAVES] === 0) {
      this.emitResting(SELF_TRADE_EXPIRED, maker, 0)
      this.remove(maker)
    } else {
      this.emitResting(SELF_TRADE_RESTATED, maker, 0)
    }
    const left = leaves - both
    const kind = left === 0 ? SELF_TRADE_EXPIRED : SELF_TRADE_RESTATED
    this.emit(kind, flags, owner, tag, orderId, priceTicks, left + cum, left, cum, 0)
    return left
  }

  // --- queues -----------------------------------------------------------------------------------

  private rest(
    orderId: number,
    owner: number,
    tag: number,
    flags: number,
    priceTicks: number,
    leaves: number,
    cum: number,
  ): void {
    const { levels } = this
    const order = this.orders.reuse()
    const level = ((flags & SELL) !== 0 ? this.asks : this.bids).levelAt(priceTicks)
    const at = level * LEVEL_WORDS
    const { i32, f64 } = this.orders
    const tail = levels.i32[at + TAIL]
    const i = order * ORDER_WORDS
    const f = order * ORDER_DOUBLES
    f64[f + ID] = orderId
    f64[f + LEAVES] = leaves
    f64[f + CUM] = cum
    i32[i + BEFORE] = tail
    i32[i + BEHIND] = 0
    i32[i + AT] = level
    i32[i + OWNER] = owner
    i32[i + TAG] = tag
    i32[i + FLAGS] = flags | this.mark
    if (tail === 0) levels.i32[at + HEAD] = order
    else i32[tail * ORDER_WORDS + BEHIND] = order
    levels.i32[at + TAIL] = order
    levels.i32[at + ORDERS] += 1
    levels.f64[(at >> 1) + LOTS] += leaves
    this.ids.add(order)
  }

  /**
   * Takes an order out of its queue, its level out of the side if it was the last, and forgets it.
   */
  private remove(order: number): void {
    const { levels } = this
    const { i32, f64 } = this.orders
    const i = order * ORDER_WORDS
    const before = i32[i + BEFORE]
    const behind = i32[i + BEHIND]
    const level = i32[i + AT]
    const at = level * LEVEL_WORDS
    this.ids.remove(order)
    if (before === 0) levels.i32[at + HEAD] = behind
    else i32[before * ORDER_WORDS + BEHIND] = behind
    if (behind === 0) levels.i32[at + TAIL] = before
    else i32[behind * ORDER_WORDS + BEFORE] = before
    levels.f64[(at >> 1) + LOTS] -= f64[order * ORDER_DOUBLES + LEAVES]
    const left = levels.i32[at + ORDERS] - 1
    levels.i32[at + ORDERS] = left
    if (left === 0) {
      assert(levels.f64[(at >> 1) + LOTS] === 0, 'an empty level has no lots')
      ;((i32[i + FLAGS] & SELL) !== 0 ? this.asks : this.bids).removeLevel(level)
    }
    this.orders.release(order)
  }

  /** Whether an order of the store is this owner's and rests in this book. */
  private holds(order: number, owner: number): boolean {
    const { i32 } = this.orders
    const i = order * ORDER_WORDS
    return i32[i + OWNER] === owner && (i32[i + FLAGS] & ~FLAG_MASK) === this.mark
  }

  private priceOf(level: number): number {
    return level === 0 ? 0 : this.levels.f64[level * LEVEL_DOUBLES + TICKS]
  }

  // --- events -----------------------------------------------------------------------------------

  private refuseReplace(
    code: number,
    flags: number,
    owner: number,
    tag: number,
    orderId: number,
    aux: number,
  ): void {
    this.emit(Kind.replaceRejected | (code << 8), flags, owner, tag, orderId, 0, 0, 0, 0, aux)
  }

  /** An event for a resting order as it stands. Written here so that its doubles stay doubles. */
  private emitResting(kind: number, order: number, aux: number): void {
    const { events, levels } = this
    const { i32, f64 } = this.orders
    const i = order * ORDER_WORDS
    const f = order * ORDER_DOUBLES
    const flags = i32[i + FLAGS] & FLAG_MASK
    const number = events.append(kind, flags, i32[i + OWNER], i32[i + TAG])
    const at = number * EVENT_DOUBLES
    const to = events.f64
    const leaves = f64[f + LEAVES]
    const cum = f64[f + CUM]
    to[at + EVENT.orderId] = f64[f + ID]
    to[at + EVENT.priceTicks] = levels.f64[i32[i + AT] * LEVEL_DOUBLES + TICKS]
    to[at + EVENT.qtyLots] = leaves + cum
    to[at + EVENT.leavesLots] = leaves
    to[at + EVENT.cumLots] = cum
    to[at + EVENT.aux] = aux
  }

  private emit(
    kind: number,
    flags: number,
    owner: number,
    tag: number,
    orderId: number,
    priceTicks: number,
    qtyLots: number,
    leaves: number,
    cum: number,
    aux: number,
  ): void {
    const { events } = this
    const number = events.append(kind, flags, owner, tag)
    const f = number * EVENT_DOUBLES
    const { f64 } = events
    f64[f + EVENT.orderId] = orderId
    f64[f + EVENT.priceTicks] = priceTicks
    f64[f + EVENT.qtyLots] = qtyLots
    f64[f + EVENT.leavesLots] = leaves
    f64[f + EVENT.cumLots] = cum
    f64[f + EVENT.aux] = aux
  }
}
