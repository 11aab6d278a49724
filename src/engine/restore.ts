// The state's bytes (state.ts) back into an engine, or into shards, one section after the other.

import { assert, Fault } from '../lib/assert.ts'
import { IdMap } from '../lib/id-map.ts'
import { ACCOUNTS_MAX } from '../protocol/bounds.ts'
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
import { SU, SUF, type Submissions } from './account/submissions.ts'
import type { RestingOrder } from './book/book.ts'
import type { BookShard } from './book/book-shard.ts'
import type { Engine } from './engine.ts'
import { TERMS, TM } from './market.ts'
import type { RecentOrders } from './risk/recent-orders.ts'
import { type MarketState, STATE_VERSION } from './state.ts'
import { StateReader } from './state-writer.ts'

const SECOND_MS = 1_000

/** What {@link EngineLoader} learns from the first section, before an engine can be made for it. */
export function readMarketState(section: Uint8Array): MarketState {
  const state = new StateReader(section).json() as MarketState
  const { version, accounts } = state
  assert(version === STATE_VERSION, `state version ${version}, not ${STATE_VERSION}`)
  // Accounts are made before the state's bytes are known to be its own.
  const isCount = Number.isInteger(accounts) && accounts >= 0 && accounts <= ACCOUNTS_MAX
  assert(isCount, `a state has up to ${ACCOUNTS_MAX} accounts, not ${accounts}`)
  return state
}

/** Takes a state in, section by section; what was read of it serves nobody before `end`. */
export interface StateLoader {
  /** The next section behind the market's: accounts by handle, then symbols. */
  add(section: Uint8Array): void
  /** There are no more: throws a Fault where some are missing. */
  end(): void
}

/** Fills a fresh engine. */
export class EngineLoader implements StateLoader {
  private readonly engine: Engine
  private readonly state: MarketState
  private readonly accounts: AccountsReader
  private resting: OrdersById | undefined
  private added = 0

  constructor(engine: Engine, state: MarketState) {
    engine.seq = state.seq
    this.engine = engine
    this.state = state
    this.accounts = new AccountsReader(engine.accountShard, state)
  }

  add(section: Uint8Array): void {
    const { accounts, instruments } = this.state
    this.added += 1
    if (this.added <= accounts) return this.accounts.read(this.added, section)
    const symbol = this.added - accounts
    assert(symbol <= instruments.length, 'nothing is behind the last section')
    this.resting ??= this.endAccounts()
    readBook(this.engine.bookShard, symbol, section, this.resting)
  }

  end(): void {
    const { accounts, instruments } = this.state
    assert(this.added === accounts + instruments.length, 'no section is missing')
    this.resting ??= this.endAccounts()
  }

  private endAccounts(): OrdersById {
    this.accounts.end()
    return new OrdersById(this.engine.accountShard.store)
  }
}

/** Fills a fresh shard of accounts: first the market, then accounts one by one, then `end`. */
export class AccountsReader {
  private readonly store: AccountStore
  /** By asset, and by symbol: the record that was last read; 0, the record of zeros, for none. */
  private readonly balanceOf: Int32Array
  private readonly positionOf: Int32Array

  constructor({ market, store }: AccountShard, state: MarketState) {
    this.store = store
    // Mostly no more ids are remembered than there is room for orders.
    store.submissions.ring.reserve(store.orders.room)
    this.balanceOf = new Int32Array(state.assets.length + 1)
    this.positionOf = new Int32Array(state.instruments.length + 1)
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
    this.readAccount(reader, account)
    this.readOrders(reader, account)
    readSubmissions(reader, this.store.submissions)
    readSubmissions(reader, this.store.transfers)
    readRecent(reader, account, this.store.recent)
    assert(reader.isAtEnd, 'an account section has nothing behind it')
  }

