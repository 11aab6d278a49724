// From a command as it came to its binary record: names to handles, decimals to integers, or a
// refusal.

import { unreachable } from '../lib/assert.ts'
import { ACCOUNTS_MAX, ASSETS_MAX, INTEGER_MAX, SYMBOLS_MAX } from './bounds.ts'
import { packId } from './client-id.ts'
import type { CodeName } from './codes.ts'
import {
  BOTH_SIDES,
  CM,
  CMF,
  CommandKind,
  type CommandLog,
  KILL_CANCEL_ALL,
  KILL_ON,
} from './command-log.ts'
import { type Cmd, findFormFault, type RawCommand } from './command-schema.ts'
import { DecimalFault, decimalsOf, formatUnits, parseUnits } from './decimal.ts'
import type { Directory } from './directory.ts'
import { FEE_DECIMALS, type Instrument } from './instrument.ts'
import { LIMIT_NAMES, LIMITS, type LimitSetting } from './limits.ts'
import { OrdType, orderFlags, SelfTrade, Side, TimeInForce } from './order-flags.ts'

/** Why a line is no command. */
export interface IntakeRefusal {
  readonly code: CodeName
  readonly field: string
  /** A sentence of its own, where one says more than the code's. */
  readonly text?: string
}

const QUERIES = new Set<unknown>(['balances', 'book', 'orders'])

/** Whether this asks something, by its `cmd`; all else is a command, good or bad. */
export function isQuery(command: unknown): boolean {
  return QUERIES.has((command as { cmd?: unknown } | null | undefined)?.cmd)
}

/** A query that decoded well; the exchange answers it at the end of the round. */
export interface Query {
  readonly query: 'balances' | 'book' | 'orders'
  /** The account's or the symbol's handle. */
  readonly handle: number
  readonly page: Page
}

/**
 * Which of a list: orders behind an `orderId`, balances behind an asset, positions behind a symbol
 * (by handle, which is the order of definition); so many of each, or levels of a book, at most.
 */
export interface Page {
  readonly after: number
  readonly afterSymbol: number
  readonly limit: number
}

/** All of a list. */
export const WHOLE: Page = { after: 0, afterSymbol: 0, limit: Number.POSITIVE_INFINITY }

const BOOK_DEPTH = 10

/**
 * Appends the command to `log`, or says why not: form first, then names, then precision, then
 * range, as docs/commands.md orders them. A query is returned instead of appended. Definitions
 * enter `names` at once, so that the next command can use them. Nothing throws, whatever `command`
 * is.
 */
export function decode(
  command: unknown,
  names: Directory,
  log: CommandLog,
): IntakeRefusal | Query | undefined {
  if (typeof command !== 'object' || command === null || Array.isArray(command)) {
    return { code: 'MALFORMED', field: 'cmd' }
  }
  const field = findFormFault(command as { [field: string]: unknown })
  if (field !== undefined) return { code: 'MALFORMED', field }
  return new Decoder(command as RawCommand, names, log).decode()
}

/** Decodes one command whose form is right. */
class Decoder {
  private readonly command: RawCommand
  private readonly names: Directory
  private readonly log: CommandLog
  private refusal: IntakeRefusal | undefined

  constructor(command: RawCommand, names: Directory, log: CommandLog) {
    this.command = command
    this.names = names
    this.log = log
  }

  decode(): IntakeRefusal | Query | undefined {
    const query = this.dispatch(this.command.cmd)
    return this.refusal ?? query
  }

