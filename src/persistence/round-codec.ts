// Rounds of commands as compact bytes, and back: only what a kind uses, small numbers in few bytes.
// docs/journal-format.md has the format byte by byte.
//
// Every round has exactly one encoding, so bytes that decode encode to the same bytes again. What
// the format cannot carry is a Fault when it is written, not a loss that shows when it is read.

import { Fault } from '../lib/assert.ts'
import { COMMANDS_PER_ROUND_MAX, INTEGER_MAX } from '../protocol/bounds.ts'
import type { CommandLog, Definition } from '../protocol/command-log.ts'
import * as commandLog from '../protocol/command-log.ts'
import * as form from './command-form.ts'
import { nameOfKind } from './command-form.ts'
import { findDefinitionFault } from './definition-form.ts'

// Own constants: see docs/decisions/0007-constants-in-their-module.md.
const { COMMAND_WORDS, CM, CMF } = commandLog
const { FIELDS, ACCOUNT_MIN, ACCOUNT_MAX, SYMBOL_MIN, SYMBOL_MAX, FLAGS_MIN, FLAGS_MAX } = form
const { COMMAND_BYTES_MAX, DEFINITION_BYTES_MAX, HEAD_BYTES_MAX, ID_BYTES_MAX } = form
const {
  account: ACCOUNT,
  symbol: SYMBOL,
  flags: FLAGS,
  id: ID,
  target: TARGET,
  value: VALUE,
  qty: QTY,
  definition: DEFINITION,
} = form.Field

/** Values below this are 32-bit integers, whose shifts are cheap. */
const INT_END = 2 ** 31
/** The last of 32 id bytes has four bits: 36 characters of seven. */
const LAST_ID_BYTE_MAX = 15
/** The double of a command that has no meaning yet. */
const RESERVED = 15
/** Bytes in front of a round that say how many follow. */
const LENGTH_BYTES = 4

const utf8 = new TextEncoder()
const text = new TextDecoder('utf-8', { fatal: true })

// --- writing -----------------------------------------------------------------------------------

/** Gathers rounds as bytes in a buffer that grows and is reused. */
export class RoundWriter {
  /** Bytes gathered. */
  length = 0
  private bytes = new Uint8Array(4_096)
  private view = new DataView(this.bytes.buffer)
  /** Of the round being written, for messages. */
  private round = 0
  private number = 0

  /**
   * Appends a round of `commands`, the first of which has `firstSeq`. Throws a Fault, and is as it
   * was before, if a command has something that its kind has not, or beyond a bound.
   */
  add(round: number, firstSeq: number, commands: CommandLog): void {
    const start = this.length
    this.round = round
    this.number = -1
    try {
      this.writeRound(round, firstSeq, commands)
    } catch (error) {
      this.length = start
      throw error
    }
  }

  /** The bytes gathered, valid until the next call of `add` or `clear`. */
  peek(): Uint8Array {
    return this.bytes.subarray(0, this.length)
  }

  /** Forgets what was gathered; the memory stays. */
  clear(): void {
    this.length = 0
  }

  private writeRound(round: number, firstSeq: number, commands: CommandLog): void {
    const { count, definitions } = commands
    const start = this.length
    if (!Number.isSafeInteger(round) || round < 1) this.fail('has no number')
    if (!(firstSeq >= 1 && Number.isSafeInteger(firstSeq + count))) this.fail('has no first seq')
    if (count > COMMANDS_PER_ROUND_MAX) this.fail(`has ${count} commands`)
    this.fit(HEAD_BYTES_MAX)
    this.length = start + LENGTH_BYTES
    this.putNumber(round)
    this.putNumber(firstSeq)
    this.putNumber(count)
    let defined = 0
    for (let number = 0; number < count; number += 1) {
      this.number = number
      const fields = this.putCommand(commands, number * COMMAND_WORDS, firstSeq + number)
      if ((fields & DEFINITION) === 0) continue
      const at = number * COMMAND_WORDS
      if (commands.f64[(at >> 1) + CMF.definition] !== defined) this.fail('has another definition')
      this.putDefinition(definitions[defined], commands.i32, at)
      defined += 1
    }
    if (defined !== definitions.length) this.fail('has definitions of no command')
    this.view.setUint32(start, this.length - start - LENGTH_BYTES, true)
  }

