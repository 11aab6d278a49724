// Phase three of a round: what happened, at its account, in (seq, index) order. Holds become
// postings, the rest is released, positions and counters move, reports are written.

import { mulDivFloor } from '../../lib/arithmetic.ts'
import { assert } from '../../lib/assert.ts'
import type { RecordLog } from '../../lib/record-log.ts'
import * as bounds from '../../protocol/bounds.ts'
import type { CommandLog } from '../../protocol/command-log.ts'
import * as commandLog from '../../protocol/command-log.ts'
import type { EventRecords } from '../../protocol/event-log.ts'
import * as eventLog from '../../protocol/event-log.ts'
import * as orderFlags from '../../protocol/order-flags.ts'
import * as reportLog from '../../protocol/report-log.ts'
import * as marketForms from '../market.ts'
import * as messageForms from '../messages.ts'
import type { Whereabouts } from './account-shard.ts'
import type { AccountStore } from './account-store.ts'
import * as accountStore from './account-store.ts'
import { recipientOf } from './administration.ts'
import { carryAfter, feeOf } from './fees.ts'
import type { Postings } from './postings.ts'
import * as records from './records.ts'
import type { Reporter } from './reporter.ts'
import type { Residence } from './residence.ts'

// V8 folds constants only in the module that declares them: docs/decisions/0007.
const { INTEGER_MAX } = bounds
const { CM, CMF, COMMAND_WORDS, CommandKind } = commandLog
const { EV, EVENT_WORDS, EVF, EventKind } = eventLog
const { Flag } = orderFlags
const { TERMS, TM } = marketForms
const { ExecType, OrdStatus } = reportLog
const { OC, OCF, OUTCOME_WORDS, OutcomeKind } = messageForms
const { EXTERNAL, FEES } = accountStore
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

const ORDER_DOUBLES = ORDER_WORDS >> 1
const BALANCE_DOUBLES = BALANCE_WORDS >> 1
const POSITION_DOUBLES = POSITION_WORDS >> 1
const IN_FLIGHT_DOUBLES = IN_FLIGHT_WORDS >> 1

export class SettlePhase {
  private readonly store: AccountStore
  private readonly reporter: Reporter
  private readonly postings: Postings
  private readonly residence: Residence
  /** Of the event or outcome at hand. */
  private seq = 0
  private account = 0

  constructor(store: AccountStore, residence: Residence, reporter: Reporter, postings: Postings) {
    this.store = store
    this.residence = residence
    this.reporter = reporter
    this.postings = postings
  }

  /** Settles a round: the books' events and the hold phase's outcomes, merged by seq. */
  run(commands: CommandLog, outcomes: RecordLog, events: EventRecords): void {
    this.reporter.begin(commands)
    let event = 0
    for (let outcome = 0; outcome < outcomes.count; outcome += 1) {
      const command = outcomes.i32[outcome * OUTCOME_WORDS + OC.command]
      const seq = commands.f64[command * (COMMAND_WORDS >> 1) + CMF.seq]
      while (event < events.count && events.f64[event * (EVENT_WORDS >> 1) + EVF.seq] < seq) {
        this.event(events, event)
        event += 1
      }
      this.outcome(commands, outcomes, outcome, seq)
    }
    for (; event < events.count; event += 1) this.event(events, event)
  }

  /** The event or outcome that is being settled. */
  whereabouts(): Whereabouts {
    return { phase: 'settle', seq: this.seq, account: this.account }
  }

  // --- commands that no book saw ---------------------------------------------------------------

  private outcome(commands: CommandLog, outcomes: RecordLog, number: number, seq: number): void {
    const { i32, f64 } = outcomes
    const at = number * OUTCOME_WORDS
    const command = i32[at + OC.command]
    this.seq = seq
    this.account = commands.i32[command * COMMAND_WORDS + CM.account]
    switch (i32[at + OC.kind]) {
      case OutcomeKind.rejected:
        return this.reporter.rejected(command, seq, i32[at + OC.code])
      case OutcomeKind.duplicate:
        return this.reporter.duplicate(
          command,
          seq,
          i32[at + OC.code],
          f64[(at >> 1) + OCF.orderId],
        )
      case OutcomeKind.transfer:
        return this.settleTransfer(commands, command, seq)
      case OutcomeKind.part:
        return this.reporter.part(command, seq, i32[at + OC.affected])
      default:
        return this.reporter.accepted(command, seq, i32[at + OC.affected])
    }
  }

