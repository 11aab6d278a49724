// A walk along a msgpack frame that decodes nothing: its grammar and all its bounds.
//
// https://github.com/msgpack/msgpack/blob/master/spec.md

import { isUtf8 } from 'node:buffer'
import {
  BATCH_COMMANDS_MAX,
  FRAME_DEPTH_MAX,
  FRAME_ENTRIES_MAX,
  FRAME_STRING_BYTES_MAX,
} from './bounds.ts'
import {
  type FrameFault,
  Keys,
  SENTENCES,
  type Sentence,
  WHOLE_FRAME,
  wordAt,
} from './frame-checks.ts'

/** Walks one frame at a time; reused, so that a frame costs no allocation. */
export class MsgpackScan {
  private bytes: Uint8Array = new Uint8Array(0)
  /** The next byte to be read; beyond `bytes.length` only once `wrong` is `cutShort`. */
  private at = 0
  /** What is wrong; the walk ends with the first. */
  private wrong: Sentence | undefined
  /** The name of the command's field that the walk is in, by place and length; none if 0. */
  private keyStart = 0
  private keyLength = 0
  /** Which command of a batch the walk is in; -1 outside of one. */
  private index = -1
  private readonly keys = new Keys()

  /** What is wrong with the frame, or undefined; it is no longer than it may be. */
  fault(bytes: Uint8Array): FrameFault | undefined {
    this.bytes = bytes
    this.at = 0
    this.wrong = undefined
    this.keyLength = 0
    this.index = -1
    const token = bytes[0]
    const isBatch = (token & 0xf0) === 0x90 || token === 0xdc || token === 0xdd
    if (isBatch) this.batch()
    else this.value(1, true)
    if (this.wrong === undefined && this.at < bytes.length) {
      this.index = -1
      this.wrong = 'trailing'
    }
    const found = this.wrong === undefined ? undefined : this.told(this.wrong)
    // The frame belongs to a socket's buffer, which is not to live on in here.
    this.bytes = NOTHING
    return found
  }

  private told(wrong: Sentence): FrameFault {
    const isField = this.keyLength > 0 && wrong !== 'trailing' && wrong !== 'key'
    const field = isField ? wordAt(this.bytes, this.keyStart, this.keyLength) : WHOLE_FRAME
    return { field, sentence: SENTENCES[wrong], index: this.index }
  }

  private batch(): void {
    const token = this.bytes[this.at]
    this.at += 1
    const count = token < 0xa0 ? token & 0x0f : this.uint(token === 0xdc ? 2 : 4)
    if (this.wrong !== undefined) return
    if (count > BATCH_COMMANDS_MAX) this.wrong = 'batch'
    for (let i = 0; i < count && this.wrong === undefined; i += 1) {
      this.index = i
      this.keyLength = 0
      this.value(2, true)
    }
  }

  /** A value whose own maps or arrays would be at `depth`; `isCommand` if fields begin in it. */
  private value(depth: number, isCommand: boolean): void {
    const { bytes } = this
    if (this.at >= bytes.length) {
      this.wrong = 'cutShort'
      return
    }
    const token = bytes[this.at]
    this.at += 1
    if (token < 0x80 || token >= 0xe0) return
    if (token < 0x90) return this.map(token & 0x0f, depth, isCommand)
    if (token < 0xa0) return this.array(token & 0x0f, depth)
    if (token < 0xc0) return this.string(token & 0x1f)
    this.longValue(token, depth, isCommand)
  }

  private longValue(token: number, depth: number, isCommand: boolean): void {
    switch (token) {
      case 0xc0: // nil
      case 0xc2: // false
      case 0xc3: // true
        return
      case 0xca: // float 32
      case 0xcb: // float 64
        return this.float(token === 0xca ? 4 : 8)
      case 0xcc: // unsigned 8 to 32
      case 0xcd:
      case 0xce:
        return this.skip(1 << (token - 0xcc))
      case 0xd0: // signed 8 to 32
      case 0xd1:
      case 0xd2:
        return this.skip(1 << (token - 0xd0))
      case 0xcf: // unsigned 64
      case 0xd3: // signed 64
        return this.int64(token === 0xd3)
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
        this.wrong ??= token === 0xc1 ? 'grammar' : 'type'
    }
  }

