// The whole state as canonical bytes, a section an actor: equal states give equal bytes, whatever
// their history and wherever their actors live. Reading them back gives a state that writes the
// same bytes.
//
// Sections: one for the market, then every account by handle, then every symbol by handle. Handles
// of records, table layouts and everything that rules can no longer see are left out.

import { sortOrder } from '../lib/sort-order.ts'
import { ID_WORDS } from '../protocol/client-id.ts'
import type { Asset, Instrument } from '../protocol/instrument.ts'
import { Side } from '../protocol/order-flags.ts'
import type { AccountShard } from './account/account-shard.ts'
import type { AccountStore } from './account/account-store.ts'
import { EXTERNAL } from './account/account-store.ts'
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
import { SU, SUF, type Submissions } from './account/submissions.ts'
import type { BookShard } from './book/book-shard.ts'
import type { Engine } from './engine.ts'
import type { ScopeSettings } from './risk/limit-table.ts'
import type { RecentOrder } from './risk/recent-orders.ts'
import { StateWriter } from './state-writer.ts'

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
  const byAccount = (of: Submissions, accountOf: (key: number) => number) =>
    new ByAccount(of.ring, of.visible(seq + 1), store.accounts.top, accountOf)
  const submissions = byAccount(store.submissions, (key) => key)
  // Deposits are remembered by who pays them.
  const payerOf = (key: number) => (key % 2 === 1 ? EXTERNAL : key / 2)
  const transfers = byAccount(store.transfers, payerOf)
  const recent = recentByAccount(store)
  for (const account of accounts) {
    writeAccount(writer, store, account)
    writeOrders(writer, store, account)
    writeSubmissions(writer, store.submissions, submissions.of(account))
    writeSubmissions(writer, store.transfers, transfers.of(account))
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
function writeSubmissions(writer: StateWriter, of: Submissions, places: Uint32Array): void {
  const { i32, f64 } = of.ring
  writer.u32(places.length)
  for (let n = 0; n < places.length; n += 1) {
    const s = places[n]
    if (n % BLOCK === 0) readAhead(i32, places, n)
    // Id, account and content stand side by side.
    writer.words(i32, s + SU.id, ID_WORDS + 2)
    writer.u32(-i32[s + SU.outcome])
    writer.f64(f64[(s >> 1) + SUF.orderId])
    writer.f64(f64[(s >> 1) + SUF.seq])
  }
}

/** Puts places, which are sorted by seq, into the order of their ids where the seq is the same. */
function sortTies(i32: Int32Array, places: Uint32Array, seqs: Float64Array): void {
  for (let from = 0; from < places.length; ) {
    let to = from + 1
    while (to < places.length && seqs[to] === seqs[from]) to += 1
    if (to > from + 1) places.subarray(from, to).sort((x, y) => compareIds(i32, x, y))
    from = to
  }
}

function compareIds(i32: Int32Array, x: number, y: number): number {
  for (let word = SU.id; word < SU.id + ID_WORDS; word += 1) {
    const difference = i32[x + word] - i32[y + word]
    if (difference !== 0) return difference
  }
  return 0
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

/** What accounts share a ring for, side by side by account, each account's by seq and id. */
class ByAccount {
  private readonly places: Uint32Array
  private readonly seqs: Float64Array
  /** By account: where its own begin; they end where those of the next account begin. */
  private readonly starts: Uint32Array
  private readonly i32: Int32Array

  constructor(
    { i32, f64 }: Submissions['ring'],
    visible: Uint32Array,
    accountsTop: number,
    accountOf: (key: number) => number,
  ) {
    const owners = new Int32Array(visible.length)
    const seqs = new Float64Array(visible.length)
    const starts = new Uint32Array(accountsTop + 2)
    for (let n = 0; n < visible.length; n += 1) {
      const owner = accountOf(i32[visible[n] + SU.account])
      owners[n] = owner
      seqs[n] = f64[(visible[n] >> 1) + SUF.seq]
      starts[owner + 1] += 1
    }
    for (let account = 1; account < starts.length; account += 1) {
      starts[account] += starts[account - 1]
    }
    this.i32 = i32
    this.starts = starts
    this.places = new Uint32Array(visible.length)
    this.seqs = new Float64Array(visible.length)
    const next = starts.slice()
    for (const n of sortOrder(seqs)) {
      const to = next[owners[n]]
      next[owners[n]] = to + 1
      this.places[to] = visible[n]
      this.seqs[to] = seqs[n]
    }
  }

  /** First words, in the ring, of an account's. */
  of(account: number): Uint32Array {
    const [from, to] = [this.starts[account], this.starts[account + 1]]
    const places = this.places.subarray(from, to)
    sortTies(this.i32, places, this.seqs.subarray(from, to))
    return places
  }
}

/** Places read together: enough that the processor need not wait for each. */
const BLOCK = 32
/** What reads ahead add up to; kept so that they are not optimised away. */
let readAheadSum = 0

/** Brings the records of the next places near, as account/lookahead.ts; decides nothing. */
function readAhead(i32: Int32Array, places: Uint32Array, from: number): void {
  const to = Math.min(from + BLOCK, places.length)
  let sum = 0
  for (let n = from; n < to; n += 1) sum += i32[places[n]]
  readAheadSum = (readAheadSum + sum) | 0
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
