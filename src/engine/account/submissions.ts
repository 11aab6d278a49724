// Which client ids an account has used: the open orders' own, and those of what is over.
//
// One hash table over both. An entry is an order's handle (above 0) or minus a submission's number.
// Submissions stand in a ring in the order in which they came, and leave it in that order, when
// they are old enough.

import { HashTable } from '../../lib/hash-table.ts'
import type { RecordPool } from '../../lib/record-pool.ts'
import { RecordRing } from '../../lib/record-ring.ts'
import { sortOrder } from '../../lib/sort-order.ts'
import * as clientId from '../../protocol/client-id.ts'
import { copyId, sameId } from '../../protocol/client-id.ts'
import { hashId } from './id-hash.ts'
import * as records from './records.ts'

// V8 folds constants only in the module that declares them: docs/decisions/0007.
const { ID_WORDS } = clientId
const { OR, ORDER_WORDS, PO, POSITION_WORDS } = records

/** Submission, 16 words: one cache line. */
export const SUBMISSION_WORDS = 16
export const SU = {
  id: 0,
  account: 8,
  content: 9,
  /** What {@link hashId} says of account and id, so that forgetting need not compute it. */
  hash: 10,
  /**
   * Above 0: a replace without an outcome, its InFlight record. Else minus the code: 0 accepted.
   */
  outcome: 11,
} as const
export const SUF = {
  /** The order, 0 if there never was one. */
  orderId: 6,
  /** Of its last event: refusal, close or replacement. */
  seq: 7,
} as const

/** Submissions forgotten together. */
const FORGET_BLOCK = 32
/** To start with; a ring goes round through all of its memory, so it starts small. */
const RING_INITIAL = 1_024

export class Submissions {
  readonly ring: RecordRing
  /** For {@link hashId}. */
  readonly key: Int32Array
  private readonly orders: RecordPool
  private readonly positions: RecordPool
  readonly table: HashTable
  /** Commands after its last event for which a submission is remembered. */
  private readonly remembered: number
  /** What reads ahead add up to; kept so that they are not optimised away. */
  private sum = 0

  constructor(
    orders: RecordPool,
    positions: RecordPool,
    remembered: number,
    initial: number,
    key: Int32Array,
  ) {
    this.key = key
    this.orders = orders
    this.positions = positions
    this.remembered = remembered
    this.ring = new RecordRing('submissions', SUBMISSION_WORDS, Math.min(initial, RING_INITIAL))
    this.table = new HashTable(initial)
  }

  /**
   * The entry of (account, id in `words[at ..]`) as of `seq`: an order, minus a submission, or 0.
   * `hash` is what {@link hashId} says of them under `key`.
   */
  find(hash: number, account: number, words: Int32Array, at: number, seq: number): number {
    const { table, ring } = this
    for (let slot = table.first(hash); slot >= 0; slot = table.next(hash, slot)) {
      const entry = table.entryAt(slot)
      if (entry > 0) {
        const { i32 } = this.orders
        const o = entry * ORDER_WORDS
        if (sameId(i32, o + OR.id, words, at) && this.accountOf(entry) === account) return entry
      } else {
        const { i32 } = ring
        const s = ring.wordOf(-entry)
        if (
          i32[s + SU.account] === account &&
          sameId(i32, s + SU.id, words, at) &&
          this.isRemembered(s, seq)
        ) {
          return entry
        }
      }
    }
    return 0
  }

  /** Makes room for so many submissions. */
  reserve(count: number): void {
    this.ring.reserve(count)
    this.table.reserve(count)
  }

  /**
   * Appends a submission that is read from a state, and returns its first word in the ring, for the
   * caller to fill, its hash included. Nothing finds it before {@link enterRead}.
   */
  appendRead(): number {
    return this.ring.wordOf(this.ring.append())
  }

  /** Enters all that was read, oldest first, as it was remembered. */
  enterRead(): void {
    const { ring } = this
    const { count } = ring
    const words = (n: number) => ring.wordOf(n + 1)
    const seqs = new Float64Array(count)
    for (let n = 0; n < count; n += 1) seqs[n] = ring.f64[(words(n) >> 1) + SUF.seq]
    ring.reorder(sortOrder(seqs))
    this.table.addMany(
      count,
      (n) => ring.i32[words(n) + SU.hash],
      (n) => -(n + 1),
    )
  }

  /** Enters the open orders 1 to `top` under the ids they carry. */
  enterOrders(top: number): void {
    const { i32 } = this.orders
    const id = (n: number) => (n + 1) * ORDER_WORDS + OR.id
    this.table.addMany(
      top,
      (n) => hashId(this.accountOf(n + 1), i32, id(n), this.key),
      (n) => n + 1,
    )
  }

  /** Enters an open order under the id it carries. */
  addOrder(hash: number, order: number): void {
    this.table.add(hash, order)
  }

  /** Enters a submission that has no open order of its own; returns its number. */
  add(
    hash: number,
    account: number,
    words: Int32Array,
    at: number,
    content: number,
    outcome: number,
    orderId: number,
    seq: number,
  ): number {
    const submission = this.append(hash, account, words, at, content, outcome, orderId, seq)
    this.table.add(hash, -submission)
    return submission
  }

