// Hash table, id map, record pool and log, against Map and plain objects, on random operations.

import { describe, expect, test } from 'vitest'
import { HashTable } from '../../src/lib/hash-table.ts'
import { IdMap } from '../../src/lib/id-map.ts'
import { Prng } from '../../src/lib/prng.ts'
import { RecordLog } from '../../src/lib/record-log.ts'
import { RecordPool } from '../../src/lib/record-pool.ts'
import { RecordRing } from '../../src/lib/record-ring.ts'
import { sortOrder } from '../../src/lib/sort-order.ts'

const WORDS = 4
const KEY = 0

/** Ids that make an id map sweat: each gives the n-th of its kind. */
const ID_KINDS: { [name: string]: (n: number, random: Prng) => number } = {
  'one after the other': (n) => n + 1,
  random: (_, random) => Math.floor(random.next() * 2 ** 52) * 2 + 1,
  'equal low halves': (n) => (n + 1) * 2 ** 32,
  'pairs of account and symbol': (n) => (n % 500) * 2 ** 20 + Math.floor(n / 500) + 1,
  'next to the last safe integer': (n) => Number.MAX_SAFE_INTEGER - n,
}

describe('id map', () => {
  test.each(Object.entries(ID_KINDS))('finds what is there and nothing else: %s', (_, idOf) => {
    const random = new Prng(17)
    const pool = new RecordPool('test', WORDS, 1)
    const map = new IdMap(pool, KEY, 1)
    const there = new Map<number, number>()
    const ids = Array.from({ length: 3_000 }, (_, n) => idOf(n, random))
    for (let step = 0; step < 40_000; step += 1) {
      // Swells, then shrinks, then swells again.
      const swelling = Math.floor(step / 8_000) % 2 === 0
      const id = ids[random.int(ids.length)]
      expect(map.get(id)).toBe(there.get(id) ?? 0)
      const handle = there.get(id)
      if (handle === undefined && random.chance(swelling ? 0.9 : 0.2)) {
        const added = pool.alloc()
        pool.f64[(added * WORDS) / 2 + KEY] = id
        map.add(added)
        there.set(id, added)
      } else if (handle !== undefined && random.chance(swelling ? 0.1 : 0.9)) {
        // A removal behind another look-up, too.
        if (random.chance(0.5)) map.get(ids[random.int(ids.length)])
        map.remove(handle)
        pool.release(handle)
        there.delete(id)
      }
    }
    for (const id of ids) expect(map.get(id)).toBe(there.get(id) ?? 0)
    for (const handle of there.values()) map.remove(handle)
    for (const id of ids) expect(map.get(id)).toBe(0)
  })

  test('with as many ids of one hash as a run can hold', () => {
    // low ^ high × constant is the same for all of them, so no growth can part them.
    const ids = Array.from({ length: 60 }, (_, n) => {
      const low = (0x12345678 ^ Math.imul(n + 1, 0x85ebca6b)) >>> 0
      return (n + 1) * 2 ** 32 + low
    })
    const pool = new RecordPool('test', WORDS, 1)
    const map = new IdMap(pool, KEY, 1)
    const handles = ids.map((id) => {
      const handle = pool.alloc()
      pool.f64[(handle * WORDS) / 2 + KEY] = id
      map.add(handle)
      return handle
    })
    expect(ids.map((id) => map.get(id))).toEqual(handles)
    const odd = handles.filter((_, n) => n % 2 === 1)
    for (const handle of odd) map.remove(handle)
    expect(ids.map((id) => map.get(id))).toEqual(handles.map((of, n) => (n % 2 === 1 ? 0 : of)))
  })

  test('a record that is not there cannot be removed', () => {
    const pool = new RecordPool('test', WORDS, 1)
    const map = new IdMap(pool, KEY, 1)
    const [a, b] = [pool.alloc(), pool.alloc()]
    pool.f64[(a * WORDS) / 2 + KEY] = 5
    pool.f64[(b * WORDS) / 2 + KEY] = 6
    map.add(a)
    expect(() => map.remove(b)).toThrow('the record to remove is there')
  })
})