  /** Writes the command at word `at`, but for its definition; returns its fields. */
  private putCommand({ i32, f64 }: CommandLog, at: number, seq: number): number {
    const kind = i32[at]
    const fields = kind >>> 0 < 256 ? FIELDS[kind] : 0
    if (fields === 0) this.fail('is no command')
    if (hasStray(i32, at, fields)) this.fail('has a field that its kind has not')
    const stamp = f64[(at >> 1) + CMF.seq]
    if (stamp !== 0 && stamp !== seq) this.fail(`is stamped with seq ${stamp}, not ${seq}`)
    this.fit(COMMAND_BYTES_MAX)
    this.bytes[this.length] = kind
    this.length += 1
    if ((fields & ACCOUNT) !== 0) {
      this.putWord(i32[at + CM.account], ACCOUNT_MIN[kind], ACCOUNT_MAX[kind], 'account')
    }
    if ((fields & SYMBOL) !== 0) {
      this.putWord(i32[at + CM.symbol], SYMBOL_MIN[kind], SYMBOL_MAX[kind], 'symbol or asset')
    }
    if ((fields & FLAGS) !== 0) {
      this.putWord(i32[at + CM.flags], FLAGS_MIN[kind], FLAGS_MAX[kind], 'flags')
    }
    if ((fields & ID) !== 0) {
      const length = idBytes(i32, at + CM.id)
      if (length === 0) this.fail('has no id')
      this.putId(i32, at + CM.id, length)
    }
    if ((fields & TARGET) !== 0) {
      const orderId = f64[(at >> 1) + CMF.orderId]
      const length = idBytes(i32, at + CM.orig)
      if ((length === 0) === (orderId === 0)) this.fail('does not name one order')
      this.putId(i32, at + CM.orig, length)
      if (length === 0) this.putNumber(orderId)
    }
    if ((fields & VALUE) !== 0) this.putNumber(f64[(at >> 1) + CMF.priceTicks])
    if ((fields & QTY) !== 0) this.putNumber(f64[(at >> 1) + CMF.qtyLots])
    return fields
  }

  private putWord(value: number, min: number, max: number, what: string): void {
    if (value < min || value > max) this.fail(`has ${what} ${value}, not ${min} to ${max}`)
    this.putInt(value)
  }

  /** A number in groups of seven bits, the lowest first; the top bit says that more follow. */
  private putNumber(value: number): void {
    let rest = value
    if (!(rest < INT_END)) {
      if (!Number.isSafeInteger(rest)) this.fail(`has ${value}, which is no safe integer`)
      while (rest >= INT_END) {
        this.bytes[this.length] = (rest % 128) | 128
        this.length += 1
        rest = Math.floor(rest / 128)
      }
    }
    if (rest < 0 || rest !== (rest | 0)) this.fail(`has ${value}, which is no count`)
    this.putInt(rest | 0)
  }

  /** {@link putNumber} of a 32-bit integer from 0. */
  private putInt(value: number): void {
    const { bytes } = this
    let at = this.length
    let rest = value
    while (rest > 127) {
      bytes[at] = (rest & 127) | 128
      at += 1
      rest >>>= 7
    }
    bytes[at] = rest
    this.length = at + 1
  }

  /** Whole words, of which what comes next overwrites the zero bytes at the end. */
  private putId(i32: Int32Array, from: number, length: number): void {
    const { bytes, view } = this
    const at = this.length + 1
    bytes[at - 1] = length
    for (let byte = 0; byte < length; byte += 4) {
      view.setInt32(at + byte, i32[from + (byte >> 2)], true)
    }
    if (length === ID_BYTES_MAX && bytes[at + length - 1] > LAST_ID_BYTE_MAX) {
      this.fail('has an id of more than 36 characters')
    }
    this.length = at + length
  }

  private putDefinition(definition: Definition | undefined, i32: Int32Array, at: number): void {
    const fault = findDefinitionFault(i32[at], i32[at + 1], i32[at + 2], definition)
    if (fault !== undefined) this.fail(`has a definition that ${fault}`)
    const encoded = utf8.encode(JSON.stringify(definition))
    if (encoded.length > DEFINITION_BYTES_MAX) {
      this.fail(`has a definition of ${encoded.length} bytes`)
    }
    this.fit(COMMAND_BYTES_MAX + encoded.length)
    this.putInt(encoded.length)
    this.bytes.set(encoded, this.length)
    this.length += encoded.length
  }

  private fit(more: number): void {
    if (this.length + more > this.bytes.length) this.grow(more)
  }

