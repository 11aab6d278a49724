// One walk along a msgpack frame: its grammar and all its bounds are checked, and the values built,
// as it goes.
//
// https://github.com/msgpack/msgpack/blob/master/spec.md

import {
  BATCH_COMMANDS_MAX,
  FRAME_DEPTH_MAX,
  FRAME_ENTRIES_MAX,
  FRAME_STRING_BYTES_MAX,
} from './bounds.ts'
import { findFieldName, nameFault } from './field-names.ts'
import { type FrameFault, SENTENCES, type Sentence, WHOLE_FRAME } from './frame-checks.ts'
import { asciiAt, textAt } from './frame-strings.ts'

/** Reads one frame at a time; reused, so that a frame costs only its values. */
export class MsgpackReader {
  /** What was wrong with the frame that was read last, or undefined. */
  fault: FrameFault | undefined
  private bytes: Uint8Array = NOTHING
  /** The next byte to be read; never beyond `bytes.length`. */
  private at = 0
  /** What is wrong; the walk ends with the first. */
  private wrong: Sentence | undefined
  /** The name of the command's field that the walk is in, by place and length; none if 0. */
  private keyStart = 0
  private keyLength = 0
  /** Which command of a batch the walk is in; -1 outside of one. */
  private index = -1

  /**
   * What is in the frame, which begins with a map or an array and is no longer than it may be; if
   * `fault` is set then, nothing that counts.
   */
  read(bytes: Uint8Array): unknown {
    this.bytes = bytes
    this.at = 0
    this.wrong = undefined
    this.keyLength = 0
    this.index = -1
    const token = bytes[0]
    const isBatch = (token & 0xf0) === 0x90 || token === 0xdc || token === 0xdd
    const value = isBatch ? this.batch() : this.value(1, true)
    if (this.wrong === undefined && this.at < bytes.length) {
      this.index = -1
      this.wrong = 'trailing'
    }
    this.fault = this.wrong === undefined ? undefined : this.told(this.wrong)
    // The frame belongs to a socket's buffer, which is not to live on in here.
    this.bytes = NOTHING
    return value
  }

  private told(wrong: Sentence): FrameFault {
    const isField = this.keyLength > 0 && wrong !== 'trailing' && wrong !== 'key'
    const field = isField ? asciiAt(this.bytes, this.keyStart, this.keyLength) : WHOLE_FRAME
    return { field, sentence: SENTENCES[wrong], index: this.index }
  }

  private batch(): unknown[] {
    const commands: unknown[] = []
    const token = this.bytes[this.at]
    this.at += 1
    const count = token < 0xa0 ? token & 0x0f : this.uint(token === 0xdc ? 2 : 4)
    if (this.wrong === undefined && count > BATCH_COMMANDS_MAX) this.wrong = 'batch'
    for (let i = 0; i < count && this.wrong === undefined; i += 1) {
      this.index = i
      this.keyLength = 0
      commands.push(this.value(2, true))
    }
    return commands
  }

  /** A value whose own maps or arrays would be at `depth`; `isCommand` if fields begin in it. */
  private value(depth: number, isCommand: boolean): unknown {
    const { bytes, at } = this
    if (at >= bytes.length) return this.fail('cutShort')
    const token = bytes[at]
    this.at = at + 1
    if (token < 0x80) return token
    if (token < 0x90) return this.map(token & 0x0f, depth, isCommand)
    if (token < 0xa0) return this.array(token & 0x0f, depth)
    if (token < 0xc0) return this.string(token & 0x1f)
    if (token >= 0xe0) return token - 0x100
    return this.longValue(token, depth, isCommand)
  }

