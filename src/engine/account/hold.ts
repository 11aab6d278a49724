// Phase one of a round: each command at its account, in seq order. Refuse it, or hold what it could
// cost.

import { mulDivCeil, mulDivFloor } from '../../lib/arithmetic.ts'
import { unreachable } from '../../lib/assert.ts'
import { RecordLog } from '../../lib/record-log.ts'
import * as bounds from '../../protocol/bounds.ts'
import { copyId } from '../../protocol/client-id.ts'
import * as codes from '../../protocol/codes.ts'
import * as commandLog from '../../protocol/command-log.ts'
import { CommandLog } from '../../protocol/command-log.ts'
import * as limitForms from '../../protocol/limits.ts'
import * as orderFlags from '../../protocol/order-flags.ts'
import { isMarket } from '../../protocol/order-flags.ts'
import * as marketForms from '../market.ts'
import * as messageForms from '../messages.ts'
import { firstRefusal, firstUsualRefusal } from '../risk/chain.ts'
import { Check } from '../risk/check.ts'
import * as limitTable from '../risk/limit-table.ts'
import { hashRecent } from '../risk/recent-orders.ts'
import type { Whereabouts } from './account-shard.ts'
import type { AccountStore } from './account-store.ts'
import * as accountStore from './account-store.ts'
import { Administration, recipientOf } from './administration.ts'
import { contentOf } from './content.ts'
import { needOf } from './fees.ts'
import { openReplace, raiseReplace } from './in-flight.ts'
import * as lookaheadForms from './lookahead.ts'
import { Lookahead } from './lookahead.ts'
import * as records from './records.ts'
import { pairKey } from './records.ts'
import type { Residence } from './residence.ts'
import * as submissionForms from './submissions.ts'

// V8 folds constants only in the module that declares them: docs/decisions/0007.
const { INTEGER_MAX } = bounds
const { Code } = codes
const { CM, CMF, COMMAND_WORDS, CommandKind } = commandLog
const { Limit, MILLIONTHS } = limitForms
const { Flag } = orderFlags
const { TERMS, TM } = marketForms
const { MESSAGE_WORDS, MS, MSF, OC, OCF, OUTCOME_WORDS, OutcomeKind } = messageForms
const { EXTERNAL } = accountStore
const { BLOCK } = lookaheadForms
const { USUAL } = limitTable
const {
  AC,
  ACCOUNT_WORDS,
  ACF,
  AccountFlag,
  BAF,
  BALANCE_WORDS,
  IFF,
  IN_FLIGHT_WORDS,
  OR,
  ORDER_WORDS,
  ORF,
  PO,
  POF,
  POSITION_WORDS,
} = records
const { SU, SUF } = submissionForms

const SECOND_MS = 1_000

export class HoldPhase {
  /** Order messages for the books, in seq order. */
  readonly messages = new RecordLog(MESSAGE_WORDS, 256)
  /** Outcomes of commands that no book has to see, in seq order. */
  readonly outcomes = new RecordLog(OUTCOME_WORDS, 256)
  private readonly store: AccountStore
  private readonly residence: Residence
  private readonly administration: Administration
  private readonly check = new Check()
  private readonly lookahead: Lookahead
  private commands = new CommandLog(1)
  /** The command being handled: its first word, its number in the round, its seq. */
  private at = 0
  private number = 0
  private idHash = 0
  private origHash = 0
  /** Of a new order, the hash of its content. */
  private recentHash = 0
  private seq = 0
  /** The clock's second, for the order rate. */
  private second = 0

  constructor(store: AccountStore, residence: Residence) {
    this.store = store
    this.residence = residence
    this.lookahead = new Lookahead(store)
    this.administration = new Administration(store)
  }

