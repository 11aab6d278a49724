// Values as msgpack in any of the ways that the format has for each, chosen by seed; a library only
// ever takes the shortest.

import type { Prng } from '../support/prng.ts'

export type Value =
  | null
  | boolean
  | number
  | string
  | readonly Value[]
  | { readonly [name: string]: Value }

/** The value's bytes. Numbers are whole ones; of all ways that can say one, any may come. */
export function write(value: Value, random: Prng): Buffer {
  if (value === null) return Buffer.from([0xc0])
  if (typeof value === 'boolean') return Buffer.from([value ? 0xc3 : 0xc2])
  if (typeof value === 'number') return random.pick(waysOfNumber(value))
  if (typeof value === 'string') return writeText(value, random)
  if (Array.isArray(value)) {
    const items = (value as readonly Value[]).map((item) => write(item, random))
    return Buffer.concat([random.pick(heads(items.length, 0x90, 16, [0xdc, 0xdd])), ...items])
  }
  return writeMap(Object.entries(value), random)
}

/** A map's bytes, of fields that may have the same name. */
export function writeMap(fields: readonly (readonly [string, Value])[], random: Prng): Buffer {
  const all = fields.flatMap(([name, value]) => [writeText(name, random), write(value, random)])
  return Buffer.concat([random.pick(heads(fields.length, 0x80, 16, [0xde, 0xdf])), ...all])
}

function writeText(text: string, random: Prng): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([random.pick(heads(bytes.length, 0xa0, 32, [0xd9, 0xda, 0xdb])), bytes])
}

/** All ways to begin something of a length. */
function heads(length: number, short: number, end: number, long: readonly number[]): Buffer[] {
  const all = length < end ? [Buffer.from([short + length])] : []
  for (const [which, token] of long.entries()) {
    const size = 4 >> (long.length - 1 - which)
    if (length >= 256 ** size) continue
    const head = Buffer.from([token, 0, 0, 0, 0].slice(0, 1 + size))
    head.writeUIntBE(length, 1, size)
    all.push(head)
  }
  return all
}

function waysOfNumber(value: number): Buffer[] {
  const ways: Buffer[] = []
  if (value >= -32 && value < 128) ways.push(Buffer.from([value & 255]))
  for (const [which, bits] of [8, 16, 32].entries()) {
    const bytes = Buffer.alloc(1 + bits / 8)
    if (value >= 0 && value < 2 ** bits) {
      bytes.writeUIntBE(value, 1, bits / 8)
      bytes[0] = 0xcc + which
      ways.push(Buffer.from(bytes))
    }
    if (value >= -(2 ** (bits - 1)) && value < 2 ** (bits - 1)) {
      bytes.writeIntBE(value, 1, bits / 8)
      bytes[0] = 0xd0 + which
      ways.push(bytes)
    }
  }
  return [...ways, ...waysOfLongNumber(value)]
}

function waysOfLongNumber(value: number): Buffer[] {
  const [signed, unsigned, double, single] = [9, 9, 9, 5].map((length) => Buffer.alloc(length))
  signed[0] = 0xd3
  signed.writeBigInt64BE(BigInt(value), 1)
  unsigned[0] = 0xcf
  if (value >= 0) unsigned.writeBigUInt64BE(BigInt(value), 1)
  double[0] = 0xcb
  double.writeDoubleBE(value, 1)
  single[0] = 0xca
  single.writeFloatBE(value, 1)
  const ways = value >= 0 ? [signed, unsigned, double] : [signed, double]
  return Math.fround(value) === value ? [...ways, single] : ways
}
