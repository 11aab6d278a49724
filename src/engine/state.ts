// The whole state as canonical bytes, a section an actor: equal states give equal bytes, whatever
// their history and wherever their actors live. Reading them back gives a state that writes the
// same bytes.
//
// Sections: one for the market, then every account by handle, then every symbol by handle. Handles
// of records, table layouts and everything that rules can no longer see are left out.

import { assert } from '../lib/assert.ts'
import { IdMap } from '../lib/id-map.ts'
import { ID_WORDS } from '../protocol/client-id.ts'
import type { Asset, Instrument } from '../protocol/instrument.ts'
import { Flag, Side } from '../protocol/order-flags.ts'
import type { AccountStore } from './account/account-store.ts'
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
import type { Engine } from './engine.ts'
import type { ScopeSettings } from './risk/limit-table.ts'
import { hashRecent, type RecentOrder } from './risk/recent-orders.ts'
import { StateReader, StateWriter } from './state-writer.ts'

/** Version of the format; goes up with every change to it. */
export const STATE_VERSION = 1

const SECOND_MS = 1_000

interface MarketState {
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
  const writer = new StateWriter()
  const { accounts: store, market } = engine
  const symbols = market.instruments.length - 1
  const state: MarketState = {
    version: STATE_VERSION,
    seq: engine.seq,
    nowMs: market.nowMs,
    killed: market.killed,
    submissionsRemembered: engine.submissionsRemembered,
    accounts: store.accounts.top,
    assets: market.assets.slice(1) as Asset[],
    instruments: market.instruments.slice(1) as Instrument[],
    halted: [...market.halted.subarray(1, symbols + 1)],
    referenceTicks: [...market.referenceTicks.subarray(1, symbols + 1)],
    limits: store.limits.settings(),
  }
  writer.json(state)
  yield writer.take()
  const next = engine.seq + 1
  const submissions = byAccount(store.submissions, next, (key) => key)
  const transfers = byAccount(store.transfers, next, (key) => Math.floor(key / 2))
  const recent = recentByAccount(store)
  for (let account = 1; account <= store.accounts.top; account += 1) {
    writeAccount(writer, store, account)
    writeOrders(writer, store, account)
    writeSubmissions(writer, store.submissions, submissions.get(account) ?? [])
    writeSubmissions(writer, store.transfers, transfers.get(account) ?? [])
    writeRecent(writer, recent.get(account) ?? [])
    yield writer.take()
  }
  for (let symbol = 1; symbol <= symbols; symbol += 1) {
    const book = engine.books[symbol]
    writer.f64(book?.trades ?? 0)
    writer.f64(book?.lastTradeTicks ?? 0)
    for (const side of [Side.buy, Side.sell]) {
      const ids = book === undefined ? [] : Array.from(book.resting(side), (order) => order.orderId)
      writer.u32(ids.length)
      for (const id of ids) writer.f64(id)
    }
    yield writer.take()
  }
}

function writeAccount(writer: StateWriter, store: AccountStore, account: number): void {
  const { accounts, balances, positions, market } = store
  const a = account * ACCOUNT_WORDS
  const second = Math.floor(market.nowMs / SECOND_MS)
  const inSecond = accounts.f64[(a >> 1) + ACF.rateSecond] === second
  writer.u32(accounts.i32[a + AC.flags])
  writer.u32(inSecond ? accounts.i32[a + AC.rateCount] : 0)
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
  const { accounts: store, market } = engine
  engine.seq = state.seq
  market.nowMs = state.nowMs
  market.killed = state.killed
  market.assets.push(...state.assets)
  for (const [number, instrument] of state.instruments.entries()) {
    market.addInstrument(number + 1, instrument)
    market.halted[number + 1] = state.halted[number]
    market.referenceTicks[number + 1] = state.referenceTicks[number]
  }
  for (const scope of state.limits) store.limits.change(scope)
  const used: Used[] = []
  const moved: Used[] = []
  const recent: RecentOrder[] = []
  while (store.accounts.top < state.accounts) store.accounts.alloc()
  for (let account = 1; account <= state.accounts; account += 1) {
    const reader = new StateReader(sections.next().value as Uint8Array)
    readAccount(reader, store, account)
    readOrders(reader, store, account)
    readSubmissions(reader, used)
    readSubmissions(reader, moved)
    readRecent(reader, account, recent)
    assert(reader.isAtEnd, 'an account section has nothing behind it')
  }
  restoreUsed(store.submissions, used)
  restoreUsed(store.transfers, moved)
  recent.sort((x, y) => x.acceptedMs - y.acceptedMs)
  for (const { account, symbolSide, priceTicks, lots, acceptedMs } of recent) {
    const hash = hashRecent(account, symbolSide, priceTicks, lots)
    store.recent.add(hash, 0, account, symbolSide, priceTicks, lots, acceptedMs)
  }
  readBooks(engine, state.instruments.length, sections)
}

function readAccount(reader: StateReader, store: AccountStore, account: number): void {
  const { accounts, market } = store
  const a = account * ACCOUNT_WORDS
  accounts.i32[a + AC.flags] = reader.u32()
  assert((accounts.i32[a + AC.flags] & AccountFlag.exists) !== 0, 'an account in a state exists')
  accounts.i32[a + AC.rateCount] = reader.u32()
  accounts.f64[(a >> 1) + ACF.rateSecond] = Math.floor(market.nowMs / SECOND_MS)
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

function readBooks(engine: Engine, symbols: number, sections: Iterator<Uint8Array>): void {
  const { orders, positions } = engine.accounts
  const byId = new IdMap(orders, ORF.orderId, orders.count)
  for (let order = 1; order <= orders.top; order += 1) byId.add(order)
  for (let symbol = 1; symbol <= symbols; symbol += 1) {
    const reader = new StateReader(sections.next().value as Uint8Array)
    const book = engine.book(symbol)
    book.trades = reader.f64()
    book.lastTradeTicks = reader.f64()
    for (const side of [Side.buy, Side.sell]) {
      for (let left = reader.u32(); left > 0; left -= 1) {
        const orderId = reader.f64()
        const tag = byId.get(orderId)
        assert(tag !== 0, `order ${orderId} of a book is open in its account`)
        const o = tag * ORDER_WORDS
        const flags = orders.i32[o + OR.flags]
        assert((flags & Flag.sell) === side, `order ${orderId} is on its side of the book`)
        book.restore({
          orderId,
          owner: positions.i32[orders.i32[o + OR.position] * POSITION_WORDS + PO.account],
          tag,
          flags,
          priceTicks: orders.f64[(o >> 1) + ORF.priceTicks],
          leavesLots: orders.f64[(o >> 1) + ORF.leaves],
          cumLots: engine.accounts.cumOf(tag),
        })
      }
    }
    assert(reader.isAtEnd, 'a book section has nothing behind it')
  }
}