  private settleTransfer(commands: CommandLog, command: number, seq: number): void {
    const { store, postings } = this
    const { i32, f64 } = commands
    const at = command * COMMAND_WORDS
    const kind = i32[at + CM.kind]
    const account = i32[at + CM.account]
    const asset = i32[at + CM.asset]
    const amount = f64[(at >> 1) + CMF.amount]
    const from = kind === CommandKind.deposit ? EXTERNAL : account
    const to = recipientOf(commands, at)
    const fromBalance = store.balance(from, asset)
    store.balances.f64[fromBalance * BALANCE_DOUBLES + BAF.held] -= amount
    const isHere = this.residence.homeOf(to) === this.residence.shard
    if (isHere) this.credit(to, asset, amount)
    postings.add(seq, 0, from, asset, -amount)
    postings.add(seq, 0, to, asset, amount)
    // Reports of an account are written where it lives: a deposit's by who receives it.
    if (isHere || kind !== CommandKind.deposit) this.reporter.accepted(command, seq, 0)
  }

  private credit(account: number, asset: number, amount: number): void {
    const { store } = this
    const balance = store.balance(account, asset)
    store.balances.f64[balance * BALANCE_DOUBLES + BAF.available] += amount
  }

  // --- what the books said ---------------------------------------------------------------------

  private event(events: EventRecords, number: number): void {
    const { i32, f64 } = events
    const at = number * EVENT_WORDS
    const f = at >> 1
    const kind = i32[at] & 255
    const code = i32[at] >>> 8
    const order = i32[at + EV.tag]
    const index = i32[at + EV.index]
    const seq = f64[f + EVF.seq]
    this.seq = seq
    this.account = i32[at + EV.owner]
    switch (kind) {
      case EventKind.tradeTaker:
      case EventKind.tradeMaker:
        return this.fill(events, at, order, seq, index, kind === EventKind.tradeTaker)
      case EventKind.accepted:
        return this.reporter.order(ExecType.new, OrdStatus.new, order, seq, index, code)
      case EventKind.replaced:
        return this.replaced(events, at, order, seq, index)
      case EventKind.replaceRejected: {
        const submission = f64[f + EVF.aux]
        const inFlight = this.store.submissions.outcomeOf(submission)
        this.store.submissions.refuse(submission, code, seq)
        this.reporter.rejectedByBook(seq, index, code, f64[f + EVF.orderId])
        return this.landed(inFlight)
      }
      case EventKind.canceled:
        return this.ended(ExecType.canceled, OrdStatus.canceled, order, seq, index, code)
      case EventKind.expired:
        // Self-trade prevention may have taken lots away before it ended the order.
        this.shrink(order, f64[f + EVF.leavesLots])
        return this.ended(ExecType.expired, OrdStatus.expired, order, seq, index, code)
      case EventKind.restated:
        this.shrink(order, f64[f + EVF.leavesLots])
        return this.reporter.order(ExecType.restated, OrdStatus.none, order, seq, index, code)
      case EventKind.rejected:
        this.reporter.rejectedByBook(seq, index, code, 0)
        return this.close(order, seq, code)
      case EventKind.cancelRejected:
        // The order of a mass cancel that was gone by the time it was its turn: nothing to say.
        if (index >= 0) this.reporter.rejectedByBook(seq, index, code, 0)
        return
      case EventKind.reference:
        this.store.market.referenceTicks[i32[at + EV.symbol]] = f64[f + EVF.priceTicks]
        return
      case EventKind.credited:
        return this.credit(i32[at + EV.owner], i32[at + EV.symbol], f64[f + EVF.qtyLots])
      case EventKind.deposited:
        return this.deposited(events, at, code, seq)
      default:
        assert(false, `a known kind of event, not ${kind}`)
    }
  }

