// Brings the records that the next commands need near before they are handled.
//
// An order touches a dozen records spread over all memory, each found through the one before; one
// at a time, the processor waits for every one of them. Here a block of commands is walked in lock
// step, each step reading one record for every command: the reads of a step do not depend on each
// other, so they overlap. A record may lie across two cache lines, so its first and its last words
// are read. Nothing is decided here: a wrong guess costs time only. What it measured:
// docs/decisions/0006.

import type { CommandLog } from '../../protocol/command-log.ts'
import * as commandLog from '../../protocol/command-log.ts'
import * as orderFlags from '../../protocol/order-flags.ts'
import * as marketForms from '../market.ts'
import { hashRecent } from '../risk/recent-orders.ts'
import type { AccountStore } from './account-store.ts'
import { hashId } from './id-hash.ts'
import * as records from './records.ts'
import { pairKey } from './records.ts'

// V8 folds constants only in the module that declares them: docs/decisions/0007.
const { CM, CMF, COMMAND_WORDS, CommandKind } = commandLog
const { Flag } = orderFlags
const { TERMS } = marketForms
const { AC, ACCOUNT_WORDS, BALANCE_WORDS, OR, ORDER_WORDS, PO, POSITION_WORDS } = records

/** Commands walked together: enough reads to overlap, few enough to stay in the nearest cache. */
export const BLOCK = 32

export class Lookahead {
  /** By place in the block: the hashes of clOrdId and origClOrdId, for the look-ups that follow. */
  readonly idHash = new Int32Array(BLOCK)
  readonly origHash = new Int32Array(BLOCK)
  /** Of a new limit order, what {@link hashRecent} says of it. */
  readonly recentHash = new Int32Array(BLOCK)
  /** What the reads add up to; kept so that they are not optimised away. */
  sum = 0
  private readonly positions = new Int32Array(BLOCK)
  private readonly orders = new Int32Array(BLOCK)
  private readonly store: AccountStore

  constructor(store: AccountStore) {
    this.store = store
  }

  /** Walks commands `from` to `to - 1` of a round, at most {@link BLOCK}. */
  run(commands: CommandLog, from: number, to: number): void {
    const count = to - from
    this.hash(commands, from, to)
    this.readSlots(count)
    this.readAccounts(commands, from, count)
    this.findOrders(commands, from, count)
    this.readOrders(count)
    this.readPositions(count)
    this.readBalances(commands, from, count)
  }

  private hash(commands: CommandLog, from: number, to: number): void {
    const { key } = this.store.submissions
    const { i32 } = commands
    for (let number = from; number < to; number += 1) {
      const at = number * COMMAND_WORDS
      const n = number - from
      const account = i32[at + CM.account]
      const kind = i32[at + CM.kind]
      const isNew = kind === CommandKind.new
      // A hash that is not needed leads nowhere.
      this.recentHash[n] = isNew ? recentHashOf(commands, at) : 0
      this.idHash[n] = kind === CommandKind.cancel ? 0 : hashId(account, i32, at + CM.id, key)
      this.origHash[n] = isNew ? 0 : hashId(account, i32, at + CM.orig, key)
    }
  }

  // The loops that read far memory are short and have no branches: the processor then runs through
  // several commands at once while it waits for the first.

  private readSlots(count: number): void {
    const { idHash, origHash, recentHash } = this
    const { submissions, recent } = this.store
    let sum = 0
    for (let n = 0; n < count; n += 1) {
      sum += submissions.table.touch(idHash[n]) + submissions.table.touch(origHash[n])
    }
    for (let n = 0; n < count; n += 1) sum += recent.table.touch(recentHash[n])
    this.sum += sum & 1
  }

  private readAccounts({ i32 }: CommandLog, from: number, count: number): void {
    const accounts = this.store.accounts.i32
    const { terms } = this.store.market
    let sum = 0
    let at = from * COMMAND_WORDS
    for (let n = 0; n < count; n += 1) {
      const a = i32[at + CM.account] * ACCOUNT_WORDS
      sum += accounts[a + AC.flags] + accounts[a + ACCOUNT_WORDS - 1]
      at += COMMAND_WORDS
    }
    let of = 0
    at = from * COMMAND_WORDS
    for (let n = 0; n < count; n += 1) {
      const t = i32[at + CM.symbol] * TERMS
      of += terms[t] + terms[t + TERMS / 2]
      at += COMMAND_WORDS
    }
    this.sum += (sum + of) & 1
  }

  /** The order that each command names, the position of each that makes one; 0 is none. */
  private findOrders({ i32, f64 }: CommandLog, from: number, count: number): void {
    const { orders, positions, origHash } = this
    const { submissions, positionOf } = this.store
    for (let n = 0; n < count; n += 1) {
      const at = (from + n) * COMMAND_WORDS
      const isNew = i32[at + CM.kind] === CommandKind.new
      const isNamed = !isNew && f64[(at >> 1) + CMF.orderId] === 0
      positions[n] = isNew
        ? positionOf.guess(pairKey(i32[at + CM.account], i32[at + CM.symbol]))
        : 0
      orders[n] = isNamed ? Math.max(0, submissions.table.guess(origHash[n])) : 0
    }
  }

  private readOrders(count: number): void {
    const { i32 } = this.store.orders
    const { orders } = this
    let sum = 0
    for (let n = 0; n < count; n += 1) {
      const o = orders[n] * ORDER_WORDS
      sum += i32[o] + i32[o + ORDER_WORDS - 1]
    }
    this.sum += sum & 1
  }

  private readPositions(count: number): void {
    const { orders, positions } = this
    const ofOrders = this.store.orders.i32
    const { i32 } = this.store.positions
    let sum = 0
    for (let n = 0; n < count; n += 1) {
      // One of the two is 0, as record 0 is.
      const position = positions[n] | ofOrders[orders[n] * ORDER_WORDS + OR.position]
      positions[n] = position
      const p = position * POSITION_WORDS
      sum += i32[p] + i32[p + POSITION_WORDS - 1]
    }
    this.sum += sum & 1
  }

  private readBalances(commands: CommandLog, from: number, count: number): void {
    const { orders, positions } = this
    const ofOrders = this.store.orders.i32
    const ofPositions = this.store.positions.i32
    const { i32 } = this.store.balances
    let sum = 0
    let at = from * COMMAND_WORDS + CM.flags
    for (let n = 0; n < count; n += 1) {
      const flags = commands.i32[at] | ofOrders[orders[n] * ORDER_WORDS + OR.flags]
      const isSell = flags & Flag.sell
      const p = positions[n] * POSITION_WORDS + PO.quoteBalance
      // The quote balance, or the base balance before it.
      const b = ofPositions[p - isSell * (PO.quoteBalance - PO.baseBalance)] * BALANCE_WORDS
      sum += i32[b] + i32[b + BALANCE_WORDS - 1]
      at += COMMAND_WORDS
    }
    this.sum += sum & 1
  }
}

/** What {@link hashRecent} will say of a new limit order. */
function recentHashOf({ i32, f64 }: CommandLog, at: number): number {
  const symbolSide = i32[at + CM.symbol] * 2 + (i32[at + CM.flags] & Flag.sell)
  const f = at >> 1
  return hashRecent(i32[at + CM.account], symbolSide, f64[f + CMF.priceTicks], f64[f + CMF.qtyLots])
}
