// A ring: fixed-size binary records from one thread to one other, in shared memory.
//
// The producer claims records, writes them in place and publishes all of them with one store; the
// consumer takes what is published, reads it in place and releases all of it with one store. A
// record belongs to the producer from release to publish and to the consumer from publish to
// release, so nobody ever reads what another is writing, and a thread that dies leaves nothing
// half-seen: what it had not published does not exist, what it had not released is still there
// for its successor.
//
// Cursors count records since the ring was made, modulo 2^32: differences count, not values.
// 0 <= published - released <= capacity, always.

import { assert } from '../lib/assert.ts'
import type { Doorbell } from './doorbell.ts'

/** Answer of a claim: no record is free now. */
export const FULL = -1
/** Answer of `next` and `peek`: nothing is left of what `available` saw. */
export const EMPTY = -2
/** Answer on a ring that the other side, or this one, has closed. */
export const CLOSED = -3

const MAGIC = 0x0bf1111f

// Words of the header. What one side writes lies 128 bytes from what the other writes: a processor
// fetches cache lines in pairs.
const MAGIC_WORD = 0
const WORDS_WORD = 1
const CAPACITY_WORD = 2
/** 1 once either side has closed the ring, never 0 again. */
const CLOSED_WORD = 3
/** The producer's cursor: records published. */
export const PUBLISHED_WORD = 32
/** The free records that the producer waits for, 0 if it does not; the consumer takes it to 0. */
const WANTED_WORD = 64
/** The consumer's cursor: records released. */
export const RELEASED_WORD = 96
const HEADER_BYTES = 512

/** The two doorbells of a ring: where its producer sleeps, and where its consumer does. */
export interface RingBells {
  readonly producer: Doorbell
  readonly consumer: Doorbell
}

/**
 * Memory of a new ring, to be handed to its two threads. A record has `words` 32-bit words, an even
 * number so that doubles are aligned; `capacity`, in records, is a power of two.
 */
export function createRing(size: { words: number; capacity: number }): SharedArrayBuffer {
  assertSize(size.words, size.capacity)
  const memory = new SharedArrayBuffer(HEADER_BYTES + size.words * size.capacity * 4)
  const header = new Int32Array(memory)
  header[MAGIC_WORD] = MAGIC
  header[WORDS_WORD] = size.words
  header[CAPACITY_WORD] = size.capacity
  return memory
}

function assertSize(recordWords: number, records: number): void {
  assert(recordWords > 0 && recordWords % 2 === 0, 'a record is an even number of words')
  const isPower = Number.isInteger(records) && records > 0 && (records & (records - 1)) === 0
  assert(isPower, "a ring's capacity is a power of two")
  assert(recordWords * records * 4 < 2 ** 31, 'a ring is smaller than 2 GiB')
}

/** What both ends know of a ring. */
class RingEnd {
  /** 32-bit words of all records. */
  readonly i32: Int32Array
  /** Doubles of the same memory: a record's first is at half its first word. */
  readonly f64: Float64Array
  /** 32-bit words of a record. */
  readonly words: number
  /** Records. */
  readonly capacity: number
  readonly bells: RingBells
  protected readonly header: Int32Array
  protected readonly mask: number

  /** `memory` is what {@link createRing} gave; both ends name the same two doorbells. */
  constructor(memory: SharedArrayBuffer, bells: RingBells) {
    assert(memory.byteLength > HEADER_BYTES, 'a ring has its header')
    const header = new Int32Array(memory, 0, HEADER_BYTES / 4)
    assert(header[MAGIC_WORD] === MAGIC, "it is a ring's memory")
    assertSize(header[WORDS_WORD], header[CAPACITY_WORD])
    const bytes = header[WORDS_WORD] * header[CAPACITY_WORD] * 4
    assert(memory.byteLength === HEADER_BYTES + bytes, 'a ring has its size')
    this.header = header
    this.words = header[WORDS_WORD]
    this.capacity = header[CAPACITY_WORD]
    this.mask = this.capacity - 1
    this.bells = bells
    this.i32 = new Int32Array(memory, HEADER_BYTES, bytes / 4)
    this.f64 = new Float64Array(memory, HEADER_BYTES, bytes / 8)
    const used = (Atomics.load(header, PUBLISHED_WORD) - Atomics.load(header, RELEASED_WORD)) | 0
    assert(used >= 0 && used <= this.capacity, "a ring's cursors are in order")
  }