  private longValue(token: number, depth: number, isCommand: boolean): unknown {
    switch (token) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xca: // float 32
      case 0xcb: // float 64
        return this.float(token === 0xca ? 4 : 8)
      case 0xcc: // unsigned 8 to 32
      case 0xcd:
      case 0xce:
        return this.uint(1 << (token - 0xcc))
      case 0xd0: // signed 8 to 32
      case 0xd1:
      case 0xd2:
        return this.int(1 << (token - 0xd0))
      case 0xcf: // unsigned 64
        return this.long(this.uint(4), this.uint(4))
      case 0xd3: // signed 64
        return this.long(this.int(4), this.uint(4))
      case 0xd9: // string 8 to 32
      case 0xda:
      case 0xdb:
        return this.string(this.uint(1 << (token - 0xd9)))
      case 0xdc: // array 16 and 32
      case 0xdd:
        return this.array(this.uint(token === 0xdc ? 2 : 4), depth)
      case 0xde: // map 16 and 32
      case 0xdf:
        return this.map(this.uint(token === 0xde ? 2 : 4), depth, isCommand)
      default:
        // 0xc1 is never used; the others are bytes and extensions.
        return this.fail(token === 0xc1 ? 'grammar' : 'type')
    }
  }

  private map(count: number, depth: number, isCommand: boolean): unknown {
    if (!this.isBounded(count, depth)) return
    const fields: { [name: string]: unknown } = {}
    // One bit of 32 for each name there was, so that few have to be looked for.
    let seen = 0
    for (let i = 0; i < count; i += 1) {
      const length = this.keyBytes()
      if (this.wrong !== undefined) return
      const start = this.at
      // Inside a field's value the field is named, not what is in it.
      if (isCommand) {
        this.keyStart = start
        this.keyLength = length
      }
      const known = findFieldName(this.bytes, start, length)
      if (known === undefined) this.wrong = nameFault(this.bytes, start, length)
      if (this.wrong !== undefined) return
      const name = known === undefined ? asciiAt(this.bytes, start, length) : known.name
      const bit = known === undefined ? -1 : known.bit
      if ((seen & bit) !== 0 && Object.hasOwn(fields, name)) return this.fail('twice')
      seen |= bit
      this.at = start + length
      const value = this.value(depth + 1, false)
      if (this.wrong !== undefined) return
      fields[name] = value
    }
    return fields
  }

  /** The length of the name that begins here; the walk is then at its first byte. */
  private keyBytes(): number {
    const { bytes, at } = this
    if (at >= bytes.length) {
      this.wrong = 'cutShort'
      return 0
    }
    const token = bytes[at]
    this.at = at + 1
    let length = 0
    if (token >= 0xa0 && token < 0xc0) length = token & 0x1f
    else if (token >= 0xd9 && token <= 0xdb) length = this.uint(1 << (token - 0xd9))
    else this.wrong = 'key'
    if (this.wrong === undefined && length > bytes.length - this.at) this.wrong = 'cutShort'
    return length
  }

  private array(count: number, depth: number): unknown {
    if (!this.isBounded(count, depth)) return
    const values: unknown[] = []
    for (let i = 0; i < count && this.wrong === undefined; i += 1) {
      values.push(this.value(depth + 1, false))
    }
    return values
  }

  /** Whether a map or an array may be here, with so many entries. */
  private isBounded(count: number, depth: number): boolean {
    if (this.wrong === undefined && depth > FRAME_DEPTH_MAX) this.wrong = 'deep'
    if (this.wrong === undefined && count > FRAME_ENTRIES_MAX) this.wrong = 'entries'
    return this.wrong === undefined
  }

  private string(length: number): unknown {
    if (this.wrong !== undefined) return
    if (length > FRAME_STRING_BYTES_MAX) return this.fail('longString')
    const { bytes, at } = this
    if (length > bytes.length - at) return this.fail('cutShort')
    this.at = at + length
    const text = textAt(bytes, at, length)
    return text === undefined ? this.fail('utf8') : text
  }

  private float(size: 4 | 8): number {
    const { bytes, at } = this
    this.skip(size)
    if (this.wrong !== undefined) return 0
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const value = size === 4 ? view.getFloat32(at) : view.getFloat64(at)
    // Encoders that know one kind of number send whole ones in this way too.
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) this.wrong = 'number'
    return value
  }

  /** A number of 64 bits. */
  private long(high: number, low: number): number {
    const value = high * 2 ** 32 + low
    // Beyond 2^53 the sum is rounded, but never to below it.
    if (this.wrong === undefined && !Number.isSafeInteger(value)) this.wrong = 'number'
    return value
  }

  /** A big-endian number of 1, 2 or 4 bytes with a sign; 0 if they are not there. */
  private int(size: number): number {
    const unused = 32 - size * 8
    return (this.uint(size) << unused) >> unused
  }

  /** A big-endian number of 1, 2 or 4 bytes; 0 if they are not there. */
  private uint(size: number): number {
    const { bytes, at } = this
    this.skip(size)
    if (this.wrong !== undefined) return 0
    let value = 0
    for (let i = at; i < at + size; i += 1) value = value * 256 + bytes[i]
    return value
  }

  private skip(size: number): void {
    if (size > this.bytes.length - this.at) this.wrong ??= 'cutShort'
    else this.at += size
  }

  private fail(wrong: Sentence): undefined {
    this.wrong ??= wrong
  }
}

const NOTHING = new Uint8Array(0)