  private dispatch(cmd: Cmd): Query | undefined {
    switch (cmd) {
      case 'new':
        return this.submit()
      case 'replace':
        return this.replace()
      case 'cancel':
        return this.cancel()
      case 'massCancel':
        return this.massCancel()
      case 'deposit':
      case 'withdraw':
      case 'transfer':
        return this.transfer(CommandKind[cmd])
      case 'asset':
        return this.asset()
      case 'instrument':
        return this.instrument()
      case 'account':
        return this.account()
      case 'halt':
      case 'resume':
        return this.simple(CommandKind[cmd], 0, this.symbol())
      case 'suspend':
      case 'activate':
        return this.simple(CommandKind[cmd], this.accountNamed('account'), 0)
      case 'killSwitch':
        return this.killSwitch()
      case 'limits':
        return this.limits()
      case 'time':
        return this.time()
      case 'balances':
        return this.balances(cmd)
      case 'orders': {
        const { after, limit } = { ...WHOLE, ...this.command }
        const page = { ...WHOLE, after: Number(after), limit: Number(limit) }
        return { query: cmd, handle: this.accountNamed('account'), page }
      }
      case 'book': {
        const { depth = BOOK_DEPTH } = this.command
        return { query: cmd, handle: this.symbol(), page: { ...WHOLE, limit: Number(depth) } }
      }
      default:
        return unreachable(cmd)
    }
  }

  private balances(query: 'balances'): Query | undefined {
    const { after, afterSymbol, limit = WHOLE.limit } = this.command
    const handle = this.accountNamed('account')
    const page = {
      after: after === undefined ? WHOLE.after : this.assetNamed('after'),
      afterSymbol: afterSymbol === undefined ? WHOLE.afterSymbol : this.symbol('afterSymbol'),
      limit: Number(limit),
    }
    return { query, handle, page }
  }

  // --- orders ----------------------------------------------------------------------------------

  private submit(): undefined {
    const { command, log } = this
    const account = this.accountNamed('account')
    const symbol = this.symbol()
    if (this.refusal) return
    const isMarket = command.ordType === 'market'
    const { price, qty } = this.priceAndQty(symbol, isMarket ? undefined : this.text('price'))
    if (this.refusal) return
    const timeInForce = (command.timeInForce ??
      (isMarket ? 'IOC' : 'GTC')) as keyof typeof TimeInForce
    const selfTrade = (command.selfTradePrevention ?? 'cancelNewest') as keyof typeof SelfTrade
    const flags = orderFlags({
      side: Side[command.side as keyof typeof Side],
      ordType: isMarket ? OrdType.market : OrdType.limit,
      timeInForce: TimeInForce[timeInForce],
      postOnly: command.postOnly === true,
      reduceOnly: command.reduceOnly === true,
      selfTrade: SelfTrade[selfTrade],
    })
    const at = log.add(CommandKind.new, account, symbol, flags)
    packId(this.text('clOrdId'), log.i32, at + CM.id)
    log.f64[(at >> 1) + CMF.priceTicks] = price
    log.f64[(at >> 1) + CMF.qtyLots] = qty
  }

  private replace(): undefined {
    const { log } = this
    const account = this.accountNamed('account')
    const symbol = this.symbol()
    if (this.refusal) return
    const { price, qty } = this.priceAndQty(symbol, this.text('price'))
    if (this.refusal) return
    const at = log.add(CommandKind.replace, account, symbol, 0)
    packId(this.text('clOrdId'), log.i32, at + CM.id)
    log.f64[(at >> 1) + CMF.priceTicks] = price
    log.f64[(at >> 1) + CMF.qtyLots] = qty
    this.target(at)
  }

  private cancel(): undefined {
    const account = this.accountNamed('account')
    const symbol = this.symbol()
    if (this.refusal) return
    this.target(this.log.add(CommandKind.cancel, account, symbol, 0))
  }

  private massCancel(): undefined {
    const account = this.accountNamed('account')
    const symbol = this.command.symbol === undefined ? 0 : this.symbol()
    if (this.refusal) return
    const side = this.command.side as keyof typeof Side | undefined
    const flags = side === undefined ? BOTH_SIDES : Side[side]
    this.log.add(CommandKind.massCancel, account, symbol, flags)
  }

