// The limits by scope and the rules a new order or a replace has to pass.

import { type Account, type AccountOrder, largestRemainder, notional } from './account.ts'
import type { LimitValue, Side } from './intake.ts'
import type { Instrument } from './names.ts'
import { abs, ceilDiv, floorDiv, MILLION, max, pow10 } from './numbers.ts'

const DAY_MS = 86_400_000

const DEFAULTS: Record<string, LimitValue> = {
  tradingAllowed: true,
  reduceOnly: false,
  duplicateWindowMs: 10_000,
  priceDeviation: 50_000n,
  marketSlippage: 50_000n,
  maxOpenOrders: 10_000,
}

export class Limits {
  private readonly scopes = new Map<string, Map<string, LimitValue>>()

  set(account: string | null, symbol: string | null, settings: Map<string, LimitValue>): void {
    const scope = scopeName(account, symbol)
    const there = this.scopes.get(scope) ?? new Map<string, LimitValue>()
    this.scopes.set(scope, there)
    for (const [name, value] of settings) {
      if (value === null) there.delete(name)
      else there.set(name, value)
    }
  }

  /** The setting in force; undefined when the rule is off. */
  get(name: string, account: string, symbol: string): LimitValue | undefined {
    for (const scope of [
      scopeName(account, symbol),
      scopeName(account, null),
      scopeName(null, symbol),
      scopeName(null, null),
    ]) {
      const value = this.scopes.get(scope)?.get(name)
      if (value !== undefined) return value === 'off' ? undefined : value
    }
    return DEFAULTS[name]
  }
}

function scopeName(account: string | null, symbol: string | null): string {
  return `${account ?? '*'} ${symbol ?? '*'}`
}

/** A new order, or a replace of `order`, as the rules see it. */
export type Asked = {
  account: Account
  instrument: Instrument
  side: Side
  price: bigint
  orderQty: bigint
  reduceOnly: boolean
  /** The order a replace is about; absent for a new one. */
  order?: AccountOrder
}

/** What the rules need to know beside the order. */
export type Surroundings = {
  limits: Limits
  /** The clock in ms since 1970; null while it was never set. */
  now: number | null
  reference: bigint | null
}

type Rule = (asked: Asked, around: Surroundings, limit: LimitValue) => boolean

/** True refuses. In the order of the limits table. */
const RULES: [limit: string, code: string, refuses: Rule][] = [
  ['tradingAllowed', 'SYMBOL_NOT_ALLOWED', (_asked, _around, limit) => limit === false],
  ['tradingHours', 'OUTSIDE_TRADING_HOURS', outsideTradingHours],
  ['reduceOnly', 'REDUCE_ONLY', doesNotReduce],
  ['maxOrdersPerSecond', 'ORDER_RATE', tooManyOrders],
  ['duplicateWindowMs', 'DUPLICATE_ORDER', alikeTooSoon],
  ['maxOrderQty', 'MAX_ORDER_QTY', quantityTooLarge],
  ['maxOrderValue', 'MAX_ORDER_VALUE', valueTooLarge],
  ['priceDeviation', 'PRICE_DEVIATION', priceTooFar],
  ['maxOpenOrders', 'MAX_OPEN_ORDERS', tooManyOpen],
  ['maxPositions', 'MAX_POSITIONS', tooManyPositions],
  ['maxExposure', 'MAX_EXPOSURE', exposureTooLarge],
  ['maxDailyLoss', 'DAILY_LOSS', lostTooMuch],
]

/** The code of the first rule that refuses, or null. */
export function firstRefusal(asked: Asked, around: Surroundings): string | null {
  for (const [name, code, refuses] of RULES) {
    let limit = around.limits.get(name, asked.account.name, asked.instrument.symbol)
    if (name === 'reduceOnly' && asked.reduceOnly) limit = true
    if (limit !== undefined && refuses(asked, around, limit)) return code
  }
  return null
}

export function dayOf(now: number | null): number {
  return now === null ? -1 : Math.floor(now / DAY_MS)
}

export function alikeKey(asked: Asked): string {
  return `${asked.instrument.symbol} ${asked.side} ${asked.price} ${asked.orderQty}`
}

/** The worst price a market order may trade at; null beyond the safe integers is the caller's. */
export function protectionPrice(
  instrument: Instrument,
  side: Side,
  reference: bigint,
  slippage: bigint,
): bigint {
  const price =
    side === 'buy'
      ? floorDiv(reference * (MILLION + slippage), MILLION)
      : max(1n, ceilDiv(reference * (MILLION - slippage), MILLION))
  if (instrument.minPrice !== null && price < instrument.minPrice) return instrument.minPrice
  if (instrument.maxPrice !== null && price > instrument.maxPrice) return instrument.maxPrice
  return price
}

