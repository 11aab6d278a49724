// Matching: strict price-time priority, one event per thing that happens.
//
// One object for all books of a shard; a book is a number, and what it has are records of the
// shared store: docs/decisions/0014. A book changes only through the methods on top; each writes
// its events in order.

import { assert } from '../../lib/assert.ts'
import type { IdMap } from '../../lib/id-map.ts'
import type { RecordPool } from '../../lib/record-pool.ts'
import { Code } from '../../protocol/codes.ts'
import { EVENT_WORDS, EVF, EventKind, type EventLog } from '../../protocol/event-log.ts'
import {
  Flag,
  isMarket,
  SelfTrade,
  selfTradeOf,
  TimeInForce,
  timeInForceOf,
} from '../../protocol/order-flags.ts'
import * as levelForms from './levels.ts'
import * as storeForms from './store.ts'

// Imported words by local names: V8 builds a module's private constants into the machine code, but
// loads imported ones at each use, which made the book a tenth slower.
const {
  words: ORDER_WORDS,
  id: ID,
  leaves: LEAVES,
  cum: CUM,
  before: BEFORE,
  behind: BEHIND,
  level: AT,
  owner: OWNER,
  tag: TAG,
  flags: FLAGS,
  flagBits: FLAG_BITS,
} = storeForms.BOOK_ORDER
const ORDER_DOUBLES = ORDER_WORDS / 2
const FLAG_MASK = 2 ** FLAG_BITS - 1
const Kind = EventKind
const { sell: SELL, postOnly: POST_ONLY, market: MARKET } = Flag
const {
  words: LEVEL_WORDS,
  ticks: TICKS,
  lots: LOTS,
  head: HEAD,
  tail: TAIL,
  orders: ORDERS,
} = levelForms.LEVEL
const LEVEL_DOUBLES = LEVEL_WORDS / 2
const { words: SIDE_WORDS, trades: TRADES, lastTradeTicks: LAST_TRADE_TICKS } = levelForms.SIDE
const EVENT_DOUBLES = EVENT_WORDS / 2
const EVENT = EVF
/** Orders that nothing but a crossing price can keep from resting have none of these bits. */
const CONDITIONS = POST_ONLY | MARKET | (3 << Flag.timeInForceShift)

const SELF_TRADE_EXPIRED = Kind.expired | (Code.SELF_TRADE << 8)
const SELF_TRADE_RESTATED = Kind.restated | (Code.SELF_TRADE << 8)

export class Matching {
  /** Trades so far, of all books. */
  trades = 0
  private readonly orders: RecordPool
  private readonly ids: IdMap
  private readonly levels: RecordPool
  private readonly sides: levelForms.LevelStore
  private readonly events: EventLog

  constructor(store: storeForms.BookStore) {
    this.orders = store.orders
    this.ids = store.ids
    this.levels = store.levels.levels
    this.sides = store.levels
    this.events = store.events
  }

  /**
   * A new order. `qtyLots` and `priceTicks` are positive safe integers, for a market order the
   * protection price. `tag` and `aux` come back in its events. Events: accepted or rejected
   * (POST_ONLY_WOULD_CROSS, FOK_NOT_FILLABLE, NO_LIQUIDITY), then its trades, then expired if a
   * remainder may not rest.
   */
  submit(
    book: number,
    orderId: number,
    owner: number,
    tag: number,
    flags: number,
    priceTicks: number,
    qtyLots: number,
    aux: number,
  ): void {
    const word = flags | (book << FLAG_BITS)
    const code = this.refusal(owner, word, priceTicks, qtyLots)
    if (code !== 0) {
      const kind = Kind.rejected | (code << 8)
      this.emit(kind, word, owner, tag, orderId, priceTicks, qtyLots, 0, 0, aux)
      return
    }
    this.emit(Kind.accepted, word, owner, tag, orderId, priceTicks, qtyLots, qtyLots, 0, aux)
    this.take(orderId, owner, tag, word, priceTicks, qtyLots, 0)
  }

