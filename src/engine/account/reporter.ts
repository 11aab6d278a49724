// Writes execution reports from the accounts' state as it is at that moment, and numbers each
// account's. Reports are written in the order in which they leave, by one shard for an account:
// so its numbers have no gap and do not depend on where it lives.

import { copyId } from '../../protocol/client-id.ts'
import type { CommandLog } from '../../protocol/command-log.ts'
import * as commandLog from '../../protocol/command-log.ts'
import type { ReportLog } from '../../protocol/report-log.ts'
import * as reportLog from '../../protocol/report-log.ts'
import type { AccountStore } from './account-store.ts'
import * as records from './records.ts'
import * as submissionForms from './submissions.ts'

// V8 folds constants only in the module that declares them: docs/decisions/0007.
const { CM, CMF, COMMAND_WORDS, CommandKind } = commandLog
const { ExecType, Mark, OrdStatus, RP, RPF } = reportLog
const { ACCOUNT_WORDS, ACF, FIF, FILLS_WORDS, OR, ORDER_WORDS, ORF, PO, POSITION_WORDS } = records
const { SU } = submissionForms

export class Reporter {
  private readonly store: AccountStore
  private readonly reports: ReportLog
  private commands: CommandLog | undefined
  /** The command that was looked for last: they are looked for in seq order. */
  private sought = 0

  constructor(store: AccountStore, reports: ReportLog) {
    this.store = store
    this.reports = reports
  }

  /** Starts a round's reports. */
  begin(commands: CommandLog): void {
    this.commands = commands
    this.sought = 0
    this.reports.clear()
  }

  /** A report about an order as it stands; what ends it leaves nothing open. */
  order(
    execType: reportLog.ExecType,
    status: reportLog.OrdStatus,
    order: number,
    seq: number,
    index: number,
    code: number,
  ): void {
    const at = this.ofOrder(execType | (code << 8), order, seq, index)
    const { i32, f64 } = this.reports
    const f = at >> 1
    const ends = status === OrdStatus.canceled || status === OrdStatus.expired
    if (ends) f64[f + RPF.leavesQty] = 0
    const open = f64[f + RPF.cumQty] === 0 ? OrdStatus.new : OrdStatus.partiallyFilled
    i32[at + RP.flags] |= (ends ? status : open) << 8
  }

  /** A replace took effect; `submission` carries the id before. */
  replaced(order: number, submission: number, seq: number, index: number): void {
    const at = this.ofOrder(ExecType.replaced, order, seq, index)
    const { i32, f64 } = this.reports
    const { ring } = this.store.submissions
    copyId(ring.i32, ring.wordOf(submission) + SU.id, i32, at + RP.orig)
    const open = f64[(at >> 1) + RPF.cumQty] === 0 ? OrdStatus.new : OrdStatus.partiallyFilled
    i32[at + RP.flags] |= open << 8
  }

  /** One side's fill. */
  trade(
    order: number,
    seq: number,
    index: number,
    ticks: number,
    lots: number,
    tradeId: number,
    fee: number,
    leaves: number,
    isTaker: boolean,
  ): void {
    const at = this.ofOrder(ExecType.trade, order, seq, index)
    const { i32, f64 } = this.reports
    const f = at >> 1
    const status = leaves === 0 ? OrdStatus.filled : OrdStatus.partiallyFilled
    i32[at + RP.flags] |= (status << 8) | (isTaker ? Mark.aggressor << 24 : 0)
    f64[f + RPF.lastTicks] = ticks
    f64[f + RPF.lastLots] = lots
    f64[f + RPF.tradeId] = tradeId
    f64[f + RPF.amount] = fee
  }

  /** A command that is not an order was carried out. */
  accepted(command: number, seq: number, affected: number): void {
    const at = this.ofCommand(ExecType.accepted, command, seq, 0)
    this.reports.i32[at + RP.affected] = affected
    const from = command * COMMAND_WORDS
    const { i32, f64 } = this.commands as CommandLog
    const kind = i32[from + CM.kind]
    if (kind === CommandKind.transfer) this.reports.i32[at + RP.affected] = i32[from + CM.to]
    this.reports.f64[(at >> 1) + RPF.amount] = f64[(from >> 1) + CMF.amount]
  }

  /** This shard's part in a command that another shard reports; it ends up in that report. */
  part(command: number, seq: number, affected: number): void {
    const at = this.ofCommand(ExecType.none, command, seq, 0)
    this.reports.i32[at + RP.affected] = affected
  }

  /** A command was refused before any book saw it. */
  rejected(command: number, seq: number, code: number): void {
    const at = this.ofCommand(ExecType.rejected | (code << 8), command, seq, 0)
    this.reports.i32[at + RP.flags] |= OrdStatus.rejected << 8
  }

  /** The book refused the command with this seq. */
  rejectedByBook(seq: number, index: number, code: number, orderId: number): void {
    const command = this.commandOf(seq)
    const at = this.ofCommand(ExecType.rejected | (code << 8), command, seq, index)
    this.reports.i32[at + RP.flags] |= OrdStatus.rejected << 8
    if (orderId !== 0) this.reports.f64[(at >> 1) + RPF.orderId] = orderId
  }

  /** The round's command with this seq, which is not below that of the call before. */
  commandOf(seq: number): number {
    const { f64 } = this.commands as CommandLog
    while (f64[this.sought * (COMMAND_WORDS >> 1) + CMF.seq] < seq) this.sought += 1
    return this.sought
  }

