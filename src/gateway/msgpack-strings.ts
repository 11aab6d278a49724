// Strings out of a msgpack frame: the names of fields, known ones without making a string at all,
// and texts, short ones of ASCII without a call out of the engine that runs this.

import { isUtf8 } from 'node:buffer'
import { COMMAND_FORMS } from '../protocol/command-schema.ts'

/** A name that some command's field has. */
interface FieldName {
  readonly name: string
  readonly bytes: Uint8Array
  /** One of 32 bits; names that go together have different ones, as far as there are enough. */
  readonly bit: number
}

/** More than five times as many as there are names, a power of two. */
const TABLE_SLOTS = 256

/** The names of all commands' fields, by {@link slotOf}, or behind it where that was taken. */
const table = tableOf(
  new Set([
    'cmd',
    ...Object.values(COMMAND_FORMS).flatMap(({ required, optional }) => [
      ...Object.keys(required),
      ...Object.keys(optional),
    ]),
  ]),
)

function tableOf(names: ReadonlySet<string>): readonly (FieldName | undefined)[] {
  const slots: (FieldName | undefined)[] = new Array(TABLE_SLOTS).fill(undefined)
  for (const [at, name] of [...names].entries()) {
    const bytes = Uint8Array.from(Buffer.from(name, 'latin1'))
    let slot = slotOf(bytes, 0, bytes.length)
    while (slots[slot] !== undefined) slot = (slot + 1) % TABLE_SLOTS
    slots[slot] = { name, bytes, bit: 1 << (at % 32) }
  }
  return slots
}

/** The name of a command's field that these bytes are, if they are one. */
export function findFieldName(
  bytes: Uint8Array,
  start: number,
  length: number,
): FieldName | undefined {
  if (length === 0) return undefined
  let slot = slotOf(bytes, start, length)
  for (;;) {
    const known = table[slot]
    if (known === undefined || isSame(known.bytes, bytes, start, length)) return known
    slot = (slot + 1) % TABLE_SLOTS
  }
}

/** By the length and three of the bytes, which hardly two names share. */
function slotOf(bytes: Uint8Array, start: number, length: number): number {
  const middle = bytes[start + (length >> 1)]
  const last = bytes[start + length - 1]
  return (length * 3 + bytes[start] + last * 5 + middle * 17) % TABLE_SLOTS
}

function isSame(known: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (known.length !== length) return false
  for (let i = 0; i < length; i += 1) if (known[i] !== bytes[start + i]) return false
  return true
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A string of so many bytes, which are there; undefined if they are not UTF-8. */
export function textAt(bytes: Uint8Array, start: number, length: number): string | undefined {
  const end = start + length
  let all = 0
  for (let i = start; i < end; i += 1) all |= bytes[i]
  if (all < 0x80) return asciiAt(bytes, start, length)
  const piece = bytes.subarray(start, end)
  return isUtf8(piece) ? utf8.decode(piece) : undefined
}

/**
 * Characters in as many arguments as there are: what costs the least, until there are so many that
 * a call to Node costs no more.
 */
function asciiAt(b: Uint8Array, i: number, length: number): string {
  const of = String.fromCharCode
  // biome-ignore format: a table.
  switch (length) {
    case 0: return ''
    case 1: return of(b[i])
    case 2: return of(b[i], b[i + 1])
    case 3: return of(b[i], b[i + 1], b[i + 2])
    case 4: return of(b[i], b[i + 1], b[i + 2], b[i + 3])
    case 5: return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4])
    case 6: return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5])
    case 7: return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6])
    case 8: return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7])
    case 9: return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7], b[i + 8])
    case 10:
      return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4],
        b[i + 5], b[i + 6], b[i + 7], b[i + 8], b[i + 9])
    case 11:
      return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4],
        b[i + 5], b[i + 6], b[i + 7], b[i + 8], b[i + 9], b[i + 10])
    case 12:
      return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5],
        b[i + 6], b[i + 7], b[i + 8], b[i + 9], b[i + 10], b[i + 11])
    case 13:
      return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5],
        b[i + 6], b[i + 7], b[i + 8], b[i + 9], b[i + 10], b[i + 11], b[i + 12])
    case 14:
      return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6],
        b[i + 7], b[i + 8], b[i + 9], b[i + 10], b[i + 11], b[i + 12], b[i + 13])
    case 15:
      return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6],
        b[i + 7], b[i + 8], b[i + 9], b[i + 10], b[i + 11], b[i + 12], b[i + 13], b[i + 14])
    case 16:
      return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7],
        b[i + 8], b[i + 9], b[i + 10], b[i + 11], b[i + 12], b[i + 13], b[i + 14], b[i + 15])
    default: return bufferOf(b).toString('latin1', i, i + length)
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  if (bytes instanceof Buffer) return bytes
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
