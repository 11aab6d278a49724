// Reports out of the engine's binary log into msgpack, without an object or a string in between:
// the very fields that `readReport` gives, in the same order (protocol/report-json.ts).

import { assert } from '../lib/assert.ts'
import { digitsOf, writeDigits } from '../lib/digits.ts'
import { writeId } from '../protocol/client-id.ts'
import { CODE_NAMES, codeText } from '../protocol/codes.ts'
import { COMMAND_NAMES, CommandKind } from '../protocol/command-log.ts'
import { formatUnits } from '../protocol/decimal.ts'
import type { Directory } from '../protocol/directory.ts'
import type { Instrument } from '../protocol/instrument.ts'
import { isMarket, sideOf, timeInForceOf } from '../protocol/order-flags.ts'
import {
  averageDecimals,
  averageOf,
  productOf,
  TIME_IN_FORCE_NAMES,
} from '../protocol/report-json.ts'
import * as reportLog from '../protocol/report-log.ts'
import { type Fragment, FragmentTable, fieldsOf, keyOf } from './report-fragments.ts'

// V8 folds constants only in the module that declares them: docs/decisions/0007.
const { EXEC_TYPE_NAMES, ExecType, Mark, ORD_STATUS_NAMES, REPORT_WORDS, RP, RPF } = reportLog
const NO_COMMAND = CommandKind.none

/** No report of the engine is longer: some thirty fields, names and ids of up to 36 characters. */
export const REPORT_BYTES_MAX = 1_536

const KEY = {
  ...{ seq: keyOf('seq'), execId: keyOf('execId'), execSeq: keyOf('execSeq') },
  ...{ orderId: keyOf('orderId'), clOrdId: keyOf('clOrdId'), origClOrdId: keyOf('origClOrdId') },
  ...{ price: keyOf('price'), orderQty: keyOf('orderQty'), cumQty: keyOf('cumQty') },
  ...{ leavesQty: keyOf('leavesQty'), avgPx: keyOf('avgPx'), lastPx: keyOf('lastPx') },
  ...{ lastQty: keyOf('lastQty'), tradeId: keyOf('tradeId'), fee: keyOf('fee') },
  ...{ transferId: keyOf('transferId'), amount: keyOf('amount'), affected: keyOf('affected') },
}
const EXEC_TYPES = EXEC_TYPE_NAMES.map((execType) => fieldsOf({ execType }))
const ORD_STATUSES = ORD_STATUS_NAMES.map((ordStatus) => fieldsOf({ ordStatus }))
const COMMANDS = COMMAND_NAMES.map((cmd) => fieldsOf({ cmd }))
const CODES = CODE_NAMES.map((code, number) => fieldsOf({ code, text: codeText(number) }))
const DUPLICATE = fieldsOf({ duplicate: true })
const AGGRESSOR = [fieldsOf({ aggressor: false }), fieldsOf({ aggressor: true })]
/** By the low four bits of the order's flags. */
const TERMS = new FragmentTable((flags) =>
  fieldsOf({
    side: sideOf(flags) === 0 ? 'buy' : 'sell',
    ordType: isMarket(flags) ? 'market' : 'limit',
    timeInForce: TIME_IN_FORCE_NAMES[timeInForceOf(flags)],
  }),
)
const TERMS_BITS = 15

/** Names as fields, by handle. */
interface NameTables {
  readonly of: Directory
  readonly account: FragmentTable
  readonly to: FragmentTable
  readonly symbol: FragmentTable
  readonly asset: FragmentTable
  readonly feeAsset: FragmentTable
}

const tablesOf = (names: Directory): NameTables => ({
  of: names,
  account: new FragmentTable((handle) => fieldsOf({ account: names.accountOf(handle) })),
  to: new FragmentTable((handle) => fieldsOf({ to: names.accountOf(handle) })),
  symbol: new FragmentTable((handle) => fieldsOf({ symbol: names.instrumentOf(handle).symbol })),
  asset: new FragmentTable((handle) => fieldsOf({ asset: names.assetOf(handle).asset })),
  feeAsset: new FragmentTable((handle) => fieldsOf({ feeAsset: names.assetOf(handle).asset })),
})

