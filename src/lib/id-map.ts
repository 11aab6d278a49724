// From a number (an order's id) to its record: open addressing, four bytes a slot.
//
// A slot holds a handle and how far it is from its home slot. The distance answers two questions
// without touching the record: whether an entry can be the one looked for (only entries of the same
// home have the right distance), and, on removal, which of the following entries may move back.

import { assert } from './assert.ts'
import type { RecordPool } from './record-pool.ts'

const HANDLE_BITS = 25
const HANDLE_MASK = 2 ** HANDLE_BITS - 1
const DISTANCE_MAX = 2 ** (31 - HANDLE_BITS) - 1
/** A table this many times larger than its entries has been grown for nothing. */
const SPARSE = 1024
/** Low: at 0.7 the book is 15 % slower, because longer runs make its branches unpredictable. */
const LOAD_MAX = 0.35

/** Records added together. */
const BLOCK = 32

export class IdMap {
  private slots: Int32Array
  private mask: number
  private shift: number
  private count = 0
  private readonly pool: RecordPool
  private readonly keyAt: number
  /** The slot where `get` last found something: a removal mostly comes right behind it. */
  private found = 0
  /** What reads ahead add up to; kept so that they are not optimised away. */
  private sum = 0

  /** The key of a record is its double number `keyAt`, a safe integer. */
  constructor(pool: RecordPool, keyAt: number, initial: number) {
    this.pool = pool
    this.keyAt = keyAt
    const bits = Math.max(4, Math.ceil(Math.log2(initial / LOAD_MAX)))
    this.slots = new Int32Array(2 ** bits)
    this.mask = 2 ** bits - 1
    this.shift = 32 - bits
  }

  /** The handle of the record with key `id`, or 0. */
  get(id: number): number {
    const { slots, mask, keyAt } = this
    const { f64, words } = this.pool
    const half = words >> 1
    let at = home(id, this.shift)
    for (let distance = 0; ; distance += 1) {
      const slot = slots[at]
      // An entry nearer to its home than we are to ours would have been pushed on: ours is not
      // here.
      if (slot === 0 || slot >>> HANDLE_BITS < distance) return 0
      if (slot >>> HANDLE_BITS === distance) {
        const handle = slot & HANDLE_MASK
        if (f64[handle * half + keyAt] === id) {
          this.found = at
          return handle
        }
      }
      at = (at + 1) & mask
    }
  }

  /** Reads the home slot of `id` and decides nothing, so that many reads overlap. */
  touch(id: number): number {
    return this.slots[home(id, this.shift)]
  }

  /**
   * The first handle with the home slot of `id`, or 0, without a look at its record; for
   * look-ahead.
   */
  guess(id: number): number {
    const { slots, mask } = this
    let at = home(id, this.shift)
    for (let distance = 0; ; distance += 1) {
      const slot = slots[at]
      if (slot === 0 || slot >>> HANDLE_BITS < distance) return 0
      if (slot >>> HANDLE_BITS === distance) return slot & HANDLE_MASK
      at = (at + 1) & mask
    }
  }

  /** Adds a record under its key, which must not be there yet. */
  add(handle: number): void {
    assert(handle <= HANDLE_MASK, 'id map: no room for more records')
    if (this.count >= LOAD_MAX * (this.mask + 1)) this.grow()
    this.count += 1
    this.place(handle)
  }

  /** Adds the records 1 to `top`, none of which is there; reads ahead as `HashTable.addMany`. */
  addUpTo(top: number): void {
    const { f64, words } = this.pool
    for (let from = 1; from <= top; from += BLOCK) {
      const to = Math.min(from + BLOCK, top + 1)
      let sum = 0
      for (let handle = from; handle < to; handle += 1) {
        sum += this.touch(f64[handle * (words >> 1) + this.keyAt])
      }
      this.sum += sum & 1
      for (let handle = from; handle < to; handle += 1) this.add(handle)
    }
  }

  /** Takes a record out, which must be there under the key it has. */
  remove(handle: number): void {
    if ((this.slots[this.found] & HANDLE_MASK) !== handle) {
      const { f64, words } = this.pool
      const there = this.get(f64[handle * (words >> 1) + this.keyAt])
      assert(there === handle, 'id map: the record to remove is there')
    }
    this.close(this.found)
  }

  /** Bytes of memory behind the map. */
  get bytes(): number {
    return this.slots.byteLength
  }

  /** Moves the entries behind a gap back by one, until one is at home. */
  private close(gap: number): void {
    const { slots, mask } = this
    let at = gap
    for (;;) {
      const next = (at + 1) & mask
      const slot = slots[next]
      if (slot >>> HANDLE_BITS === 0) break
      slots[at] = slot - (1 << HANDLE_BITS)
      at = next
    }
    slots[at] = 0
    this.count -= 1
  }

  /**
   * Robin Hood insertion: an entry far from home takes the slot of one that is nearer to its own.
   */
  private place(handle: number): void {
    const { slots, mask, keyAt, pool } = this
    let at = home(pool.f64[handle * (pool.words >> 1) + keyAt], this.shift)
    let carried = handle
    let distance = 0
    for (;;) {
      const slot = slots[at]
      if (slot === 0) {
        slots[at] = carried | (distance << HANDLE_BITS)
        return
      }
      if (slot >>> HANDLE_BITS < distance) {
        slots[at] = carried | (distance << HANDLE_BITS)
        carried = slot & HANDLE_MASK
        distance = slot >>> HANDLE_BITS
      }
      at = (at + 1) & mask
      distance += 1
      if (distance > DISTANCE_MAX) {
        // Keys that agree in all 32 bits of the hash stay together however large the table is.
        assert(this.count * SPARSE >= slots.length, 'id map: too many ids with the same hash')
        this.grow()
        this.place(carried)
        return
      }
    }
  }

  private grow(): void {
    const old = this.slots
    this.slots = new Int32Array(old.length * 2)
    this.mask = this.slots.length - 1
    this.shift -= 1
    for (let at = 0; at < old.length; at += 1) {
      const handle = old[at] & HANDLE_MASK
      if (handle !== 0) this.place(handle)
    }
  }
}

/** The home slot of a key: Fibonacci hashing over both halves of a safe integer. */
function home(id: number, shift: number): number {
  const low = id | 0
  const high = (id / 0x1_0000_0000) | 0
  return Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0x9e3779b1) >>> shift
}
