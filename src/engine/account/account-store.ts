// The state of a shard of account actors: balances, positions, open orders, used ids.
//
// Only the hold and the settle phase of the shard touch it, never at the same time.

import { IdMap } from '../../lib/id-map.ts'
import { RecordPool } from '../../lib/record-pool.ts'
import * as bounds from '../../protocol/bounds.ts'
import * as orderFlags from '../../protocol/order-flags.ts'
import * as marketForms from '../market.ts'
import { LimitTable } from '../risk/limit-table.ts'
import { RecentOrders } from '../risk/recent-orders.ts'
import { needOf } from './fees.ts'
import { hashKey } from './id-hash.ts'
import * as records from './records.ts'
import { pairKey } from './records.ts'
import { Submissions } from './submissions.ts'

// V8 folds constants only in the module that declares them: docs/decisions/0007.
const { BALANCES_MAX, ORDERS_OPEN_MAX, POSITIONS_MAX, TRANSFERS_MAX } = bounds
const { Flag } = orderFlags
const { TERMS, TM } = marketForms
const {
  AC,
  ACCOUNT_WORDS,
  BA,
  BAF,
  BALANCE_WORDS,
  FIF,
  FILLS_WORDS,
  IF,
  IFF,
  IN_FLIGHT_WORDS,
  OR,
  ORDER_WORDS,
  ORF,
  PO,
  POF,
  POSITION_WORDS,
} = records

/** House accounts. The first pays deposits and takes withdrawals, the second takes fees. */
export const EXTERNAL = 1
export const FEES = 2

export class AccountStore {
  readonly market: marketForms.Market
  readonly accounts: RecordPool
  readonly balances: RecordPool
  readonly balanceOf: IdMap
  readonly positions: RecordPool
  readonly positionOf: IdMap
  readonly orders: RecordPool
  readonly fills = new RecordPool('fills', FILLS_WORDS, 64)
  readonly inFlight = new RecordPool('replaces in flight', IN_FLIGHT_WORDS, 64)
  /** Ids of orders. */
  readonly submissions: Submissions
  /** Ids of deposits, withdrawals and transfers; never forgotten. */
  readonly transfers: Submissions
  readonly recent = new RecentOrders()
  readonly limits: LimitTable

  /** `initial`: accounts, and open orders, to make room for at the start. */
  constructor(market: marketForms.Market, remembered: number, initial: number, hashSeed: number) {
    const key = hashKey(hashSeed)
    this.market = market
    this.accounts = new RecordPool('accounts', ACCOUNT_WORDS, initial)
    this.balances = new RecordPool('balances', BALANCE_WORDS, initial)
    this.balanceOf = new IdMap(this.balances, BAF.key, initial)
    this.positions = new RecordPool('positions', POSITION_WORDS, initial)
    this.positionOf = new IdMap(this.positions, POF.key, initial)
    this.orders = new RecordPool('orders', ORDER_WORDS, initial)
    this.submissions = new Submissions(this.orders, this.positions, remembered, initial, key)
    const never = Number.POSITIVE_INFINITY
    this.transfers = new Submissions(this.orders, this.positions, never, 64, key)
    this.limits = new LimitTable(
      market.instruments,
      (instrument) => market.assets[instrument.quote]?.decimals ?? 0,
    )
  }

  /** The balance of an account in an asset, created at zero if there is none. */
  balance(account: number, asset: number): number {
    const found = this.balanceOf.get(pairKey(account, asset))
    if (found !== 0) return found
    const balance = this.newBalance(account, asset)
    this.balanceOf.add(balance)
    return balance
  }

  /** A balance of zero that `balanceOf` does not have yet. */
  newBalance(account: number, asset: number): number {
    const balance = this.balances.alloc()
    const i = balance * BALANCE_WORDS
    this.balances.f64[(i >> 1) + BAF.key] = pairKey(account, asset)
    const { i32 } = this.balances
    i32[i + BA.account] = account
    i32[i + BA.asset] = asset
    const accounts = this.accounts.i32
    i32[i + BA.next] = accounts[account * ACCOUNT_WORDS + AC.firstBalance]
    accounts[account * ACCOUNT_WORDS + AC.firstBalance] = balance
    return balance
  }

  /** The position of an account in a symbol, created flat if there is none. */
  position(account: number, symbol: number): number {
    const found = this.positionOf.get(pairKey(account, symbol))
    if (found !== 0) return found
    const { terms } = this.market
    const base = this.balance(account, terms[symbol * TERMS + TM.base])
    const quote = this.balance(account, terms[symbol * TERMS + TM.quote])
    const position = this.newPosition(account, symbol, base, quote)
    this.positionOf.add(position)
    return position
  }

  /** A flat position, with its balances, that `positionOf` does not have yet. */
  newPosition(account: number, symbol: number, base: number, quote: number): number {
    const position = this.positions.alloc()
    const i = position * POSITION_WORDS
    this.positions.f64[(i >> 1) + POF.key] = pairKey(account, symbol)
    const { i32 } = this.positions
    i32[i + PO.account] = account
    i32[i + PO.symbol] = symbol
    i32[i + PO.baseBalance] = base
    i32[i + PO.quoteBalance] = quote
    const accounts = this.accounts.i32
    i32[i + PO.next] = accounts[account * ACCOUNT_WORDS + AC.firstPosition]
    accounts[account * ACCOUNT_WORDS + AC.firstPosition] = position
    return position
  }

