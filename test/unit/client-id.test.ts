// Client ids in eight words: every id comes back, equal ids have equal words.

import { describe, expect, test } from 'vitest'
import { Prng } from '../../src/lib/prng.ts'
import { copyId, ID_WORDS, packId, sameId, unpackId } from '../../src/protocol/client-id.ts'

const random = new Prng(7)
const FIRST = 0x21
const LAST = 0x7e
const CHARS = LAST - FIRST + 1
const LENGTHS = Array.from({ length: 36 }, (_, i) => i + 1)

const char = () => String.fromCharCode(FIRST + random.int(CHARS))
const text = (length: number) => Array.from({ length }, char).join('')

function pack(id: string): Int32Array {
  const words = new Int32Array(ID_WORDS)
  expect(packId(id, words, 0)).toBe(true)
  return words
}

describe('every length from 1 to 36', () => {
  test.each(LENGTHS)('%i: comes back as it was', (length) => {
    for (let i = 0; i < 300; i += 1) {
      const id = text(length)
      expect(unpackId(pack(id), 0)).toBe(id)
    }
    for (const code of [FIRST, LAST]) {
      const id = String.fromCharCode(code).repeat(length)
      expect(unpackId(pack(id), 0)).toBe(id)
    }
  })

  test.each(LENGTHS)('%i: equal words only for equal ids', (length) => {
    const id = text(length)
    const words = pack(id)
    expect(sameId(words, 0, pack(id), 0)).toBe(true)
    for (let at = 0; at < length; at += 1) {
      const other = id.charCodeAt(at) === FIRST ? LAST : id.charCodeAt(at) - 1
      const changed = id.slice(0, at) + String.fromCharCode(other) + id.slice(at + 1)
      expect(sameId(words, 0, pack(changed), 0)).toBe(false)
    }
    if (length < 36) expect(sameId(words, 0, pack(`${id}!`), 0)).toBe(false)
    if (length > 1) expect(sameId(words, 0, pack(id.slice(1)), 0)).toBe(false)
  })
})

test('every visible character at every place', () => {
  for (let at = 0; at < 36; at += 1) {
    for (let code = FIRST; code <= LAST; code += 1) {
      const id = 'x'.repeat(at) + String.fromCharCode(code) + 'y'.repeat(35 - at)
      expect(unpackId(pack(id), 0)).toBe(id)
    }
  }
})

test('what is no id is refused', () => {
  const words = new Int32Array(ID_WORDS)
  const wrong = ['', 'x'.repeat(37), 'a b', 'a\tb', 'a\0', '\x7f', 'é', 'a\u0100', '\ud83d\ude00']
  for (const id of wrong) expect([id, packId(id, words, 0)]).toEqual([id, false])
})

test('an id stays within its words, whatever was there before', () => {
  for (const length of [1, 4, 5, 9, 32, 36]) {
    const words = new Int32Array(3 * ID_WORDS).fill(-1)
    const id = text(length)
    expect(packId(id, words, ID_WORDS)).toBe(true)
    expect(unpackId(words, ID_WORDS)).toBe(id)
    const around = [...words.subarray(0, ID_WORDS), ...words.subarray(2 * ID_WORDS)]
    expect(new Set(around)).toEqual(new Set([-1]))
    copyId(words, ID_WORDS, words, 0)
    expect(sameId(words, 0, words, ID_WORDS)).toBe(true)
    expect(words[2 * ID_WORDS]).toBe(-1)
  }
})

test('no id is the empty text', () => {
  expect(unpackId(new Int32Array(ID_WORDS), 0)).toBe('')
})
