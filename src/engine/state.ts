// The whole state as canonical bytes, a section an actor: equal states give equal bytes, whatever
// their history and wherever their actors live. Reading them back gives a state that writes the
// same bytes.
//
// Sections: one for the market, then every account by handle, then every symbol by handle. Handles
// of records, table layouts and everything that rules can no longer see are left out.

import { assert, Fault } from '../lib/assert.ts'
import { ID_WORDS } from '../protocol/client-id.ts'
import type { Asset, Instrument } from '../protocol/instrument.ts'
import { Flag, Side } from '../protocol/order-flags.ts'
import type { AccountShard } from './account/account-shard.ts'
import type { AccountStore } from './account/account-store.ts'
import { EXTERNAL } from './account/account-store.ts'
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
import type { ScopeSettings } from './risk/limit-table.ts'
import { hashRecent, type RecentOrder } from './risk/recent-orders.ts'
import { StateReader, StateWriter } from './state-writer.ts'

/** Version of the format; goes up with every change to it. */
export const STATE_VERSION = 3

const SECOND_MS = 1_000

export interface MarketState {
  version: number
  seq: number
  nowMs: number
  killed: boolean
  submissionsRemembered: number
  accounts: number
  assets: Asset[]
  instruments: Instrument[]
  halted: number[]
  referenceTicks: number[]
  limits: ScopeSettings[]
}

// --- writing -----------------------------------------------------------------------------------

/** The sections of a state between rounds. Each is valid until the next is asked for. */
export function* writeState(engine: Engine): Generator<Uint8Array> {
  const { accountShard, bookShard } = engine
  yield writeMarket(accountShard, engine.seq)
  const everybody = Array.from({ length: accountShard.store.accounts.top }, (_, at) => at + 1)
  yield* writeAccounts(accountShard, engine.seq, everybody)
  const symbols = accountShard.market.instruments.length - 1
  for (let symbol = 1; symbol <= symbols; symbol += 1) yield writeBook(bookShard, symbol)
}

/** The first section: what every shard of accounts knows. */
export function writeMarket(shard: AccountShard, seq: number): Uint8Array {
  const { market, store } = shard
  const symbols = market.instruments.length - 1
  const state: MarketState = {
    version: STATE_VERSION,
    seq,
    nowMs: market.nowMs,
    killed: market.killed,
    submissionsRemembered: shard.submissionsRemembered,
    accounts: store.accounts.top,
    assets: market.assets.slice(1) as Asset[],
    instruments: market.instruments.slice(1) as Instrument[],
    halted: [...market.halted.subarray(1, symbols + 1)],
    referenceTicks: [...market.referenceTicks.subarray(1, symbols + 1)],
    limits: store.limits.settings(),
  }
  const writer = new StateWriter()
  writer.json(state)
  return writer.take()
}

/** The sections of some accounts; each is valid until the next is asked for. */
export function* writeAccounts(
  { store }: AccountShard,
  seq: number,
  accounts: Iterable<number>,
): Generator<Uint8Array> {
  const writer = new StateWriter()
  const submissions = byAccount(store.submissions, seq + 1, (key) => key)
  // Deposits are remembered by who pays them.
  const payerOf = (key: number) => (key % 2 === 1 ? EXTERNAL : key / 2)
  const transfers = byAccount(store.transfers, seq + 1, payerOf)
  const recent = recentByAccount(store)
  for (const account of accounts) {
    writeAccount(writer, store, account)
    writeOrders(writer, store, account)
    writeSubmissions(writer, store.submissions, submissions.get(account) ?? [])
    writeSubmissions(writer, store.transfers, transfers.get(account) ?? [])
    writeRecent(writer, recent.get(account) ?? [])
    yield writer.take()
  }
}

/** A symbol's section. */
export function writeBook(shard: BookShard, symbol: number): Uint8Array {
  const writer = new StateWriter()
  const book = shard.books[symbol]
  writer.f64(book?.trades ?? 0)
  writer.f64(book?.lastTradeTicks ?? 0)
  for (const side of [Side.buy, Side.sell]) {
    const ids = book === undefined ? [] : Array.from(book.resting(side), (order) => order.orderId)
    writer.u32(ids.length)
    for (const id of ids) writer.f64(id)
  }
  return writer.take()
}

