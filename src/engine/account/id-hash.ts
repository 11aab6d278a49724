// The hash of a client id, under a key: who does not know the key cannot send ids that collide.
//
// The key only decides where entries lie in a table, never what happens: any key gives the same
// state and the same reports.

import { ID_WORDS } from '../../protocol/client-id.ts'

/** A key from a seed: one odd multiplier for the account and one for each word of an id. */
export function hashKey(seed: number): Int32Array {
  const key = new Int32Array(1 + ID_WORDS)
  let state = seed | 0
  for (let at = 0; at < key.length; at += 1) {
    // splitmix32
    state = (state + 0x9e3779b9) | 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    key[at] = (mixed ^ (mixed >>> 15)) | 1
  }
  return key
}

/**
 * A 32-bit hash of (account, id in `words[at ..]`): the words, folded, times the key's multipliers,
 * summed, and murmur3's finish. The products do not depend on each other, so the processor computes
 * them side by side.
 */
export function hashId(account: number, words: Int32Array, at: number, key: Int32Array): number {
  let hash =
    Math.imul(account, key[0]) +
    Math.imul(fold(words[at]), key[1]) +
    Math.imul(fold(words[at + 1]), key[2]) +
    Math.imul(fold(words[at + 2]), key[3]) +
    Math.imul(fold(words[at + 3]), key[4])
  // An id has ended where a word is zero: one of up to 18 characters has four words.
  if (words[at + 4] !== 0) {
    hash +=
      Math.imul(fold(words[at + 4]), key[5]) +
      Math.imul(fold(words[at + 5]), key[6]) +
      Math.imul(fold(words[at + 6]), key[7]) +
      Math.imul(fold(words[at + 7]), key[8])
  }
  hash |= 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/** Lets the high bits of a word count in the low ones; a bijection. */
const fold = (word: number): number => word ^ (word >>> 15)
