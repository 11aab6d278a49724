// Fixed-size records in one typed array with a free list: no object and no garbage per record.
//
// A record is `words` 32-bit words; `i32` and `f64` are two views of the same memory, so a record
// can mix integers and doubles and still sit in one or two cache lines. Handle 0 means "none" and
// is never given out.

import { assert } from './assert.ts'

export class RecordPool {
  /**
   * Words of record `handle` start at `handle * words`. Replaced when the pool grows: do not keep
   * it.
   */
  i32: Int32Array
  /** Doubles of record `handle` start at `handle * words / 2`. Replaced when the pool grows. */
  f64: Float64Array
  /** Records in use. */
  count = 0
  readonly words: number
  /** Handles given out at least once are `1 .. top`. */
  top = 0
  private free = 0
  private capacity: number
  private readonly name: string

  /**
   * `words` must be even, so that doubles stay aligned; `initial` is the number of records to start
   * with.
   */
  constructor(name: string, words: number, initial: number) {
    assert(words % 2 === 0 && words > 0, `${name}: a record is an even number of words`)
    this.name = name
    this.words = words
    this.capacity = initial + 1
    const buffer = new ArrayBuffer(this.capacity * words * 4)
    this.i32 = new Int32Array(buffer)
    this.f64 = new Float64Array(buffer)
  }

  /** A zeroed record's handle. Grows the pool when it is full, which moves `i32` and `f64`. */
  alloc(): number {
    const handle = this.reuse()
    const { i32, words } = this
    const base = handle * words
    for (let word = 0; word < words; word += 1) i32[base + word] = 0
    return handle
  }

  /**
   * As {@link alloc}, but all words other than the first are as they were when the record was given
   * back.
   */
  reuse(): number {
    this.count += 1
    const handle = this.free
    if (handle === 0) {
      if (this.top + 1 === this.capacity) this.grow()
      this.top += 1
      return this.top
    }
    const base = handle * this.words
    this.free = this.i32[base]
    this.i32[base] = 0
    return handle
  }

  /** Gives a record back; the caller holds no other reference to it. */
  release(handle: number): void {
    this.i32[handle * this.words] = this.free
    this.free = handle
    this.count -= 1
  }

  /** Records that it holds without growing. */
  get room(): number {
    return this.capacity - 1
  }

  /** Bytes of memory behind the records, whether in use or not. */
  get bytes(): number {
    return this.capacity * this.words * 4
  }

  private grow(): void {
    const capacity = this.capacity * 2
    assert(capacity * this.words < 2 ** 31, `${this.name}: no room for more records`)
    const buffer = new ArrayBuffer(capacity * this.words * 4)
    const i32 = new Int32Array(buffer)
    i32.set(this.i32)
    this.capacity = capacity
    this.i32 = i32
    this.f64 = new Float64Array(buffer)
  }
}