  /** What became of a deposit to an account that lives here, where the money comes from. */
  private deposited({ i32, f64 }: EventRecords, at: number, code: number, seq: number): void {
    const command = this.reporter.commandOf(seq)
    switch (i32[at + EV.flags]) {
      case OutcomeKind.rejected:
        return this.reporter.rejected(command, seq, code)
      case OutcomeKind.duplicate:
        return this.reporter.duplicate(command, seq, code, 0)
      default:
        this.credit(i32[at + EV.owner], i32[at + EV.symbol], f64[(at >> 1) + EVF.qtyLots])
        return this.reporter.accepted(command, seq, 0)
    }
  }

  /** One order's fill: pay, receive, take the fee, move the position. */
  private fill(
    events: EventRecords,
    at: number,
    order: number,
    seq: number,
    index: number,
    isTaker: boolean,
  ): void {
    const { store, postings } = this
    const { orders, positions, balances } = store
    const f = at >> 1
    const ticks = events.f64[f + EVF.priceTicks]
    const lots = events.f64[f + EVF.qtyLots]
    const leaves = events.f64[f + EVF.leavesLots]
    const o = order * ORDER_WORDS
    const of = order * ORDER_DOUBLES
    const position = orders.i32[o + OR.position]
    const p = position * POSITION_WORDS
    const { terms } = store.market
    const t = positions.i32[p + PO.symbol] * TERMS
    const notional = ticks * lots * terms[t + TM.quotePerTickLot]
    const rate = isTaker ? terms[t + TM.takerFeeRate] : terms[t + TM.makerFeeRate]
    const carry = store.carryOf(order)
    const fee = feeOf(notional, rate, carry)
    const isSell = (orders.i32[o + OR.flags] & Flag.sell) !== 0
    const base = lots * terms[t + TM.basePerLot]
    const baseAt = positions.i32[p + PO.baseBalance] * BALANCE_DOUBLES
    const quote = positions.i32[p + PO.quoteBalance]
    const quoteAt = quote * BALANCE_DOUBLES
    const inFlight = orders.f64[of + ORF.leaves] < 0 ? -orders.f64[of + ORF.leaves] : 0

    const needBefore = isSell || inFlight !== 0 ? 0 : store.needOfOrder(order, leaves + lots)
    this.countFill(order, lots, notional, carryAfter(notional, rate, carry))
    if (inFlight === 0) orders.f64[of + ORF.leaves] = leaves

    const money = balances.f64
    if (isSell) {
      money[baseAt + BAF.held] -= base
      money[quoteAt + BAF.available] += notional - fee
    } else {
      const freed = inFlight !== 0 ? notional + fee : needBefore - store.needOfOrder(order, leaves)
      money[quoteAt + BAF.held] -= freed
      money[quoteAt + BAF.available] += freed - notional - fee
      money[baseAt + BAF.available] += base
    }
    if (inFlight !== 0) {
      const v = inFlight * IN_FLIGHT_DOUBLES
      const versions = store.inFlight.f64
      versions[v + IFF.leaves] = leaves
      versions[v + IFF.reserved] -= isSell ? lots : notional + fee
      versions[v + IFF.lots] -= lots
    }
    const fees = store.balance(FEES, terms[t + TM.quote])
    store.balances.f64[fees * BALANCE_DOUBLES + BAF.available] += fee
    positions.f64[position * POSITION_DOUBLES + (isSell ? POF.openSell : POF.openBuy)] -= lots
    const profit =
      this.movePosition(
        position,
        isSell ? -lots : lots,
        notional,
        ticks * terms[t + TM.quotePerTickLot],
      ) - fee
    this.realise(position, quote, profit)

    if (postings.enabled) {
      const account = positions.i32[p + PO.account]
      const transaction = isTaker ? index : index - 1
      const [baseAsset, quoteAsset] = [terms[t + TM.base], terms[t + TM.quote]]
      const paid = isSell ? notional - fee : -notional - fee
      postings.add(seq, transaction, account, baseAsset, isSell ? -base : base, index)
      postings.add(seq, transaction, account, quoteAsset, paid, index)
      postings.add(seq, transaction, FEES, quoteAsset, fee, index)
    }
    const tradeId = events.f64[f + EVF.aux]
    this.reporter.trade(order, seq, index, ticks, lots, tradeId, fee, leaves, isTaker)
    if (leaves === 0) this.close(order, seq, 0)
  }

