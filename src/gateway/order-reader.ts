// The orders in a msgpack frame straight into binary, for the commands that come by the hundred
// thousand: limit orders, cancels, replaces.
//
// It takes a frame of which all is well formed and all names are known, or nothing of it. Whatever
// else comes is for the way that says what is wrong (frame.ts, subjects.ts, protocol/decode.ts):
// what this one takes, that one takes too, to the same bytes (test/gateway/order-reader.test.ts).

import { DECIMAL_CHARS_MAX, INTEGER_MAX } from '../protocol/bounds.ts'
import { packIdBytes } from '../protocol/client-id.ts'
import * as commandLog from '../protocol/command-log.ts'
import type { Directory } from '../protocol/directory.ts'
import { Flag, TimeInForce } from '../protocol/order-flags.ts'
import { BATCH_COMMANDS_MAX, FRAME_BYTES_MAX } from './bounds.ts'
import { findFieldName } from './field-names.ts'
import { NO_FIELD, ORDER_FIELDS, OrderField, orderFieldOf } from './order-fields.ts'
import { SymbolCache } from './symbol-cache.ts'

// V8 folds constants only in the module that declares them: docs/decisions/0007.
const { CM, CMF, CommandKind } = commandLog

/** What cannot be read here; what can is never below zero. */
const DECLINED = -1
const [FALSE, TRUE] = [0xc2, 0xc3]

const bit = (field: number): number => 1 << field
const bits = (...fields: number[]): number => fields.reduce((all, field) => all | bit(field), 0)
const F = OrderField
const ANY = bits(F.cmd, F.account)
const TARGET = bits(F.origClOrdId, F.orderId)
const NEW_NEEDS = bits(F.clOrdId, F.symbol, F.side, F.ordType, F.orderQty, F.price)
const NEW_MAY = NEW_NEEDS | ANY | bits(F.timeInForce, F.postOnly, F.reduceOnly)
const CANCEL_NEEDS = bit(F.symbol)
const REPLACE_NEEDS = bits(F.symbol, F.clOrdId, F.price, F.orderQty)

/** What the subject says of the commands. */
interface To {
  readonly account: string
  readonly verb: string
}

/** Reads one frame at a time; reused, so that an order makes no object. */
export class OrderReader {
  /** What was read last. */
  readonly log = new commandLog.CommandLog(64)
  /** Whether it came as an array. */
  isBatch = false
  private readonly symbols = new SymbolCache()
  private bytes: Uint8Array = NOTHING
  private at = 0
  /** Of the command that is being read: fields that are there, and where their values are. */
  private seen = 0
  private readonly starts = new Int32Array(ORDER_FIELDS)
  private readonly lengths = new Int32Array(ORDER_FIELDS)

  /** Reads a frame that came for an account; whether `log` has all of its commands now. */
  read(bytes: Uint8Array, to: To, names: Directory): boolean {
    const account = names.account(to.account)
    if (account === 0 || bytes.length > FRAME_BYTES_MAX) return false
    this.bytes = bytes
    this.at = 0
    this.log.clear()
    this.symbols.use(names)
    const isRead = this.frame(to, account, names) && this.at === bytes.length
    // The frame belongs to a socket's buffer, which is not to live on in here.
    this.bytes = NOTHING
    return isRead
  }

  private frame(to: To, account: number, names: Directory): boolean {
    const token = this.bytes[0]
    this.isBatch = (token & 0xf0) === 0x90 || token === 0xdc
    if (!this.isBatch) return this.command(to, account, names)
    const count = token === 0xdc ? this.uint16(1) : token & 0x0f
    this.at = token === 0xdc ? 3 : 1
    if (count === 0 || count > BATCH_COMMANDS_MAX) return false
    for (let i = 0; i < count; i += 1) if (!this.command(to, account, names)) return false
    return true
  }

  private command(to: To, account: number, names: Directory): boolean {
    if (!this.fields()) return false
    const { seen } = this
    if ((seen & bit(F.account)) !== 0 && !this.is(F.account, to.account)) return false
    switch (this.verb(to.verb)) {
      case 'new':
        return (seen & NEW_NEEDS) === NEW_NEEDS && (seen & ~NEW_MAY) === 0
          ? this.order(account, names)
          : false
      case 'cancel':
        return this.hasTarget(CANCEL_NEEDS) && this.cancel(account)
      case 'replace':
        return this.hasTarget(REPLACE_NEEDS) && this.replace(account, names)
      default:
        return false
    }
  }