function outsideTradingHours(_asked: Asked, around: Surroundings, limit: LimitValue): boolean {
  if (around.now === null) return false
  const { from, to } = limit as { from: number; to: number }
  const minute = Math.floor((around.now % DAY_MS) / 60_000)
  const inside = from <= to ? from <= minute && minute < to : minute >= from || minute < to
  return !inside
}

/** Open lots of the order's side with this order (or the larger of both its versions) counted. */
function openLotsWith(asked: Asked): bigint {
  const { account, instrument, side, order } = asked
  const others = account.openLots(instrument.symbol, side, order)
  if (order === undefined) return others + asked.orderQty
  return others + max(largestRemainder(order), asked.orderQty - order.cumQty)
}

function doesNotReduce(asked: Asked, _around: Surroundings, limit: LimitValue): boolean {
  if (limit !== true) return false
  const position = asked.account.position(asked.instrument.symbol).lots
  const reducible = asked.side === 'sell' ? max(0n, position) : max(0n, -position)
  return openLotsWith(asked) > reducible
}

function tooManyOrders(asked: Asked, around: Surroundings, limit: LimitValue): boolean {
  if (around.now === null) return false
  const { second, count } = asked.account.acceptedIn
  return (second === Math.floor(around.now / 1000) ? count : 0) >= (limit as number)
}

function alikeTooSoon(asked: Asked, around: Surroundings, limit: LimitValue): boolean {
  if (around.now === null || asked.order !== undefined) return false
  const before = asked.account.acceptedAlike.get(alikeKey(asked))
  return before !== undefined && around.now - before < (limit as number)
}

function quantityTooLarge(asked: Asked, _around: Surroundings, limit: LimitValue): boolean {
  const { lotSize } = asked.instrument
  return asked.orderQty * lotSize.digits * MILLION > (limit as bigint) * pow10(lotSize.scale)
}

/** Compares an amount of the quote asset with a limit in millionths of it. */
function above(amount: bigint, limit: LimitValue, instrument: Instrument): boolean {
  return amount * MILLION > (limit as bigint) * pow10(instrument.quote.decimals)
}

function valueTooLarge(asked: Asked, _around: Surroundings, limit: LimitValue): boolean {
  const { instrument, price, orderQty } = asked
  return above(notional(instrument, price, orderQty), limit, instrument)
}

function priceTooFar(asked: Asked, around: Surroundings, limit: LimitValue): boolean {
  const { reference } = around
  if (reference === null) return false
  return abs(asked.price - reference) * MILLION > (limit as bigint) * reference
}

function tooManyOpen(asked: Asked, _around: Surroundings, limit: LimitValue): boolean {
  return asked.order === undefined && asked.account.orders.size >= (limit as number)
}

function tooManyPositions(asked: Asked, _around: Surroundings, limit: LimitValue): boolean {
  if (asked.order !== undefined) return false
  const symbols = new Set<string>()
  for (const [symbol, position] of asked.account.positions) {
    if (position.lots !== 0n) symbols.add(symbol)
  }
  for (const order of asked.account.orders.values()) symbols.add(order.instrument.symbol)
  return !symbols.has(asked.instrument.symbol) && symbols.size >= (limit as number)
}

function exposureTooLarge(asked: Asked, _around: Surroundings, limit: LimitValue): boolean {
  const { account, instrument, side, price } = asked
  const position = account.position(instrument.symbol).lots
  const signed = side === 'buy' ? 1n : -1n
  const lots = abs(position + signed * openLotsWith(asked))
  const without = abs(position + signed * account.openLots(instrument.symbol, side))
  return lots > without && above(lots * price * instrument.M, limit, instrument)
}

function lostTooMuch(asked: Asked, around: Surroundings, limit: LimitValue): boolean {
  const { account, instrument } = asked
  const realised = account.realisedToday(instrument.quote.name, dayOf(around.now))
  return realised * MILLION <= -(limit as bigint) * pow10(instrument.quote.decimals)
}

/** The rate rules' memory of what the account accepted. */
export function rememberAccepted(asked: Asked, now: number | null): void {
  if (now === null) return
  const { account } = asked
  const second = Math.floor(now / 1000)
  if (account.acceptedIn.second !== second) account.acceptedIn = { second, count: 0 }
  account.acceptedIn.count++
  if (asked.order === undefined) account.acceptedAlike.set(alikeKey(asked), now)
}
