// A walk along a JSON frame that decodes nothing: all its bounds, its numbers and the names of its
// fields. What remains of the grammar is for JSON.parse, which bounded input cannot hurt.

import {
  BATCH_COMMANDS_MAX,
  FRAME_DEPTH_MAX,
  FRAME_ENTRIES_MAX,
  FRAME_STRING_BYTES_MAX,
} from './bounds.ts'
import { type FrameFault, Keys, SENTENCES, type Sentence, WHOLE_FRAME } from './frame-checks.ts'
import { asciiAt } from './frame-strings.ts'

const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39
const COLON = 0x3a
const ARRAY = 0x5b
const BACKSLASH = 0x5c
const ARRAY_END = 0x5d
const SMALL_U = 0x75
const MAP = 0x7b
const MAP_END = 0x7d

/** Characters of the longest safe integer with its sign. */
const NUMBER_CHARS_MAX = 17

/** Walks one frame at a time; reused, so that a frame costs no allocation. */
export class JsonScan {
  private bytes: Uint8Array = NOTHING
  private wrong: Sentence | undefined
  /** Maps and arrays that are open. */
  private depth = 0
  /** What each depth is (`{` or `[`), and how many commas it had. */
  private readonly kinds = new Uint8Array(FRAME_DEPTH_MAX + 1)
  private readonly counts = new Int32Array(FRAME_DEPTH_MAX + 1)
  /** Whether a string that comes now is a field's name. */
  private isKeyNext = false
  private keyStart = 0
  private keyLength = 0
  private index = -1
  /** The depth of a command's fields: 1, or 2 in a batch. */
  private commandDepth = 1
  private readonly keys = new Keys()

  /** What is wrong with the frame, or undefined; it is no longer than it may be. */
  fault(bytes: Uint8Array): FrameFault | undefined {
    this.bytes = bytes
    this.wrong = undefined
    this.depth = 0
    this.isKeyNext = false
    this.keyLength = 0
    this.index = -1
    let at = 0
    while (at < bytes.length && this.wrong === undefined) {
      const byte = bytes[at]
      if (byte === QUOTE) at = this.string(at)
      else if (byte === MAP || byte === ARRAY) this.open(byte)
      else if (byte === COMMA) this.next()
      else if (byte === MAP_END || byte === ARRAY_END) this.close()
      else if (byte === MINUS || (byte >= ZERO && byte <= NINE)) at = this.number(at)
      else if (byte === COLON) this.isKeyNext = false
      at += 1
      // What follows the end can only be space, as JSON.parse will see.
    }
    const found = this.wrong === undefined ? undefined : this.told(this.wrong)
    // The frame belongs to a socket's buffer, which is not to live on in here.
    this.bytes = NOTHING
    return found
  }

  private told(wrong: Sentence): FrameFault {
    const isField = this.keyLength > 0 && wrong !== 'key'
    const field = isField ? asciiAt(this.bytes, this.keyStart, this.keyLength) : WHOLE_FRAME
    return { field, sentence: SENTENCES[wrong], index: this.index }
  }

  private open(kind: number): void {
    if (this.depth === FRAME_DEPTH_MAX) {
      this.wrong = 'deep'
      return
    }
    if (this.depth === 0) this.commandDepth = kind === ARRAY ? 2 : 1
    if (this.depth === 1 && this.commandDepth === 2 && this.index < 0) this.index = 0
    this.depth += 1
    this.kinds[this.depth] = kind
    this.counts[this.depth] = 0
    this.isKeyNext = kind === MAP
  }

  private close(): void {
    if (this.depth === 0) {
      this.wrong = 'grammar'
      return
    }
    if (this.depth <= this.commandDepth) this.keyLength = 0
    this.depth -= 1
    this.isKeyNext = false
  }

  private next(): void {
    const { depth } = this
    const isBatch = depth === 1 && this.commandDepth === 2
    this.counts[depth] += 1
    if (depth === 0) this.wrong = 'grammar'
    else if (isBatch) {
      if (this.counts[depth] >= BATCH_COMMANDS_MAX) {
        this.index = -1
        this.wrong = 'batch'
      } else this.index = this.counts[depth]
    } else if (this.counts[depth] >= FRAME_ENTRIES_MAX) this.wrong = 'entries'
    else this.isKeyNext = this.kinds[depth] === MAP
  }

  /** The string that begins at the quote; returns where its end quote is. */
  private string(from: number): number {
    const { bytes } = this
    const start = from + 1
    let at = start
    while (at < bytes.length && bytes[at] !== QUOTE) {
      if (bytes[at] === BACKSLASH) {
        if (bytes[at + 1] === SMALL_U && this.isSurrogate(at + 2)) {
          // Halves of a character may stand alone in JSON, but not in UTF-8.
          this.wrong = 'utf8'
          return at
        }
        at += 1
      }
      at += 1
    }
    if (at >= bytes.length) {
      this.wrong = 'cutShort'
      return at
    }
    if (this.isKeyNext) this.key(start, at - start)
    else if (at - start > FRAME_STRING_BYTES_MAX) this.wrong = 'longString'
    return at
  }

  /** A name has no escapes, for a backslash is none of its characters. */
  private key(start: number, length: number): void {
    const { depth } = this
    this.isKeyNext = false
    const wrong = this.keys.fault(this.bytes, start, length, depth, this.counts[depth])
    if (depth === this.commandDepth) {
      this.keyStart = start
      this.keyLength = length
    }
    this.wrong = wrong
  }

  private isSurrogate(at: number): boolean {
    const isD = this.bytes[at] === 0x64 || this.bytes[at] === 0x44
    const next = this.bytes[at + 1]
    return isD && (next === 0x38 || next === NINE || (next | 0x20) >= 0x61)
  }

  /** Digits with a minus or without; returns where the last one is. */
  private number(start: number): number {
    const { bytes } = this
    let end = start + 1
    while (end < bytes.length && end - start <= NUMBER_CHARS_MAX && isDigit(bytes[end])) end += 1
    const next = bytes[end]
    // A point, an exponent, or anything else that is part of a number to somebody.
    const goesOn = next === 0x2e || next === 0x45 || next === 0x65 || isDigit(next)
    const value = goesOn ? Number.NaN : Number(asciiAt(bytes, start, end - start))
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) this.wrong = 'number'
    return end - 1
  }
}

const isDigit = (byte: number) => byte >= ZERO && byte <= NINE

const NOTHING = new Uint8Array(0)