  /** What the command is, where subject and body agree. */
  private verb(verb: string): string | undefined {
    if ((this.seen & bit(F.cmd)) === 0) return verb
    if (verb !== 'batch') return this.is(F.cmd, verb) ? verb : undefined
    if (this.is(F.cmd, 'new')) return 'new'
    if (this.is(F.cmd, 'cancel')) return 'cancel'
    return this.is(F.cmd, 'replace') ? 'replace' : undefined
  }

  /** Whether just these fields are there, and one that names an order. */
  private hasTarget(needs: number): boolean {
    const { seen } = this
    const target = seen & TARGET
    const isOne = target === bit(F.origClOrdId) || target === bit(F.orderId)
    return isOne && (seen & needs) === needs && (seen & ~(needs | ANY | TARGET)) === 0
  }

  private order(account: number, names: Directory): boolean {
    const flags = this.flags()
    const symbol = this.symbol()
    if (flags === DECLINED || symbol === 0) return false
    return this.priced(CommandKind.new, account, symbol, flags, names) !== DECLINED
  }

  private replace(account: number, names: Directory): boolean {
    const symbol = this.symbol()
    if (symbol === 0) return false
    const at = this.priced(CommandKind.replace, account, symbol, 0, names)
    return at !== DECLINED && this.target(at)
  }

  private cancel(account: number): boolean {
    const symbol = this.symbol()
    return symbol !== 0 && this.target(this.log.add(CommandKind.cancel, account, symbol, 0))
  }

  /** A command with a price, a quantity and an id of its own; its first word. */
  private priced(
    kind: commandLog.CommandKind,
    account: number,
    symbol: number,
    flags: number,
    names: Directory,
  ): number {
    const { tickUnits, tickDecimals, lotUnits, lotDecimals } = names.instrumentOf(symbol)
    const price = this.multiples(F.price, tickUnits, tickDecimals)
    const qty = this.multiples(F.orderQty, lotUnits, lotDecimals)
    if (price === DECLINED || qty === DECLINED) return DECLINED
    const { log } = this
    const at = log.add(kind, account, symbol, flags)
    if (!this.id(F.clOrdId, at + CM.id)) return DECLINED
    log.f64[(at >> 1) + CMF.priceTicks] = price
    log.f64[(at >> 1) + CMF.qtyLots] = qty
    return at
  }

  private target(at: number): boolean {
    if ((this.seen & bit(F.orderId)) === 0) return this.id(F.origClOrdId, at + CM.orig)
    const start = this.starts[F.orderId]
    const length = this.lengths[F.orderId]
    // As decimal digits without a zero in front.
    if (length > 16 || this.bytes[start] === 0x30) return false
    const orderId = this.units(F.orderId, 0)
    if (orderId === DECLINED || this.hasPoint(start, length)) return false
    this.log.f64[(at >> 1) + CMF.orderId] = orderId
    return true
  }

  private flags(): number {
    const { seen, starts } = this
    if (!this.is(F.ordType, 'limit')) return DECLINED
    let flags = this.is(F.side, 'sell') ? Flag.sell : 0
    if (flags === 0 && !this.is(F.side, 'buy')) return DECLINED
    let timeInForce: number = TimeInForce.GTC
    if ((seen & bit(F.timeInForce)) !== 0 && !this.is(F.timeInForce, 'GTC')) {
      if (this.is(F.timeInForce, 'IOC')) timeInForce = TimeInForce.IOC
      else if (this.is(F.timeInForce, 'FOK')) timeInForce = TimeInForce.FOK
      else return DECLINED
    }
    flags |= timeInForce << Flag.timeInForceShift
    const isPostOnly = (seen & bit(F.postOnly)) !== 0 && starts[F.postOnly] === TRUE
    if (isPostOnly && timeInForce !== TimeInForce.GTC) return DECLINED
    if (isPostOnly) flags |= Flag.postOnly
    const isReduceOnly = (seen & bit(F.reduceOnly)) !== 0 && starts[F.reduceOnly] === TRUE
    return isReduceOnly ? flags | Flag.reduceOnly : flags
  }

