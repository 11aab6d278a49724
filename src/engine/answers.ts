// Answers to queries, from the state of the shard that the account or the symbol lives in.

import { unpackId } from '../protocol/client-id.ts'
import { formatUnits } from '../protocol/decimal.ts'
import { type Page, WHOLE } from '../protocol/decode.ts'
import type { Asset, Instrument } from '../protocol/instrument.ts'
import { isMarket, Side, sideOf, timeInForceOf } from '../protocol/order-flags.ts'
import { formatAverage, formatPrice, formatQty } from '../protocol/report-json.ts'
import type { AccountShard } from './account/account-shard.ts'
import {
  AC,
  ACCOUNT_WORDS,
  ACF,
  BA,
  BAF,
  BALANCE_WORDS,
  FIF,
  FILLS_WORDS,
  OR,
  ORDER_WORDS,
  ORF,
  PO,
  POF,
  POSITION_WORDS,
} from './account/records.ts'
import type { BookShard } from './book/book-shard.ts'
import type { Market } from './market.ts'

/** One level of a book. */
export interface BookLevel {
  price: string
  qty: string
  orders: number
}
export interface BalancesAnswer {
  query: 'balances'
  seq: number
  account: string
  balances: { asset: string; available: string; held: string }[]
  positions: {
    symbol: string
    qty: string
    avgCost: string
    realised: string
    openBuyQty: string
    openSellQty: string
  }[]
  /** There are more behind the last of either list. */
  more?: true
}
export interface BookAnswer {
  query: 'book'
  seq: number
  symbol: string
  bids: BookLevel[]
  asks: BookLevel[]
}
export interface OrdersAnswer {
  query: 'orders'
  seq: number
  account: string
  orders: OpenOrder[]
  /** There are more behind the last one. */
  more?: true
}
export interface OpenOrder {
  orderId: string
  clOrdId: string
  symbol: string
  side: 'buy' | 'sell'
  ordType: 'limit' | 'market'
  timeInForce: string
  ordStatus: string
  price: string
  orderQty: string
  cumQty: string
  leavesQty: string
  avgPx: string
}
export type QueryAnswer = BalancesAnswer | BookAnswer | OrdersAnswer

/** Some of an account's open orders: the answer without its head. */
export type OrdersPage = Pick<OrdersAnswer, 'orders' | 'more'>

/** What an account has: the answer without its head. */
export type Holdings = Pick<BalancesAnswer, 'balances' | 'positions' | 'more'>

/** One asset's balance, in its smallest units. */
export interface Amounts {
  readonly asset: number
  readonly available: number
  readonly held: number
}

/**
 * Balances that are not zero and positions that say something, by the order of definition: a page
 * of each.
 */
export function holdingsOf(
  shard: AccountShard,
  account: number,
  { after, afterSymbol, limit }: Page = WHOLE,
): Holdings {
  const { market, store } = shard
  const { positions } = store
  const lines: BalancesAnswer['positions'] = []
  const found: number[] = []
  let position = store.accounts.i32[account * ACCOUNT_WORDS + AC.firstPosition]
  for (; position !== 0; position = positions.i32[position * POSITION_WORDS + PO.next]) {
    found.push(position)
  }
  const symbolOf = (at: number) => positions.i32[at * POSITION_WORDS + PO.symbol]
  const amounts = amountsOf(shard, account).filter(({ asset }) => asset > after)
  let hasMore = amounts.length > limit
  for (const at of found.sort((x, y) => symbolOf(x) - symbolOf(y))) {
    if (symbolOf(at) <= afterSymbol) continue
    const line = positionLine(shard, at)
    if (line === undefined) continue
    hasMore ||= lines.length === limit
    if (lines.length === limit) break
    lines.push(line)
  }
  const balances = balanceLines(market, amounts.slice(0, limit))
  return { balances, positions: lines, ...(hasMore && { more: true }) }
}

/** An account's balances that are not zero, by asset. */
export function amountsOf({ store }: AccountShard, account: number): Amounts[] {
  const { accounts, balances } = store
  const amounts: Amounts[] = []
  let balance = accounts.i32[account * ACCOUNT_WORDS + AC.firstBalance]
  for (; balance !== 0; balance = balances.i32[balance * BALANCE_WORDS + BA.next]) {
    const f = balance * (BALANCE_WORDS >> 1)
    const available = balances.f64[f + BAF.available]
    const held = balances.f64[f + BAF.held]
    if (available === 0 && held === 0) continue
    amounts.push({ asset: balances.i32[balance * BALANCE_WORDS + BA.asset], available, held })
  }
  return amounts.sort((x, y) => x.asset - y.asset)
}

