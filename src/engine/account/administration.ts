// The hold phase of what is not an order: definitions, switches, limits, the clock, transfers.

import { Fault, unreachable } from '../../lib/assert.ts'
import * as bounds from '../../protocol/bounds.ts'
import * as codes from '../../protocol/codes.ts'
import type { CommandLog } from '../../protocol/command-log.ts'
import * as commandLog from '../../protocol/command-log.ts'
import type { Asset, Instrument, LimitsChange } from '../../protocol/instrument.ts'
import * as orderFlags from '../../protocol/order-flags.ts'
import * as messageForms from '../messages.ts'
import type { AccountStore } from './account-store.ts'
import * as accountStore from './account-store.ts'
import { contentOf } from './content.ts'
import { hashId } from './id-hash.ts'
import * as records from './records.ts'
import * as submissionForms from './submissions.ts'

// V8 folds constants only in the module that declares them: docs/decisions/0007.
const { INTEGER_MAX } = bounds
const { Code } = codes
const { BOTH_SIDES, CM, CMF, CommandKind, KILL_CANCEL_ALL, KILL_ON } = commandLog
const { Flag } = orderFlags
const { OutcomeKind } = messageForms
const { EXTERNAL } = accountStore
const {
  AC,
  ACCOUNT_WORDS,
  AccountFlag,
  BAF,
  BALANCE_WORDS,
  OR,
  ORDER_WORDS,
  ORF,
  PO,
  POSITION_WORDS,
} = records
const { SU } = submissionForms

/** Kinds that {@link Administration.apply} handles. */
export type AdministrativeKind =
  | typeof CommandKind.asset
  | typeof CommandKind.instrument
  | typeof CommandKind.account
  | typeof CommandKind.halt
  | typeof CommandKind.resume
  | typeof CommandKind.suspend
  | typeof CommandKind.activate
  | typeof CommandKind.limits
  | typeof CommandKind.time

/** The account that a deposit, withdrawal or transfer at word `at` pays into. */
export function recipientOf({ i32 }: CommandLog, at: number): number {
  switch (i32[at + CM.kind]) {
    case CommandKind.deposit:
      return i32[at + CM.account]
    case CommandKind.withdraw:
      return EXTERNAL
    default:
      return i32[at + CM.to]
  }
}

/** What became of a transfer. One object, overwritten by each call. */
const transferred = { kind: OutcomeKind.transfer as messageForms.OutcomeKind, code: 0 }

export class Administration {
  private readonly store: AccountStore

  constructor(store: AccountStore) {
    this.store = store
  }

  /** Applies the command at word `at`; returns its refusal, or 0. */
  apply(kind: AdministrativeKind, commands: CommandLog, at: number): number {
    const { market, limits } = this.store
    const account = commands.i32[at + CM.account]
    const symbol = commands.i32[at + CM.symbol]
    const definition = commands.definitions[commands.f64[(at >> 1) + CMF.definition]]
    switch (kind) {
      case CommandKind.asset:
        market.assets[symbol] ??= definition as Asset
        return 0
      case CommandKind.instrument:
        if (market.instruments[symbol] === undefined) {
          market.addInstrument(symbol, definition as Instrument)
        }
        return 0
      case CommandKind.account:
        this.create(account)
        return 0
      case CommandKind.halt:
        market.halted[symbol] = 1
        return 0
      case CommandKind.resume:
        market.halted[symbol] = 0
        return 0
      case CommandKind.suspend:
        this.mark(account, AccountFlag.suspended, true)
        return 0
      case CommandKind.activate:
        this.mark(account, AccountFlag.suspended, false)
        return 0
      case CommandKind.limits: {
        const hasOwn = limits.change(definition as LimitsChange)
        if (account !== 0) this.mark(account, AccountFlag.ownLimits, hasOwn)
        return 0
      }
      case CommandKind.time: {
        const nowMs = commands.f64[(at >> 1) + CMF.nowMs]
        if (nowMs < market.nowMs) return Code.TIME_WENT_BACK
        market.nowMs = nowMs
        return 0
      }
      default:
        return unreachable(kind)
    }
  }

  /** Creates accounts up to this handle: handles are given out without a gap. */
  create(account: number): void {
    const { accounts } = this.store
    while (accounts.top < account) {
      const handle = accounts.alloc()
      accounts.i32[handle * ACCOUNT_WORDS + AC.flags] = AccountFlag.exists
    }
  }