  /** The order that a cancel or replace names. */
  private target(at: number): void {
    const { command, log } = this
    if (command.orderId !== undefined) {
      log.f64[(at >> 1) + CMF.orderId] = Number(command.orderId)
    } else {
      packId(this.text('origClOrdId'), log.i32, at + CM.orig)
    }
  }

  private priceAndQty(
    symbol: number,
    priceText: string | undefined,
  ): { price: number; qty: number } {
    const { tickUnits, tickDecimals, lotUnits, lotDecimals } = this.names.instrumentOf(symbol)
    const price = priceText === undefined ? 0 : multiples(priceText, tickUnits, tickDecimals)
    const qty = multiples(this.text('orderQty'), lotUnits, lotDecimals)
    if (price === DecimalFault.precision) {
      const tick = formatUnits(tickUnits, tickDecimals)
      const text = `the price is not a whole number of ticks, which are ${tick}; round it to one`
      this.refuse('PRICE_PRECISION', 'price', text)
    }
    if (qty === DecimalFault.precision) {
      const lot = formatUnits(lotUnits, lotDecimals)
      const text = `the quantity is not a whole number of lots, which are ${lot}; round it to one`
      this.refuse('QTY_PRECISION', 'orderQty', text)
    }
    if (price === DecimalFault.overflow) this.refuse('OVERFLOW', 'price')
    if (qty === DecimalFault.overflow) this.refuse('OVERFLOW', 'orderQty')
    return { price, qty }
  }

  // --- money -----------------------------------------------------------------------------------

  private transfer(kind: CommandKind): undefined {
    const { log, names } = this
    const asset = this.assetNamed('asset')
    const account = this.accountNamed('account')
    const to = kind === CommandKind.transfer ? this.accountNamed('to') : 0
    if (this.refusal) return
    const { decimals } = names.assetOf(asset)
    const amount = parseUnits(this.text('amount'), decimals)
    if (amount === DecimalFault.precision) {
      const text = `the amount has more digits than the asset's ${decimals} decimals; round it`
      this.refuse('AMOUNT_PRECISION', 'amount', text)
    }
    if (amount === DecimalFault.overflow) this.refuse('OVERFLOW', 'amount')
    if (this.refusal) return
    const at = log.add(kind, account, asset, to)
    packId(this.text('transferId'), log.i32, at + CM.id)
    log.f64[(at >> 1) + CMF.amount] = amount
  }

  // --- definitions -----------------------------------------------------------------------------

  private asset(): undefined {
    const { command, names, log } = this
    const asset = { asset: this.text('asset'), decimals: command.decimals as number }
    let handle = names.asset(asset.asset)
    if (handle !== 0 && names.assetOf(handle).decimals !== asset.decimals) {
      return this.refuse('ALREADY_DEFINED', 'asset')
    }
    if (handle === 0 && names.assets.length > ASSETS_MAX)
      return this.refuse('LIMIT_REACHED', 'asset')
    if (handle === 0) handle = names.addAsset(asset)
    log.define(log.add(CommandKind.asset, 0, handle, 0), asset)
  }

  private account(): undefined {
    const { names, log } = this
    const account = this.text('account')
    let handle = names.account(account)
    if (handle === 0 && names.accounts.length > ACCOUNTS_MAX) {
      return this.refuse('LIMIT_REACHED', 'account')
    }
    if (handle === 0) handle = names.addAccount(account)
    log.define(log.add(CommandKind.account, handle, 0, 0), { account })
  }

  private instrument(): undefined {
    const { names, log } = this
    const instrument = this.readInstrument()
    if (instrument === undefined || this.refusal) return
    let handle = names.symbol(instrument.symbol)
    if (handle !== 0) {
      const known = JSON.stringify(names.instrumentOf(handle))
      if (known !== JSON.stringify(instrument)) return this.refuse('ALREADY_DEFINED', 'symbol')
    } else if (names.instruments.length > SYMBOLS_MAX) {
      return this.refuse('LIMIT_REACHED', 'symbol')
    } else {
      handle = names.addInstrument(instrument)
    }
    log.define(log.add(CommandKind.instrument, 0, handle, 0), instrument)
  }