  private countFill(order: number, lots: number, notional: number, carry: number): void {
    const { orders, fills } = this.store
    const at = order * ORDER_WORDS + OR.fills
    if (orders.i32[at] === 0) orders.i32[at] = fills.alloc()
    const f = orders.i32[at] * (FILLS_WORDS >> 1)
    const { f64 } = fills
    f64[f + FIF.cum] += lots
    f64[f + FIF.notional] += notional
    f64[f + FIF.carry] = carry
  }

  /** Moves a position by a fill; returns the profit it realises, fee not counted. */
  private movePosition(
    position: number,
    signedLots: number,
    notional: number,
    perLot: number,
  ): number {
    const { f64 } = this.store.positions
    const p = position * POSITION_DOUBLES
    const before = f64[p + POF.lots]
    const after = bounded(before + signedLots)
    f64[p + POF.lots] = after
    const cost = f64[p + POF.cost]
    if (before === 0 || before > 0 === signedLots > 0) {
      f64[p + POF.cost] = bounded(cost + notional)
      return 0
    }
    const closed = Math.min(Math.abs(before), Math.abs(signedLots))
    const costOut = mulDivFloor(cost, closed, Math.abs(before))
    const opened = Math.abs(signedLots) - closed
    f64[p + POF.cost] = opened > 0 ? opened * perLot : cost - costOut
    const closing = closed * perLot
    return before > 0 ? closing - costOut : costOut - closing
  }

  private realise(position: number, quoteBalance: number, profit: number): void {
    const { store } = this
    const r = position * POSITION_DOUBLES + POF.realised
    store.positions.f64[r] = bounded(store.positions.f64[r] + profit)
    const b = quoteBalance * BALANCE_WORDS
    const { day } = store.market
    const { i32, f64 } = store.balances
    if (i32[b + BA.day] !== day) {
      i32[b + BA.day] = day
      f64[(b >> 1) + BAF.realisedToday] = 0
    }
    f64[(b >> 1) + BAF.realisedToday] = bounded(f64[(b >> 1) + BAF.realisedToday] + profit)
  }

  private replaced(
    events: EventRecords,
    at: number,
    order: number,
    seq: number,
    index: number,
  ): void {
    const { store } = this
    const f = at >> 1
    const submission = events.f64[f + EVF.aux]
    const inFlight = store.submissions.outcomeOf(submission)
    store.submissions.exchange(order, submission, seq)
    store.orders.f64[order * ORDER_DOUBLES + ORF.priceTicks] = events.f64[f + EVF.priceTicks]
    store.inFlight.f64[inFlight * IN_FLIGHT_DOUBLES + IFF.leaves] = events.f64[f + EVF.leavesLots]
    this.landed(inFlight)
    this.reporter.replaced(order, submission, seq, index)
  }

  /**
   * One replace of a record in flight has its outcome; with the last one the hold becomes exact
   * again.
   */
  private landed(inFlight: number): void {
    const { store } = this
    const at = inFlight * IN_FLIGHT_WORDS
    const { i32, f64 } = store.inFlight
    i32[at + IF.count] -= 1
    if (i32[at + IF.count] > 0) return
    const order = i32[at + IF.order]
    if (order !== 0) {
      const leaves = f64[(at >> 1) + IFF.leaves]
      store.orders.f64[order * ORDER_DOUBLES + ORF.leaves] = leaves
      this.release(order, f64[(at >> 1) + IFF.reserved], f64[(at >> 1) + IFF.lots], leaves)
    }
    store.inFlight.release(inFlight)
  }

  /** Lowers the hold of an order in flight to what it needs for `leaves`. */
  private release(order: number, reserved: number, lots: number, leaves: number): void {
    const { store } = this
    const o = order * ORDER_WORDS
    const position = store.orders.i32[o + OR.position]
    const isSell = (store.orders.i32[o + OR.flags] & Flag.sell) !== 0
    const p = position * POSITION_WORDS
    const need = store.needOfOrder(order, leaves)
    const symbol = store.positions.i32[p + PO.symbol]
    const basePerLot = store.market.terms[symbol * TERMS + TM.basePerLot]
    const freed = (isSell ? reserved * basePerLot : reserved) - need
    assert(freed >= 0, 'an order in flight holds at least what it needs')
    const balance = store.positions.i32[p + (isSell ? PO.baseBalance : PO.quoteBalance)]
    store.balances.f64[balance * BALANCE_DOUBLES + BAF.held] -= freed
    store.balances.f64[balance * BALANCE_DOUBLES + BAF.available] += freed
    store.positions.f64[(p >> 1) + (isSell ? POF.openSell : POF.openBuy)] -= lots - leaves
  }

