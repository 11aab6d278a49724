// The sorted page lists of all sides of all books, in one typed array.
//
// A list is a run of entries behind each other; one that has outgrown its run moves to one twice as
// long, and the old run waits for the next list of that length. A list of its own array would be a
// chain of objects to follow, each beyond the nearest caches once there are thousands of books.

import { assert } from '../../lib/assert.ts'

/** Entry, 4 words: f64 0 the page's key; i32 2 the page. */
export const ENTRY = { words: 4, key: 0, page: 2 } as const

/** Entries of the shortest run: one cache line. */
export const RUN_MIN = 4

const WORDS = ENTRY.words
/** Entries that word indexes can reach. */
const ENTRIES_MAX = 2 ** 29

export class PageLists {
  /** Words of entry `n` start at `n * 4`. Replaced when the array grows: do not keep it. */
  i32: Int32Array
  /** Doubles of entry `n` start at `n * 2`. Replaced when the array grows. */
  f64: Float64Array
  /** Entries handed out so far; the first run is nobody's, so that 0 is "none". */
  private top = RUN_MIN
  private capacity: number
  /** By the logarithm of its length: the first free run, 0 if there is none. */
  private readonly free = new Int32Array(32)

  /** `initial`: lists to make room for; more is made as needed. */
  constructor(initial: number) {
    this.capacity = RUN_MIN * (initial + 1)
    const buffer = new ArrayBuffer(this.capacity * WORDS * 4)
    this.i32 = new Int32Array(buffer)
    this.f64 = new Float64Array(buffer)
  }

  /** The first entry of a run of `length` entries, a power of two. */
  alloc(length: number): number {
    const kind = 31 - Math.clz32(length)
    const reused = this.free[kind]
    if (reused !== 0) {
      this.free[kind] = this.i32[reused * WORDS]
      return reused
    }
    const first = this.top
    while (first + length > this.capacity) this.grow()
    this.top = first + length
    return first
  }

  /** Gives a run back. */
  release(first: number, length: number): void {
    const kind = 31 - Math.clz32(length)
    this.i32[first * WORDS] = this.free[kind]
    this.free[kind] = first
  }

  /** Moves `count` entries from entry `from` on to entry `to` on; they may overlap. */
  move(to: number, from: number, count: number): void {
    this.i32.copyWithin(to * WORDS, from * WORDS, (from + count) * WORDS)
  }

  /** Bytes of memory behind the lists. */
  get bytes(): number {
    return this.i32.byteLength
  }

  private grow(): void {
    this.capacity *= 2
    assert(this.capacity <= ENTRIES_MAX, 'page lists: no room for more pages')
    const i32 = new Int32Array(this.capacity * WORDS)
    i32.set(this.i32)
    this.i32 = i32
    this.f64 = new Float64Array(i32.buffer)
  }
}