  private readAccount(reader: StateReader, account: number): void {
    const { store } = this
    const { accounts, market } = store
    const a = account * ACCOUNT_WORDS
    accounts.i32[a + AC.flags] = reader.u32()
    assert((accounts.i32[a + AC.flags] & AccountFlag.exists) !== 0, 'an account in a state exists')
    accounts.i32[a + AC.rateCount] = reader.u32()
    accounts.f64[(a >> 1) + ACF.rateSecond] = Math.floor(market.nowMs / SECOND_MS)
    accounts.f64[(a >> 1) + ACF.execSeq] = reader.f64()
    for (let left = reader.u32(); left > 0; left -= 1) {
      const balance = this.balance(account, reader.u32())
      const f = balance * (BALANCE_WORDS >> 1)
      store.balances.i32[balance * BALANCE_WORDS + BA.day] = market.day
      store.balances.f64[f + BAF.available] = reader.f64()
      store.balances.f64[f + BAF.held] = reader.f64()
      store.balances.f64[f + BAF.realisedToday] = reader.f64()
    }
    for (let left = reader.u32(); left > 0; left -= 1) {
      const position = this.position(account, reader.u32())
      const f = position * (POSITION_WORDS >> 1)
      store.positions.f64[f + POF.lots] = reader.f64()
      store.positions.f64[f + POF.cost] = reader.f64()
      store.positions.f64[f + POF.realised] = reader.f64()
      if (store.positions.f64[f + POF.lots] !== 0) accounts.i32[a + AC.activeSymbols] += 1
    }
  }

  private readOrders(reader: StateReader, account: number): void {
    const { store } = this
    const { orders } = store
    for (let left = reader.u32(); left > 0; left -= 1) {
      const order = orders.alloc()
      const o = order * ORDER_WORDS
      for (let double = 0; double <= ORF.leaves; double += 1) {
        orders.f64[(o >> 1) + double] = reader.f64()
      }
      readFills(reader, store, o)
      const position = this.position(account, reader.u32())
      orders.i32[o + OR.position] = position
      orders.i32[o + OR.flags] = reader.u32()
      orders.i32[o + OR.content] = reader.u32() | 0
      reader.words(orders.i32, o + OR.id, ID_WORDS)
      store.enlist(order, position, orders.f64[(o >> 1) + ORF.leaves])
    }
  }

  // As the store's, but accounts come one after the other, so what this one has is at hand; the
  // store's tables are filled at the end, all at once.

  private balance(account: number, asset: number): number {
    const { store, balanceOf } = this
    const known = balanceOf[asset]
    if (store.balances.i32[known * BALANCE_WORDS + BA.account] === account) return known
    const balance = store.newBalance(account, asset)
    balanceOf[asset] = balance
    return balance
  }

  private position(account: number, symbol: number): number {
    const { store, positionOf } = this
    const known = positionOf[symbol]
    if (store.positions.i32[known * POSITION_WORDS + PO.account] === account) return known
    const { terms } = store.market
    const base = this.balance(account, terms[symbol * TERMS + TM.base])
    const quote = this.balance(account, terms[symbol * TERMS + TM.quote])
    const position = store.newPosition(account, symbol, base, quote)
    positionOf[symbol] = position
    return position
  }