  /** Whether either side has closed the ring. */
  get isClosed(): boolean {
    return Atomics.load(this.header, CLOSED_WORD) !== 0
  }
}

/** The end that writes. One thread has it, one at a time; a later one goes on after the earlier. */
export class RingProducer extends RingEnd {
  /** Cursor of the next claim: published <= claimed <= limit. */
  private claimed: number
  private published: number
  /** The first word of the last run. */
  runAt = 0
  /** Where claims end: the consumer's cursor when last looked at, plus the capacity. */
  private limit: number

  constructor(memory: SharedArrayBuffer, bells: RingBells) {
    super(memory, bells)
    this.published = Atomics.load(this.header, PUBLISHED_WORD)
    this.claimed = this.published
    this.limit = this.claimed
    this.look()
  }

  /**
   * The first word of the next free record, or {@link FULL}, or {@link CLOSED} (a batch's first
   * claim and a claim that finds no room see it). The record's words are as an earlier one left
   * them; the consumer sees nothing of it before {@link publish}.
   */
  claim(): number {
    const at = this.claimed
    if (at === this.published && this.isClosed) return CLOSED
    if (at === this.limit && !this.look()) return this.isClosed ? CLOSED : FULL
    this.claimed = (at + 1) | 0
    return (at & this.mask) * this.words
  }

  /**
   * Claims up to `count` records that lie side by side; the first's words are from {@link runAt}.
   * Returns how many, 0 if there is no room, or {@link CLOSED}.
   */
  claimRun(count: number): number {
    const at = this.claimed
    if (at === this.published && this.isClosed) return CLOSED
    if (at === this.limit && !this.look()) return this.isClosed ? CLOSED : 0
    const run = Math.min(count, (this.limit - at) | 0, this.capacity - (at & this.mask))
    this.claimed = (at + run) | 0
    this.runAt = (at & this.mask) * this.words
    return run
  }

  /** Hands all claimed records to the consumer, in the order of their claims. */
  publish(): void {
    if (this.claimed === this.published) return
    this.published = this.claimed
    // Orders the writes to the records before the cursor that shows them.
    Atomics.store(this.header, PUBLISHED_WORD, this.claimed)
    this.bells.consumer.ring()
  }

  /** How many records can be claimed now, 0 to the capacity, or {@link CLOSED}. */
  free(): number {
    if (this.isClosed) return CLOSED
    this.look()
    return (this.limit - this.claimed) | 0
  }

  /**
   * Whether `count` records can be claimed, or the ring is closed. If not, the consumer rings the
   * producer's doorbell once they can: what to wait for there, alone or beside other things.
   */
  hasRoom(count: number): boolean {
    const unpublished = (this.claimed - this.published) | 0
    assert(count + unpublished <= this.capacity, 'the room waited for can come')
    if (this.isClosed || this.free() >= count) return true
    // The wish is stored, then the consumer's cursor is looked at again; the consumer stores its
    // cursor, then looks for a wish. One of the two sees the other's store.
    if (Atomics.load(this.header, WANTED_WORD) !== count)
      Atomics.store(this.header, WANTED_WORD, count)
    return this.isClosed || this.free() >= count
  }

  /**
   * Waits up to `timeoutMs` until {@link hasRoom}; false if it was in vain, so ask again. A thread
   * that waits here does not empty the rings that end in it: two that fill each other's would
   * wait for ever, unless they wait for both at their doorbells.
   */
  waitForRoom(count: number, timeoutMs: number, spins?: number): boolean {
    return this.bells.producer.wait(() => this.hasRoom(count), timeoutMs, spins)
  }