  private readInstrument(): Instrument | undefined {
    const { names } = this
    const base = this.assetNamed('base')
    const quote = this.assetNamed('quote')
    if (this.refusal) return
    if (base === quote) return this.refuse('INVALID_DEFINITION', 'quote')
    const tickDecimals = decimalsOf(this.text('tickSize'))
    const lotDecimals = decimalsOf(this.text('lotSize'))
    const tickUnits = parseUnits(this.text('tickSize'), tickDecimals)
    const lotUnits = parseUnits(this.text('lotSize'), lotDecimals)
    if (tickUnits < 0) return this.refuse('INVALID_DEFINITION', 'tickSize')
    if (lotUnits < 0) return this.refuse('INVALID_DEFINITION', 'lotSize')
    const quoteDecimals = names.assetOf(quote).decimals
    const baseDecimals = names.assetOf(base).decimals
    const product = BigInt(tickUnits) * BigInt(lotUnits)
    const quotePerTickLot = scaleExactly(product, quoteDecimals - tickDecimals - lotDecimals)
    const basePerLot = scaleExactly(BigInt(lotUnits), baseDecimals - lotDecimals)
    if (quotePerTickLot === 0) return this.refuse('INVALID_DEFINITION', 'tickSize')
    if (basePerLot === 0) return this.refuse('INVALID_DEFINITION', 'lotSize')
    const takerFeeRate = this.rate('takerFeeRate')
    const makerFeeRate = this.rate('makerFeeRate')
    if (this.refusal) return
    if (takerFeeRate < 0 || takerFeeRate >= 10 ** FEE_DECIMALS) {
      return this.refuse('INVALID_DEFINITION', 'takerFeeRate')
    }
    if (makerFeeRate < -takerFeeRate || makerFeeRate >= 10 ** FEE_DECIMALS) {
      return this.refuse('INVALID_DEFINITION', 'makerFeeRate')
    }
    const bound = (field: string, units: number, decimals: number, absent: number): number => {
      if (this.command[field] === undefined) return absent
      const value = multiples(this.text(field), units, decimals)
      if (value < 0) this.refuse('INVALID_DEFINITION', field)
      return value
    }
    const instrument: Instrument = {
      symbol: this.text('symbol'),
      base,
      quote,
      tickUnits,
      tickDecimals,
      lotUnits,
      lotDecimals,
      quotePerTickLot,
      basePerLot,
      makerFeeRate,
      takerFeeRate,
      holdFeeRate: Math.max(makerFeeRate, takerFeeRate, 0),
      minQtyLots: bound('minQty', lotUnits, lotDecimals, 0),
      maxQtyLots: bound('maxQty', lotUnits, lotDecimals, INTEGER_MAX),
      minNotional: bound('minNotional', 1, quoteDecimals, 0),
      maxNotional: bound('maxNotional', 1, quoteDecimals, INTEGER_MAX),
      minPriceTicks: bound('minPrice', tickUnits, tickDecimals, 0),
      maxPriceTicks: bound('maxPrice', tickUnits, tickDecimals, INTEGER_MAX),
      referenceTicks: bound('referencePrice', tickUnits, tickDecimals, 0),
    }
    if (instrument.minQtyLots > instrument.maxQtyLots) this.refuse('INVALID_DEFINITION', 'maxQty')
    if (instrument.minNotional > instrument.maxNotional) {
      this.refuse('INVALID_DEFINITION', 'maxNotional')
    }
    if (instrument.minPriceTicks > instrument.maxPriceTicks) {
      this.refuse('INVALID_DEFINITION', 'maxPrice')
    }
    return instrument
  }

  private rate(field: string): number {
    const text = (this.command[field] as string | undefined) ?? '0'
    const isNegative = text.startsWith('-')
    const value = parseUnits(isNegative ? text.slice(1) : text, FEE_DECIMALS)
    if (value < 0) this.refuse('INVALID_DEFINITION', field)
    // Not -0: definitions are compared by their text.
    return isNegative && value > 0 ? -value : value
  }