  /** Cancels an order of `owner`. Events: canceled, or cancelRejected (UNKNOWN_ORDER). */
  cancel(book: number, orderId: number, owner: number, tag: number, aux: number): void {
    const order = this.ids.get(orderId)
    if (order === 0 || !this.holds(order, owner, book)) {
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
    book: number,
    orderId: number,
    owner: number,
    tag: number,
    priceTicks: number,
    qtyLots: number,
    aux: number,
  ): void {
    const { orders, levels } = this
    const order = this.ids.get(orderId)
    if (order === 0 || !this.holds(order, owner, book)) {
      this.refuseReplace(Code.UNKNOWN_ORDER, 0, owner, tag, orderId, aux)
      return
    }
    const { f64, i32 } = orders
    const i = order * ORDER_WORDS
    const f = order * ORDER_DOUBLES
    const word = i32[i + FLAGS]
    const ownTag = i32[i + TAG]
    const level = i32[i + AT]
    const cum = f64[f + CUM]
    const leaves = qtyLots - cum
    if (leaves <= 0) {
      this.refuseReplace(Code.QTY_ALREADY_FILLED, word, owner, ownTag, orderId, aux)
      return
    }
    const samePrice = levels.f64[level * LEVEL_DOUBLES + TICKS] === priceTicks
    const less = f64[f + LEAVES] - leaves
    if (samePrice && less >= 0) {
      f64[f + LEAVES] = leaves
      levels.f64[level * LEVEL_DOUBLES + LOTS] -= less
      this.emit(Kind.replaced, word, owner, ownTag, orderId, priceTicks, qtyLots, leaves, cum, aux)
      return
    }
    if ((word & POST_ONLY) !== 0 && this.crosses(word, priceTicks)) {
      this.refuseReplace(Code.POST_ONLY_WOULD_CROSS, word, owner, ownTag, orderId, aux)
      return
    }
    this.emit(Kind.replaced, word, owner, ownTag, orderId, priceTicks, qtyLots, leaves, cum, aux)
    this.remove(order)
    this.take(orderId, owner, ownTag, word, priceTicks, leaves, cum)
  }

  // --- deciding ---------------------------------------------------------------------------------

  /** Why the book refuses a new order, or 0. */
  private refusal(owner: number, word: number, priceTicks: number, qtyLots: number): number {
    if ((word & CONDITIONS) === 0) return 0
    if ((word & POST_ONLY) !== 0 && this.crosses(word, priceTicks)) {
      return Code.POST_ONLY_WOULD_CROSS
    }
    if (timeInForceOf(word) === TimeInForce.FOK) {
      return this.fillable(owner, word, priceTicks, qtyLots) ? 0 : Code.FOK_NOT_FILLABLE
    }
    return isMarket(word) && !this.crosses(word, priceTicks) ? Code.NO_LIQUIDITY : 0
  }

  private crosses(word: number, priceTicks: number): boolean {
    const ticks = this.sides.bestTicks(sideOf(word) ^ 1)
    if (ticks === 0) return false
    return (word & SELL) !== 0 ? ticks >= priceTicks : ticks <= priceTicks
  }

  /**
   * Whether a fill-or-kill order would fill whole, own orders in its way counted as its mode treats
   * them.
   */
  private fillable(owner: number, word: number, priceTicks: number, qtyLots: number): boolean {
    const sell = (word & SELL) !== 0
    const opposite = sideOf(word) ^ 1
    const passOwn = selfTradeOf(word) === SelfTrade.cancelOldest
    const { orders, levels, sides } = this
    let wanted = qtyLots
    for (let level = sides.best(opposite); level !== 0; level = sides.after(opposite, level)) {
      const ticks = levels.f64[level * LEVEL_DOUBLES + TICKS]
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
    word: number,
    priceTicks: number,
    qtyLots: number,
    cumBefore: number,
  ): void {
    const { orders, levels, sides } = this
    const sell = (word & SELL) !== 0
    const opposite = sideOf(word) ^ 1
    let leaves = qtyLots
    let cum = cumBefore
    while (leaves > 0) {
      const ticks = sides.bestTicks(opposite)
      if (ticks === 0 || (sell ? ticks < priceTicks : ticks > priceTicks)) break
      const best = sides.best(opposite)
      const maker = levels.i32[best * LEVEL_WORDS + HEAD]
      const { i32, f64 } = orders
      if (i32[maker * ORDER_WORDS + OWNER] === owner) {
        leaves = this.preventSelfTrade(maker, word, orderId, owner, tag, priceTicks, leaves, cum)
        continue
      }
      const available = f64[maker * ORDER_DOUBLES + LEAVES]
      const lots = Math.min(available, leaves)
      leaves -= lots
      cum += lots
      this.trade(maker, best, ticks, lots, orderId, owner, tag, word, leaves, cum)
    }
    if (leaves <= 0) return
    if (timeInForceOf(word) === TimeInForce.GTC) {
      this.rest(orderId, owner, tag, word, priceTicks, leaves, cum)
    } else {
      const kind = Kind.expired | (Code.IOC_REMAINDER << 8)
      this.emit(kind, word, owner, tag, orderId, priceTicks, leaves + cum, leaves, cum, 0)
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
    word: number,
    leaves: number,
    cum: number,
  ): void {
    const { i32, f64 } = this.orders
    const { sideDoubles } = this.sides
    const i = maker * ORDER_WORDS
    const f = maker * ORDER_DOUBLES
    const makerLeaves = f64[f + LEAVES] - lots
    const makerCum = f64[f + CUM] + lots
    f64[f + LEAVES] = makerLeaves
    f64[f + CUM] = makerCum
    this.levels.f64[level * LEVEL_DOUBLES + LOTS] -= lots
    const book = (word >>> FLAG_BITS) * 2 * (SIDE_WORDS / 2)
    const trades = sideDoubles[book + TRADES] + 1
    sideDoubles[book + TRADES] = trades
    sideDoubles[book + LAST_TRADE_TICKS] = ticks
    this.trades += 1
    this.emit(Kind.tradeTaker, word, owner, tag, orderId, ticks, lots, leaves, cum, trades)
    this.emit(
      Kind.tradeMaker,
      i32[i + FLAGS],
      i32[i + OWNER],
      i32[i + TAG],
      f64[f + ID],
      ticks,
      lots,
      makerLeaves,
      makerCum,
      trades,
    )
    if (makerLeaves === 0) this.remove(maker)
  }

  /** The taker met its own order `maker`; returns what is left of the taker (0 ends it). */
  private preventSelfTrade(
    maker: number,
    word: number,
    orderId: number,
    owner: number,
    tag: number,
    priceTicks: number,
    leaves: number,
    cum: number,
  ): number {
    const mode = selfTradeOf(word)
    if (mode === SelfTrade.decrement) {
      return this.decrement(maker, word, orderId, owner, tag, priceTicks, leaves, cum)
    }
    if (mode !== SelfTrade.cancelNewest) {
      this.emitResting(SELF_TRADE_EXPIRED, maker, 0)
      this.remove(maker)
      if (mode === SelfTrade.cancelOldest) return leaves
    }
    this.emit(
      SELF_TRADE_EXPIRED,
      word,
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
    word: number,
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
    this.emit(kind, word, owner, tag, orderId, priceTicks, left + cum, left, cum, 0)
    return left
  }

  // --- queues -----------------------------------------------------------------------------------

  /** Puts an order at the end of its queue, without matching and without an event. */
  rest(
    orderId: number,
    owner: number,
    tag: number,
    word: number,
    priceTicks: number,
    leaves: number,
    cum: number,
  ): void {
    const { levels } = this
    const order = this.orders.reuse()
    const level = this.sides.levelAt(sideOf(word), priceTicks)
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
    i32[i + FLAGS] = word
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
      this.sides.removeLevel(sideOf(i32[i + FLAGS]), level)
    }
    this.orders.release(order)
  }

  /** Whether an order of the store is this owner's and rests in this book. */
  private holds(order: number, owner: number, book: number): boolean {
    const { i32 } = this.orders
    const i = order * ORDER_WORDS
    return i32[i + OWNER] === owner && i32[i + FLAGS] >>> FLAG_BITS === book
  }

  // --- events -----------------------------------------------------------------------------------

  private refuseReplace(
    code: number,
    word: number,
    owner: number,
    tag: number,
    orderId: number,
    aux: number,
  ): void {
    this.emit(Kind.replaceRejected | (code << 8), word, owner, tag, orderId, 0, 0, 0, 0, aux)
  }

  /** An event for a resting order as it stands. Written here so that its doubles stay doubles. */
  private emitResting(kind: number, order: number, aux: number): void {
    const { events, levels } = this
    const { i32, f64 } = this.orders
    const i = order * ORDER_WORDS
    const f = order * ORDER_DOUBLES
    const number = events.append(kind, i32[i + FLAGS] & FLAG_MASK, i32[i + OWNER], i32[i + TAG])
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
    word: number,
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
    const number = events.append(kind, word & FLAG_MASK, owner, tag)
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

/** The number of an order's side, in {@link levelForms.LevelStore}. */
function sideOf(word: number): number {
  return ((word >>> FLAG_BITS) << 1) | (word & SELL)
}