  /**
   * Handles a round's commands of the accounts that live here, stamped with their seq. `firstSeq`
   * is that of the round's first command, here or elsewhere.
   */
  run(commands: CommandLog, firstSeq: number): void {
    this.commands = commands
    this.messages.clear()
    this.outcomes.clear()
    this.second = Math.floor(this.store.market.nowMs / SECOND_MS)
    this.store.submissions.forget(firstSeq)
    const { count } = commands
    for (let from = 0; from < count; from += BLOCK) {
      const to = Math.min(from + BLOCK, count)
      this.lookahead.run(commands, from, to)
      for (let number = from; number < to; number += 1) {
        this.number = number
        this.at = number * COMMAND_WORDS
        this.seq = commands.f64[(this.at >> 1) + CMF.seq]
        this.idHash = this.lookahead.idHash[number - from]
        this.origHash = this.lookahead.origHash[number - from]
        this.recentHash = this.lookahead.recentHash[number - from]
        this.handle(commands.i32[this.at + CM.kind] as commandLog.CommandKind)
      }
    }
  }

  /** The command that is being handled. */
  whereabouts(): Whereabouts {
    const { i32 } = this.commands
    return {
      phase: 'hold',
      seq: this.seq,
      account: i32[this.at + CM.account],
    }
  }

  private handle(kind: commandLog.CommandKind): void {
    switch (kind) {
      case CommandKind.replace:
        return this.replace()
      case CommandKind.new:
        return this.submit()
      case CommandKind.cancel:
        return this.cancel()
      case CommandKind.massCancel:
        return this.massCancel()
      case CommandKind.killSwitch:
        return this.killSwitch()
      case CommandKind.deposit:
      case CommandKind.withdraw:
      case CommandKind.transfer:
        return this.transfer()
      case CommandKind.asset:
      case CommandKind.instrument:
      case CommandKind.account:
      case CommandKind.halt:
      case CommandKind.resume:
      case CommandKind.suspend:
      case CommandKind.activate:
      case CommandKind.limits:
      case CommandKind.time: {
        const code = this.administration.apply(kind, this.commands, this.at)
        this.second = Math.floor(this.store.market.nowMs / SECOND_MS)
        // Every shard carries these out; one reports them.
        if (isEverybodys(kind) && !this.isReportedHere()) return
        return this.outcome(code === 0 ? OutcomeKind.accepted : OutcomeKind.rejected, code)
      }
      case CommandKind.none:
        return unreachable(kind as never)
      default:
        return unreachable(kind)
    }
  }

  // --- new -------------------------------------------------------------------------------------

  private submit(): void {
    const { store, commands, at, seq } = this
    const { i32, f64 } = commands
    const account = i32[at + CM.account]
    const symbol = i32[at + CM.symbol]
    const flags = i32[at + CM.flags]
    if (this.seenBefore(account, false)) return
    const { terms, nowMs } = store.market
    const t = symbol * TERMS
    const row = this.limitRow(account, symbol)
    const lots = f64[(at >> 1) + CMF.qtyLots]
    let code = this.standing(account, symbol) || quantityRefusal(terms, t, lots)
    let priceTicks = f64[(at >> 1) + CMF.priceTicks]
    if (code === 0 && isMarket(flags)) {
      priceTicks = this.protectionTicks(symbol, flags, row)
      if (priceTicks === 0) code = Code.NO_REFERENCE_PRICE
      this.recentHash = hashRecent(account, symbol * 2 + (flags & Flag.sell), priceTicks, lots)
    }
    const notional = priceTicks * lots * terms[t + TM.quotePerTickLot]
    const quoteNeed = needOf(notional, terms[t + TM.holdFeeRate], 0)
    const position = store.positionOf.get(pairKey(account, symbol))
    const sell = (flags & Flag.sell) !== 0
    const openLots = this.openLots(position, sell)
    // Nothing is recent while the clock was never set.
    const symbolSide = symbol * 2 + (sell ? 1 : 0)
    const { recent } = store
    const same =
      nowMs === 0 ? 0 : recent.find(this.recentHash, account, symbolSide, priceTicks, lots)
    // Not an argument: a number of this size would be garbage.
    this.check.sameAcceptedMs = recent.acceptedMs(same)
    code =
      code ||
      valueRefusal(terms, t, priceTicks, lots, notional, quoteNeed) ||
      this.killRefusal(account) ||
      this.risk(
        account,
        symbol,
        position,
        flags,
        row,
        false,
        priceTicks,
        lots,
        openLots,
        openLots + lots,
      )
    const need = sell ? lots * terms[t + TM.basePerLot] : quoteNeed
    const balance = code === 0 ? this.balanceToHold(account, position, symbol, sell) : 0
    if (code === 0 && store.balances.f64[balance * (BALANCE_WORDS >> 1) + BAF.available] < need) {
      code = sell ? Code.INSUFFICIENT_HOLDINGS : Code.INSUFFICIENT_FUNDS
    }
    if (code === 0 && !store.hasRoomForOrder) code = Code.LIMIT_REACHED
    if (code !== 0) return this.refuse(account, code, 0)
    const own = position === 0 ? store.position(account, symbol) : position
    const order = this.open(own, flags, priceTicks, lots)
    const p = own * POSITION_WORDS
    const payer = store.positions.i32[p + (sell ? PO.baseBalance : PO.quoteBalance)]
    const b = payer * (BALANCE_WORDS >> 1)
    store.balances.f64[b + BAF.available] -= need
    store.balances.f64[b + BAF.held] += need
    this.countAccepted(account)
    if (nowMs !== 0) {
      recent.add(this.recentHash, same, account, symbolSide, priceTicks, lots, nowMs)
    }
    this.message(CommandKind.new, flags, account, order, symbol, 0, seq, priceTicks, lots, 0)
  }