  // --- switches --------------------------------------------------------------------------------

  private simple(kind: CommandKind, account: number, symbol: number): undefined {
    if (!this.refusal) this.log.add(kind, account, symbol, 0)
  }

  private killSwitch(): undefined {
    const { command } = this
    const account = command.account === undefined ? 0 : this.accountNamed('account')
    if (this.refusal) return
    const flags =
      (command.on === true ? KILL_ON : 0) | (command.cancelAll === true ? KILL_CANCEL_ALL : 0)
    this.log.add(CommandKind.killSwitch, account, 0, flags)
  }

  private limits(): undefined {
    const { command, log } = this
    const account = command.account === undefined ? 0 : this.accountNamed('account')
    const symbol = command.symbol === undefined ? 0 : this.symbol()
    const settings: { [name: string]: LimitSetting } = {}
    for (const name of LIMIT_NAMES) {
      if (!Object.hasOwn(command, name)) continue
      const value = readLimit(command[name], LIMITS[name].kind)
      if (typeof value === 'number' && value < 0) this.refuse('OVERFLOW', name)
      settings[name] = value
    }
    if (this.refusal) return
    log.define(log.add(CommandKind.limits, account, symbol, 0), { account, symbol, settings })
  }

  private time(): undefined {
    const at = this.log.add(CommandKind.time, 0, 0, 0)
    this.log.f64[(at >> 1) + CMF.nowMs] = Date.parse(this.text('now'))
  }

  // --- names -----------------------------------------------------------------------------------

  private assetNamed(field: string): number {
    const handle = this.names.asset(this.text(field))
    if (handle === 0) this.refuse('UNKNOWN_ASSET', field)
    return handle
  }

  private accountNamed(field: string): number {
    const handle = this.names.account(this.text(field))
    if (handle === 0) this.refuse('UNKNOWN_ACCOUNT', field)
    return handle
  }

  private symbol(field = 'symbol'): number {
    const handle = this.names.symbol(this.text(field))
    if (handle === 0) this.refuse('UNKNOWN_SYMBOL', field)
    return handle
  }

  private text(field: string): string {
    return this.command[field] as string
  }

  /** The first refusal counts. */
  private refuse(code: CodeName, field: string, text?: string): undefined {
    this.refusal ??= text === undefined ? { code, field } : { code, field, text }
  }
}

/** How many times `units` × 10^-`decimals` a decimal is, or a {@link DecimalFault}. */
function multiples(text: string, units: number, decimals: number): number {
  const value = parseUnits(text, decimals)
  if (value < 0 || units === 1) return value
  return value % units === 0 ? value / units : DecimalFault.precision
}

/** value × 10^exponent as a safe integer, or 0 if it is none. */
function scaleExactly(value: bigint, exponent: number): number {
  const power = 10n ** BigInt(Math.abs(exponent))
  if (exponent < 0 && value % power !== 0n) return 0
  const scaled = exponent < 0 ? value / power : value * power
  return scaled <= BigInt(INTEGER_MAX) ? Number(scaled) : 0
}

function readLimit(
  value: unknown,
  kind: (typeof LIMITS)[keyof typeof LIMITS]['kind'],
): LimitSetting {
  if (value === null || value === 'off') return value
  switch (kind) {
    case 'switch':
      return value === true ? 1 : 0
    case 'hours': {
      const [startHour, startMinute, endHour, endMinute] = (value as string)
        .split(/[:-]/)
        .map(Number)
      return (startHour * 60 + startMinute) * 1440 + endHour * 60 + endMinute
    }
    case 'count':
    case 'milliseconds':
      return value as number
    case 'fraction':
    case 'base':
    case 'quote':
    case 'loss':
      return parseUnits(value as string, 6)
    default:
      return unreachable(kind)
  }
}