  /** Holds a transfer's amount at its sender; it moves when the round settles. */
  transfer(
    commands: CommandLog,
    at: number,
    seq: number,
  ): { kind: messageForms.OutcomeKind; code: number } {
    const { store } = this
    const { i32, f64 } = commands
    const kind = i32[at + CM.kind]
    const account = i32[at + CM.account]
    const isDeposit = kind === CommandKind.deposit
    const from = isDeposit ? EXTERNAL : account
    // Deposits are dealt with where the money comes from, in a name space of their own.
    const key = account * 2 + (isDeposit ? 1 : 0)
    const content = contentOf(commands, at)
    const hash = hashId(key, i32, at + CM.id, store.transfers.key)
    const entry = store.transfers.find(hash, key, i32, at + CM.id, seq)
    if (entry !== 0) {
      const s = store.transfers.ring.wordOf(-entry)
      const { i32: seen } = store.transfers.ring
      const isSame = seen[s + SU.content] === content
      transferred.kind = isSame ? OutcomeKind.duplicate : OutcomeKind.rejected
      transferred.code = isSame ? -seen[s + SU.outcome] : Code.DUPLICATE_ID
      return transferred
    }
    if (!store.hasRoomForTransfer) {
      // Not remembered: there is no room for that either.
      transferred.kind = OutcomeKind.rejected
      transferred.code = Code.LIMIT_REACHED
      return transferred
    }
    const amount = f64[(at >> 1) + CMF.amount]
    const balance = store.balance(from, i32[at + CM.asset])
    const b = balance * (BALANCE_WORDS >> 1)
    const balances = store.balances.f64
    const isSuspended =
      (store.accounts.i32[from * ACCOUNT_WORDS + AC.flags] & AccountFlag.suspended) !== 0
    let code = isSuspended ? Code.ACCOUNT_SUSPENDED : 0
    if (code === 0 && isDeposit && balances[b + BAF.available] - amount < -INTEGER_MAX) {
      code = Code.OVERFLOW
    }
    if (code === 0 && !isDeposit && balances[b + BAF.available] < amount) {
      code = Code.INSUFFICIENT_FUNDS
    }
    store.transfers.add(hash, key, i32, at + CM.id, content, -code, 0, seq)
    if (code === 0) {
      balances[b + BAF.available] -= amount
      balances[b + BAF.held] += amount
    }
    transferred.kind = code === 0 ? OutcomeKind.transfer : OutcomeKind.rejected
    transferred.code = code
    return transferred
  }

  /** Handles of an account's open orders in a symbol (0: all) on a side, by ascending orderId. */
  openOrders(account: number, symbol: number, side: number): number[] {
    const { store } = this
    const found: number[] = []
    let order = store.accounts.i32[account * ACCOUNT_WORDS + AC.firstOrder]
    while (order !== 0) {
      const o = order * ORDER_WORDS
      const position = store.orders.i32[o + OR.position]
      const ofSymbol = store.positions.i32[position * POSITION_WORDS + PO.symbol]
      const ofSide = store.orders.i32[o + OR.flags] & Flag.sell
      if ((symbol === 0 || ofSymbol === symbol) && (side === BOTH_SIDES || ofSide === side)) {
        found.push(order)
      }
      order = store.orders.i32[o + OR.behind]
    }
    return found
  }

  /** Turns the switch; returns the orders to cancel, by ascending orderId. */
  killSwitch(commands: CommandLog, at: number): number[] {
    const { store } = this
    const account = commands.i32[at + CM.account]
    const flags = commands.i32[at + CM.flags]
    const isOn = (flags & KILL_ON) !== 0
    if (account === 0) store.market.killed = isOn
    else this.mark(account, AccountFlag.killed, isOn)
    if ((flags & KILL_CANCEL_ALL) === 0) return []
    if (account !== 0) return this.openOrders(account, 0, BOTH_SIDES)
    const all: number[] = []
    for (let of = 1; of <= store.accounts.top; of += 1) {
      for (const order of this.openOrders(of, 0, BOTH_SIDES)) all.push(order)
    }
    const { f64 } = store.orders
    const idOf = (order: number) => f64[order * (ORDER_WORDS >> 1) + ORF.orderId]
    return all.sort((a, b) => idOf(a) - idOf(b))
  }

  private mark(account: number, flag: number, isSet: boolean): void {
    if (account > this.store.accounts.top) throw new Fault('an account exists before it is marked')
    const at = account * ACCOUNT_WORDS + AC.flags
    const { i32 } = this.store.accounts
    i32[at] = isSet ? i32[at] | flag : i32[at] & ~flag
  }
}
