// One symbol's order book: strict price-time priority, one event per thing that happens.
//
// Books of a shard share a BookStore: pools of orders, levels and pages, one map from order id to record,
// one event log. A book changes only through the four methods on top; each writes its events in order.

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
import { BookSide, LEVEL_WORDS, LevelStore, LV, LVF } from './levels.ts'

/** Resting order, 10 words: f64 0 id, 1 leavesLots, 2 cumLots; i32 6 before, 7 behind, 8 level, 9 owner. */
const ORDER_WORDS = 10
const ORDER_DOUBLES = ORDER_WORDS / 2
const OF = { id: 0, leaves: 1, cum: 2 } as const
const OI = { before: 6, behind: 7, level: 8, owner: 9 } as const

const SELF_TRADE_EXPIRED = EventKind.expired | (Code.SELF_TRADE << 8)
const SELF_TRADE_RESTATED = EventKind.restated | (Code.SELF_TRADE << 8)

/** What the books of a shard share. */
export class BookStore {
  readonly orders: RecordPool
  readonly ids: IdMap
  readonly levels: LevelStore
  readonly events: EventLog
  /** By order record: the owner's own number and the flag word; beside the record to keep it small. */
  tags: Int32Array
  flags: Uint8Array

  /** `ordersInitial` is only the first size of the pools; they grow. */
  constructor(events: EventLog, ordersInitial: number) {
    this.events = events
    this.orders = new RecordPool('book orders', ORDER_WORDS, ordersInitial)
    this.ids = new IdMap(this.orders, OF.id, ordersInitial)
    this.levels = new LevelStore(Math.max(16, ordersInitial >> 2))
    this.tags = new Int32Array(ordersInitial + 1)
    this.flags = new Uint8Array(ordersInitial + 1)
  }

  /** Makes room for the tags of a record that the order pool has just given out. */
  fitTags(handle: number): void {
    if (handle < this.tags.length) return
    const tags = new Int32Array(this.tags.length * 2)
    const flags = new Uint8Array(tags.length)
    tags.set(this.tags)
    flags.set(this.flags)
    this.tags = tags
    this.flags = flags
  }