/** Balances as a person reads them. */
export function balanceLines(
  market: Market,
  amounts: readonly Amounts[],
): BalancesAnswer['balances'] {
  return amounts.map(({ asset: handle, available, held }) => {
    const { asset, decimals } = market.assets[handle] as Asset
    return {
      asset,
      available: formatUnits(available, decimals),
      held: formatUnits(held, decimals),
    }
  })
}

/** Aggregated levels of a symbol's book from the best prices. */
export function levelsOf(
  shard: BookShard,
  symbol: number,
  instrument: Instrument,
  depth: number,
): Pick<BookAnswer, 'bids' | 'asks'> {
  const levels = (side: Side) =>
    shard
      .book(symbol)
      .depth(side, depth)
      .map((level) => ({
        price: formatPrice(level.priceTicks, instrument),
        qty: formatQty(level.qtyLots, instrument),
        orders: level.orders,
      }))
  return { bids: levels(Side.buy), asks: levels(Side.sell) }
}

/** Open orders of an account by ascending `orderId`: a page of them. */
export function openOrdersOf(
  shard: AccountShard,
  account: number,
  { after, limit }: Page = WHOLE,
): OrdersPage {
  const { i32, f64 } = shard.store.orders
  const orders: OpenOrder[] = []
  let order = shard.store.accounts.i32[account * ACCOUNT_WORDS + AC.firstOrder]
  for (; order !== 0; order = i32[order * ORDER_WORDS + OR.behind]) {
    if (f64[((order * ORDER_WORDS) >> 1) + ORF.orderId] <= after) continue
    if (orders.length === limit) return { orders, more: true }
    orders.push(openOrder(shard, order))
  }
  return { orders }
}

/** The `execSeq` of each account's last report, by handle; 0 of those that live elsewhere. */
export function execSeqsOf({ store: { accounts } }: AccountShard): Float64Array {
  const found = new Float64Array(accounts.top + 1)
  for (let account = 1; account <= accounts.top; account += 1) {
    found[account] = accounts.f64[account * (ACCOUNT_WORDS >> 1) + ACF.execSeq]
  }
  return found
}

function positionLine(
  { market, store }: AccountShard,
  position: number,
): BalancesAnswer['positions'][number] | undefined {
  const { i32, f64 } = store.positions
  const f = position * (POSITION_WORDS >> 1)
  const symbol = i32[position * POSITION_WORDS + PO.symbol]
  const instrument = market.instruments[symbol] as Instrument
  const { decimals } = market.assets[instrument.quote] as Asset
  const lots = f64[f + POF.lots]
  const realised = f64[f + POF.realised]
  const hasOpen = i32[position * POSITION_WORDS + PO.openOrders] > 0
  if (lots === 0 && realised === 0 && !hasOpen) return undefined
  return {
    symbol: instrument.symbol,
    qty: formatQty(lots, instrument),
    avgCost: formatAverage(f64[f + POF.cost], Math.abs(lots), instrument),
    realised: formatUnits(realised, decimals),
    openBuyQty: formatQty(f64[f + POF.openBuy], instrument),
    openSellQty: formatQty(f64[f + POF.openSell], instrument),
  }
}

function openOrder({ market, store }: AccountShard, order: number): OpenOrder {
  const { orders, positions, fills } = store
  const o = order * ORDER_WORDS
  const of = o >> 1
  const symbol = positions.i32[orders.i32[o + OR.position] * POSITION_WORDS + PO.symbol]
  const instrument = market.instruments[symbol] as Instrument
  const flags = orders.i32[o + OR.flags]
  const leaves = orders.f64[of + ORF.leaves]
  const f = orders.i32[o + OR.fills] * (FILLS_WORDS >> 1)
  const cum = fills.f64[f + FIF.cum]
  return {
    orderId: String(orders.f64[of + ORF.orderId]),
    clOrdId: unpackId(orders.i32, o + OR.id),
    symbol: instrument.symbol,
    side: sideOf(flags) === Side.buy ? 'buy' : 'sell',
    ordType: isMarket(flags) ? 'market' : 'limit',
    timeInForce: (['GTC', 'IOC', 'FOK'] as const)[timeInForceOf(flags)],
    ordStatus: cum === 0 ? 'new' : 'partiallyFilled',
    price: formatPrice(orders.f64[of + ORF.priceTicks], instrument),
    orderQty: formatQty(leaves + cum, instrument),
    cumQty: formatQty(cum, instrument),
    leavesQty: formatQty(leaves, instrument),
    avgPx: formatAverage(fills.f64[f + FIF.notional], cum, instrument),
  }
}