function writeAccount(writer: StateWriter, store: AccountStore, account: number): void {
  const { accounts, balances, positions, market } = store
  const a = account * ACCOUNT_WORDS
  const second = Math.floor(market.nowMs / SECOND_MS)
  const inSecond = accounts.f64[(a >> 1) + ACF.rateSecond] === second
  writer.u32(accounts.i32[a + AC.flags])
  writer.u32(inSecond ? accounts.i32[a + AC.rateCount] : 0)
  writer.f64(accounts.f64[(a >> 1) + ACF.execSeq])
  const ofBalance = (balance: number) => {
    const f = balance * (BALANCE_WORDS >> 1)
    return [
      balances.f64[f + BAF.available],
      balances.f64[f + BAF.held],
      store.realisedToday(balance),
    ]
  }
  const withBalance = list(
    accounts.i32[a + AC.firstBalance],
    (at) => balances.i32[at * BALANCE_WORDS + BA.next],
  )
    .filter((balance) => ofBalance(balance).some((value) => value !== 0))
    .sort(
      (x, y) =>
        balances.i32[x * BALANCE_WORDS + BA.asset] - balances.i32[y * BALANCE_WORDS + BA.asset],
    )
  writer.u32(withBalance.length)
  for (const balance of withBalance) {
    writer.u32(balances.i32[balance * BALANCE_WORDS + BA.asset])
    for (const value of ofBalance(balance)) writer.f64(value)
  }
  const ofPosition = (position: number) => {
    const f = position * (POSITION_WORDS >> 1)
    return [
      positions.f64[f + POF.lots],
      positions.f64[f + POF.cost],
      positions.f64[f + POF.realised],
    ]
  }
  const withPosition = list(
    accounts.i32[a + AC.firstPosition],
    (at) => positions.i32[at * POSITION_WORDS + PO.next],
  )
    .filter((position) => ofPosition(position).some((value) => value !== 0))
    .sort(
      (x, y) =>
        positions.i32[x * POSITION_WORDS + PO.symbol] -
        positions.i32[y * POSITION_WORDS + PO.symbol],
    )
  writer.u32(withPosition.length)
  for (const position of withPosition) {
    writer.u32(positions.i32[position * POSITION_WORDS + PO.symbol])
    for (const value of ofPosition(position)) writer.f64(value)
  }
}

function writeOrders(writer: StateWriter, store: AccountStore, account: number): void {
  const { i32, f64 } = store.orders
  const first = store.accounts.i32[account * ACCOUNT_WORDS + AC.firstOrder]
  const orders = list(first, (at) => i32[at * ORDER_WORDS + OR.behind])
  writer.u32(orders.length)
  for (const order of orders) {
    const o = order * ORDER_WORDS
    for (let double = 0; double <= ORF.leaves; double += 1) writer.f64(f64[(o >> 1) + double])
    const fills = i32[o + OR.fills] * (FILLS_WORDS >> 1)
    for (let double = 0; double <= FIF.carry; double += 1)
      writer.f64(store.fills.f64[fills + double])
    writer.u32(store.positions.i32[i32[o + OR.position] * POSITION_WORDS + PO.symbol])
    writer.u32(i32[o + OR.flags])
    writer.u32(i32[o + OR.content] >>> 0)
    writer.words(i32, o + OR.id, ID_WORDS)
  }
}

/** `places` are the submissions' first words. */
function writeSubmissions(writer: StateWriter, of: Submissions, places: number[]): void {
  const { i32, f64 } = of.ring
  places.sort((x, y) => {
    const bySeq = f64[(x >> 1) + SUF.seq] - f64[(y >> 1) + SUF.seq]
    if (bySeq !== 0) return bySeq
    for (let word = 0; word < ID_WORDS; word += 1) {
      const byWord = i32[x + SU.id + word] - i32[y + SU.id + word]
      if (byWord !== 0) return byWord
    }
    return 0
  })
  writer.u32(places.length)
  for (const s of places) {
    writer.words(i32, s + SU.id, ID_WORDS)
    writer.u32(i32[s + SU.account])
    writer.u32(i32[s + SU.content] >>> 0)
    writer.u32(-i32[s + SU.outcome])
    writer.f64(f64[(s >> 1) + SUF.orderId])
    writer.f64(f64[(s >> 1) + SUF.seq])
  }
}