/** Hashes that make a table sweat. */
const HASH_KINDS: { [name: string]: (random: Prng) => number } = {
  random: (random) => random.bits(),
  'few different ones': (random) => random.int(40),
  'one home slot': (random) => random.int(200) * 0x10000,
  'the last home slots, around the end': (random) => -1 - random.int(8),
  'all the same': () => 0x7fffffff,
}

describe('hash table', () => {
  /** All entries with a hash, in any order. */
  function entriesOf(table: HashTable, hash: number): number[] {
    const entries: number[] = []
    for (let slot = table.first(hash); slot >= 0; slot = table.next(hash, slot)) {
      entries.push(table.entryAt(slot))
    }
    return entries.sort((a, b) => a - b)
  }

  test.each(Object.entries(HASH_KINDS))('has exactly what was added: %s', (name, hashOf) => {
    const random = new Prng(19)
    const table = new HashTable(1)
    const there: [hash: number, entry: number][] = []
    const ofHash = new Map<number, Set<number>>()
    const steps = name === 'all the same' ? 3_000 : 30_000
    let nextEntry = 1
    for (let step = 0; step < steps; step += 1) {
      const swelling = Math.floor((step * 5) / steps) % 2 === 0
      if (there.length === 0 || random.chance(swelling ? 0.7 : 0.2)) {
        const hash = hashOf(random)
        const entry = random.chance(0.5) ? nextEntry : -nextEntry
        nextEntry += 1
        table.add(hash, entry)
        there.push([hash, entry])
        const entries = ofHash.get(hash) ?? new Set()
        ofHash.set(hash, entries.add(entry))
      } else {
        const at = random.int(there.length)
        const [hash, entry] = there[at]
        const entries = ofHash.get(hash)!
        entries.delete(entry)
        if (random.chance(0.3)) {
          table.exchange(hash, entry, nextEntry)
          there[at] = [hash, nextEntry]
          entries.add(nextEntry)
          nextEntry += 1
        } else {
          table.remove(hash, entry)
          there[at] = there[there.length - 1]
          there.pop()
        }
      }
      if (step % 7 === 0) {
        const hash = there.length > 0 ? there[random.int(there.length)][0] : 1
        const expected = [...(ofHash.get(hash) ?? [])].sort((a, b) => a - b)
        expect(entriesOf(table, hash)).toEqual(expected)
      }
    }
    for (const [hash, entries] of ofHash) {
      expect(entriesOf(table, hash)).toEqual([...entries].sort((a, b) => a - b))
    }
    for (const [hash, entry] of there) table.remove(hash, entry)
    for (const hash of ofHash.keys()) expect(table.first(hash)).toBe(-1)
  })

  test('a hash that is not there ends at once, and its guess is 0', () => {
    const table = new HashTable(4)
    expect(table.first(5)).toBe(-1)
    table.add(5, 1)
    table.add(5 + 2 ** 20, 2)
    expect(entriesOf(table, 5)).toEqual([1])
    expect(entriesOf(table, 5 + 2 ** 20)).toEqual([2])
    expect(entriesOf(table, 5 + 2 ** 21)).toEqual([])
    expect([table.guess(5), table.guess(6)]).toEqual([1, 0])
    expect(() => table.remove(5, 9)).toThrow('an entry is in its table')
    expect(() => table.exchange(7, 1, 2)).toThrow('an entry is in its table')
  })

  test('two entries change places, with one of them there twice in between', () => {
    // All of one home slot, so that each is on the way to the others.
    const table = new HashTable(16)
    const hashes = [0x10000, 0x20000, 0x30000, 0x40000]
    for (const [n, hash] of hashes.entries()) table.add(hash, n + 1)
    table.exchange(hashes[1], 2, 4)
    table.exchange(hashes[3], 4, 2)
    expect(hashes.map((hash) => entriesOf(table, hash))).toEqual([[1], [4], [3], [2]])
  })

  test('grows with its entries and gives its bytes', () => {
    const table = new HashTable(16)
    const before = table.bytes
    for (let entry = 1; entry <= 1_000; entry += 1) table.add(Math.imul(entry, 0x9e3779b1), entry)
    expect(table.bytes).toBeGreaterThan(before)
    expect(table.bytes).toBeGreaterThanOrEqual(1_000 * 8)
    expect(table.bytes).toBeLessThanOrEqual(1_000 * 8 * 4)
  })
})

