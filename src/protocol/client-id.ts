// Client ids inside the engine: up to 36 visible ASCII characters, seven bits each, in eight 32-bit
// words.
//
// 36 × 7 = 252 bits fit 256. Fixed size keeps ids in records without strings; equal ids have equal
// words.

import { ID_CHARS_MAX } from './bounds.ts'

/** 32-bit words of a packed id. */
export const ID_WORDS = 8

/**
 * Packs an id into `into[at .. at + 7]`. Returns false, having written zeros or a part, if it is
 * empty, too long or has other than visible ASCII characters.
 */
export function packId(id: string, into: Int32Array, at: number): boolean {
  const { length } = id
  for (let i = 0; i < length && i < ID_CHARS_MAX; i += 1) {
    const char = id.charCodeAt(i)
    characters[i] = char < 0x80 ? char : 0
  }
  return packIdBytes(characters, 0, length, into, at)
}

/** Of the id that is packed from a string; 0 is a character that no id has. */
const characters = new Uint8Array(ID_CHARS_MAX)

/** As {@link packId}, of an id that is `length` bytes of ASCII from `start` on. */
export function packIdBytes(
  bytes: Uint8Array,
  start: number,
  length: number,
  into: Int32Array,
  at: number,
): boolean {
  for (let word = 0; word < ID_WORDS; word += 1) into[at + word] = 0
  if (length === 0 || length > ID_CHARS_MAX) return false
  let bits = 0
  let filled = 0
  let word = at
  for (let i = start; i < start + length; i += 1) {
    const char = bytes[i]
    if (char < 0x21 || char > 0x7e) return false
    bits |= char << filled
    filled += 7
    if (filled >= 32) {
      into[word] = bits
      word += 1
      filled -= 32
      bits = filled === 0 ? 0 : char >>> (7 - filled)
    }
  }
  if (filled > 0) into[word] = bits
  return true
}

/** The id packed in `from[at .. at + 7]`, '' if there is none. */
export function unpackId(from: Int32Array, at: number): string {
  let id = ''
  for (let i = 0; i < ID_CHARS_MAX; i += 1) {
    const bit = i * 7
    const word = at + (bit >> 5)
    const shift = bit & 31
    let char = from[word] >>> shift
    if (shift > 25) char |= from[word + 1] << (32 - shift)
    char &= 127
    if (char === 0) break
    id += String.fromCharCode(char)
  }
  return id
}

/** Writes the id packed in `from[at .. at + 7]` as bytes; returns how many there are. */
export function writeId(from: Int32Array, at: number, into: Uint8Array, to: number): number {
  let word = at
  let bits = from[word]
  let left = 32
  for (let length = 0; length < ID_CHARS_MAX; length += 1) {
    let char = bits & 127
    bits >>>= 7
    left -= 7
    if (left < 0) {
      // Its upper bits are in the next word, if there is one that this id may use.
      word += 1
      const next = from[word]
      char |= (next << (7 + left)) & 127
      bits = next >>> -left
      left += 32
    }
    if (char === 0) return length
    into[to + length] = char
  }
  return ID_CHARS_MAX
}

/** Copies a packed id. */
export function copyId(from: Int32Array, fromAt: number, to: Int32Array, toAt: number): void {
  to[toAt] = from[fromAt]
  to[toAt + 1] = from[fromAt + 1]
  to[toAt + 2] = from[fromAt + 2]
  to[toAt + 3] = from[fromAt + 3]
  to[toAt + 4] = from[fromAt + 4]
  to[toAt + 5] = from[fromAt + 5]
  to[toAt + 6] = from[fromAt + 6]
  to[toAt + 7] = from[fromAt + 7]
}

/** Whether two packed ids are the same. */
export function sameId(a: Int32Array, aAt: number, b: Int32Array, bAt: number): boolean {
  return (
    a[aAt] === b[bAt] &&
    a[aAt + 1] === b[bAt + 1] &&
    a[aAt + 2] === b[bAt + 2] &&
    a[aAt + 3] === b[bAt + 3] &&
    a[aAt + 4] === b[bAt + 4] &&
    a[aAt + 5] === b[bAt + 5] &&
    a[aAt + 6] === b[bAt + 6] &&
    a[aAt + 7] === b[bAt + 7]
  )
}
