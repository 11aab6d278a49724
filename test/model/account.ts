// One account: balances, the orders as the account knows them, remembered ids, positions.

import type { Side, Target } from './intake.ts'
import type { Instrument } from './names.ts'
import { abs, ceilDiv, floorDiv, max, TEN7 } from './numbers.ts'

/**
 * One way in which the order may stand in the book: as it is, or as a replace in flight wants it.
 */
export type Version = { price: bigint; orderQty: bigint }

export type AccountOrder = {
  orderId: string
  clOrdId: string
  instrument: Instrument
  side: Side
  reduceOnly: boolean
  cumQty: bigint
  /** Fraction of a smallest unit of fee already paid, in ten-millionths. */
  carry: bigint
  hold: bigint
  /** The first is what the account knows to be open; the others are replaces in flight. */
  versions: Version[]
  /** Client ids of the replaces in flight. */
  pendingIds: string[]
}

/** What (account, clOrdId) or (account, transferId) named first. */
export type Submission = {
  content: string
  execType: 'new' | 'replaced' | 'accepted' | 'rejected'
  code?: string
  orderId?: string
  /** The `seq` of its refusal, close or replacement; null while it names something open. */
  endedAt: number | null
}

export type Position = { lots: bigint; cost: bigint; realised: bigint }

export class Account {
  readonly name: string
  readonly available = new Map<string, bigint>()
  readonly held = new Map<string, bigint>()
  readonly orders = new Map<string, AccountOrder>()
  readonly submissions = new Map<string, Submission>()
  readonly deposits = new Map<string, Submission>()
  readonly transfers = new Map<string, Submission>()
  readonly positions = new Map<string, Position>()
  /** By quote asset and day: realised profit, less fees. */
  readonly realisedOn = new Map<string, bigint>()
  /** When an order alike was accepted last, by symbol, side, price and quantity. */
  readonly acceptedAlike = new Map<string, number>()
  suspended = false
  killed = false
  /** Reports about the account so far. */
  reports = 0
  /** Orders accepted in this second of the clock. */
  acceptedIn = { second: -1, count: 0 }

  constructor(name: string) {
    this.name = name
  }

  availableOf(asset: string): bigint {
    return this.available.get(asset) ?? 0n
  }

  heldOf(asset: string): bigint {
    return this.held.get(asset) ?? 0n
  }

  post(asset: string, amount: bigint): void {
    this.available.set(asset, this.availableOf(asset) + amount)
  }

  /** Moves between available and held; a negative amount releases. */
  reserve(asset: string, amount: bigint): void {
    this.available.set(asset, this.availableOf(asset) - amount)
    this.held.set(asset, this.heldOf(asset) + amount)
  }

  setHold(order: AccountOrder, hold: bigint): void {
    this.reserve(heldAsset(order), hold - order.hold)
    order.hold = hold
  }

  position(symbol: string): Position {
    let position = this.positions.get(symbol)
    if (position === undefined) {
      position = { lots: 0n, cost: 0n, realised: 0n }
      this.positions.set(symbol, position)
    }
    return position
  }

  /**
   * The open order of this symbol that goes by this id, now or when a replace in flight succeeds.
   */
  findOrder(symbol: string, target: Target): AccountOrder | undefined {
    for (const order of this.orders.values()) {
      if (order.instrument.symbol !== symbol) continue
      if ('orderId' in target) {
        if (order.orderId === target.orderId) return order
      } else if (
        order.clOrdId === target.origClOrdId ||
        order.pendingIds.includes(target.origClOrdId)
      ) {
        return order
      }
    }
    return undefined
  }

  /** Lots that open orders of one side may still trade, `except` one of them. */
  openLots(symbol: string, side: Side, except?: AccountOrder): bigint {
    let lots = 0n
    for (const order of this.orders.values()) {
      if (order === except || order.instrument.symbol !== symbol || order.side !== side) continue
      lots += largestRemainder(order)
    }
    return lots
  }

  realisedToday(asset: string, day: number): bigint {
    return this.realisedOn.get(`${asset} ${day}`) ?? 0n
  }

  addRealised(instrument: Instrument, day: number, amount: bigint): void {
    this.position(instrument.symbol).realised += amount
    const key = `${instrument.quote.name} ${day}`
    this.realisedOn.set(key, (this.realisedOn.get(key) ?? 0n) + amount)
  }

  /** Moves the position by a fill; gives what it realised. */
  fill(instrument: Instrument, side: Side, qty: bigint, price: bigint): bigint {
    const position = this.position(instrument.symbol)
    const signed = side === 'buy' ? qty : -qty
    const notionalOf = (lots: bigint) => price * lots * instrument.M
    const lotsBefore = position.lots
    position.lots += signed
    const sameDirection = lotsBefore === 0n || lotsBefore > 0n === signed > 0n
    if (sameDirection) {
      position.cost += notionalOf(qty)
      return 0n
    }
    const size = abs(lotsBefore)
    const closed = qty < size ? qty : size
    const costOut = floorDiv(position.cost * closed, size)
    position.cost = position.cost - costOut + notionalOf(qty - closed)
    return lotsBefore > 0n ? notionalOf(closed) - costOut : costOut - notionalOf(closed)
  }
}

export function heldAsset(order: { side: Side; instrument: Instrument }): string {
  return order.side === 'buy' ? order.instrument.quote.name : order.instrument.base.name
}

export function notional(instrument: Instrument, price: bigint, lots: bigint): bigint {
  return price * lots * instrument.M
}

/** The notional with the fee it could cost, for an order that already paid the fraction `carry`. */
export function need(instrument: Instrument, amount: bigint, carry: bigint): bigint {
  const rate = max(instrument.takerRate, instrument.makerRate, 0n)
  return amount + ceilDiv(rate * amount - carry, TEN7)
}

export function largestRemainder(order: AccountOrder): bigint {
  return max(...order.versions.map((version) => version.orderQty)) - order.cumQty
}

/** What an order holds that has no replace in flight. */
export function exactHold(order: AccountOrder): bigint {
  const { instrument, versions, cumQty, carry } = order
  const lots = versions[0].orderQty - cumQty
  if (order.side === 'sell') return lots * instrument.B
  return need(instrument, notional(instrument, versions[0].price, lots), carry)
}

/** What the order must hold so that every version that may be in the book is paid for. */
export function holdWithReplace(order: AccountOrder, wanted: Version): bigint {
  const { instrument, versions, cumQty, carry } = order
  const all = [...versions, wanted]
  const mostLots = max(...all.map((version) => version.orderQty)) - cumQty
  if (order.side === 'sell') return mostLots * instrument.B
  if (versions.length > 1) {
    const highest = max(...all.map((version) => version.price))
    return need(instrument, notional(instrument, highest, mostLots), carry)
  }
  const n0 = versions[0].orderQty - cumQty
  const n1 = wanted.orderQty - cumQty
  const added = n1 > n0 ? n1 - n0 : 0n
  const whole = notional(instrument, wanted.price, n1)
  const both = notional(instrument, versions[0].price, n0)
  const withAdded = both + notional(instrument, wanted.price, added)
  return max(need(instrument, whole, carry), need(instrument, withAdded, carry))
}

/** The fee of a fill, rounded up once over the order's life by what the order carries. */
export function chargeFee(order: AccountOrder, rate: bigint, amount: bigint): bigint {
  const exact = rate * amount
  const fee = ceilDiv(exact - order.carry, TEN7)
  order.carry = order.carry + fee * TEN7 - exact
  return fee
}