describe('many at once', () => {
  test.each([0, 1, 31, 32, 33, 5_000])('%i entries of a hash table, beside some', (count) => {
    const table = new HashTable(1)
    const hashOf = (n: number) => Math.imul(n % 1_000, 0x9e3779b1)
    for (let n = 0; n < 20; n += 1) table.add(hashOf(n), 1_000_000 + n)
    table.addMany(count, hashOf, (n) => n + 1)
    const left = new Set(Array.from({ length: count }, (_, n) => n + 1))
    for (let n = 0; n < count; n += 1) {
      const hash = hashOf(n)
      for (let at = table.first(hash); at >= 0; at = table.next(hash, at)) {
        left.delete(table.entryAt(at))
      }
    }
    expect(left.size).toBe(0)
    for (let n = 0; n < 20; n += 1) table.remove(hashOf(n), 1_000_000 + n)
    for (let n = 0; n < count; n += 1) table.remove(hashOf(n), n + 1)
    expect(table.first(hashOf(0))).toBe(-1)
  })

  test('a hash table that many were added to grows in time', () => {
    const table = new HashTable(1)
    table.addMany(
      5_000,
      (n) => n,
      (n) => n + 1,
    )
    const { bytes } = table
    for (let n = 5_000; n < 7_000; n += 1) table.add(n, n + 1)
    expect(table.bytes).toBe(bytes * 2)
  })

  test.each([0, 1, 32, 33, 5_000])('%i records of an id map', (count) => {
    const pool = new RecordPool('test', WORDS, 1)
    const idOf = (n: number) => n * 7_919 + 1
    for (let n = 1; n <= count; n += 1) {
      const handle = pool.alloc()
      pool.f64[(handle * WORDS) / 2 + KEY] = idOf(n)
    }
    const map = new IdMap(pool, KEY, 1)
    map.addUpTo(count)
    for (let n = 1; n <= count; n += 1) expect(map.get(idOf(n))).toBe(n)
    expect(map.get(idOf(count + 1))).toBe(0)
  })
})

describe('sort order', () => {
  /** Keys that take one pass, several, and none. */
  const KEYS: { [name: string]: (random: Prng) => number } = {
    'all alike': () => 5,
    small: (random) => random.int(3),
    'of several digits': (random) => random.int(2 ** 30),
    'below and above zero': (random) => random.int(2_000) - 1_000,
    'safe integers': (random) => Math.floor((random.next() - 0.5) * 2 ** 53),
  }

  test.each(Object.entries(KEYS))('as a stable sort has it: %s', (_, keyOf) => {
    const random = new Prng(3)
    for (const length of [0, 1, 2, 3_000]) {
      const keys = Float64Array.from({ length }, () => keyOf(random))
      const expected = [...keys.keys()].sort((x, y) => keys[x] - keys[y] || x - y)
      expect([...sortOrder(keys)]).toEqual(expected)
    }
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY, 0.5, 2 ** 53])('refuses a key of %d', (key) => {
    expect(() => sortOrder(Float64Array.of(1, key))).toThrow('safe integer')
  })
})

describe('record pool', () => {
  test('gives out zeroed records, each once, and keeps their words through growth', () => {
    const random = new Prng(23)
    const pool = new RecordPool('test', WORDS, 1)
    const live = new Map<number, number>()
    for (let step = 0; step < 20_000; step += 1) {
      if (live.size === 0 || random.chance(0.55)) {
        const handle = pool.alloc()
        expect(handle).toBeGreaterThan(0)
        expect(live.has(handle)).toBe(false)
        const words = pool.i32.subarray(handle * WORDS, handle * WORDS + WORDS)
        expect([...words]).toEqual([0, 0, 0, 0])
        pool.f64[(handle * WORDS) / 2] = step
        pool.i32[handle * WORDS + 3] = -step
        live.set(handle, step)
      } else {
        const handles = [...live.keys()]
        const handle = handles[random.int(handles.length)]
        live.delete(handle)
        pool.release(handle)
      }
      expect(pool.count).toBe(live.size)
      if (live.size > 60) for (const handle of [...live.keys()].slice(0, 40)) drop(handle)
    }
    function drop(handle: number): void {
      expect(pool.f64[(handle * WORDS) / 2]).toBe(live.get(handle))
      expect(pool.i32[handle * WORDS + 3]).toBe(-live.get(handle)! | 0)
      live.delete(handle)
      pool.release(handle)
    }
    expect(pool.top).toBeLessThanOrEqual(64)
    expect(pool.bytes).toBeLessThanOrEqual(129 * WORDS * 4)
  })

  test('hands out the last one given back first', () => {
    const pool = new RecordPool('test', WORDS, 4)
    const [a, b, c] = [pool.alloc(), pool.alloc(), pool.alloc()]
    pool.release(a)
    pool.release(b)
    expect([pool.reuse(), pool.reuse(), pool.reuse()]).toEqual([b, a, c + 1])
  })

  test('refuses records of an odd number of words', () => {
    expect(() => new RecordPool('test', 3, 1)).toThrow('even number of words')
  })
})