  /** Creates the order's record and counts it everywhere. Returns its handle. */
  private open(position: number, flags: number, priceTicks: number, lots: number): number {
    const { store, at } = this
    const order = store.orders.reuse()
    const o = order * ORDER_WORDS
    const of = o >> 1
    const { i32, f64 } = store.orders
    copyId(this.commands.i32, at + CM.id, i32, o + OR.id)
    f64[of + ORF.orderId] = this.seq
    f64[of + ORF.priceTicks] = priceTicks
    f64[of + ORF.leaves] = lots
    i32[o + OR.position] = position
    i32[o + OR.content] = contentOf(this.commands, at)
    i32[o + OR.flags] = flags
    i32[o + OR.fills] = 0
    i32[o + OR.behind] = 0
    store.enlist(order, position, lots)
    store.submissions.addOrder(this.idHash, order)
    return order
  }

  // --- replace ---------------------------------------------------------------------------------

  private replace(): void {
    const { store, commands, at, seq } = this
    const { i32, f64 } = commands
    const account = i32[at + CM.account]
    const symbol = i32[at + CM.symbol]
    if (this.seenBefore(account, true)) return
    const order = this.target(account, symbol)
    if (order === 0) return this.refuseReplace(account, Code.UNKNOWN_ORDER, 0)
    const { orders } = store
    const o = order * ORDER_WORDS
    const of = o >> 1
    const position = orders.i32[o + OR.position]
    const flags = orders.i32[o + OR.flags]
    const sell = (flags & Flag.sell) !== 0
    const { terms } = store.market
    const t = symbol * TERMS
    const priceTicks = f64[(at >> 1) + CMF.priceTicks]
    const lots = f64[(at >> 1) + CMF.qtyLots]
    const remainder = lots - store.cumOf(order)
    const notional = priceTicks * lots * terms[t + TM.quotePerTickLot]
    const quoteNeed = needOf(notional, terms[t + TM.holdFeeRate], 0)
    let code =
      this.standing(account, symbol) ||
      (remainder <= 0 ? Code.QTY_ALREADY_FILLED : 0) ||
      quantityRefusal(terms, t, lots) ||
      valueRefusal(terms, t, priceTicks, lots, notional, quoteNeed) ||
      this.killRefusal(account)
    if (code !== 0) return this.refuseReplace(account, code, order)

    const raised = raiseReplace(store, order, symbol, priceTicks, remainder)
    if (!this.onlyShrinks(order, priceTicks, lots)) {
      const row = this.limitRow(account, symbol)
      const openLots = this.openLots(position, sell)
      const openAfter = openLots + raised.moreLots
      this.check.sameAcceptedMs = -1
      code = this.risk(
        account,
        symbol,
        position,
        flags,
        row,
        true,
        priceTicks,
        lots,
        openLots,
        openAfter,
      )
      if (code !== 0) return this.refuseReplace(account, code, order)
    }
    const balances = store.balances.f64
    const balance =
      store.positions.i32[position * POSITION_WORDS + (sell ? PO.baseBalance : PO.quoteBalance)]
    const b = balance * (BALANCE_WORDS >> 1)
    const more = sell ? raised.more * terms[t + TM.basePerLot] : raised.more
    if (balances[b + BAF.available] < more) {
      return this.refuseReplace(
        account,
        sell ? Code.INSUFFICIENT_HOLDINGS : Code.INSUFFICIENT_FUNDS,
        order,
      )
    }
    balances[b + BAF.available] -= more
    balances[b + BAF.held] += more
    const pf = position * (POSITION_WORDS >> 1)
    store.positions.f64[pf + (sell ? POF.openSell : POF.openBuy)] += raised.moreLots
    const inFlight = openReplace(store, order, raised, priceTicks, lots)
    const orderId = orders.f64[of + ORF.orderId]
    const content = contentOf(commands, at)
    const submission = store.submissions.add(
      this.idHash,
      account,
      i32,
      at + CM.id,
      content,
      inFlight,
      orderId,
      seq,
    )
    this.countAccepted(account)
    this.message(
      CommandKind.replace,
      flags,
      account,
      order,
      symbol,
      0,
      orderId,
      priceTicks,
      lots,
      submission,
    )
  }