  /** Forgets what is claimed and not published, ends the ring and wakes its consumer. */
  close(): void {
    this.claimed = this.published
    // After the last publish: a consumer that sees it and looks once more has seen all.
    Atomics.store(this.header, CLOSED_WORD, 1)
    this.bells.consumer.wake()
  }

  /** Looks at the consumer's cursor; whether a record is free. */
  private look(): boolean {
    // Orders the consumer's reads of the records before this side's writing over them.
    this.limit = (Atomics.load(this.header, RELEASED_WORD) + this.capacity) | 0
    const free = (this.limit - this.claimed) | 0
    assert(free >= 0 && free <= this.capacity, 'the consumer released what was published')
    return free > 0
  }
}

/** The end that reads. One thread has it, one at a time. */
export class RingConsumer extends RingEnd {
  /** Cursor of the next record: released <= taken <= seen. */
  private taken: number
  private released: number
  /** The producer's cursor when last looked at. */
  private seen: number

  /** Begins with the oldest record that was not released. */
  constructor(memory: SharedArrayBuffer, bells: RingBells) {
    super(memory, bells)
    this.released = Atomics.load(this.header, RELEASED_WORD)
    this.taken = this.released
    this.seen = this.released
  }

  /**
   * Looks at what is published: how many records can be taken, 0 to the capacity. {@link CLOSED}
   * once the ring is closed and all that was published has been taken.
   */
  available(): number {
    // Orders the producer's writes to the records before this side's reading them.
    this.seen = Atomics.load(this.header, PUBLISHED_WORD)
    if (this.seen === this.taken && this.isClosed) {
      // The producer may have published and closed since: closing comes last.
      this.seen = Atomics.load(this.header, PUBLISHED_WORD)
      if (this.seen === this.taken) return CLOSED
    }
    const count = (this.seen - this.taken) | 0
    assert(count >= 0 && count <= this.capacity, 'the producer published what it had room for')
    return count
  }

  /**
   * Takes the next of the records that {@link available} saw: its first word, or {@link EMPTY}. It
   * may be read until {@link release}.
   */
  next(): number {
    const at = this.taken
    if (at === this.seen) return EMPTY
    this.taken = (at + 1) | 0
    return (at & this.mask) * this.words
  }

  /**
   * Takes `count` more of the records that {@link available} saw, at most {@link sideBySide}; the
   * words of the first begin at its answer.
   */
  take(count: number): number {
    const at = this.taken
    this.taken = (at + count) | 0
    return (at & this.mask) * this.words
  }

  /** How many of the records that {@link available} saw and nobody took lie side by side. */
  get sideBySide(): number {
    return Math.min((this.seen - this.taken) | 0, this.capacity - (this.taken & this.mask))
  }

  /** As {@link next}, without taking it. */
  peek(): number {
    return this.taken === this.seen ? EMPTY : (this.taken & this.mask) * this.words
  }

  /** Gives all taken records back to the producer. */
  release(): void {
    const { header, taken } = this
    if (taken === this.released) return
    this.released = taken
    // Orders the reads of the records before the cursor that lets the producer write over them.
    Atomics.store(header, RELEASED_WORD, taken)
    // After the store, see `hasRoom`. Records published since `seen` only make it ring too early.
    const count = Atomics.load(header, WANTED_WORD)
    if (count === 0 || this.capacity - ((this.seen - taken) | 0) < count) return
    // Before ringing: a producer that still finds its wish here when it falls asleep is rung.
    Atomics.store(header, WANTED_WORD, 0)
    this.bells.producer.ring()
  }

  /** Whether {@link available} has an answer other than 0. */
  isReady(): boolean {
    return this.available() !== 0
  }

  /** Waits up to `timeoutMs` until {@link isReady}; false if it was in vain, so ask again. */
  wait(timeoutMs: number, spins?: number): boolean {
    return this.bells.consumer.wait(() => this.isReady(), timeoutMs, spins)
  }

  /** Ends the ring and wakes its producer; nobody takes what it publishes from now on. */
  close(): void {
    // Nothing to order: a producer that does not see it yet publishes in vain.
    Atomics.store(this.header, CLOSED_WORD, 1)
    this.bells.producer.wake()
  }
}