describe('record ring', () => {
  test.each([1, 2 ** 30 - 500])('keeps its records in order, numbered from %i on', (start) => {
    const random = new Prng(29)
    const ring = new RecordRing('test', WORDS, 1)
    ring.oldest = start
    ring.next = start
    const there: [number: number, value: number][] = []
    for (let step = 0; step < 20_000; step += 1) {
      const swelling = Math.floor(step / 4_000) % 2 === 0
      if (there.length === 0 || random.chance(swelling ? 0.6 : 0.4)) {
        const number = ring.append()
        ring.i32[ring.wordOf(number)] = step
        ring.f64[ring.wordOf(number) / 2 + 1] = step / 2
        there.push([number, step])
      } else {
        const count = 1 + random.int(Math.min(there.length, 3))
        there.splice(0, count)
        ring.dropBefore(there.length > 0 ? there[0][0] : ring.next)
      }
      expect(ring.count).toBe(there.length)
      if (step % 100 > 0) continue
      let number = ring.oldest
      for (const [expected, value] of there) {
        expect(number).toBe(expected)
        expect(ring.i32[ring.wordOf(number)]).toBe(value)
        expect(ring.f64[ring.wordOf(number) / 2 + 1]).toBe(value / 2)
        number = ring.after(number)
      }
      expect(number).toBe(ring.next)
    }
    expect(there.some(([number]) => number === 0)).toBe(false)
    expect(ring.bytes).toBeLessThanOrEqual(2 ** 12 * WORDS * 4)
  })

  test('puts its records into any order', () => {
    const random = new Prng(11)
    for (const count of [0, 1, 2, 7, 8, 500]) {
      const ring = new RecordRing('test', WORDS, 1)
      for (let n = 0; n < count; n += 1) {
        const at = ring.wordOf(ring.append())
        ring.i32.fill(n, at, at + WORDS)
      }
      const order = Uint32Array.from({ length: count }, (_, n) => n)
      for (let n = count - 1; n > 0; n -= 1) {
        const other = random.int(n + 1)
        ;[order[n], order[other]] = [order[other], order[n]]
      }
      ring.reorder(order)
      const found = Array.from({ length: count }, (_, n) => [
        ...ring.i32.subarray(ring.wordOf(n + 1), ring.wordOf(n + 1) + WORDS),
      ])
      expect(found).toEqual([...order].map((n) => Array(WORDS).fill(n)))
    }
  })

  test('refuses records of an odd number of words', () => {
    expect(() => new RecordRing('test', 3, 1)).toThrow('even number of words')
  })
})

test('a record log grows, keeps what is in it, and forgets on clear', () => {
  const log = new RecordLog(WORDS, 1)
  for (let n = 0; n < 100; n += 1) {
    const at = log.appendZeroed()
    expect(at).toBe(n * WORDS)
    log.i32[at] = n
    log.f64[at / 2 + 1] = n / 2
  }
  expect(log.count).toBe(100)
  for (let n = 0; n < 100; n += 1) expect(log.i32[n * WORDS]).toBe(n)
  expect(log.f64[99 * 2 + 1]).toBe(49.5)
  log.clear()
  expect(log.count).toBe(0)
  expect([...log.i32.subarray(log.appendZeroed(), WORDS)]).toEqual([0, 0, 0, 0])
})