  private symbol(): number {
    return this.symbols.handleOf(this.bytes, this.starts[F.symbol], this.lengths[F.symbol])
  }

  // --- bytes -------------------------------------------------------------------------------------

  /** Reads a map; whether it has only fields that are known here, none twice, and their kinds. */
  private fields(): boolean {
    const { bytes } = this
    const token = bytes[this.at]
    let count: number
    if ((token & 0xf0) === 0x80) {
      count = token & 0x0f
      this.at += 1
    } else if (token === 0xde) {
      count = this.uint16(this.at + 1)
      this.at += 3
    } else return false
    this.seen = 0
    for (let i = 0; i < count; i += 1) {
      const length = bytes[this.at] - 0xa0
      const start = this.at + 1
      if (!(length > 0 && length < 32) || start + length > bytes.length) return false
      const name = findFieldName(bytes, start, length)
      const field = name === undefined ? NO_FIELD : orderFieldOf(name)
      if (field === NO_FIELD || (this.seen & bit(field)) !== 0) return false
      this.seen |= bit(field)
      this.at = start + length
      if (!this.value(field)) return false
    }
    return true
  }

  private value(field: number): boolean {
    const { bytes, at, starts, lengths } = this
    const token = bytes[at]
    if (field === F.postOnly || field === F.reduceOnly) {
      starts[field] = token
      this.at = at + 1
      return token === FALSE || token === TRUE
    }
    const isShort = token >= 0xa0 && token < 0xc0
    if (!isShort && token !== 0xd9) return false
    const start = isShort ? at + 1 : at + 2
    const length = isShort ? token & 0x1f : bytes[at + 1]
    if (!(start + length <= bytes.length)) return false
    starts[field] = start
    lengths[field] = length
    this.at = start + length
    return true
  }

  /** Whether a field's value is this text, which is ASCII. */
  private is(field: number, text: string): boolean {
    const { bytes } = this
    const start = this.starts[field]
    if (this.lengths[field] !== text.length) return false
    for (let i = 0; i < text.length; i += 1) {
      if (bytes[start + i] !== text.charCodeAt(i)) return false
    }
    return true
  }

  private id(field: number, into: number): boolean {
    const { bytes, starts, lengths, log } = this
    return packIdBytes(bytes, starts[field], lengths[field], log.i32, into)
  }

  /** How many times `units` × 10^-`decimals` a decimal above zero is. */
  private multiples(field: number, units: number, decimals: number): number {
    const value = this.units(field, decimals)
    if (value === DECLINED || units === 1) return value
    return value % units === 0 ? value / units : DECLINED
  }

  /** As `parseUnits`, of a decimal above zero. */
  private units(field: number, decimals: number): number {
    const { bytes } = this
    const start = this.starts[field]
    const length = this.lengths[field]
    if (length === 0 || length > DECIMAL_CHARS_MAX) return DECLINED
    let value = 0
    let fraction = -1
    for (let at = start; at < start + length; at += 1) {
      const char = bytes[at]
      if (char === 0x2e) {
        if (fraction >= 0 || at === start) return DECLINED
        fraction = 0
        continue
      }
      const digit = char - 0x30
      if (digit < 0 || digit > 9) return DECLINED
      if (fraction >= 0) fraction += 1
      if (fraction > decimals) {
        if (digit !== 0) return DECLINED
      } else value = value * 10 + digit
    }
    if (fraction === 0 || value === 0) return DECLINED
    for (let i = Math.max(fraction, 0); i < decimals; i += 1) value *= 10
    return value <= INTEGER_MAX ? value : DECLINED
  }

  private hasPoint(start: number, length: number): boolean {
    for (let at = start; at < start + length; at += 1) if (this.bytes[at] === 0x2e) return true
    return false
  }

  /** Two bytes; not a number that is looked for where they are not there. */
  private uint16(at: number): number {
    return this.bytes[at] * 256 + this.bytes[at + 1]
  }
}

const NOTHING = new Uint8Array(0)