function writeRecent(writer: StateWriter, recent: RecentOrder[]): void {
  recent.sort(
    (x, y) => x.symbolSide - y.symbolSide || x.priceTicks - y.priceTicks || x.lots - y.lots,
  )
  writer.u32(recent.length)
  for (const order of recent) {
    writer.u32(order.symbolSide)
    writer.f64(order.priceTicks)
    writer.f64(order.lots)
    writer.f64(order.acceptedMs)
  }
}

function byAccount(
  of: Submissions,
  seq: number,
  accountOf: (key: number) => number,
): Map<number, number[]> {
  const groups = new Map<number, number[]>()
  for (const place of of.visible(seq)) {
    const account = accountOf(of.ring.i32[place + SU.account])
    const group = groups.get(account)
    if (group === undefined) groups.set(account, [place])
    else group.push(place)
  }
  return groups
}

function recentByAccount(store: AccountStore): Map<number, RecentOrder[]> {
  const groups = new Map<number, RecentOrder[]>()
  for (const order of store.recent.visible(store.market.nowMs)) {
    const group = groups.get(order.account)
    if (group === undefined) groups.set(order.account, [order])
    else group.push(order)
  }
  return groups
}

function list(first: number, next: (at: number) => number): number[] {
  const handles: number[] = []
  for (let at = first; at !== 0; at = next(at)) handles.push(at)
  return handles
}

// --- reading -----------------------------------------------------------------------------------

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
  const resting = new Map<number, RestingOrder>()
  for (const order of restingOrders(accountShard.store)) resting.set(order.orderId, order)
  for (let symbol = 1; symbol <= state.instruments.length; symbol += 1) {
    readBook(bookShard, symbol, sections.next().value as Uint8Array, resting)
  }
}

/** Fills a fresh shard of accounts: first the market, then accounts one by one, then `end`. */
export class AccountsReader {
  private readonly store: AccountStore
  private readonly used: Used[] = []
  private readonly moved: Used[] = []
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

interface Used {
  words: Int32Array
  account: number
  content: number
  code: number
  orderId: number
  seq: number
}

function readSubmissions(reader: StateReader, into: Used[]): void {
  for (let left = reader.u32(); left > 0; left -= 1) {
    const words = new Int32Array(ID_WORDS)
    reader.words(words, 0, ID_WORDS)
    into.push({
      words,
      account: reader.u32(),
      content: reader.u32() | 0,
      code: reader.u32(),
      orderId: reader.f64(),
      seq: reader.f64(),
    })
  }
}

/** Enters what was read, oldest first, as it was remembered. */
function restoreUsed(into: Submissions, used: Used[]): void {
  used.sort((x, y) => x.seq - y.seq)
  for (const { words, account, content, code, orderId, seq } of used) {
    into.add(hashId(account, words, 0, into.key), account, words, 0, content, -code, orderId, seq)
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
      const o = tag * ORDER_WORDS
      const position = orders.i32[o + OR.position]
      yield {
        orderId: orders.f64[(o >> 1) + ORF.orderId],
        owner: account,
        tag,
        symbol: positions.i32[position * POSITION_WORDS + PO.symbol],
        flags: orders.i32[o + OR.flags],
        priceTicks: orders.f64[(o >> 1) + ORF.priceTicks],
        leavesLots: orders.f64[(o >> 1) + ORF.leaves],
        cumLots: store.cumOf(tag),
      }
    }
  }
}

/** Fills a symbol's empty book from its section; the orders themselves are the accounts'. */
export function readBook(
  shard: BookShard,
  symbol: number,
  section: Uint8Array,
  orders: ReadonlyMap<number, RestingOrder>,
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
