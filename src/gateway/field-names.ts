// The names of fields in a frame: those of the commands, found by their bytes without making a
// string, and what any other must be.

import { COMMAND_FORMS } from '../protocol/command-schema.ts'
import { FRAME_KEY_BYTES_MAX } from './bounds.ts'
import { asciiAt } from './frame-strings.ts'

/** A name that some command's field has. */
export interface FieldName {
  readonly name: string
  /** Its place among all of them, from 0. */
  readonly number: number
  readonly bytes: Uint8Array
  /** One of 32 bits; names that go together have different ones, as far as there are enough. */
  readonly bit: number
}

/** More than five times as many as there are names, a power of two. */
const TABLE_SLOTS = 256

const names = new Set([
  'cmd',
  ...Object.values(COMMAND_FORMS).flatMap(({ required, optional }) => [
    ...Object.keys(required),
    ...Object.keys(optional),
  ]),
])

/** The number of each name. */
export const FIELD_NUMBERS: ReadonlyMap<string, number> = new Map(
  [...names].map((name, number) => [name, number]),
)

/** The names of all commands' fields, by {@link slotOf}, or behind it where that was taken. */
const table = tableOf(names)

function tableOf(names: ReadonlySet<string>): readonly (FieldName | undefined)[] {
  const slots: (FieldName | undefined)[] = new Array(TABLE_SLOTS).fill(undefined)
  for (const [at, name] of [...names].entries()) {
    const bytes = Uint8Array.from(Buffer.from(name, 'latin1'))
    let slot = slotOf(bytes, 0, bytes.length)
    while (slots[slot] !== undefined) slot = (slot + 1) % TABLE_SLOTS
    slots[slot] = { name, number: at, bytes, bit: 1 << (at % 32) }
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
    if (known === undefined || isSameBytes(known.bytes, bytes, start, length)) return known
    slot = (slot + 1) % TABLE_SLOTS
  }
}

/** By the length and three of the bytes, which hardly two names share. */
function slotOf(bytes: Uint8Array, start: number, length: number): number {
  const middle = bytes[start + (length >> 1)]
  const last = bytes[start + length - 1]
  return (length * 3 + bytes[start] + last * 5 + middle * 17) % TABLE_SLOTS
}

/** Whether `length` bytes from `start` on are these. */
export function isSameBytes(
  known: Uint8Array,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  if (known.length !== length) return false
  for (let i = 0; i < length; i += 1) if (known[i] !== bytes[start + i]) return false
  return true
}

const RESERVED = new Set(['__proto__', 'constructor', 'prototype'])
/** No command has a field whose name has fewer or more bytes than these have. */
const RESERVED_BYTES_MIN = 9
const RESERVED_BYTES_MAX = 11

/** 1 for the bytes of a field's name. */
const WORD = new Uint8Array(256)
for (const char of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_') {
  WORD[char.charCodeAt(0)] = 1
}

/** What is wrong with the name of a field by itself, or undefined. */
export function nameFault(
  bytes: Uint8Array,
  start: number,
  length: number,
): 'key' | 'reserved' | undefined {
  if (length === 0 || length > FRAME_KEY_BYTES_MAX) return 'key'
  for (let at = start; at < start + length; at += 1) if (WORD[bytes[at]] === 0) return 'key'
  if (length < RESERVED_BYTES_MIN || length > RESERVED_BYTES_MAX) return undefined
  return RESERVED.has(asciiAt(bytes, start, length)) ? 'reserved' : undefined
}
