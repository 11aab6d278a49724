// Reports out of the engine's binary log into bytes, without an object or a string in between: the
// very fields that `readReport` gives, in the same order (protocol/report-json.ts). What a format
// looks like, each one says for itself: msgpack-report-writer.ts, json-report-writer.ts.

import { assert } from '../lib/assert.ts'
import { digitsOf, withoutZeros, writeDigits, zerosAtEnd } from '../lib/digits.ts'
import { writeId } from '../protocol/client-id.ts'
import { CommandKind } from '../protocol/command-log.ts'
import { formatUnits } from '../protocol/decimal.ts'
import type { Directory } from '../protocol/directory.ts'
import type { Instrument } from '../protocol/instrument.ts'
import { averageDecimals, averageOf, productOf } from '../protocol/report-json.ts'
import * as reportLog from '../protocol/report-log.ts'
import {
  type Fragment,
  NameFragments,
  type ReportForm,
  ReportFragments,
} from './report-fragments.ts'

// V8 folds constants only in the module that declares them: docs/decisions/0007.
const { ExecType, Mark, REPORT_WORDS, RP, RPF } = reportLog
const NO_COMMAND = CommandKind.none

/** No report of the engine is longer: some thirty fields, names and ids of up to 36 characters. */
export const REPORT_BYTES_MAX = 2_048

/** Writes reports one behind the other into memory that is used again. */
export abstract class ReportWriter {
  readonly bytes: Buffer
  /** Where the next byte goes. */
  at = 0
  protected readonly view: DataView
  /** Fields of the report that is being written. */
  protected count = 0
  private readonly made: ReportFragments
  private names: NameFragments | undefined
  private timeMs = 0
  private time: Fragment

