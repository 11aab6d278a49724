// What is wrong with a msgpack frame, found the naive way: every rule where it applies, and an
// exception at the first that is broken.

import { isUtf8 } from 'node:buffer'

const NUMBER = 'a number is not a whole one below 2^53; decimals are strings, such as "167.52"'

export interface Wrong {
  readonly field: string
  readonly text: string
  readonly index: number | undefined
}

class Refused extends Error {}

/** What is wrong with the frame, or undefined. */
export function wrongWith(bytes: Uint8Array): Wrong | undefined {
  const oracle = new Oracle(Buffer.from(bytes))
  try {
    oracle.frame()
    return undefined
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    const { field, index } = oracle
    return { field: field ?? 'frame', text: error.message, index }
  }
}

class Oracle {
  field: string | undefined
  index: number | undefined
  private readonly bytes: Buffer
  private at = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  frame(): void {
    const count = this.lengthOf(this.bytes[0], 0x90, 0x0f, [0xdc, 0xdd])
    if (count === undefined) this.value(1, true)
    else {
      if (count > 1_000) this.refuse('the batch has more than 1000 commands')
      for (this.index = 0; this.index < count; this.index += 1) this.value(2, true)
    }
    this.index = undefined
    if (this.at < this.bytes.length) this.refuse('the frame goes on after its end')
    if (count === 0) this.refuse('the batch has no commands')
  }

  private value(depth: number, isCommand: boolean): void {
    const token = this.bytes[this.at]
    const pairs = this.lengthOf(token, 0x80, 0x0f, [0xde, 0xdf])
    if (pairs !== undefined) return this.map(pairs, depth, isCommand)
    const items = this.lengthOf(token, 0x90, 0x0f, [0xdc, 0xdd])
    if (items !== undefined) {
      this.bound(items, depth)
      for (let i = 0; i < items; i += 1) this.value(depth + 1, false)
      return
    }
    const length = this.lengthOf(token, 0xa0, 0x1f, [0xd9, 0xda, 0xdb])
    if (length !== undefined) {
      if (length > 256) this.refuse('a string has more than 256 bytes')
      if (!isUtf8(this.take(length))) this.refuse('a string is not UTF-8')
      return
    }
    this.scalar(this.take(1)[0])
  }

  private map(count: number, depth: number, isCommand: boolean): void {
    this.bound(count, depth)
    const names = new Set<string>()
    for (let i = 0; i < count; i += 1) {
      // A name that does not end is told with the field before it, one that is none with no field.
      const token = this.at < this.bytes.length ? this.bytes[this.at] : this.take(1)[0]
      const length = this.lengthOf(token, 0xa0, 0x1f, [0xd9, 0xda, 0xdb])
      const name = length === undefined ? '' : this.take(length).toString('latin1')
      if (!/^[A-Za-z0-9_]{1,64}$/.test(name)) {
        this.field = undefined
        this.refuse("a field's name is not 1 to 64 of A-Z a-z 0-9 _")
      }
      if (isCommand) this.field = name
      if (['__proto__', 'constructor', 'prototype'].includes(name)) {
        this.refuse('the field has a name that no field may have')
      }
      if (names.has(name)) this.refuse('the field is there twice')
      names.add(name)
      this.value(depth + 1, false)
    }
    if (isCommand) this.field = undefined
  }

  private scalar(token: number): void {
    if (token < 0x80 || token >= 0xe0 || [0xc0, 0xc2, 0xc3].includes(token)) return
    const sizes: { [token: number]: number } = { 204: 1, 205: 2, 206: 4, 208: 1, 209: 2, 210: 4 }
    if (sizes[token] !== undefined) this.take(sizes[token])
    else if (token === 0xca) this.number(this.take(4).readFloatBE())
    else if (token === 0xcb) this.number(this.take(8).readDoubleBE())
    else if (token === 0xcf) this.number(Number(this.take(8).readBigUInt64BE()))
    else if (token === 0xd3) this.number(Number(this.take(8).readBigInt64BE()))
    else if (token === 0xc1) this.refuse('the frame is not of its format')
    else this.refuse('bytes and extensions are no values of a field')
  }

  private number(value: number): void {
    const isWhole = Number.isSafeInteger(value) && !Object.is(value, -0)
    if (!isWhole) this.refuse(NUMBER)
  }

  private bound(count: number, depth: number): void {
    if (depth > 4) this.refuse('maps and arrays are more than 4 deep')
    if (count > 32) this.refuse('a map or an array has more than 32 entries')
  }

  /**
   * The length of a map, an array or a string, if that is what begins here: in the token itself
   * from `short` on, as far as `mask` goes, or behind one of the `long` tokens.
   */
  private lengthOf(
    token: number,
    short: number,
    mask: number,
    long: readonly number[],
  ): number | undefined {
    const which = long.indexOf(token)
    if (which < 0 && (token & (0xff - mask)) !== short) return undefined
    this.at += 1
    if (which < 0) return token & mask
    // Strings have a length of one byte too; all have one of two and of four.
    const size = 4 >> (long.length - 1 - which)
    return this.take(size).readUIntBE(0, size)
  }

  private take(length: number): Buffer {
    if (length > this.bytes.length - this.at) this.refuse('the frame ends in the middle')
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  private refuse(text: string): never {
    throw new Refused(text)
  }
}