  /** Whether a replace keeps the price and does not raise the quantity of the version before it. */
  private onlyShrinks(order: number, priceTicks: number, lots: number): boolean {
    const { store } = this
    const f = order * (ORDER_WORDS >> 1)
    const { f64 } = store.orders
    const leaves = f64[f + ORF.leaves]
    if (leaves >= 0) {
      return f64[f + ORF.priceTicks] === priceTicks && lots <= leaves + store.cumOf(order)
    }
    const versions = store.inFlight.f64
    const v = -leaves * (IN_FLIGHT_WORDS >> 1)
    return versions[v + IFF.lastTicks] === priceTicks && lots <= versions[v + IFF.lastQty]
  }

  private refuseReplace(account: number, code: number, order: number): void {
    const { f64 } = this.store.orders
    this.refuse(account, code, order === 0 ? 0 : f64[order * (ORDER_WORDS >> 1) + ORF.orderId])
  }

  /** Refuses a submission; the refusal is remembered under its id. */
  private refuse(account: number, code: number, orderId: number): void {
    const { store, commands, at, seq } = this
    const content = contentOf(commands, at)
    store.submissions.add(
      this.idHash,
      account,
      commands.i32,
      at + CM.id,
      content,
      -code,
      orderId,
      seq,
    )
    this.outcome(OutcomeKind.rejected, code)
  }

  // --- cancels ---------------------------------------------------------------------------------

  private cancel(): void {
    const { store, commands, at } = this
    const account = commands.i32[at + CM.account]
    const symbol = commands.i32[at + CM.symbol]
    const orderId = commands.f64[(at >> 1) + CMF.orderId]
    if (orderId !== 0) {
      // The book knows its orders by id; no need to look here.
      return this.message(CommandKind.cancel, 0, account, 0, symbol, 0, orderId, 0, 0, 0)
    }
    const order = this.target(account, symbol)
    if (order === 0) return this.outcome(OutcomeKind.rejected, Code.UNKNOWN_ORDER)
    const id = store.orders.f64[order * (ORDER_WORDS >> 1) + ORF.orderId]
    this.message(CommandKind.cancel, 0, account, order, symbol, 0, id, 0, 0, 0)
  }

  private massCancel(): void {
    const { i32 } = this.commands
    const account = i32[this.at + CM.account]
    const orders = this.administration.openOrders(
      account,
      i32[this.at + CM.symbol],
      i32[this.at + CM.flags],
    )
    this.outcome(OutcomeKind.accepted, 0, orders.length)
    this.cancelAll(orders)
  }

  private killSwitch(): void {
    const orders = this.administration.killSwitch(this.commands, this.at)
    const isOurs = this.residence.shard === 0 || this.commands.i32[this.at + CM.account] !== 0
    this.outcome(isOurs ? OutcomeKind.accepted : OutcomeKind.part, 0, orders.length)
    this.cancelAll(orders)
  }