  constructor(bytes: number, form: ReportForm) {
    this.bytes = Buffer.alloc(bytes)
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, bytes)
    this.made = new ReportFragments(form)
    this.time = this.made.fields({})
  }

  /** Begins a message of `count` reports, which are written with {@link between} them. */
  abstract openMessage(count: number): void
  abstract between(): void
  abstract closeMessage(): void
  /** Before a report's first field, and behind its last one. */
  protected abstract open(): void
  protected abstract close(start: number): void
  /** A whole number from 0. */
  protected abstract number(value: number): void
  /** The first byte of a text's characters; {@link closeText} is told where that is. */
  protected abstract openText(): number
  protected abstract closeText(start: number): void
  /** As `closeText`, of any visible ASCII: elsewhere no character has a meaning. */
  protected abstract closeId(start: number): void

  /** Whether one more report fits, however long it is. */
  get hasRoom(): boolean {
    return this.at + REPORT_BYTES_MAX <= this.bytes.length
  }

  /** Writes report `number` of the log as a map; there must be room. */
  write(log: reportLog.ReportLog, number: number, names: Directory): void {
    assert(this.hasRoom, 'there is room for a report')
    const { made } = this
    if (this.names?.of !== names) this.names = new NameFragments(names, made)
    const { i32, f64 } = log
    const word = number * REPORT_WORDS
    const f = word >> 1
    const start = this.at
    this.count = 0
    this.open()
    const execType = i32[word] & 255
    const code = i32[word] >>> 8
    const flags = i32[word + RP.flags]
    const kind = (flags >>> 16) & 255
    const seq = f64[f + RPF.seq]
    this.whole(made.seq, seq)
    const index = i32[word + RP.index]
    this.execId(seq, index === -1 ? f64[f + RPF.orderId] : index)
    const execSeq = f64[f + RPF.execSeq]
    if (execSeq !== 0) this.whole(made.execSeq, execSeq)
    this.field(made.execTypes[execType])
    if (kind === NO_COMMAND) this.order(log, word, this.names, flags, execType)
    else this.command(log, word, this.names, kind, execType)
    if (code !== 0) this.field(made.codes[code], 2)
    const marks = flags >>> 24
    if ((marks & Mark.duplicate) !== 0) this.field(made.duplicate)
    const nowMs = f64[f + RPF.nowMs]
    if (nowMs !== 0) this.transactTime(nowMs)
    this.close(start)
  }

  private order(
    { i32, f64 }: reportLog.ReportLog,
    word: number,
    names: NameFragments,
    flags: number,
    execType: number,
  ): void {
    const { made } = this
    const f = word >> 1
    const symbol = i32[word + RP.symbol]
    const instrument = names.of.instrumentOf(symbol)
    this.field(made.ordStatuses[(flags >>> 8) & 255])
    this.integer(made.orderId, f64[f + RPF.orderId])
    this.id(made.clOrdId, i32, word + RP.id)
    if (i32[word + RP.orig] !== 0) this.id(made.origClOrdId, i32, word + RP.orig)
    this.field(names.account.of(i32[word + RP.account]))
    this.field(names.symbol.of(symbol))
    this.field(made.terms(flags), 3)
    this.price(made.price, f64[f + RPF.priceTicks], instrument)
    this.qty(made.orderQty, f64[f + RPF.orderQty], instrument)
    const cumQty = f64[f + RPF.cumQty]
    this.qty(made.cumQty, cumQty, instrument)
    this.qty(made.leavesQty, f64[f + RPF.leavesQty], instrument)
    const average = averageOf(f64[f + RPF.cumNotional], cumQty, instrument)
    this.decimal(made.avgPx, average, averageDecimals(instrument))
    if (execType !== ExecType.trade) return
    this.price(made.lastPx, f64[f + RPF.lastTicks], instrument)
    this.qty(made.lastQty, f64[f + RPF.lastLots], instrument)
    this.integer(made.tradeId, f64[f + RPF.tradeId])
    this.field(made.aggressor[(flags >>> 24) & Mark.aggressor])
    this.decimal(made.fee, f64[f + RPF.amount], names.of.assetOf(instrument.quote).decimals)
    this.field(names.feeAsset.of(instrument.quote))
  }

  private command(
    log: reportLog.ReportLog,
    word: number,
    names: NameFragments,
    kind: number,
    execType: number,
  ): void {
    const { made } = this
    const { i32, f64 } = log
    const account = i32[word + RP.account]
    const symbol = i32[word + RP.symbol]
    this.field(made.commands[kind])
    if (account !== 0) this.field(names.account.of(account))
    switch (kind) {
      case CommandKind.new:
      case CommandKind.replace:
      case CommandKind.cancel:
        return this.orderCommand(log, word, names, kind)
      case CommandKind.deposit:
      case CommandKind.withdraw:
      case CommandKind.transfer: {
        const to = i32[word + RP.affected]
        this.field(names.asset.of(symbol))
        this.id(made.transferId, i32, word + RP.id)
        if (kind === CommandKind.transfer && to !== 0) this.field(names.to.of(to))
        if (execType !== ExecType.accepted) return
        const { decimals } = names.of.assetOf(symbol)
        return this.decimal(made.amount, f64[(word >> 1) + RPF.amount], decimals)
      }
      case CommandKind.asset:
        return this.field(names.asset.of(symbol))
      case CommandKind.massCancel:
      case CommandKind.killSwitch:
        this.whole(made.affected, i32[word + RP.affected])
        break
      default:
        break
    }
    if (symbol !== 0) this.field(names.symbol.of(symbol))
  }

  /** What a new, replace or cancel said, on its refusal or as a duplicate. */
  private orderCommand(
    { i32, f64 }: reportLog.ReportLog,
    word: number,
    names: NameFragments,
    kind: number,
  ): void {
    const { made } = this
    const f = word >> 1
    const flags = i32[word + RP.flags]
    const symbol = i32[word + RP.symbol]
    const status = (flags >>> 8) & 255
    const orderId = f64[f + RPF.orderId]
    if (kind === CommandKind.new && status !== 0) this.field(made.ordStatuses[status])
    if (orderId !== 0) this.integer(made.orderId, orderId)
    if (i32[word + RP.id] !== 0) this.id(made.clOrdId, i32, word + RP.id)
    if (i32[word + RP.orig] !== 0) this.id(made.origClOrdId, i32, word + RP.orig)
    this.field(names.symbol.of(symbol))
    if (kind === CommandKind.cancel) return
    const instrument = names.of.instrumentOf(symbol)
    if (kind === CommandKind.new) this.field(made.terms(flags), 3)
    const priceTicks = f64[f + RPF.priceTicks]
    if (priceTicks !== 0) this.price(made.price, priceTicks, instrument)
    this.qty(made.orderQty, f64[f + RPF.orderQty], instrument)
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
  private whole(key: Fragment, value: number): void {
    this.field(key)
    this.number(value)
  }

  /** A whole number from 0 as a text. */
  private integer(key: Fragment, value: number): void {
    this.field(key)
    const start = this.openText()
    this.digits(value, digitsOf(value))
    this.closeText(start)
  }

  private execId(seq: number, index: number): void {
    this.field(this.made.execId)
    const start = this.openText()
    this.digits(seq, digitsOf(seq))
    this.bytes[this.at] = 0x2d
    this.at += 1
    this.digits(index, digitsOf(index))
    this.closeText(start)
  }

  /** Digits as they are, with nothing around them. */
  protected digits(value: number, count: number): void {
    writeDigits(this.bytes, this.at, value, count)
    this.at += count
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
    const start = this.openText()
    if (typeof count === 'number' && count >= 0) this.units(count, decimals)
    else this.at += this.bytes.write(formatUnits(count, decimals), this.at, 'latin1')
    this.closeText(start)
  }

  private units(count: number, decimals: number): void {
    const zeros = zerosAtEnd(count, decimals)
    const places = decimals - zeros
    const digits = withoutZeros(count, zeros)
    const written = Math.max(digitsOf(digits), places + 1)
    const end = this.at + written
    this.digits(digits, written)
    if (places === 0) return
    // The places move by one, to make room for the point.
    const { bytes } = this
    const point = end - places
    for (let at = end; at > point; at -= 1) bytes[at] = bytes[at - 1]
    bytes[point] = 0x2e
    this.at = end + 1
  }

  /** An id as it is packed: seven bits a character, up to the first that is zero. */
  private id(key: Fragment, from: Int32Array, word: number): void {
    this.field(key)
    const start = this.openText()
    this.at = start + writeId(from, word, this.bytes, start)
    this.closeId(start)
  }

  /** Reports of a round share their time, and rounds the clock's last. */
  private transactTime(nowMs: number): void {
    if (nowMs !== this.timeMs) {
      this.timeMs = nowMs
      this.time = this.made.fields({ transactTime: new Date(nowMs).toISOString() })
    }
    this.field(this.time)
  }
}
