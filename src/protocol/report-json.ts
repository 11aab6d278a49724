// Execution reports as the objects that go over the wire: handles to names, integers to decimals.

import { unpackId } from './client-id.ts'
import { CODE_NAMES, type CodeName, codeText } from './codes.ts'
import { COMMAND_NAMES, CommandKind, type CommandName } from './command-log.ts'
import { formatUnits } from './decimal.ts'
import type { Directory } from './directory.ts'
import type { Instrument } from './instrument.ts'
import { isMarket, sideOf, timeInForceOf } from './order-flags.ts'
import {
  EXEC_TYPE_NAMES,
  type ExecType,
  Mark,
  ORD_STATUS_NAMES,
  type ReportLog,
  RP,
  RPF,
} from './report-log.ts'

/** An execution report; docs/commands.md describes each field. Absent fields do not apply. */
export interface Report {
  seq?: number
  execId?: string
  /** From 1 without a gap among the reports of `account`. */
  execSeq?: number
  /** Line of the file, on refusals of `onefill replay`. */
  line?: number
  execType: Exclude<keyof typeof ExecType, 'none'>
  ordStatus?: string
  cmd?: string
  orderId?: string
  clOrdId?: string
  origClOrdId?: string
  account?: string
  symbol?: string
  side?: 'buy' | 'sell'
  ordType?: 'limit' | 'market'
  timeInForce?: 'GTC' | 'IOC' | 'FOK'
  price?: string
  orderQty?: string
  cumQty?: string
  leavesQty?: string
  avgPx?: string
  lastPx?: string
  lastQty?: string
  tradeId?: string
  aggressor?: boolean
  fee?: string
  feeAsset?: string
  code?: CodeName
  field?: string
  text?: string
  duplicate?: true
  asset?: string
  amount?: string
  to?: string
  transferId?: string
  affected?: number
  transactTime?: string
}

export const TIME_IN_FORCE_NAMES = ['GTC', 'IOC', 'FOK'] as const

/** Digits of `avgPx` beyond those of the tick. */
const AVG_PX_EXTRA_DIGITS = 4

/** A price in ticks as a decimal string. */
export function formatPrice(ticks: number, of: Instrument): string {
  return formatUnits(productOf(ticks, of.tickUnits), of.tickDecimals)
}

/** A quantity in lots as a decimal string. */
export function formatQty(lots: number, of: Instrument): string {
  return formatUnits(productOf(lots, of.lotUnits), of.lotDecimals)
}

/**
 * Cumulated notional over cumulated quantity as a price, rounded half up, four digits beyond the
 * tick's.
 */
export function formatAverage(notional: number, lots: number, of: Instrument): string {
  return formatUnits(averageOf(notional, lots, of), averageDecimals(of))
}

/** The decimals of what {@link averageOf} gives. */
export const averageDecimals = (of: Instrument): number => of.tickDecimals + AVG_PX_EXTRA_DIGITS

/** As {@link formatAverage}, as a count of 10^-`averageDecimals`. */
export function averageOf(notional: number, lots: number, of: Instrument): number | bigint {
  if (lots === 0) return 0
  // notional / M is ticks × lots; so ticks per lot, times the tick, in units of 10^-digits.
  const numerator = notional * of.tickUnits * 10 ** AVG_PX_EXTRA_DIGITS
  const denominator = lots * of.quotePerTickLot
  const above = 2 * numerator + denominator
  // Below 2^53 a quotient is never rounded up to a whole number that it does not reach.
  if (above <= Number.MAX_SAFE_INTEGER) return Math.floor(above / (2 * denominator))
  const exact = BigInt(notional) * BigInt(of.tickUnits) * 10n ** BigInt(AVG_PX_EXTRA_DIGITS)
  const by = BigInt(lots) * BigInt(of.quotePerTickLot)
  return (2n * exact + by) / (2n * by)
}

/** A product that may be beyond 2^53, exactly. */
export function productOf(count: number, units: number): number | bigint {
  const product = count * units
  return Math.abs(product) <= Number.MAX_SAFE_INTEGER ? product : BigInt(count) * BigInt(units)
}

/** The report that starts at word `at` of `log`. */
export function readReport(log: ReportLog, at: number, names: Directory): Report {
  const { i32, f64 } = log
  const f = at >> 1
  const execType = EXEC_TYPE_NAMES[i32[at] & 255] as Report['execType']
  const code = i32[at] >>> 8
  const flags = i32[at + RP.flags]
  const kind = COMMAND_NAMES[(flags >>> 16) & 255]
  const seq = f64[f + RPF.seq]
  const index = i32[at + RP.index] === -1 ? f64[f + RPF.orderId] : i32[at + RP.index]
  const execSeq = f64[f + RPF.execSeq]
  const report: Report = {
    seq,
    execId: `${seq}-${index}`,
    ...(execSeq === 0 ? {} : { execSeq }),
    execType,
  }
  if (kind === 'none') readOrder(report, log, at, names, flags)
  else readCommand(report, log, at, names, kind as CommandName)
  if (code !== 0) {
    report.code = CODE_NAMES[code]
    report.text = codeText(code)
  }
  if (((flags >>> 24) & Mark.duplicate) !== 0) report.duplicate = true
  const nowMs = f64[f + RPF.nowMs]
  if (nowMs !== 0) report.transactTime = new Date(nowMs).toISOString()
  return report
}