  private grow(more: number): void {
    const bytes = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more))
    bytes.set(this.bytes)
    this.bytes = bytes
    this.view = new DataView(bytes.buffer)
  }

  private fail(what: string): never {
    const where = this.number < 0 ? '' : `, command ${this.number}`
    throw new Fault(`round ${this.round}${where}, cannot be written: it ${what}`)
  }
}

/** Whether a word is not zero that a command of these fields does not use. */
function hasStray(i32: Int32Array, at: number, fields: number): boolean {
  let stray = anyDouble(i32, at, RESERVED)
  if ((fields & ACCOUNT) === 0) stray |= i32[at + CM.account]
  if ((fields & SYMBOL) === 0) stray |= i32[at + CM.symbol]
  if ((fields & FLAGS) === 0) stray |= i32[at + CM.flags]
  if ((fields & ID) === 0) stray |= anyWord(i32, at + CM.id)
  if ((fields & TARGET) === 0) stray |= anyWord(i32, at + CM.orig) | anyDouble(i32, at, CMF.orderId)
  if ((fields & VALUE) === 0) stray |= anyDouble(i32, at, CMF.priceTicks)
  if ((fields & QTY) === 0) stray |= anyDouble(i32, at, CMF.qtyLots)
  if ((fields & DEFINITION) === 0) stray |= anyDouble(i32, at, CMF.definition)
  return stray !== 0
}

const anyDouble = (i32: Int32Array, at: number, double: number): number =>
  i32[at + double * 2] | i32[at + double * 2 + 1]

function anyWord(i32: Int32Array, at: number): number {
  const low = i32[at] | i32[at + 1] | i32[at + 2] | i32[at + 3]
  return low | i32[at + 4] | i32[at + 5] | i32[at + 6] | i32[at + 7]
}

/** Bytes of a packed id up to its last that is not zero. */
function idBytes(i32: Int32Array, at: number): number {
  let word = 7
  while (word >= 0 && i32[at + word] === 0) word -= 1
  return word < 0 ? 0 : word * 4 + 4 - (Math.clz32(i32[at + word]) >> 3)
}

// --- reading -----------------------------------------------------------------------------------

/**
 * Reads the rounds in a payload, one after the other. Bytes that no {@link RoundWriter} has written
 * are a Fault that says what is wrong and where; nothing is read behind the end, and reading ends.
 */
export class RoundReader {
  /** Number, first seq and commands of the round that {@link next} has read. */
  round = 0
  firstSeq = 0
  count = 0
  private readonly bytes: Uint8Array
  private readonly view: DataView
  private at = 0
  /** Where the round ends: at >= 0 and at <= end <= bytes.length. */
  private end = 0
  private number = -1
  private kind = 0

  constructor(payload: Uint8Array) {
    this.bytes = payload
    this.view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length
  }

  /** Reads the next round into `log`, stamped with its seqs; the log is empty if that throws. */
  next(log: CommandLog): void {
    log.clear()
    try {
      this.readRound(log)
    } catch (error) {
      log.clear()
      throw error
    }
  }

  /** Steps over the next round, of which only the head is read. */
  skip(): void {
    this.readHead()
    this.at = this.end
  }

  private readHead(): void {
    this.number = -1
    this.round = 0
    this.end = this.bytes.length
    if (this.end - this.at < LENGTH_BYTES) this.fail('its length is cut short')
    const length = this.view.getUint32(this.at, true)
    this.at += LENGTH_BYTES
    if (length > this.end - this.at) this.fail(`${length} bytes follow, it says`)
    this.end = this.at + length
    this.round = this.getNumber(INTEGER_MAX)
    this.firstSeq = this.getNumber(INTEGER_MAX)
    this.count = this.getNumber(COMMANDS_PER_ROUND_MAX)
    if (this.round === 0) this.fail('it has no number')
    if (this.firstSeq === 0) this.fail('it has no first seq')
    if (this.firstSeq + this.count > INTEGER_MAX) this.fail('its seqs are beyond 2^53')
  }

  private readRound(log: CommandLog): void {
    this.readHead()
    const { count, firstSeq } = this
    for (let number = 0; number < count; number += 1) {
      this.number = number
      this.getCommand(log, firstSeq + number)
    }
    this.number = -1
    if (this.at !== this.end) this.fail(`${this.end - this.at} bytes are left over`)
  }