  /** A command was seen before: the first outcome again. */
  duplicate(command: number, seq: number, code: number, orderId: number): void {
    const { i32 } = this.commands as CommandLog
    const kind = i32[command * COMMAND_WORDS + CM.kind]
    const isOrder = kind === CommandKind.new || kind === CommandKind.replace
    const replaced = kind === CommandKind.replace ? ExecType.replaced : ExecType.new
    const done = isOrder ? replaced : ExecType.accepted
    const at = this.ofCommand(
      (code === 0 ? done : ExecType.rejected) | (code << 8),
      command,
      seq,
      0,
    )
    this.reports.i32[at + RP.flags] |= Mark.duplicate << 24
    if (orderId !== 0) this.reports.f64[(at >> 1) + RPF.orderId] = orderId
    this.reports.f64[(at >> 1) + RPF.amount] = isOrder
      ? 0
      : (this.commands as CommandLog).f64[((command * COMMAND_WORDS) >> 1) + CMF.amount]
    if (kind === CommandKind.transfer) {
      this.reports.i32[at + RP.affected] = i32[command * COMMAND_WORDS + CM.to]
    }
  }

  /** A report with what every order report carries; returns its first word. */
  private ofOrder(execType: number, order: number, seq: number, index: number): number {
    const { store, reports } = this
    const at = reports.append()
    const { i32, f64 } = reports
    const f = at >> 1
    const o = order * ORDER_WORDS
    const of = o >> 1
    const orders = store.orders.i32
    const doubles = store.orders.f64
    const p = orders[o + OR.position] * POSITION_WORDS
    const fills = orders[o + OR.fills] * (FILLS_WORDS >> 1)
    const cum = store.fills.f64[fills + FIF.cum]
    const leaves = store.leavesOf(order)
    i32[at + RP.execType] = execType
    i32[at + RP.flags] = orders[o + OR.flags]
    const account = store.positions.i32[p + PO.account]
    i32[at + RP.account] = account
    i32[at + RP.symbol] = store.positions.i32[p + PO.symbol]
    i32[at + RP.index] = index
    i32[at + RP.affected] = 0
    copyId(orders, o + OR.id, i32, at + RP.id)
    for (let word = at + RP.orig; word < at + RP.orig + 8; word += 1) i32[word] = 0
    f64[f + RPF.seq] = seq
    f64[f + RPF.orderId] = doubles[of + ORF.orderId]
    f64[f + RPF.priceTicks] = doubles[of + ORF.priceTicks]
    f64[f + RPF.orderQty] = leaves + cum
    f64[f + RPF.cumQty] = cum
    f64[f + RPF.leavesQty] = leaves
    f64[f + RPF.cumNotional] = store.fills.f64[fills + FIF.notional]
    f64[f + RPF.lastTicks] = 0
    f64[f + RPF.lastLots] = 0
    f64[f + RPF.tradeId] = 0
    f64[f + RPF.amount] = 0
    f64[f + RPF.nowMs] = store.market.nowMs
    f64[f + RPF.execSeq] = this.nextOf(account)
    return at
  }

  /** A report that echoes a command; returns its first word. */
  private ofCommand(execType: number, command: number, seq: number, index: number): number {
    const { store, reports } = this
    const { i32: from, f64: doubles } = this.commands as CommandLog
    const c = command * COMMAND_WORDS
    const at = reports.append()
    const { i32, f64 } = reports
    const f = at >> 1
    const kind = from[c + CM.kind]
    const isNew = kind === CommandKind.new
    const hasTerms = isNew || kind === CommandKind.replace
    // Each word is written once: a record has what an earlier round left in it.
    i32[at + RP.execType] = execType
    i32[at + RP.flags] = (kind << 16) | (isNew ? from[c + CM.flags] : 0)
    const account = from[c + CM.account]
    i32[at + RP.account] = account
    i32[at + RP.symbol] = from[c + CM.symbol]
    i32[at + RP.index] = index
    i32[at + RP.affected] = 0
    copyId(from, c + CM.id, i32, at + RP.id)
    copyId(from, c + CM.orig, i32, at + RP.orig)
    f64[f + RPF.seq] = seq
    f64[f + RPF.orderId] = doubles[(c >> 1) + CMF.orderId]
    f64[f + RPF.priceTicks] = hasTerms ? doubles[(c >> 1) + CMF.priceTicks] : 0
    f64[f + RPF.orderQty] = hasTerms ? doubles[(c >> 1) + CMF.qtyLots] : 0
    f64[f + RPF.cumQty] = 0
    f64[f + RPF.leavesQty] = 0
    f64[f + RPF.cumNotional] = 0
    f64[f + RPF.lastTicks] = 0
    f64[f + RPF.lastLots] = 0
    f64[f + RPF.tradeId] = 0
    f64[f + RPF.amount] = 0
    f64[f + RPF.nowMs] = store.market.nowMs
    f64[f + RPF.execSeq] = account === 0 ? 0 : this.nextOf(account)
    return at
  }

  /** The number of an account's next report, which is the one that is being written. */
  private nextOf(account: number): number {
    const { f64 } = this.store.accounts
    const at = account * (ACCOUNT_WORDS >> 1) + ACF.execSeq
    f64[at] += 1
    return f64[at]
  }
}