  /**
   * Lots taken away without a trade: lowers leaves and, unless a replace is in flight, the hold.
   */
  private shrink(order: number, leaves: number): void {
    const { store } = this
    const f = order * ORDER_DOUBLES
    const known = store.orders.f64[f + ORF.leaves]
    if (known < 0) {
      store.inFlight.f64[-known * IN_FLIGHT_DOUBLES + IFF.leaves] = leaves
      return
    }
    if (known === leaves) return
    const o = order * ORDER_WORDS
    const isSell = (store.orders.i32[o + OR.flags] & Flag.sell) !== 0
    const symbol = this.symbolOf(order)
    const basePerLot = store.market.terms[symbol * TERMS + TM.basePerLot]
    const before = store.needOfOrder(order, known)
    store.orders.f64[f + ORF.leaves] = leaves
    this.release(order, isSell ? before / basePerLot : before, known, leaves)
  }

  private ended(
    execType: reportLog.ExecType,
    status: reportLog.OrdStatus,
    order: number,
    seq: number,
    index: number,
    code: number,
  ): void {
    this.reporter.order(execType, status, order, seq, index, code)
    this.close(order, seq, 0)
  }

  /** The order is over: releases what it still holds, and remembers its id with `code`. */
  private close(order: number, seq: number, code: number): void {
    const { store } = this
    const o = order * ORDER_WORDS
    const known = store.orders.f64[order * ORDER_DOUBLES + ORF.leaves]
    if (known < 0) {
      const v = -known * IN_FLIGHT_DOUBLES
      const { f64, i32 } = store.inFlight
      this.release(order, f64[v + IFF.reserved], f64[v + IFF.lots], 0)
      i32[-known * IN_FLIGHT_WORDS + IF.order] = 0
    } else if (known > 0) {
      this.shrink(order, 0)
    }
    const position = store.orders.i32[o + OR.position]
    const p = position * POSITION_WORDS
    const account = store.positions.i32[p + PO.account]
    const orderId = store.orders.f64[order * ORDER_DOUBLES + ORF.orderId]
    store.submissions.retire(order, account, code, code === 0 ? orderId : 0, seq)
    this.unlink(order, account)
    store.positions.i32[p + PO.openOrders] -= 1
    const { i32: accounts } = store.accounts
    accounts[account * ACCOUNT_WORDS + AC.openOrders] -= 1
    if (
      store.positions.i32[p + PO.openOrders] === 0 &&
      store.positions.f64[(p >> 1) + POF.lots] === 0
    ) {
      accounts[account * ACCOUNT_WORDS + AC.activeSymbols] -= 1
    }
    const fills = store.orders.i32[o + OR.fills]
    if (fills !== 0) store.fills.release(fills)
    store.orders.release(order)
  }

  private unlink(order: number, account: number): void {
    const { orders, accounts } = this.store
    const { i32 } = orders
    const before = i32[order * ORDER_WORDS + OR.before]
    const behind = i32[order * ORDER_WORDS + OR.behind]
    const a = account * ACCOUNT_WORDS
    if (before === 0) accounts.i32[a + AC.firstOrder] = behind
    else i32[before * ORDER_WORDS + OR.behind] = behind
    if (behind === 0) accounts.i32[a + AC.lastOrder] = before
    else i32[behind * ORDER_WORDS + OR.before] = before
  }

  private symbolOf(order: number): number {
    const { orders, positions } = this.store
    const position = orders.i32[order * ORDER_WORDS + OR.position]
    return positions.i32[position * POSITION_WORDS + PO.symbol]
  }
}

/**
 * Statistics stay exact to the end of the safe integers and stop there; money itself never gets
 * there.
 */
const bounded = (value: number): number => Math.max(-INTEGER_MAX, Math.min(value, INTEGER_MAX))