/** Writes reports one behind the other into memory that is used again. */
export class ReportWriter {
  readonly bytes: Buffer
  /** Where the next byte goes. */
  at = 0
  private readonly view: DataView
  private tables: NameTables | undefined
  /** Fields of the report that is being written. */
  private count = 0
  private timeMs = 0
  private time: Fragment = keyOf('')

  constructor(bytes: number) {
    this.bytes = Buffer.alloc(bytes)
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, bytes)
  }

  /** Whether one more report fits, however long it is. */
  get hasRoom(): boolean {
    return this.at + REPORT_BYTES_MAX <= this.bytes.length
  }

  /** Writes report `number` of the log as a map; there must be room. */
  write(log: reportLog.ReportLog, number: number, names: Directory): void {
    assert(this.hasRoom, 'there is room for a report')
    if (this.tables?.of !== names) this.tables = tablesOf(names)
    const { i32, f64 } = log
    const word = number * REPORT_WORDS
    const f = word >> 1
    const start = this.at
    // A map of up to 65,535 fields; how many there are is known at the end.
    this.at = start + 3
    this.count = 0
    const execType = i32[word] & 255
    const code = i32[word] >>> 8
    const flags = i32[word + RP.flags]
    const kind = (flags >>> 16) & 255
    const seq = f64[f + RPF.seq]
    this.number(KEY.seq, seq)
    const index = i32[word + RP.index]
    this.execId(seq, index === -1 ? f64[f + RPF.orderId] : index)
    const execSeq = f64[f + RPF.execSeq]
    if (execSeq !== 0) this.number(KEY.execSeq, execSeq)
    this.field(EXEC_TYPES[execType])
    if (kind === NO_COMMAND) this.order(log, word, this.tables, flags, execType)
    else this.command(log, word, this.tables, kind, execType)
    if (code !== 0) this.field(CODES[code], 2)
    const marks = flags >>> 24
    if ((marks & Mark.duplicate) !== 0) this.field(DUPLICATE)
    const nowMs = f64[f + RPF.nowMs]
    if (nowMs !== 0) this.transactTime(nowMs)
    const { bytes, count } = this
    bytes[start] = 0xde
    bytes[start + 1] = count >> 8
    bytes[start + 2] = count & 255
  }

  private order(
    { i32, f64 }: reportLog.ReportLog,
    word: number,
    tables: NameTables,
    flags: number,
    execType: number,
  ): void {
    const f = word >> 1
    const symbol = i32[word + RP.symbol]
    const instrument = tables.of.instrumentOf(symbol)
    this.field(ORD_STATUSES[(flags >>> 8) & 255])
    this.integer(KEY.orderId, f64[f + RPF.orderId])
    this.id(KEY.clOrdId, i32, word + RP.id)
    if (i32[word + RP.orig] !== 0) this.id(KEY.origClOrdId, i32, word + RP.orig)
    this.field(tables.account.of(i32[word + RP.account]))
    this.field(tables.symbol.of(symbol))
    this.field(TERMS.of(flags & TERMS_BITS), 3)
    this.price(KEY.price, f64[f + RPF.priceTicks], instrument)
    this.qty(KEY.orderQty, f64[f + RPF.orderQty], instrument)
    const cumQty = f64[f + RPF.cumQty]
    this.qty(KEY.cumQty, cumQty, instrument)
    this.qty(KEY.leavesQty, f64[f + RPF.leavesQty], instrument)
    const average = averageOf(f64[f + RPF.cumNotional], cumQty, instrument)
    this.decimal(KEY.avgPx, average, averageDecimals(instrument))
    if (execType !== ExecType.trade) return
    this.price(KEY.lastPx, f64[f + RPF.lastTicks], instrument)
    this.qty(KEY.lastQty, f64[f + RPF.lastLots], instrument)
    this.integer(KEY.tradeId, f64[f + RPF.tradeId])
    this.field(AGGRESSOR[(flags >>> 24) & Mark.aggressor])
    this.decimal(KEY.fee, f64[f + RPF.amount], tables.of.assetOf(instrument.quote).decimals)
    this.field(tables.feeAsset.of(instrument.quote))
  }

  private command(
    log: reportLog.ReportLog,
    word: number,
    tables: NameTables,
    kind: number,
    execType: number,
  ): void {
    const { i32, f64 } = log
    const account = i32[word + RP.account]
    const symbol = i32[word + RP.symbol]
    this.field(COMMANDS[kind])
    if (account !== 0) this.field(tables.account.of(account))
    switch (kind) {
      case CommandKind.new:
      case CommandKind.replace:
      case CommandKind.cancel:
        return this.orderCommand(log, word, tables, kind)
      case CommandKind.deposit:
      case CommandKind.withdraw:
      case CommandKind.transfer: {
        const to = i32[word + RP.affected]
        this.field(tables.asset.of(symbol))
        this.id(KEY.transferId, i32, word + RP.id)
        if (kind === CommandKind.transfer && to !== 0) this.field(tables.to.of(to))
        if (execType !== ExecType.accepted) return
        const { decimals } = tables.of.assetOf(symbol)
        return this.decimal(KEY.amount, f64[(word >> 1) + RPF.amount], decimals)
      }
      case CommandKind.asset:
        return this.field(tables.asset.of(symbol))
      case CommandKind.massCancel:
      case CommandKind.killSwitch:
        this.number(KEY.affected, i32[word + RP.affected])
        break
      default:
        break
    }
    if (symbol !== 0) this.field(tables.symbol.of(symbol))
  }

  /** What a new, replace or cancel said, on its refusal or as a duplicate. */
  private orderCommand(
    { i32, f64 }: reportLog.ReportLog,
    word: number,
    tables: NameTables,
    kind: number,
  ): void {
    const f = word >> 1
    const flags = i32[word + RP.flags]
    const symbol = i32[word + RP.symbol]
    const status = (flags >>> 8) & 255
    const orderId = f64[f + RPF.orderId]
    if (kind === CommandKind.new && status !== 0) this.field(ORD_STATUSES[status])
    if (orderId !== 0) this.integer(KEY.orderId, orderId)
    if (i32[word + RP.id] !== 0) this.id(KEY.clOrdId, i32, word + RP.id)
    if (i32[word + RP.orig] !== 0) this.id(KEY.origClOrdId, i32, word + RP.orig)
    this.field(tables.symbol.of(symbol))
    if (kind === CommandKind.cancel) return
    const instrument = tables.of.instrumentOf(symbol)
    if (kind === CommandKind.new) this.field(TERMS.of(flags & TERMS_BITS), 3)
    const priceTicks = f64[f + RPF.priceTicks]
    if (priceTicks !== 0) this.price(KEY.price, priceTicks, instrument)
    this.qty(KEY.orderQty, f64[f + RPF.orderQty], instrument)
  }

  // --- fields ------------------------------------------------------------------------------------

  /** Fields that are there as bytes, so many of them. */
  private field(fragment: Fragment, fields = 1): void {
    this.count += fields
    this.put(fragment)
  }

  private put({ bytes, words }: Fragment): void {
    const { view, at } = this
    for (let i = 0; i < words.length; i += 1) view.setInt32(at + i * 4, words[i])
    this.at = at + bytes
  }

  /** A whole number from 0 as a number. */
  private number(key: Fragment, value: number): void {
    this.field(key)
    const { bytes, view, at } = this
    if (value < 0x80) {
      bytes[at] = value
      this.at = at + 1
    } else if (value < 2 ** 32) {
      bytes[at] = 0xce
      view.setUint32(at + 1, value)
      this.at = at + 5
    } else {
      bytes[at] = 0xcf
      view.setUint32(at + 1, Math.floor(value / 2 ** 32))
      view.setUint32(at + 5, value % 2 ** 32)
      this.at = at + 9
    }
  }

  /** A whole number from 0 as a text. */
  private integer(key: Fragment, value: number): void {
    this.field(key)
    const length = digitsOf(value)
    this.bytes[this.at] = 0xa0 | length
    writeDigits(this.bytes, this.at + 1, value, length)
    this.at += 1 + length
  }

  private execId(seq: number, index: number): void {
    this.field(KEY.execId)
    const { bytes, at } = this
    const [before, behind] = [digitsOf(seq), digitsOf(index)]
    const length = before + 1 + behind
    // Two numbers of up to 16 digits: 33 characters at the most.
    const head = length < 32 ? 1 : 2
    if (head === 1) bytes[at] = 0xa0 | length
    else {
      bytes[at] = 0xd9
      bytes[at + 1] = length
    }
    writeDigits(bytes, at + head, seq, before)
    bytes[at + head + before] = 0x2d
    writeDigits(bytes, at + head + before + 1, index, behind)
    this.at = at + head + length
  }

  private price(key: Fragment, ticks: number, of: Instrument): void {
    this.decimal(key, productOf(ticks, of.tickUnits), of.tickDecimals)
  }

  private qty(key: Fragment, lots: number, of: Instrument): void {
    this.decimal(key, productOf(lots, of.lotUnits), of.lotDecimals)
  }

  /** A count of 10^-`decimals` as `formatUnits` writes it. */
  private decimal(key: Fragment, count: number | bigint, decimals: number): void {
    this.field(key)
    if (typeof count !== 'number' || count < 0) return this.text(formatUnits(count, decimals))
    let [digits, places] = [count, decimals]
    if (count < 2 ** 31) {
      // As 32-bit integers, which is several times as fast.
      let rest = count | 0
      while (places > 0 && rest % 10 === 0) {
        rest = (rest / 10) | 0
        places -= 1
      }
      digits = rest
    } else {
      while (places > 0 && digits % 10 === 0) {
        digits /= 10
        places -= 1
      }
    }
    const { bytes } = this
    const written = Math.max(digitsOf(digits), places + 1)
    const start = this.at + 1
    writeDigits(bytes, start, digits, written)
    const length = places === 0 ? written : written + 1
    if (places > 0) {
      // The places move by one, to make room for the point.
      const point = start + written - places
      for (let at = start + written; at > point; at -= 1) bytes[at] = bytes[at - 1]
      bytes[point] = 0x2e
    }
    bytes[start - 1] = 0xa0 | length
    this.at = start + length
  }

  /** A text of ASCII, up to 255 characters. */
  private text(text: string): void {
    const { bytes, at } = this
    const { length } = text
    const head = length < 32 ? 1 : 2
    if (head === 2) bytes[at] = 0xd9
    bytes[at + head - 1] = head === 1 ? 0xa0 | length : length
    bytes.write(text, at + head, 'latin1')
    this.at = at + head + length
  }

  /** An id as it is packed: seven bits a character, up to the first that is zero. */
  private id(key: Fragment, from: Int32Array, word: number): void {
    this.field(key)
    const { bytes, at } = this
    const length = writeId(from, word, bytes, at + 1)
    if (length < 32) {
      bytes[at] = 0xa0 | length
      this.at = at + 1 + length
      return
    }
    // Its length needs a byte of its own.
    writeId(from, word, bytes, at + 2)
    bytes[at] = 0xd9
    bytes[at + 1] = length
    this.at = at + 2 + length
  }

  /** Reports of a round share their time, and rounds the clock's last. */
  private transactTime(nowMs: number): void {
    if (nowMs !== this.timeMs) {
      this.timeMs = nowMs
      this.time = fieldsOf({ transactTime: new Date(nowMs).toISOString() })
    }
    this.field(this.time)
  }
}