  /** Bytes of memory behind orders, their map, levels and pages. */
  get bytes(): number {
    const { levels, pages } = this.levels
    const beside = this.tags.byteLength + this.flags.byteLength
    return this.orders.bytes + this.ids.bytes + levels.bytes + pages.bytes + beside
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
  private readonly store: BookStore
  private readonly bids: BookSide
  private readonly asks: BookSide

  constructor(store: BookStore) {
    this.store = store
    this.bids = new BookSide(Side.buy, store.levels)
    this.asks = new BookSide(Side.sell, store.levels)
  }

  /**
   * A new order. `qtyLots` and `priceTicks` are positive safe integers, for a market order the protection
   * price. `tag` and `aux` come back in its events. Events: accepted or rejected (POST_ONLY_WOULD_CROSS,
   * FOK_NOT_FILLABLE, NO_LIQUIDITY), then its trades, then expired if a remainder may not rest.
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
        EventKind.rejected | (code << 8),
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
    this.emit(EventKind.accepted, flags, owner, tag, orderId, priceTicks, qtyLots, qtyLots, 0, aux)
    this.take(orderId, owner, tag, flags, priceTicks, qtyLots, 0)
  }

  /** Cancels an order of `owner`. Events: canceled, or cancelRejected (UNKNOWN_ORDER). */
  cancel(orderId: number, owner: number, tag: number, aux: number): void {
    const order = this.store.ids.get(orderId)
    if (order === 0 || !this.holds(order, owner)) {
      const kind = EventKind.cancelRejected | (Code.UNKNOWN_ORDER << 8)
      this.emit(kind, 0, owner, tag, orderId, 0, 0, 0, 0, aux)
      return
    }
    this.emitResting(EventKind.canceled, order, aux)
    this.remove(order)
  }

  /**
   * Replaces price and total quantity (what is filled included) of an order of `owner`. Lower quantity at the same
   * price keeps the place; anything else queues anew and may trade. Events: replaced, then as for a new
   * order; or replaceRejected (UNKNOWN_ORDER, QTY_ALREADY_FILLED, POST_ONLY_WOULD_CROSS).
   */
  replace(
    orderId: number,
    owner: number,
    tag: number,
    priceTicks: number,
    qtyLots: number,
    aux: number,
  ): void {
    const { store } = this
    const order = store.ids.get(orderId)
    if (order === 0 || !this.holds(order, owner)) {
      this.refuseReplace(Code.UNKNOWN_ORDER, 0, owner, tag, orderId, aux)
      return
    }
    const { f64, i32 } = store.orders
    const flags = store.flags[order]
    const ownTag = store.tags[order]
    const f = order * ORDER_DOUBLES
    const level = i32[order * ORDER_WORDS + OI.level]
    const cum = f64[f + OF.cum]
    const leaves = qtyLots - cum
    if (leaves <= 0) {
      this.refuseReplace(Code.QTY_ALREADY_FILLED, flags, owner, ownTag, orderId, aux)
      return
    }
    const { levels } = store.levels
    const samePrice = levels.f64[level * (LEVEL_WORDS >> 1) + LVF.priceTicks] === priceTicks
    const less = f64[f + OF.leaves] - leaves
    if (samePrice && less >= 0) {
      f64[f + OF.leaves] = leaves
      levels.f64[level * (LEVEL_WORDS >> 1) + LVF.lots] -= less
      this.emit(
        EventKind.replaced,
        flags,
        owner,
        ownTag,
        orderId,
        priceTicks,
        qtyLots,
        leaves,
        cum,
        aux,
      )
      return
    }
    if ((flags & Flag.postOnly) !== 0 && this.crosses(flags, priceTicks)) {
      this.refuseReplace(Code.POST_ONLY_WOULD_CROSS, flags, owner, ownTag, orderId, aux)
      return
    }
    this.emit(
      EventKind.replaced,
      flags,
      owner,
      ownTag,
      orderId,
      priceTicks,
      qtyLots,
      leaves,
      cum,
      aux,
    )
    this.remove(order)
    this.take(orderId, owner, ownTag, flags, priceTicks, leaves, cum)
  }

  /** Puts an order back at the end of its queue without matching or events: for restoring a snapshot. */
  restore(order: RestingOrder): void {
    const { orderId, owner, tag, flags, priceTicks, leavesLots, cumLots } = order
    this.rest(orderId, owner, tag, flags, priceTicks, leavesLots, cumLots)
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
    const { levels } = this.store.levels
    const depth: Depth[] = []
    for (let level = of.best; level !== 0 && depth.length < max; level = of.after(level)) {
      depth.push({
        priceTicks: this.priceOf(level),
        qtyLots: levels.f64[level * (LEVEL_WORDS >> 1) + LVF.lots],
        orders: levels.i32[level * LEVEL_WORDS + LV.orders],
      })
    }
    return depth
  }

  /** All resting orders of a side, best price first, each price in queue order. */
  *resting(side: Side): Generator<RestingOrder> {
    const of = side === Side.buy ? this.bids : this.asks
    const { store } = this
    for (let level = of.best; level !== 0; level = of.after(level)) {
      const { levels } = store.levels
      let order = levels.i32[level * LEVEL_WORDS + LV.head]
      while (order !== 0) {
        const { f64, i32 } = store.orders
        yield {
          orderId: f64[order * ORDER_DOUBLES + OF.id],
          owner: i32[order * ORDER_WORDS + OI.owner],
          tag: store.tags[order],
          flags: store.flags[order],
          priceTicks: this.priceOf(level),
          leavesLots: f64[order * ORDER_DOUBLES + OF.leaves],
          cumLots: f64[order * ORDER_DOUBLES + OF.cum],
        }
        order = i32[order * ORDER_WORDS + OI.behind]
      }
    }
  }

  // --- deciding ---------------------------------------------------------------------------------

  /** Why the book refuses a new order, or 0. */
  private refusal(owner: number, flags: number, priceTicks: number, qtyLots: number): number {
    if ((flags & (Flag.postOnly | Flag.market | (3 << Flag.timeInForceShift))) === 0) return 0
    if ((flags & Flag.postOnly) !== 0 && this.crosses(flags, priceTicks)) {
      return Code.POST_ONLY_WOULD_CROSS
    }
    if (timeInForceOf(flags) === TimeInForce.FOK) {
      return this.fillable(owner, flags, priceTicks, qtyLots) ? 0 : Code.FOK_NOT_FILLABLE
    }
    return isMarket(flags) && !this.crosses(flags, priceTicks) ? Code.NO_LIQUIDITY : 0
  }

  private crosses(flags: number, priceTicks: number): boolean {
    const opposite = (flags & Flag.sell) !== 0 ? this.bids : this.asks
    const best = opposite.best
    if (best === 0) return false
    const ticks = this.store.levels.levels.f64[best * (LEVEL_WORDS >> 1) + LVF.priceTicks]
    return (flags & Flag.sell) !== 0 ? ticks >= priceTicks : ticks <= priceTicks
  }

  /** Whether a fill-or-kill order would fill whole, own orders in its way counted as its mode treats them. */
  private fillable(owner: number, flags: number, priceTicks: number, qtyLots: number): boolean {
    const sell = (flags & Flag.sell) !== 0
    const opposite = sell ? this.bids : this.asks
    const passOwn = selfTradeOf(flags) === SelfTrade.cancelOldest
    const { orders, levels: store } = this.store
    const { levels } = store
    let wanted = qtyLots
    for (let level = opposite.best; level !== 0; level = opposite.after(level)) {
      const ticks = this.priceOf(level)
      if (sell ? ticks < priceTicks : ticks > priceTicks) return false
      let order = levels.i32[level * LEVEL_WORDS + LV.head]
      while (order !== 0) {
        if (orders.i32[order * ORDER_WORDS + OI.owner] !== owner) {
          wanted -= orders.f64[order * ORDER_DOUBLES + OF.leaves]
          if (wanted <= 0) return true
        } else if (!passOwn) {
          return false
        }
        order = orders.i32[order * ORDER_WORDS + OI.behind]
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
    const { store } = this
    const sell = (flags & Flag.sell) !== 0
    const opposite = sell ? this.bids : this.asks
    let leaves = qtyLots
    let cum = cumBefore
    for (let best = opposite.best; best !== 0 && leaves > 0; best = opposite.best) {
      const { levels } = store.levels
      const ticks = levels.f64[best * (LEVEL_WORDS >> 1) + LVF.priceTicks]
      if (sell ? ticks < priceTicks : ticks > priceTicks) break
      const maker = levels.i32[best * LEVEL_WORDS + LV.head]
      const { i32, f64 } = store.orders
      if (i32[maker * ORDER_WORDS + OI.owner] === owner) {
        leaves = this.preventSelfTrade(maker, flags, orderId, owner, tag, priceTicks, leaves, cum)
        continue
      }
      const available = f64[maker * ORDER_DOUBLES + OF.leaves]
      const lots = Math.min(available, leaves)
      leaves -= lots
      cum += lots
      this.trade(maker, best, ticks, lots, orderId, owner, tag, flags, leaves, cum)
    }
    if (leaves <= 0) return
    if (timeInForceOf(flags) === TimeInForce.GTC) {
      this.rest(orderId, owner, tag, flags, priceTicks, leaves, cum)
    } else {
      const kind = EventKind.expired | (Code.IOC_REMAINDER << 8)
      this.emit(kind, flags, owner, tag, orderId, priceTicks, leaves + cum, leaves, cum, 0)
    }
  }

  /** One trade of `lots` at the resting order's price: two events, then the resting order shrinks or goes. */
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
    const { store } = this
    const { i32, f64 } = store.orders
    const f = maker * ORDER_DOUBLES
    const makerLeaves = f64[f + OF.leaves] - lots
    const makerCum = f64[f + OF.cum] + lots
    f64[f + OF.leaves] = makerLeaves
    f64[f + OF.cum] = makerCum
    store.levels.levels.f64[level * (LEVEL_WORDS >> 1) + LVF.lots] -= lots
    this.trades += 1
    this.lastTradeTicks = ticks
    this.emit(
      EventKind.tradeTaker,
      flags,
      owner,
      tag,
      orderId,
      ticks,
      lots,
      leaves,
      cum,
      this.trades,
    )
    const makerOwner = i32[maker * ORDER_WORDS + OI.owner]
    const makerFlags = store.flags[maker]
    this.emit(
      EventKind.tradeMaker,
      makerFlags,
      makerOwner,
      store.tags[maker],
      f64[f + OF.id],
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
    const { store } = this
    const { f64, i32 } = store.orders
    const f = maker * ORDER_DOUBLES
    const both = Math.min(f64[f + OF.leaves], leaves)
    f64[f + OF.leaves] -= both
    const level = i32[maker * ORDER_WORDS + OI.level]
    store.levels.levels.f64[level * (LEVEL_WORDS >> 1) + LVF.lots] -= both
    if (f64[f + OF.leaves] === 0) {
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
    const { store } = this
    const order = store.orders.alloc()
    if (order >= store.tags.length) store.fitTags(order)
    store.tags[order] = tag
    store.flags[order] = flags
    const level = ((flags & Flag.sell) !== 0 ? this.asks : this.bids).levelAt(priceTicks)
    const { levels } = store.levels
    const at = level * LEVEL_WORDS
    const { i32, f64 } = store.orders
    const tail = levels.i32[at + LV.tail]
    const i = order * ORDER_WORDS
    const f = order * ORDER_DOUBLES
    f64[f + OF.id] = orderId
    f64[f + OF.leaves] = leaves
    f64[f + OF.cum] = cum
    i32[i + OI.before] = tail
    i32[i + OI.level] = level
    i32[i + OI.owner] = owner
    if (tail === 0) levels.i32[at + LV.head] = order
    else i32[tail * ORDER_WORDS + OI.behind] = order
    levels.i32[at + LV.tail] = order
    levels.i32[at + LV.orders] += 1
    levels.f64[(at >> 1) + LVF.lots] += leaves
    store.ids.add(order)
  }

  /** Takes an order out of its queue, its level out of the side if it was the last, and forgets it. */
  private remove(order: number): void {
    const { store } = this
    const { i32, f64 } = store.orders
    const i = order * ORDER_WORDS
    const before = i32[i + OI.before]
    const behind = i32[i + OI.behind]
    const level = i32[i + OI.level]
    const at = level * LEVEL_WORDS
    const { levels } = store.levels
    store.ids.remove(f64[order * ORDER_DOUBLES + OF.id])
    if (before === 0) levels.i32[at + LV.head] = behind
    else i32[before * ORDER_WORDS + OI.behind] = behind
    if (behind === 0) levels.i32[at + LV.tail] = before
    else i32[behind * ORDER_WORDS + OI.before] = before
    levels.f64[(at >> 1) + LVF.lots] -= f64[order * ORDER_DOUBLES + OF.leaves]
    const left = levels.i32[at + LV.orders] - 1
    levels.i32[at + LV.orders] = left
    if (left === 0) {
      assert(levels.f64[(at >> 1) + LVF.lots] === 0, 'an empty level has no lots')
      ;((store.flags[order] & Flag.sell) !== 0 ? this.asks : this.bids).removeLevel(level)
    }
    store.orders.release(order)
  }

  private holds(order: number, owner: number): boolean {
    return this.store.orders.i32[order * ORDER_WORDS + OI.owner] === owner
  }

  private priceOf(level: number): number {
    return level === 0
      ? 0
      : this.store.levels.levels.f64[level * (LEVEL_WORDS >> 1) + LVF.priceTicks]
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
    this.emit(EventKind.replaceRejected | (code << 8), flags, owner, tag, orderId, 0, 0, 0, 0, aux)
  }

  /** An event for a resting order as it stands. */
  private emitResting(kind: number, order: number, aux: number): void {
    const { store } = this
    const { i32, f64 } = store.orders
    const f = order * ORDER_DOUBLES
    const leaves = f64[f + OF.leaves]
    const cum = f64[f + OF.cum]
    const level = i32[order * ORDER_WORDS + OI.level]
    const owner = i32[order * ORDER_WORDS + OI.owner]
    this.emit(
      kind,
      store.flags[order],
      owner,
      store.tags[order],
      f64[f + OF.id],
      this.priceOf(level),
      leaves + cum,
      leaves,
      cum,
      aux,
    )
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
    const { events } = this.store
    const number = events.append(kind, flags, owner, tag)
    const f = number * (EVENT_WORDS >> 1)
    const { f64 } = events
    f64[f + EVF.orderId] = orderId
    f64[f + EVF.priceTicks] = priceTicks
    f64[f + EVF.qtyLots] = qtyLots
    f64[f + EVF.leavesLots] = leaves
    f64[f + EVF.cumLots] = cum
    f64[f + EVF.aux] = aux
  }
}