  /** Asks the books to cancel orders, by ascending id. */
  private cancelAll(orders: readonly number[]): void {
    const { store } = this
    for (const order of orders) {
      const position = store.orders.i32[order * ORDER_WORDS + OR.position]
      const account = store.positions.i32[position * POSITION_WORDS + PO.account]
      const symbol = store.positions.i32[position * POSITION_WORDS + PO.symbol]
      const id = store.orders.f64[order * (ORDER_WORDS >> 1) + ORF.orderId]
      this.message(CommandKind.cancel, 0, account, order, symbol, -1, id, 0, 0, 0)
    }
  }

  // --- transfers -------------------------------------------------------------------------------

  private transfer(): void {
    const { commands, at, seq, residence } = this
    const isDeposit = commands.i32[at + CM.kind] === CommandKind.deposit
    // Its account lives here, and will hear what became of it where the money comes from.
    if (isDeposit && residence.homeOf(EXTERNAL) !== residence.shard) return
    const { code, kind } = this.administration.transfer(commands, at, seq)
    const to = recipientOf(commands, at)
    const isHere = residence.homeOf(to) === residence.shard
    const asset = commands.i32[at + CM.asset]
    const amount = commands.f64[(at >> 1) + CMF.amount]
    const isPaid = kind === OutcomeKind.transfer
    if (isPaid || isHere || !isDeposit) this.outcome(kind, code)
    if (isHere) return
    // By way of a book's shard, as all that accounts tell each other.
    if (isDeposit) this.message(CommandKind.deposit, kind, to, code, asset, 0, 0, 0, amount, 0)
    else if (isPaid) this.message(CommandKind.transfer, 0, to, 0, asset, 0, 0, 0, amount, 0)
  }

  // --- what they share -------------------------------------------------------------------------

  /** Whether what every shard carries out is reported here: by its account, or by shard 0. */
  private isReportedHere(): boolean {
    const account = this.commands.i32[this.at + CM.account]
    const { residence } = this
    return residence.shard === (account === 0 ? 0 : residence.homeOf(account))
  }

  /** Answers a client id that was used before; false if it is new. */
  private seenBefore(account: number, isReplace: boolean): boolean {
    const { store, commands, at, seq } = this
    const entry = store.submissions.find(this.idHash, account, commands.i32, at + CM.id, seq)
    if (entry === 0) return false
    const content = contentOf(commands, at)
    if (entry > 0) {
      const o = entry * ORDER_WORDS
      if (store.orders.i32[o + OR.content] === content) {
        this.outcome(OutcomeKind.duplicate, 0, 0, store.orders.f64[(o >> 1) + ORF.orderId])
      } else {
        this.outcome(OutcomeKind.rejected, Code.DUPLICATE_ID)
      }
      return true
    }
    const { i32, f64 } = store.submissions.ring
    const s = store.submissions.ring.wordOf(-entry)
    if (i32[s + SU.content] === content) {
      const code = Math.max(0, -i32[s + SU.outcome])
      this.outcome(
        OutcomeKind.duplicate,
        code,
        0,
        code === 0 || isReplace ? f64[(s >> 1) + SUF.orderId] : 0,
      )
    } else {
      this.outcome(OutcomeKind.rejected, Code.DUPLICATE_ID)
    }
    return true
  }

  /** The open order that a cancel or replace names, in this symbol, or 0. */
  private target(account: number, symbol: number): number {
    const { store, commands, at } = this
    const orderId = commands.f64[(at >> 1) + CMF.orderId]
    let order = 0
    if (orderId !== 0) {
      order = store.orderById(account, orderId)
    } else {
      const entry = store.submissions.find(
        this.origHash,
        account,
        commands.i32,
        at + CM.orig,
        this.seq,
      )
      // Until its outcome is known, a replace in flight names the order as well as the id before.
      order = entry >= 0 ? entry : store.orderInFlight(store.submissions.outcomeOf(-entry))
    }
    if (order === 0) return 0
    const position = store.orders.i32[order * ORDER_WORDS + OR.position]
    return store.positions.i32[position * POSITION_WORDS + PO.symbol] === symbol ? order : 0
  }

