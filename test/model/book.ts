// One symbol's book as two sorted arrays of orders, and what a command does to it.

import type { NewOrder, Side, Stp } from './intake.ts'
import type { Instrument } from './names.ts'
import { min } from './numbers.ts'

export type BookOrder = {
  orderId: string
  account: string
  clOrdId: string
  instrument: Instrument
  side: Side
  ordType: 'limit' | 'market'
  timeInForce: 'GTC' | 'IOC' | 'FOK'
  postOnly: boolean
  reduceOnly: boolean
  stp: Stp
  price: bigint
  orderQty: bigint
  cumQty: bigint
  /** Sum of price × quantity over its fills. */
  filledValue: bigint
  open: boolean
}

export type Trade = { tradeId: number; price: bigint; qty: bigint; takerSide: Side }

export type BookEvent = {
  kind: 'new' | 'trade' | 'canceled' | 'expired' | 'replaced' | 'restated' | 'rejected'
  /** The order as it is after this event. */
  order: BookOrder
  code?: string
  trade?: Trade
  aggressor?: boolean
  origClOrdId?: string
}

export function remainder(order: BookOrder): bigint {
  return order.orderQty - order.cumQty
}

export class Book {
  readonly bids: BookOrder[] = []
  readonly asks: BookOrder[] = []
  tradeCount = 0
  /** The last trade's price, this round included. */
  lastPrice: bigint | null = null
  private events: BookEvent[] = []

  new(order: BookOrder): BookEvent[] {
    this.events = []
    if (order.postOnly && this.meetsSomething(order)) {
      return this.reject(order, 'POST_ONLY_WOULD_CROSS')
    }
    if (order.timeInForce === 'FOK' && this.fillable(order) < order.orderQty) {
      return this.reject(order, 'FOK_NOT_FILLABLE')
    }
    if (order.ordType === 'market' && !this.meetsSomething(order)) {
      return this.reject(order, 'NO_LIQUIDITY')
    }
    order.open = true
    this.say('new', order)
    this.take(order)
    return this.events
  }

  cancel(orderId: string): BookEvent[] | 'UNKNOWN_ORDER' {
    this.events = []
    const order = this.find(orderId)
    if (order === undefined) return 'UNKNOWN_ORDER'
    this.close(order)
    this.say('canceled', order)
    return this.events
  }

  replace(orderId: string, clOrdId: string, price: bigint, orderQty: bigint) {
    this.events = []
    const order = this.find(orderId)
    if (order === undefined) return 'UNKNOWN_ORDER'
    if (orderQty <= order.cumQty) return 'QTY_ALREADY_FILLED'
    const keepsPlace = price === order.price && orderQty <= order.orderQty
    if (!keepsPlace && order.postOnly && this.meetsSomething({ ...order, price })) {
      return 'POST_ONLY_WOULD_CROSS'
    }
    const origClOrdId = order.clOrdId
    order.clOrdId = clOrdId
    order.price = price
    order.orderQty = orderQty
    this.say('replaced', order, { origClOrdId })
    if (!keepsPlace) {
      this.remove(order)
      this.take(order)
    }
    return this.events
  }

  find(orderId: string): BookOrder | undefined {
    const same = (order: BookOrder) => order.orderId === orderId
    return this.bids.find(same) ?? this.asks.find(same)
  }

  /** Trades the order as far as it goes; what is left rests or expires. */
  private take(taker: BookOrder): void {
    const opposite = this.oppositeOf(taker)
    while (remainder(taker) > 0n && this.meetsSomething(taker)) {
      const maker = opposite[0]
      if (maker.account === taker.account) {
        this.preventSelfTrade(taker, maker)
        if (!taker.open) return
      } else {
        this.trade(taker, maker)
      }
    }
    if (remainder(taker) === 0n) {
      taker.open = false
    } else if (taker.timeInForce === 'GTC') {
      this.rest(taker)
    } else {
      taker.open = false
      this.say('expired', taker, { code: 'IOC_REMAINDER' })
    }
  }

  private trade(taker: BookOrder, maker: BookOrder): void {
    const qty = min(remainder(taker), remainder(maker))
    const price = maker.price
    for (const order of [taker, maker]) {
      order.cumQty += qty
      order.filledValue += price * qty
      if (remainder(order) === 0n) order.open = false
    }
    if (!maker.open) this.remove(maker)
    this.tradeCount++
    this.lastPrice = price
    const trade = { tradeId: this.tradeCount, price, qty, takerSide: taker.side }
    this.say('trade', taker, { trade, aggressor: true })
    this.say('trade', maker, { trade, aggressor: false })
  }

  private preventSelfTrade(taker: BookOrder, maker: BookOrder): void {
    const code = 'SELF_TRADE'
    if (taker.stp === 'decrement') {
      const k = min(remainder(taker), remainder(maker))
      for (const order of [maker, taker]) {
        order.orderQty -= k
        if (remainder(order) === 0n) {
          this.close(order)
          this.say('expired', order, { code })
        } else {
          this.say('restated', order, { code })
        }
      }
      return
    }
    if (taker.stp !== 'cancelNewest') {
      this.close(maker)
      this.say('expired', maker, { code })
    }
    if (taker.stp !== 'cancelOldest') {
      this.close(taker)
      this.say('expired', taker, { code })
    }
  }

  /** What a fill-or-kill could really get. */
  private fillable(taker: BookOrder): bigint {
    let sum = 0n
    for (const maker of this.oppositeOf(taker)) {
      if (!crosses(taker, maker)) break
      if (maker.account !== taker.account) sum += remainder(maker)
      else if (taker.stp !== 'cancelOldest') break
    }
    return sum
  }

  private meetsSomething(taker: BookOrder): boolean {
    const best = this.oppositeOf(taker)[0]
    return best !== undefined && crosses(taker, best)
  }

  private rest(order: BookOrder): void {
    const side = order.side === 'buy' ? this.bids : this.asks
    const better = (a: BookOrder, b: BookOrder) =>
      order.side === 'buy' ? a.price > b.price : a.price < b.price
    const place = side.findIndex((other) => better(order, other))
    side.splice(place < 0 ? side.length : place, 0, order)
  }

  private close(order: BookOrder): void {
    order.open = false
    this.remove(order)
  }

  private remove(order: BookOrder): void {
    const side = order.side === 'buy' ? this.bids : this.asks
    const place = side.indexOf(order)
    if (place >= 0) side.splice(place, 1)
  }

  private oppositeOf(order: BookOrder): BookOrder[] {
    return order.side === 'buy' ? this.asks : this.bids
  }

  private reject(order: BookOrder, code: string): BookEvent[] {
    this.say('rejected', order, { code })
    return this.events
  }

  private say(kind: BookEvent['kind'], order: BookOrder, more: Partial<BookEvent> = {}): void {
    this.events.push({ kind, order: { ...order }, ...more })
  }
}

export function crosses(taker: { side: Side; price: bigint }, maker: BookOrder): boolean {
  return taker.side === 'buy' ? taker.price >= maker.price : taker.price <= maker.price
}

export function newBookOrder(command: NewOrder, orderId: string, price: bigint): BookOrder {
  const { account, clOrdId, instrument, side, ordType, orderQty } = command
  const { timeInForce, postOnly, reduceOnly, stp } = command
  return {
    orderId,
    account,
    clOrdId,
    instrument,
    side,
    ordType,
    timeInForce,
    postOnly,
    reduceOnly,
    stp,
    price,
    orderQty,
    cumQty: 0n,
    filledValue: 0n,
    open: false,
  }
}