  /** Enters what accounts share a table for. */
  end(): void {
    const { submissions, transfers, recent, orders, balances, positions } = this.store
    this.store.balanceOf.addUpTo(balances.top)
    this.store.positionOf.addUpTo(positions.top)
    submissions.enterRead()
    submissions.enterOrders(orders.top)
    transfers.enterRead()
    recent.enterRead()
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

function readSubmissions(reader: StateReader, into: Submissions): void {
  for (let left = reader.u32(); left > 0; left -= 1) {
    const s = into.appendRead()
    const { i32, f64 } = into.ring
    reader.words(i32, s + SU.id, ID_WORDS)
    const account = reader.u32()
    i32[s + SU.account] = account
    i32[s + SU.content] = reader.u32() | 0
    i32[s + SU.hash] = hashId(account, i32, s + SU.id, into.key)
    i32[s + SU.outcome] = -reader.u32()
    f64[(s >> 1) + SUF.orderId] = reader.f64()
    f64[(s >> 1) + SUF.seq] = reader.f64()
  }
}

function readRecent(reader: StateReader, account: number, into: RecentOrders): void {
  for (let left = reader.u32(); left > 0; left -= 1) {
    into.appendRead({
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
  const order = emptyResting()
  for (let account = 1; account <= accounts.top; account += 1) {
    let tag = accounts.i32[account * ACCOUNT_WORDS + AC.firstOrder]
    for (; tag !== 0; tag = orders.i32[tag * ORDER_WORDS + OR.behind]) {
      const position = orders.i32[tag * ORDER_WORDS + OR.position]
      const symbol = positions.i32[position * POSITION_WORDS + PO.symbol]
      yield { ...readResting(store, tag, account, order), symbol }
    }
  }
}

const emptyResting = (): RestingOrder => ({
  orderId: 0,
  owner: 0,
  tag: 0,
  flags: 0,
  priceTicks: 0,
  leavesLots: 0,
  cumLots: 0,
})

/** An order as its book restores it, into an object that is used for each in turn. */
function readResting(
  store: AccountStore,
  tag: number,
  owner: number,
  into: RestingOrder,
): RestingOrder {
  const { i32, f64 } = store.orders
  const o = tag * ORDER_WORDS
  into.orderId = f64[(o >> 1) + ORF.orderId]
  into.owner = owner
  into.tag = tag
  into.flags = i32[o + OR.flags]
  into.priceTicks = f64[(o >> 1) + ORF.priceTicks]
  into.leavesLots = f64[(o >> 1) + ORF.leaves]
  into.cumLots = store.cumOf(tag)
  return into
}

/**
 * Orders entered together: first what each needs of far memory is read, which does not depend on
 * the others, so that the processor waits once for all of them. See account/lookahead.ts.
 */
const BLOCK = 32
/** What such reads add up to; kept so that they are not optimised away. */
let readSum = 0

/** Who has an order, by its id. */
export interface OrderLookup {
  /** Valid until the next call. */
  get(orderId: number): RestingOrder | undefined
  /** Brings what `get` of such an order reads near; returns whatever it read. */
  touch?(orderId: number): number
}

/** The open orders of a shard that its books can read directly. */
class OrdersById implements OrderLookup {
  private readonly found = emptyResting()
  private readonly store: AccountStore
  private readonly ids: IdMap

  constructor(store: AccountStore) {
    const { orders } = store
    this.store = store
    this.ids = new IdMap(orders, ORF.orderId, orders.count)
    this.ids.addUpTo(orders.top)
  }

  touch(orderId: number): number {
    const { orders, positions } = this.store
    const tag = this.ids.guess(orderId)
    const position = orders.i32[tag * ORDER_WORDS + OR.position]
    return positions.i32[position * POSITION_WORDS + PO.account]
  }

  get(orderId: number): RestingOrder | undefined {
    const { store } = this
    const tag = this.ids.get(orderId)
    if (tag === 0) return undefined
    const position = store.orders.i32[tag * ORDER_WORDS + OR.position]
    const owner = store.positions.i32[position * POSITION_WORDS + PO.account]
    return readResting(store, tag, owner, this.found)
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
  const ids = new Float64Array(BLOCK)
  let sum = 0
  for (const side of [Side.buy, Side.sell]) {
    for (let left = reader.u32(); left > 0; ) {
      const count = Math.min(left, BLOCK)
      left -= count
      for (let n = 0; n < count; n += 1) {
        ids[n] = reader.f64()
        sum += shard.store.ids.touch(ids[n]) + (orders.touch?.(ids[n]) ?? 0)
      }
      for (let n = 0; n < count; n += 1) {
        const order = orders.get(ids[n])
        if (order === undefined) throw new Fault(`order ${ids[n]} of a book is open in its account`)
        assert((order.flags & Flag.sell) === side, `order ${ids[n]} is on its side of the book`)
        book.restore(order)
      }
    }
  }
  readSum = (readSum + sum) | 0
  assert(reader.isAtEnd, 'a book section has nothing behind it')
}