  private standing(account: number, symbol: number): number {
    const { accounts, market } = this.store
    if ((accounts.i32[account * ACCOUNT_WORDS + AC.flags] & AccountFlag.suspended) !== 0) {
      return Code.ACCOUNT_SUSPENDED
    }
    return market.halted[symbol] !== 0 ? Code.HALTED : 0
  }

  private killRefusal(account: number): number {
    const { accounts, market } = this.store
    const killed = (accounts.i32[account * ACCOUNT_WORDS + AC.flags] & AccountFlag.killed) !== 0
    return killed || market.killed ? Code.KILL_SWITCH : 0
  }

  private limitRow(account: number, symbol: number): number {
    const flags = this.store.accounts.i32[account * ACCOUNT_WORDS + AC.flags]
    return this.store.limits.rowFor(account, symbol, (flags & AccountFlag.ownLimits) !== 0)
  }

  private openLots(position: number, sell: boolean): number {
    const f = position * (POSITION_WORDS >> 1)
    return this.store.positions.f64[f + (sell ? POF.openSell : POF.openBuy)]
  }

  /**
   * The balance that pays for an order: of the base asset for a sell, of the quote asset for a buy.
   */
  private balanceToHold(account: number, position: number, symbol: number, sell: boolean): number {
    const { positions, balanceOf, market } = this.store
    if (position === 0) {
      const asset = market.terms[symbol * TERMS + (sell ? TM.base : TM.quote)]
      return balanceOf.get(pairKey(account, asset))
    }
    return positions.i32[position * POSITION_WORDS + (sell ? PO.baseBalance : PO.quoteBalance)]
  }

  /** Reference price plus or minus the slippage in force, in ticks; 0 without a reference price. */
  private protectionTicks(symbol: number, flags: number, row: number): number {
    const { market, limits } = this.store
    const reference = market.referenceTicks[symbol]
    if (reference === 0) return 0
    const minTicks = market.terms[symbol * TERMS + TM.minPriceTicks]
    const maxTicks = market.terms[symbol * TERMS + TM.maxPriceTicks]
    const slippage = limits.rows[row + Limit.marketSlippage]
    if ((flags & Flag.sell) === 0) {
      const ticks = mulDivFloor(reference, MILLIONTHS + slippage, MILLIONTHS)
      const isClipped = ticks <= INTEGER_MAX || maxTicks < INTEGER_MAX
      return !isClipped ? ticks : Math.max(Math.min(ticks, maxTicks), minTicks)
    }
    const ticks =
      slippage >= MILLIONTHS ? 1 : mulDivCeil(reference, MILLIONTHS - slippage, MILLIONTHS)
    return Math.max(Math.min(ticks, maxTicks), minTicks, 1)
  }

  /** Fills in what the rules look at and runs them. */
  private risk(
    account: number,
    symbol: number,
    position: number,
    flags: number,
    row: number,
    isReplace: boolean,
    priceTicks: number,
    lots: number,
    openBefore: number,
    openAfter: number,
  ): number {
    const { check } = this
    const { market, accounts, limits } = this.store
    const { rows } = limits
    check.limits = rows
    check.row = row
    check.isReplace = isReplace
    check.priceTicks = priceTicks
    check.referenceTicks = market.referenceTicks[symbol]
    check.accountOpenOrders = accounts.i32[account * ACCOUNT_WORDS + AC.openOrders]
    check.nowMs = market.nowMs
    if (rows[row + USUAL] === 1 && (flags & Flag.reduceOnly) === 0) return firstUsualRefusal(check)
    check.orderLots = lots
    check.openLotsBefore = openBefore
    check.openLotsAfter = openAfter
    this.fillRest(account, symbol, position, flags)
    return firstRefusal(check)
  }