  private map(count: number, depth: number, isCommand: boolean): void {
    if (this.wrong === undefined && depth > FRAME_DEPTH_MAX) this.wrong = 'deep'
    if (this.wrong === undefined && count > FRAME_ENTRIES_MAX) this.wrong = 'entries'
    for (let i = 0; i < count && this.wrong === undefined; i += 1) {
      const length = this.keyBytes()
      if (this.wrong !== undefined) return
      const start = this.at
      const wrong = this.keys.fault(this.bytes, start, length, depth, i)
      // Inside a field's value the field is named, not what is in it.
      if (isCommand) {
        this.keyStart = start
        this.keyLength = length
      }
      this.wrong = wrong
      this.at += length
      if (wrong === undefined) this.value(depth + 1, false)
    }
    // Behind the last field nothing is about a field.
    if (isCommand && this.wrong === undefined) this.keyLength = 0
  }

  /** The length of the name that begins here; the walk is then at its first byte. */
  private keyBytes(): number {
    if (this.at >= this.bytes.length) {
      this.wrong = 'cutShort'
      return 0
    }
    const token = this.bytes[this.at]
    this.at += 1
    let length = 0
    if (token >= 0xa0 && token < 0xc0) length = token & 0x1f
    else if (token >= 0xd9 && token <= 0xdb) length = this.uint(1 << (token - 0xd9))
    else this.wrong = 'key'
    if (this.wrong === undefined && length > this.bytes.length - this.at) this.wrong = 'cutShort'
    return length
  }

  private array(count: number, depth: number): void {
    if (this.wrong === undefined && depth > FRAME_DEPTH_MAX) this.wrong = 'deep'
    if (this.wrong === undefined && count > FRAME_ENTRIES_MAX) this.wrong = 'entries'
    for (let i = 0; i < count && this.wrong === undefined; i += 1) this.value(depth + 1, false)
  }

  private string(length: number): void {
    if (this.wrong !== undefined) return
    if (length > FRAME_STRING_BYTES_MAX) {
      this.wrong = 'longString'
      return
    }
    const { bytes, at } = this
    const end = at + length
    if (end > bytes.length) {
      this.wrong = 'cutShort'
      return
    }
    let all = 0
    for (let i = at; i < end; i += 1) all |= bytes[i]
    if (all >= 0x80 && !isUtf8(bytes.subarray(at, end))) this.wrong = 'utf8'
    this.at = end
  }

  private float(size: 4 | 8): void {
    const { at } = this
    this.skip(size)
    if (this.wrong !== undefined) return
    const value = size === 4 ? this.view().getFloat32(at) : this.view().getFloat64(at)
    // Encoders that know one kind of number send whole ones in this way too.
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) this.wrong = 'number'
  }

  private int64(isSigned: boolean): void {
    const { at } = this
    this.skip(8)
    if (this.wrong !== undefined) return
    const value = isSigned ? this.view().getBigInt64(at) : this.view().getBigUint64(at)
    if (!Number.isSafeInteger(Number(value))) this.wrong = 'number'
  }

  private view(): DataView {
    const { buffer, byteOffset, byteLength } = this.bytes
    return new DataView(buffer, byteOffset, byteLength)
  }

  private skip(size: number): void {
    if (size > this.bytes.length - this.at) this.wrong = 'cutShort'
    else this.at += size
  }

  /** A big-endian number of 1, 2 or 4 bytes; 0 if they are not there. */
  private uint(size: number): number {
    const { at } = this
    this.skip(size)
    if (this.wrong !== undefined) return 0
    let value = 0
    for (let i = at; i < at + size; i += 1) value = value * 256 + this.bytes[i]
    return value
  }
}

const NOTHING = new Uint8Array(0)