function readOrder(
  report: Report,
  log: ReportLog,
  at: number,
  names: Directory,
  flags: number,
): void {
  const { i32, f64 } = log
  const f = at >> 1
  const instrument = names.instrumentOf(i32[at + RP.symbol])
  report.ordStatus = ORD_STATUS_NAMES[(flags >>> 8) & 255]
  report.orderId = String(f64[f + RPF.orderId])
  report.clOrdId = unpackId(i32, at + RP.id)
  if (i32[at + RP.orig] !== 0) report.origClOrdId = unpackId(i32, at + RP.orig)
  report.account = names.accountOf(i32[at + RP.account])
  report.symbol = instrument.symbol
  readFlags(report, flags)
  report.price = formatPrice(f64[f + RPF.priceTicks], instrument)
  report.orderQty = formatQty(f64[f + RPF.orderQty], instrument)
  report.cumQty = formatQty(f64[f + RPF.cumQty], instrument)
  report.leavesQty = formatQty(f64[f + RPF.leavesQty], instrument)
  report.avgPx = formatAverage(f64[f + RPF.cumNotional], f64[f + RPF.cumQty], instrument)
  if (report.execType !== 'trade') return
  const quote = names.assetOf(instrument.quote)
  report.lastPx = formatPrice(f64[f + RPF.lastTicks], instrument)
  report.lastQty = formatQty(f64[f + RPF.lastLots], instrument)
  report.tradeId = String(f64[f + RPF.tradeId])
  report.aggressor = ((flags >>> 24) & Mark.aggressor) !== 0
  report.fee = formatUnits(f64[f + RPF.amount], quote.decimals)
  report.feeAsset = quote.asset
}

function readFlags(report: Report, flags: number): void {
  report.side = sideOf(flags) === 0 ? 'buy' : 'sell'
  report.ordType = isMarket(flags) ? 'market' : 'limit'
  report.timeInForce = TIME_IN_FORCE_NAMES[timeInForceOf(flags)]
}

function readCommand(
  report: Report,
  log: ReportLog,
  at: number,
  names: Directory,
  cmd: CommandName,
): void {
  const { i32, f64 } = log
  const f = at >> 1
  const account = i32[at + RP.account]
  report.cmd = cmd
  if (account !== 0) report.account = names.accountOf(account)
  switch (CommandKind[cmd]) {
    case CommandKind.new:
    case CommandKind.replace:
    case CommandKind.cancel:
      return readOrderCommand(report, log, at, names, cmd)
    case CommandKind.deposit:
    case CommandKind.withdraw:
    case CommandKind.transfer: {
      const asset = names.assetOf(i32[at + RP.symbol])
      report.asset = asset.asset
      report.transferId = unpackId(i32, at + RP.id)
      if (cmd === 'transfer' && i32[at + RP.affected] !== 0) {
        report.to = names.accountOf(i32[at + RP.affected])
      }
      if (report.execType === 'accepted')
        report.amount = formatUnits(f64[f + RPF.amount], asset.decimals)
      return
    }
    case CommandKind.asset:
      report.asset = names.assetOf(i32[at + RP.symbol]).asset
      return
    case CommandKind.massCancel:
    case CommandKind.killSwitch:
      report.affected = i32[at + RP.affected]
      break
    default:
      break
  }
  const symbol = i32[at + RP.symbol]
  if (symbol !== 0) report.symbol = names.instrumentOf(symbol).symbol
}

/** What a new, replace or cancel said, on its refusal or as a duplicate. */
function readOrderCommand(
  report: Report,
  log: ReportLog,
  at: number,
  names: Directory,
  cmd: CommandName,
): void {
  const { i32, f64 } = log
  const f = at >> 1
  const flags = i32[at + RP.flags]
  const instrument = names.instrumentOf(i32[at + RP.symbol])
  const ordStatus = ORD_STATUS_NAMES[(flags >>> 8) & 255]
  if (cmd === 'new' && ordStatus !== 'none') report.ordStatus = ordStatus
  const orderId = f64[f + RPF.orderId]
  if (orderId !== 0) report.orderId = String(orderId)
  if (i32[at + RP.id] !== 0) report.clOrdId = unpackId(i32, at + RP.id)
  if (i32[at + RP.orig] !== 0) report.origClOrdId = unpackId(i32, at + RP.orig)
  report.symbol = instrument.symbol
  if (cmd === 'cancel') return
  if (cmd === 'new') readFlags(report, flags)
  const priceTicks = f64[f + RPF.priceTicks]
  if (priceTicks !== 0) report.price = formatPrice(priceTicks, instrument)
  report.orderQty = formatQty(f64[f + RPF.orderQty], instrument)
}
