// The state's bytes (state.ts) back into an engine, or into shards, one section after the other.

import { assert, Fault } from '../lib/assert.ts'
import { IdMap } from '../lib/id-map.ts'
import { RecordLog } from '../lib/record-log.ts'
import { ID_WORDS } from '../protocol/client-id.ts'
import { Flag, Side } from '../protocol/order-flags.ts'
import type { AccountShard } from './account/account-shard.ts'
import type { AccountStore } from './account/account-store.ts'
import { Administration } from './account/administration.ts'
import { hashId } from './account/id-hash.ts'
import {
  AC,
  ACCOUNT_WORDS,
  ACF,
  AccountFlag,
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
import { SU, SUBMISSION_WORDS, SUF, type Submissions } from './account/submissions.ts'
import type { RestingOrder } from './book/book.ts'
import type { BookShard } from './book/book-shard.ts'
import type { Engine } from './engine.ts'
import { hashRecent, type RecentOrder } from './risk/recent-orders.ts'
import { type MarketState, STATE_VERSION } from './state.ts'
import { StateReader } from './state-writer.ts'

const SECOND_MS = 1_000

/** What {@link readState} learns from the first section, before an engine can be made for it. */
export function readMarketState(section: Uint8Array): MarketState {
  const state = new StateReader(section).json() as MarketState
  assert(state.version === STATE_VERSION, `state version ${state.version}, not ${STATE_VERSION}`)
  return state
}

/** Fills a fresh engine from a state's sections, the first already read as `state`. */
export function readState(
  engine: Engine,
  state: MarketState,
  sections: Iterator<Uint8Array>,
): void {
  engine.seq = state.seq
  const { accountShard, bookShard } = engine
  const reader = new AccountsReader(accountShard, state)
  for (let account = 1; account <= state.accounts; account += 1) {
    reader.read(account, sections.next().value as Uint8Array)
  }
  reader.end()
  const resting = new OrdersById(accountShard.store)
  for (let symbol = 1; symbol <= state.instruments.length; symbol += 1) {
    readBook(bookShard, symbol, sections.next().value as Uint8Array, resting)
  }
}

/** Fills a fresh shard of accounts: first the market, then accounts one by one, then `end`. */
export class AccountsReader {
  private readonly store: AccountStore
  private readonly used = new RecordLog(SUBMISSION_WORDS, 1_024)
  private readonly moved = new RecordLog(SUBMISSION_WORDS, 1_024)
  private readonly recent: RecentOrder[] = []

  constructor({ market, store }: AccountShard, state: MarketState) {
    this.store = store
    market.nowMs = state.nowMs
    market.killed = state.killed
    market.assets.push(...state.assets)
    for (const [number, instrument] of state.instruments.entries()) {
      market.addInstrument(number + 1, instrument)
      market.halted[number + 1] = state.halted[number]
      market.referenceTicks[number + 1] = state.referenceTicks[number]
    }
    for (const scope of state.limits) store.limits.change(scope)
    new Administration(store).create(state.accounts)
  }

  /** Reads the section of an account that lives in this shard. */
  read(account: number, section: Uint8Array): void {
    const reader = new StateReader(section)
    readAccount(reader, this.store, account)
    readOrders(reader, this.store, account)
    readSubmissions(reader, this.used)
    readSubmissions(reader, this.moved)
    readRecent(reader, account, this.recent)
    assert(reader.isAtEnd, 'an account section has nothing behind it')
  }

  /** Enters what accounts share a table for, in the order in which it once came. */
  end(): void {
    const { store, used, moved, recent } = this
    restoreUsed(store.submissions, used)
    restoreUsed(store.transfers, moved)
    recent.sort((x, y) => x.acceptedMs - y.acceptedMs)
    for (const { account, symbolSide, priceTicks, lots, acceptedMs } of recent) {
      const hash = hashRecent(account, symbolSide, priceTicks, lots)
      store.recent.add(hash, 0, account, symbolSide, priceTicks, lots, acceptedMs)
    }
  }
}

function readAccount(reader: StateReader, store: AccountStore, account: number): void {
  const { accounts, market } = store
  const a = account * ACCOUNT_WORDS
  accounts.i32[a + AC.flags] = reader.u32()
  assert((accounts.i32[a + AC.flags] & AccountFlag.exists) !== 0, 'an account in a state exists')
  accounts.i32[a + AC.rateCount] = reader.u32()
  accounts.f64[(a >> 1) + ACF.rateSecond] = Math.floor(market.nowMs / SECOND_MS)
  accounts.f64[(a >> 1) + ACF.execSeq] = reader.f64()
  for (let left = reader.u32(); left > 0; left -= 1) {
    const balance = store.balance(account, reader.u32())
    const f = balance * (BALANCE_WORDS >> 1)
    store.balances.i32[balance * BALANCE_WORDS + BA.day] = market.day
    store.balances.f64[f + BAF.available] = reader.f64()
    store.balances.f64[f + BAF.held] = reader.f64()
    store.balances.f64[f + BAF.realisedToday] = reader.f64()
  }
  for (let left = reader.u32(); left > 0; left -= 1) {
    const position = store.position(account, reader.u32())
    const f = position * (POSITION_WORDS >> 1)
    store.positions.f64[f + POF.lots] = reader.f64()
    store.positions.f64[f + POF.cost] = reader.f64()
    store.positions.f64[f + POF.realised] = reader.f64()
    if (store.positions.f64[f + POF.lots] !== 0) accounts.i32[a + AC.activeSymbols] += 1
  }
}

function readOrders(reader: StateReader, store: AccountStore, account: number): void {
  const { orders } = store
  for (let left = reader.u32(); left > 0; left -= 1) {
    const order = orders.alloc()
    const o = order * ORDER_WORDS
    for (let double = 0; double <= ORF.leaves; double += 1) {
      orders.f64[(o >> 1) + double] = reader.f64()
    }
    readFills(reader, store, o)
    const position = store.position(account, reader.u32())
    orders.i32[o + OR.position] = position
    orders.i32[o + OR.flags] = reader.u32()
    orders.i32[o + OR.content] = reader.u32() | 0
    reader.words(orders.i32, o + OR.id, ID_WORDS)
    store.enlist(order, position, orders.f64[(o >> 1) + ORF.leaves])
    store.submissions.addOrder(hashId(account, orders.i32, o + OR.id, store.submissions.key), order)
  }
}

function readFills(reader: StateReader, store: AccountStore, orderWord: number): void {
  const [cum, notional, carry] = [reader.f64(), reader.f64(), reader.f64()]
  if (cum === 0) return
  const fills = store.fills.alloc()
  const f = fills * (FILLS_WORDS >> 1)
  store.fills.f64[f + FIF.cum] = cum
  store.fills.f64[f + FIF.notional] = notional
  store.fills.f64[f + FIF.carry] = carry
  store.orders.i32[orderWord + OR.fills] = fills
}

/** Into records as the ring has them, but with the code as it is and nothing of the hash. */
function readSubmissions(reader: StateReader, into: RecordLog): void {
  for (let left = reader.u32(); left > 0; left -= 1) {
    const s = into.append()
    const { i32, f64 } = into
    reader.words(i32, s + SU.id, ID_WORDS)
    i32[s + SU.account] = reader.u32()
    i32[s + SU.content] = reader.u32() | 0
    i32[s + SU.outcome] = reader.u32()
    f64[(s >> 1) + SUF.orderId] = reader.f64()
    f64[(s >> 1) + SUF.seq] = reader.f64()
  }
}

/** Enters what was read, oldest first, as it was remembered. */
function restoreUsed(into: Submissions, { i32, f64, count }: RecordLog): void {
  const inOrder = Uint32Array.from({ length: count }, (_, number) => number * SUBMISSION_WORDS)
  inOrder.sort((x, y) => f64[(x >> 1) + SUF.seq] - f64[(y >> 1) + SUF.seq])
  for (const s of inOrder) {
    const account = i32[s + SU.account]
    const hash = hashId(account, i32, s + SU.id, into.key)
    const [orderId, seq] = [f64[(s >> 1) + SUF.orderId], f64[(s >> 1) + SUF.seq]]
    into.add(hash, account, i32, s + SU.id, i32[s + SU.content], -i32[s + SU.outcome], orderId, seq)
  }
}

function readRecent(reader: StateReader, account: number, into: RecentOrder[]): void {
  for (let left = reader.u32(); left > 0; left -= 1) {
    into.push({
      account,
      symbolSide: reader.u32(),
      priceTicks: reader.f64(),
      lots: reader.f64(),
      acceptedMs: reader.f64(),
    })
  }
}

/** The open orders of a shard, as their books restore them. */
export function* restingOrders(store: AccountStore): Generator<RestingOrder & { symbol: number }> {
  const { accounts, orders, positions } = store
  for (let account = 1; account <= accounts.top; account += 1) {
    let tag = accounts.i32[account * ACCOUNT_WORDS + AC.firstOrder]
    for (; tag !== 0; tag = orders.i32[tag * ORDER_WORDS + OR.behind]) {
      const position = orders.i32[tag * ORDER_WORDS + OR.position]
      const symbol = positions.i32[position * POSITION_WORDS + PO.symbol]
      yield { ...restingOrder(store, tag, account), symbol }
    }
  }
}

function restingOrder(store: AccountStore, tag: number, owner: number): RestingOrder {
  const { i32, f64 } = store.orders
  const o = tag * ORDER_WORDS
  return {
    orderId: f64[(o >> 1) + ORF.orderId],
    owner,
    tag,
    flags: i32[o + OR.flags],
    priceTicks: f64[(o >> 1) + ORF.priceTicks],
    leavesLots: f64[(o >> 1) + ORF.leaves],
    cumLots: store.cumOf(tag),
  }
}

/** Who has an order, by its id. */
export interface OrderLookup {
  get(orderId: number): RestingOrder | undefined
}

/** The open orders of a shard that its books can read directly. */
class OrdersById implements OrderLookup {
  private readonly store: AccountStore
  private readonly ids: IdMap

  constructor(store: AccountStore) {
    this.store = store
    this.ids = new IdMap(store.orders, ORF.orderId, store.orders.count)
    for (let account = 1; account <= store.accounts.top; account += 1) {
      let tag = store.accounts.i32[account * ACCOUNT_WORDS + AC.firstOrder]
      for (; tag !== 0; tag = store.orders.i32[tag * ORDER_WORDS + OR.behind]) this.ids.add(tag)
    }
  }

  get(orderId: number): RestingOrder | undefined {
    const { store } = this
    const tag = this.ids.get(orderId)
    if (tag === 0) return undefined
    const position = store.orders.i32[tag * ORDER_WORDS + OR.position]
    return restingOrder(store, tag, store.positions.i32[position * POSITION_WORDS + PO.account])
  }
}

/** Fills a symbol's empty book from its section; the orders themselves are the accounts'. */
export function readBook(
  shard: BookShard,
  symbol: number,
  section: Uint8Array,
  orders: OrderLookup,
): void {
  const reader = new StateReader(section)
  const book = shard.book(symbol)
  book.trades = reader.f64()
  book.lastTradeTicks = reader.f64()
  for (const side of [Side.buy, Side.sell]) {
    for (let left = reader.u32(); left > 0; left -= 1) {
      const orderId = reader.f64()
      const order = orders.get(orderId)
      if (order === undefined) throw new Fault(`order ${orderId} of a book is open in its account`)
      assert((order.flags & Flag.sell) === side, `order ${orderId} is on its side of the book`)
      book.restore(order)
    }
  }
  assert(reader.isAtEnd, 'a book section has nothing behind it')
}