  /** Whether one more order fits, with the position and the balances that it may need. */
  get hasRoomForOrder(): boolean {
    return (
      this.orders.count < ORDERS_OPEN_MAX &&
      this.positions.count < POSITIONS_MAX &&
      this.hasRoomForBalances
    )
  }

  /** Whether one more transfer fits, with the balances that it may need. */
  get hasRoomForTransfer(): boolean {
    return this.transfers.ring.count < TRANSFERS_MAX && this.hasRoomForBalances
  }

  /** An order or a transfer makes at most two balances at once, a trade one more for its fees. */
  private get hasRoomForBalances(): boolean {
    return this.balances.count + 3 <= BALANCES_MAX
  }

  /** Realised profit of a balance on the clock's trading day. */
  realisedToday(balance: number): number {
    const i = balance * BALANCE_WORDS
    if (this.balances.i32[i + BA.day] !== this.market.day) return 0
    return this.balances.f64[(i >> 1) + BAF.realisedToday]
  }

  /** Lots left of an order as the account knows it. */
  leavesOf(order: number): number {
    const leaves = this.orders.f64[order * (ORDER_WORDS >> 1) + ORF.leaves]
    return leaves >= 0 ? leaves : this.inFlight.f64[-leaves * (IN_FLIGHT_WORDS >> 1) + IFF.leaves]
  }

  /** Enters an order with its position and flags behind its account's others; counts it as open. */
  enlist(order: number, position: number, lots: number): void {
    const { accounts, orders, positions } = this
    const p = position * POSITION_WORDS
    const a = positions.i32[p + PO.account] * ACCOUNT_WORDS
    const last = accounts.i32[a + AC.lastOrder]
    orders.i32[order * ORDER_WORDS + OR.before] = last
    if (last === 0) accounts.i32[a + AC.firstOrder] = order
    else orders.i32[last * ORDER_WORDS + OR.behind] = order
    accounts.i32[a + AC.lastOrder] = order
    accounts.i32[a + AC.openOrders] += 1
    if (positions.i32[p + PO.openOrders] === 0 && positions.f64[(p >> 1) + POF.lots] === 0) {
      accounts.i32[a + AC.activeSymbols] += 1
    }
    positions.i32[p + PO.openOrders] += 1
    const isSell = (orders.i32[order * ORDER_WORDS + OR.flags] & Flag.sell) !== 0
    positions.f64[(p >> 1) + (isSell ? POF.openSell : POF.openBuy)] += lots
  }

  /** Lots filled of an order. */
  cumOf(order: number): number {
    const fills = this.orders.i32[order * ORDER_WORDS + OR.fills]
    return this.fills.f64[fills * (FILLS_WORDS >> 1) + FIF.cum]
  }

  /** Fraction of a fee that an order has paid ahead. */
  carryOf(order: number): number {
    const fills = this.orders.i32[order * ORDER_WORDS + OR.fills]
    return this.fills.f64[fills * (FILLS_WORDS >> 1) + FIF.carry]
  }

  /**
   * What an order that has no replace in flight holds: quote units of a buy, base units of a sell.
   */
  needOfOrder(order: number, leaves: number): number {
    const { i32, f64 } = this.orders
    const i = order * ORDER_WORDS
    const position = i32[i + OR.position]
    const { terms } = this.market
    const t = this.positions.i32[position * POSITION_WORDS + PO.symbol] * TERMS
    if ((i32[i + OR.flags] & Flag.sell) !== 0) return leaves * terms[t + TM.basePerLot]
    if (leaves === 0) return 0
    const notional = f64[(i >> 1) + ORF.priceTicks] * leaves * terms[t + TM.quotePerTickLot]
    return needOf(notional, terms[t + TM.holdFeeRate], this.carryOf(order))
  }

  /**
   * An open order of the account by its id, or 0. Walks the account's open orders, youngest first.
   */
  orderById(account: number, orderId: number): number {
    const { i32, f64 } = this.orders
    let order = this.accounts.i32[account * ACCOUNT_WORDS + AC.lastOrder]
    while (order !== 0) {
      const id = f64[order * (ORDER_WORDS >> 1) + ORF.orderId]
      if (id === orderId) return order
      if (id < orderId) return 0
      order = i32[order * ORDER_WORDS + OR.before]
    }
    return 0
  }

  /**
   * The order that a submission with this outcome is about, 0 if it has one or the order is over.
   */
  orderInFlight(inFlight: number): number {
    return inFlight <= 0 ? 0 : this.inFlight.i32[inFlight * IN_FLIGHT_WORDS + IF.order]
  }

  /** Bytes of memory behind open orders and the table of ids. */
  get orderBytes(): number {
    return this.orders.bytes + this.submissions.tableBytes + this.fills.bytes
  }

  /** Bytes of memory behind accounts, balances and positions. */
  get accountBytes(): number {
    const { accounts, balances, balanceOf, positions, positionOf } = this
    return accounts.bytes + balances.bytes + balanceOf.bytes + positions.bytes + positionOf.bytes
  }
}
