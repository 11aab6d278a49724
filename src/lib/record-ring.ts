// Fixed-size records in order of coming: appended at one end, let go at the other, growing as
// needed.
//
// Neighbours in time are neighbours in memory, so appending and letting go walk through it in one
// direction and the processor reads ahead by itself; there is no list and no free list. A record is
// named by a number that stays the same when the ring grows: its place is the number modulo the
// ring's capacity. 0 is no record.

import { assert } from './assert.ts'

/** Numbers are 1 .. 2^30, and then 1 again. */
const NUMBER_MASK = 2 ** 30 - 1

export class RecordRing {
  /** Words of a record start at `wordOf(number)`. Replaced when the ring grows: do not keep it. */
  i32: Int32Array
  /** Doubles of a record start at `wordOf(number) / 2`. Replaced when the ring grows. */
  f64: Float64Array
  /** Numbers of the oldest record and of the one to come next. */
  oldest = 1
  next = 1
  readonly words: number
  private mask: number
  private readonly name: string

  /** `words` must be even, so that doubles stay aligned; `initial` is a number of records. */
  constructor(name: string, words: number, initial: number) {
    assert(words % 2 === 0 && words > 0, `${name}: a record is an even number of words`)
    this.name = name
    this.words = words
    const capacity = 2 ** Math.ceil(Math.log2(initial + 1))
    this.mask = capacity - 1
    const buffer = new ArrayBuffer(capacity * words * 4)
    this.i32 = new Int32Array(buffer)
    this.f64 = new Float64Array(buffer)
  }

  /** Records in the ring. */
  get count(): number {
    return (this.next - this.oldest) & NUMBER_MASK
  }

  /** The first word of a record. */
  wordOf(number: number): number {
    return (number & this.mask) * this.words
  }

  /** Appends a record and returns its number. Its words are as an earlier one left them. */
  append(): number {
    const number = this.next
    if (((number - this.oldest) & NUMBER_MASK) === this.mask) this.enlarge(2)
    this.next = this.after(number)
    return number
  }

  /** Makes room for so many records in all. */
  reserve(records: number): void {
    const capacity = this.mask + 1
    let times = 1
    while (records >= capacity * times) times *= 2
    if (times > 1) this.enlarge(times)
  }

  /** The number of the record behind a record. */
  after(number: number): number {
    return (number & NUMBER_MASK) + 1
  }

  /**
   * Puts the records of a ring that has let go of none into another order: the `n`-th is then the
   * one that was number `order[n] + 1`. Each moves once, and no second copy of them is needed.
   */
  reorder(order: Uint32Array): void {
    const { i32, words } = this
    assert(this.oldest === 1 && order.length === this.count, `${this.name}: it has let go of none`)
    const isDone = new Uint8Array(order.length)
    const first = new Int32Array(words)
    for (let start = 0; start < order.length; start += 1) {
      if (isDone[start] !== 0) continue
      // Round a cycle: each place takes the record that belongs there, which frees the next.
      const begin = (start + 1) * words
      for (let word = 0; word < words; word += 1) first[word] = i32[begin + word]
      let place = start
      for (let next = order[place]; next !== start; next = order[place]) {
        const [to, from] = [(place + 1) * words, (next + 1) * words]
        for (let word = 0; word < words; word += 1) i32[to + word] = i32[from + word]
        isDone[place] = 1
        place = next
      }
      i32.set(first, (place + 1) * words)
      isDone[place] = 1
    }
  }

  /** Lets go of all records before `number`, which is one in the ring or the next to come. */
  dropBefore(number: number): void {
    this.oldest = number
  }

  /** Bytes of memory behind the records, whether in use or not. */
  get bytes(): number {
    return this.i32.byteLength
  }

  /**
   * So many times the places, a power of two; what lies between the oldest and the old end, and
   * before it, stays a run.
   */
  private enlarge(times: number): void {
    const { i32: old, oldest, words } = this
    const capacity = this.mask + 1
    const mask = capacity * times - 1
    assert(capacity * times * words < 2 ** 31, `${this.name}: no room for more records`)
    const buffer = new ArrayBuffer(capacity * times * words * 4)
    const i32 = new Int32Array(buffer)
    const from = oldest & this.mask
    const behind = oldest + capacity - from
    i32.set(old.subarray(from * words), (oldest & mask) * words)
    i32.set(old.subarray(0, from * words), (behind & mask) * words)
    this.mask = mask
    this.i32 = i32
    this.f64 = new Float64Array(buffer)
  }
}