  /** What only rules look at that are off by default. */
  private fillRest(account: number, symbol: number, position: number, flags: number): void {
    const { store, check } = this
    const { market, accounts, positions } = store
    const a = account * ACCOUNT_WORDS
    const p = position * POSITION_WORDS
    check.isSell = (flags & Flag.sell) !== 0
    check.isReduceOnly = (flags & Flag.reduceOnly) !== 0
    check.positionLots = positions.f64[(p >> 1) + POF.lots]
    check.isFirstInSymbol = positions.i32[p + PO.openOrders] === 0 && check.positionLots === 0
    check.quotePerTickLot = market.terms[symbol * TERMS + TM.quotePerTickLot]
    check.notional = check.priceTicks * check.orderLots * check.quotePerTickLot
    check.accountActiveSymbols = accounts.i32[a + AC.activeSymbols]
    const isInSecond = accounts.f64[(a >> 1) + ACF.rateSecond] === this.second
    check.ordersThisSecond = isInSecond ? accounts.i32[a + AC.rateCount] : 0
    // Read only where the limit is set: it is one more record far away.
    const hasLossLimit = check.limits[check.row + Limit.maxDailyLoss] !== Number.POSITIVE_INFINITY
    check.realisedToday = hasLossLimit
      ? store.realisedToday(this.balanceToHold(account, position, symbol, false))
      : 0
  }

  private countAccepted(account: number): void {
    const { second } = this
    const { accounts, market } = this.store
    if (market.nowMs === 0) return
    const a = account * ACCOUNT_WORDS
    if (accounts.f64[(a >> 1) + ACF.rateSecond] === second) {
      accounts.i32[a + AC.rateCount] += 1
    } else {
      accounts.f64[(a >> 1) + ACF.rateSecond] = second
      accounts.i32[a + AC.rateCount] = 1
    }
  }

  private outcome(kind: messageForms.OutcomeKind, code: number, affected = 0, orderId = 0): void {
    const at = this.outcomes.append()
    const { i32, f64 } = this.outcomes
    i32[at + OC.kind] = kind
    i32[at + OC.command] = this.number
    i32[at + OC.code] = code
    i32[at + OC.affected] = affected
    f64[(at >> 1) + OCF.orderId] = orderId
  }

  private message(
    kind: commandLog.CommandKind,
    flags: number,
    account: number,
    tag: number,
    symbol: number,
    index: number,
    orderId: number,
    priceTicks: number,
    lots: number,
    aux: number,
  ): void {
    const at = this.messages.append()
    const { i32, f64 } = this.messages
    i32[at + MS.kind] = kind
    i32[at + MS.flags] = flags
    i32[at + MS.account] = account
    i32[at + MS.tag] = tag
    i32[at + MS.symbol] = symbol
    i32[at + MS.index] = index
    const f = at >> 1
    f64[f + MSF.seq] = this.seq
    f64[f + MSF.orderId] = orderId
    f64[f + MSF.priceTicks] = priceTicks
    f64[f + MSF.qtyLots] = lots
    f64[f + MSF.aux] = aux
  }
}

/** Whether a command that is no order is carried out by every shard: all but marks on accounts. */
const isEverybodys = (kind: commandLog.CommandKind): boolean =>
  kind !== CommandKind.suspend && kind !== CommandKind.activate

function quantityRefusal(terms: Float64Array, t: number, lots: number): number {
  if (lots < terms[t + TM.minQtyLots]) return Code.QTY_BELOW_MIN
  return lots > terms[t + TM.maxQtyLots] ? Code.QTY_ABOVE_MAX : 0
}

function valueRefusal(
  terms: Float64Array,
  t: number,
  priceTicks: number,
  lots: number,
  notional: number,
  quoteNeed: number,
): number {
  if (priceTicks > INTEGER_MAX) return Code.OVERFLOW
  if (priceTicks < terms[t + TM.minPriceTicks] || priceTicks > terms[t + TM.maxPriceTicks])
    return Code.PRICE_OUT_OF_BAND
  if (lots * terms[t + TM.basePerLot] > INTEGER_MAX) return Code.OVERFLOW
  if (notional > INTEGER_MAX || quoteNeed > INTEGER_MAX) return Code.OVERFLOW
  if (notional < terms[t + TM.minNotional]) return Code.NOTIONAL_BELOW_MIN
  return notional > terms[t + TM.maxNotional] ? Code.NOTIONAL_ABOVE_MAX : 0
}
