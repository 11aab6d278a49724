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
const { AC, ACCOUNT_WORDS, ACF, BA, BAF, BALANCE_WORDS, OR, ORDER_WORDS, PO, POF, POSITION_WORDS } =
  records

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
    this.hash(commands, from, to)
    this.readSlots(to - from)
    this.readOrders(commands, from, to)
    this.readPositions(to - from)
    this.readBalances(commands, from, to)
  }

  private hash(commands: CommandLog, from: number, to: number): void {
    const { key } = this.store.submissions
    const { i32 } = commands
    for (let number = from; number < to; number += 1) {
      const at = number * COMMAND_WORDS
      const n = number - from
      const account = i32[at + CM.account]
      const isNew = i32[at + CM.kind] === CommandKind.new
      // A hash that is not needed leads nowhere.
      this.recentHash[n] = isNew ? recentHashOf(commands, at) : 0
      this.idHash[n] = hashId(account, i32, at + CM.id, key)
      this.origHash[n] = isNew ? 0 : hashId(account, i32, at + CM.orig, key)
    }
  }

  private readSlots(count: number): void {
    const { submissions, recent } = this.store
    let sum = 0
    for (let n = 0; n < count; n += 1) {
      sum += recent.table.touch(this.recentHash[n])
      sum += submissions.table.touch(this.idHash[n]) + submissions.table.touch(this.origHash[n])
    }
    this.sum += sum & 1
  }

  private readOrders(commands: CommandLog, from: number, to: number): void {
    const { i32, f64 } = commands
    const { submissions, orders, positionOf } = this.store
    let sum = 0
    for (let number = from; number < to; number += 1) {
      const at = number * COMMAND_WORDS
      const n = number - from
      let order = 0
      let position = 0
      if (i32[at + CM.kind] === CommandKind.new) {
        position = positionOf.guess(pairKey(i32[at + CM.account], i32[at + CM.symbol]))
      } else if (f64[(at >> 1) + CMF.orderId] === 0) {
        order = Math.max(0, submissions.table.guess(this.origHash[n]))
      }
      const o = order * ORDER_WORDS
      sum += orders.i32[o] + orders.i32[o + OR.behind]
      this.orders[n] = order
      this.positions[n] = position
    }
    this.sum += sum & 1
  }

  private readPositions(count: number): void {
    const { orders, positions } = this.store
    let sum = 0
    for (let n = 0; n < count; n += 1) {
      const order = this.orders[n]
      if (order !== 0) this.positions[n] = orders.i32[order * ORDER_WORDS + OR.position]
      const p = this.positions[n] * POSITION_WORDS
      sum += positions.i32[p + PO.symbol] + positions.f64[(p >> 1) + POF.lots]
    }
    this.sum += sum & 1
  }

  private readBalances(commands: CommandLog, from: number, to: number): void {
    const { i32 } = commands
    const { positions, balances, accounts, orders, market, limits } = this.store
    const { terms } = market
    const { rows } = limits
    let sum = 0
    for (let number = from; number < to; number += 1) {
      const symbol = i32[number * COMMAND_WORDS + CM.symbol]
      const row = limits.sharedRow(symbol)
      sum +=
        terms[symbol * TERMS] +
        terms[symbol * TERMS + TERMS / 2] +
        rows[row] +
        rows[row + TERMS / 2]
      const p = this.positions[number - from] * POSITION_WORDS
      const isSell =
        (orders.i32[this.orders[number - from] * ORDER_WORDS + OR.flags] & Flag.sell) !== 0
      const balance = positions.i32[p + (isSell ? PO.baseBalance : PO.quoteBalance)] * BALANCE_WORDS
      sum += balances.i32[balance + BA.day] + balances.f64[(balance >> 1) + BAF.available]
      const a = i32[number * COMMAND_WORDS + CM.account] * ACCOUNT_WORDS
      sum += accounts.i32[a + AC.flags] + accounts.f64[(a >> 1) + ACF.rateSecond]
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