  /** The order is closing: its id is remembered as a submission in its place. */
  retire(order: number, account: number, code: number, orderId: number, seq: number): void {
    const { i32 } = this.orders
    const o = order * ORDER_WORDS
    const id = o + OR.id
    const hash = hashId(account, i32, id, this.key)
    const content = i32[o + OR.content]
    const submission = this.append(hash, account, i32, id, content, -code, orderId, seq)
    this.table.exchange(hash, order, -submission)
  }

  /**
   * A replace took effect: the order takes the submission's id, the submission remembers the
   * order's.
   */
  exchange(order: number, submission: number, seq: number): void {
    const { ring, table } = this
    const orders = this.orders.i32
    const submissions = ring.i32
    const o = order * ORDER_WORDS
    const s = ring.wordOf(submission)
    const orderHash = hashId(submissions[s + SU.account], orders, o + OR.id, this.key)
    const submissionHash = submissions[s + SU.hash]
    if (orderHash !== submissionHash) {
      table.exchange(orderHash, order, -submission)
      table.exchange(submissionHash, -submission, order)
      submissions[s + SU.hash] = orderHash
    }
    for (let word = 0; word < ID_WORDS; word += 1) {
      const id = orders[o + OR.id + word]
      orders[o + OR.id + word] = submissions[s + SU.id + word]
      submissions[s + SU.id + word] = id
    }
    const content = orders[o + OR.content]
    orders[o + OR.content] = submissions[s + SU.content]
    submissions[s + SU.content] = content
    submissions[s + SU.outcome] = 0
    ring.f64[(s >> 1) + SUF.seq] = seq
  }

  /** A replace in flight was refused. */
  refuse(submission: number, code: number, seq: number): void {
    const s = this.ring.wordOf(submission)
    this.ring.i32[s + SU.outcome] = -code
    this.ring.f64[(s >> 1) + SUF.seq] = seq
  }

  /**
   * The outcome of a submission: above 0 a replace without one yet, its InFlight record; else minus
   * the code.
   */
  outcomeOf(submission: number): number {
    return this.ring.i32[this.ring.wordOf(submission) + SU.outcome]
  }

  /** Lets go of submissions that no command from `seq` on can see. Called between rounds. */
  forget(seq: number): void {
    const before = seq - this.remembered
    while (this.forgetBlock(before)) {}
  }

  /** First words, in the ring, of the submissions that a command at `seq` can see, oldest first. */
  visible(seq: number): Uint32Array {
    const { ring } = this
    const places = new Uint32Array(ring.count)
    let count = 0
    for (let number = ring.oldest; number !== ring.next; number = ring.after(number)) {
      const at = ring.wordOf(number)
      if (!this.isRemembered(at, seq)) continue
      places[count] = at
      count += 1
    }
    return places.subarray(0, count)
  }

  /** Bytes of memory behind the hash table. */
  get tableBytes(): number {
    return this.table.bytes
  }

  /** Lets go of a block of the oldest whose last event was before `seq`; false if that was all. */
  private forgetBlock(seq: number): boolean {
    const { ring, table } = this
    const { i32, f64, oldest, next } = ring
    let count = 0
    let end = oldest
    let sum = 0
    // First read all, as in lookahead.ts, then remove.
    while (count < FORGET_BLOCK && end !== next) {
      const s = ring.wordOf(end)
      if (f64[(s >> 1) + SUF.seq] >= seq) break
      sum += table.touch(i32[s + SU.hash])
      count += 1
      end = ring.after(end)
    }
    this.sum += sum & 1
    for (let number = oldest; number !== end; number = ring.after(number)) {
      table.remove(i32[ring.wordOf(number) + SU.hash], -number)
    }
    ring.dropBefore(end)
    return count === FORGET_BLOCK
  }

  /** Whether a command at `seq` can see the submission at a word of the ring. */
  private isRemembered(at: number, seq: number): boolean {
    const { i32, f64 } = this.ring
    return f64[(at >> 1) + SUF.seq] >= seq - this.remembered || i32[at + SU.outcome] > 0
  }

  /** A new submission, the youngest, not in the table yet. */
  private append(
    hash: number,
    account: number,
    words: Int32Array,
    at: number,
    content: number,
    outcome: number,
    orderId: number,
    seq: number,
  ): number {
    const { ring } = this
    const submission = ring.append()
    const s = ring.wordOf(submission)
    const { i32, f64 } = ring
    copyId(words, at, i32, s + SU.id)
    i32[s + SU.account] = account
    i32[s + SU.content] = content
    i32[s + SU.hash] = hash
    i32[s + SU.outcome] = outcome
    f64[(s >> 1) + SUF.orderId] = orderId
    f64[(s >> 1) + SUF.seq] = seq
    return submission
  }

  private accountOf(order: number): number {
    const position = this.orders.i32[order * ORDER_WORDS + OR.position]
    return this.positions.i32[position * POSITION_WORDS + PO.account]
  }
}
