// From a 32-bit hash to entries: open addressing, eight bytes a slot, no record is touched to
// probe.
//
// A slot holds an entry's whole hash beside it. So a look-up that finds nothing reads only slots,
// and one that finds something reads one record. Robin Hood order: entries of a run are sorted by
// home slot, which keeps runs short at high load and lets removal close the gap behind it.

import { assert } from './assert.ts'

const LOAD_MAX = 0.75
/** Entries added together. */
const BLOCK = 32

export class HashTable {
  /**
   * Slot `s` is `slots[2s]`, the hash, and `slots[2s + 1]`, the entry; 0 is no entry. Replaced on
   * growth.
   */
  private slots: Int32Array
  private mask: number
  private count = 0
  /** What reads ahead add up to; kept so that they are not optimised away. */
  private sum = 0

  constructor(initial: number) {
    const bits = Math.max(4, Math.ceil(Math.log2(initial / LOAD_MAX)))
    this.slots = new Int32Array(2 ** (bits + 1))
    this.mask = 2 ** bits - 1
  }

  /**
   * The first slot that may hold an entry with this hash, to be given to {@link next}; -1 if there
   * is none.
   */
  first(hash: number): number {
    return this.seek(hash, hash & this.mask, 0)
  }

  /** The next slot behind `slot` with the same hash, or -1. */
  next(hash: number, slot: number): number {
    const { mask } = this
    return this.seek(hash, (slot + 1) & mask, ((slot - hash) & mask) + 1)
  }

  /** The entry in a slot that {@link first} or {@link next} gave. */
  entryAt(slot: number): number {
    return this.slots[slot * 2 + 1]
  }

  /**
   * Reads the slot where a hash would be, so that it is near when it is needed. Returns what it
   * read.
   */
  touch(hash: number): number {
    return this.slots[(hash & this.mask) * 2 + 1]
  }

  /**
   * The first entry with a hash, 0 if there is none; no record is read to tell whether it is the
   * one meant.
   */
  guess(hash: number): number {
    const slot = this.first(hash)
    return slot < 0 ? 0 : this.entryAt(slot)
  }

  /** Adds an entry other than 0. */
  add(hash: number, entry: number): void {
    if (this.count >= LOAD_MAX * (this.mask + 1)) this.enlarge(2)
    this.count += 1
    this.place(hash, entry)
  }

  /** Makes room for so many entries in all. */
  reserve(entries: number): void {
    let times = 1
    while (entries > LOAD_MAX * (this.mask + 1) * times) times *= 2
    if (times > 1) this.enlarge(times)
  }

  /**
   * Adds the entries number 0 to `count - 1`. The slots of a block are read before any is written:
   * the reads do not depend on each other, so the processor waits for memory once a block.
   */
  addMany(count: number, hashOf: (n: number) => number, entryOf: (n: number) => number): void {
    this.reserve(this.count + count)
    const hashes = new Int32Array(BLOCK)
    for (let from = 0; from < count; from += BLOCK) {
      const to = Math.min(from + BLOCK, count)
      let sum = 0
      for (let n = from; n < to; n += 1) {
        hashes[n - from] = hashOf(n)
        sum += this.touch(hashes[n - from])
      }
      this.sum += sum & 1
      for (let n = from; n < to; n += 1) this.place(hashes[n - from], entryOf(n))
    }
    this.count += count
  }

  /** Puts `entry` in the place of `former`, which has this hash. */
  exchange(hash: number, former: number, entry: number): void {
    this.slots[this.slotOf(hash, former) * 2 + 1] = entry
  }

  /** Takes an entry out and moves those behind it back by one, until one is at home. */
  remove(hash: number, entry: number): void {
    const { slots, mask } = this
    let at = this.slotOf(hash, entry)
    for (;;) {
      const behind = (at + 1) & mask
      const behindHash = slots[behind * 2]
      if (slots[behind * 2 + 1] === 0 || (behindHash & mask) === behind) break
      slots[at * 2] = behindHash
      slots[at * 2 + 1] = slots[behind * 2 + 1]
      at = behind
    }
    slots[at * 2] = 0
    slots[at * 2 + 1] = 0
    this.count -= 1
  }

  /** Bytes of memory behind the table. */
  get bytes(): number {
    return this.slots.byteLength
  }

  /**
   * The slot of an entry that is in the table, so nothing ends the search but finding it. While two
   * entries change places one of them is there twice: the hash tells which is meant.
   */
  private slotOf(hash: number, entry: number): number {
    const { slots, mask } = this
    let at = hash & mask
    while (slots[at * 2 + 1] !== entry || slots[at * 2] !== hash) {
      assert(slots[at * 2 + 1] !== 0, 'an entry is in its table')
      at = (at + 1) & mask
    }
    return at
  }

  private seek(hash: number, from: number, distanceFrom: number): number {
    const { slots, mask } = this
    let at = from
    for (let distance = distanceFrom; ; distance += 1) {
      if (slots[at * 2 + 1] === 0) return -1
      const there = slots[at * 2]
      if (there === hash) return at
      // An entry nearer to its home than ours would be: ours is not behind it.
      if (((at - there) & mask) < distance) return -1
      at = (at + 1) & mask
    }
  }

  private place(hash: number, entry: number): void {
    const { slots, mask } = this
    let at = hash & mask
    let carriedHash = hash
    let carried = entry
    for (let distance = 0; ; distance += 1) {
      const there = slots[at * 2 + 1]
      const thereHash = slots[at * 2]
      if (there === 0) break
      const thereDistance = (at - thereHash) & mask
      if (thereDistance < distance) {
        slots[at * 2] = carriedHash
        slots[at * 2 + 1] = carried
        carriedHash = thereHash
        carried = there
        distance = thereDistance
      }
      at = (at + 1) & mask
    }
    slots[at * 2] = carriedHash
    slots[at * 2 + 1] = carried
  }

  private enlarge(times: number): void {
    const old = this.slots
    this.slots = new Int32Array(old.length * times)
    this.mask = (this.mask + 1) * times - 1
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] !== 0) this.place(old[at], old[at + 1])
    }
  }
}