  private getCommand(log: CommandLog, seq: number): void {
    if (this.at >= this.end) this.fail('it is cut short')
    const kind = this.bytes[this.at]
    const fields = FIELDS[kind]
    this.kind = kind
    if (fields === 0) this.fail('is no kind of command')
    this.at += 1
    const account = fields & ACCOUNT ? this.getWord(ACCOUNT_MIN[kind], ACCOUNT_MAX[kind]) : 0
    const symbol = fields & SYMBOL ? this.getWord(SYMBOL_MIN[kind], SYMBOL_MAX[kind]) : 0
    const flags = fields & FLAGS ? this.getWord(FLAGS_MIN[kind], FLAGS_MAX[kind]) : 0
    const base = log.add(kind as commandLog.CommandKind, account, symbol, flags)
    const { i32, f64 } = log
    const doubles = base >> 1
    f64[doubles + CMF.seq] = seq
    if ((fields & ID) !== 0 && this.getId(i32, base + CM.id) === 0) this.fail('it has no id')
    if ((fields & TARGET) !== 0 && this.getId(i32, base + CM.orig) === 0) {
      const orderId = this.getNumber(INTEGER_MAX)
      if (orderId === 0) this.fail('it names no order')
      f64[doubles + CMF.orderId] = orderId
    }
    if ((fields & VALUE) !== 0) f64[doubles + CMF.priceTicks] = this.getNumber(INTEGER_MAX)
    if ((fields & QTY) !== 0) f64[doubles + CMF.qtyLots] = this.getNumber(INTEGER_MAX)
    if ((fields & DEFINITION) !== 0) log.define(base, this.getDefinition(kind, account, symbol))
  }

  private getWord(min: number, max: number): number {
    const value = this.getNumber(max)
    if (value < min) this.fail(`${value} is below ${min}`)
    return value
  }

  private getNumber(max: number): number {
    const { bytes, end } = this
    let { at } = this
    let value = 0
    let scale = 1
    let byte = 128
    // Eight bytes hold 56 bits: a sum beyond 2^53 may be rounded, but not below it.
    for (let read = 0; byte > 127; read += 1) {
      if (at >= end) this.fail('a number is cut short')
      if (read === 8) this.fail('a number has more than eight bytes')
      byte = bytes[at]
      at += 1
      value += (byte & 127) * scale
      scale *= 128
    }
    if (byte === 0 && scale > 128) this.fail('a number has a byte too many')
    if (value > max) this.fail(`${value} is beyond ${max}`)
    this.at = at
    return value
  }

  /** Reads an id to `i32[to ..]`, which is zero; returns its bytes. */
  private getId(i32: Int32Array, to: number): number {
    const { bytes, view, end } = this
    if (this.at >= end) this.fail('an id is cut short')
    const from = this.at + 1
    const length = bytes[from - 1]
    if (length > ID_BYTES_MAX) this.fail(`an id has ${length} bytes`)
    if (length > end - from) this.fail('an id is cut short')
    if (length === 0) {
      this.at = from
      return 0
    }
    const words = length >> 2
    for (let word = 0; word < words; word += 1) {
      i32[to + word] = view.getInt32(from + word * 4, true)
    }
    for (let byte = words * 4; byte < length; byte += 1) {
      i32[to + words] |= bytes[from + byte] << ((byte & 3) * 8)
    }
    const last = bytes[from + length - 1]
    if (last === 0) this.fail('an id has a byte too many')
    if (length === ID_BYTES_MAX && last > LAST_ID_BYTE_MAX) this.fail('an id is too long')
    this.at = from + length
    return length
  }

  private getDefinition(kind: number, account: number, symbol: number): Definition {
    const length = this.getNumber(DEFINITION_BYTES_MAX)
    if (length > this.end - this.at) this.fail('its definition is cut short')
    const bytes = this.bytes.subarray(this.at, this.at + length)
    const definition = parseExactly(bytes)
    if (definition === undefined) this.fail('its definition is no JSON as it is written here')
    const fault = findDefinitionFault(kind, account, symbol, definition)
    if (fault !== undefined) this.fail(`its definition ${fault}`)
    this.at += length
    return definition as Definition
  }

  private fail(what: string): never {
    const round = this.round === 0 ? 'a round' : `round ${this.round}`
    const command =
      this.number < 0 ? '' : `, command ${this.number} of ${this.count} (${nameOfKind(this.kind)})`
    throw new Fault(`${round}${command}, byte ${this.at} of the payload: ${what}`)
  }
}

/** The value of JSON that is as `JSON.stringify` writes it, else undefined. */
function parseExactly(bytes: Uint8Array): unknown {
  try {
    const json = text.decode(bytes)
    const value: unknown = JSON.parse(json)
    return json.length === bytes.length && JSON.stringify(value) === json ? value : undefined
  } catch {
    return undefined
  }
}
