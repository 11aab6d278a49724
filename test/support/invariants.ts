// What must hold of the engine's answers after every round, whatever the commands were.

import type { Instrument, Names } from '../model/names.ts'
import { ceilDiv, max, oneUnit, parseDecimal, stepsIn, TEN7 } from '../model/numbers.ts'

type Json = Record<string, unknown>

export type Answers = {
  balances(account: string): object
  book(symbol: string, depth?: number): object
  orders(account: string): object
}
export type Posting = { tx: string; account: string; asset: string; amount: string }

/** Sums of the postings seen so far, by account and asset. */
export type Ledger = Map<string, bigint>

/** The first invariant that does not hold, in words; null when all do. */
export function brokenInvariant(
  exchange: Answers,
  names: Names,
  ledger: Ledger | null,
): string | null {
  const accounts = [...names.accounts]
  const orders = new Map(accounts.map((name) => [name, openOrders(exchange, name)]))
  return (
    brokenBalances(exchange, names, orders, ledger) ??
    [...names.instruments.values()]
      .map((instrument) => brokenBook(exchange, instrument, [...orders.values()].flat()))
      .find((broken) => broken !== null) ??
    null
  )
}

/** Adds a round's postings; says which transaction does not sum to zero. */
export function addPostings(postings: Posting[], names: Names, ledger: Ledger): string | null {
  const sums = new Map<string, bigint>()
  for (const { tx, account, asset, amount } of postings) {
    const units = unitsOf(amount, names.assets.get(asset)!.decimals)
    sums.set(`${tx} ${asset}`, (sums.get(`${tx} ${asset}`) ?? 0n) + units)
    const line = `${account} ${asset}`
    ledger.set(line, (ledger.get(line) ?? 0n) + units)
  }
  for (const [of, sum] of sums) if (sum !== 0n) return `postings of ${of} sum to ${sum}`
  return null
}

function openOrders(exchange: Answers, account: string): Json[] {
  return (exchange.orders(account) as { orders: Json[] }).orders
}

function brokenBalances(
  exchange: Answers,
  names: Names,
  orders: Map<string, Json[]>,
  ledger: Ledger | null,
): string | null {
  const totals = new Map<string, bigint>()
  for (const account of [...names.accounts, '$fees', '$external']) {
    const rows = (exchange.balances(account) as { balances: Json[] }).balances
    const house = account.startsWith('$')
    const needed = neededBy(orders.get(account) ?? [], names)
    for (const row of rows) {
      const asset = row.asset as string
      const { decimals } = names.assets.get(asset)!
      const available = unitsOf(row.available as string, decimals)
      const held = unitsOf(row.held as string, decimals)
      totals.set(asset, (totals.get(asset) ?? 0n) + available + held)
      if (available < 0n && !house) return `${account} has ${available} units of ${asset}`
      if (held < 0n) return `${account} holds ${held} units of ${asset}`
      const posted = ledger?.get(`${account} ${asset}`) ?? 0n
      if (ledger !== null && posted !== available + held) {
        return `${account}'s ${asset} is ${available + held}, its postings sum to ${posted}`
      }
      const { least, most } = needed.get(asset) ?? { least: 0n, most: 0n }
      needed.delete(asset)
      if (held < least || held > most) {
        return `${account} holds ${held} ${asset}, its orders need ${least} to ${most}`
      }
    }
    for (const [asset, { least }] of needed) {
      if (least > 0n) return `${account} holds no ${asset}, its orders need ${least}`
    }
  }
  for (const [asset, total] of totals) if (total !== 0n) return `all ${asset} sum to ${total}`
  return null
}

/** By asset, what open orders must hold; between two numbers where a carried fraction counts. */
function neededBy(orders: Json[], names: Names): Map<string, { least: bigint; most: bigint }> {
  const needed = new Map<string, { least: bigint; most: bigint }>()
  for (const order of orders) {
    const instrument = names.instruments.get(order.symbol as string)!
    const lots = stepsOf(order.leavesQty, instrument.lotSize)
    const buy = order.side === 'buy'
    const asset = (buy ? instrument.quote : instrument.base).name
    const sum = needed.get(asset) ?? { least: 0n, most: 0n }
    needed.set(asset, sum)
    if (buy) {
      const notional = stepsOf(order.price, instrument.tickSize) * lots * instrument.M
      const rate = max(instrument.takerRate, instrument.makerRate, 0n)
      sum.least += notional
      sum.most += notional + ceilDiv(rate * notional, TEN7)
    } else {
      sum.least += lots * instrument.B
      sum.most += lots * instrument.B
    }
  }
  return needed
}

function brokenBook(exchange: Answers, instrument: Instrument, orders: Json[]): string | null {
  const { symbol, tickSize, lotSize } = instrument
  const book = exchange.book(symbol, 1000) as Record<'bids' | 'asks', Json[]>
  const levels = new Map<string, { qty: bigint; orders: number }>()
  for (const order of orders) {
    if (order.symbol !== symbol) continue
    const place = `${order.side === 'buy' ? 'bids' : 'asks'} ${order.price}`
    const level = levels.get(place) ?? { qty: 0n, orders: 0 }
    levels.set(place, level)
    level.qty += stepsOf(order.leavesQty, lotSize)
    level.orders++
  }
  for (const side of ['bids', 'asks'] as const) {
    let before: bigint | null = null
    for (const { price, qty, orders: count } of book[side]) {
      const ticks = stepsOf(price, tickSize)
      if (before !== null && (side === 'bids' ? ticks >= before : ticks <= before)) {
        return `${symbol} ${side} are not sorted at ${price}`
      }
      before = ticks
      const level = levels.get(`${side} ${price}`)
      levels.delete(`${side} ${price}`)
      if (level?.qty !== stepsOf(qty, lotSize) || level.orders !== count) {
        return `${symbol} ${side} at ${price}: ${qty} in ${count}, orders say ${level?.qty} lots`
      }
    }
  }
  if (levels.size > 0) return `${symbol} lacks the level ${[...levels.keys()][0]}`
  const [bid, ask] = [book.bids[0], book.asks[0]]
  if (bid !== undefined && ask !== undefined) {
    if (stepsOf(bid.price, tickSize) >= stepsOf(ask.price, tickSize)) {
      return `${symbol} is crossed: bid ${bid.price}, ask ${ask.price}`
    }
  }
  return null
}

function stepsOf(value: unknown, step: Parameters<typeof stepsIn>[1]): bigint {
  return stepsIn(parseDecimal(value, true)!, step)!
}

function unitsOf(value: string, decimals: number): bigint {
  return stepsOf(value, oneUnit(decimals))
}
