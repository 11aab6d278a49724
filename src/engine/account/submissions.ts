// Which client ids an account has used: the open orders' own, and those of what is over.
//
// One chained hash table over both. An entry is an order's handle (above 0) or minus a submission's
// handle. Submissions that are over leave in the order in which they came, when they are old enough.

import { assert } from '../../lib/assert.ts'
import { RecordPool } from '../../lib/record-pool.ts'
import { copyId, ID_WORDS, sameId } from '../../protocol/client-id.ts'
import { OR, ORDER_WORDS, PO, POSITION_WORDS } from './records.ts'

/** Submission, 18 words. */
export const SUBMISSION_WORDS = 18
export const SU = {
  id: 0,
  account: 8,
  chain: 9,
  content: 10,
  /** The refusal, 0 if it was accepted. */
  code: 11,
  /** The next younger submission. */
  younger: 12,
  /** A replace without an outcome: its InFlight record, else 0. */
  inFlight: 13,
} as const
export const SUF = {
  /** The order, 0 if there never was one. */
  orderId: 7,
  /** Of its last event: refusal, close or replacement. */
  seq: 8,
} as const

const LOAD_MAX = 1.5

export class Submissions {
  readonly pool: RecordPool
  private readonly orders: RecordPool
  private readonly positions: RecordPool
  /** Commands after its last event for which a submission is remembered. */
  private readonly remembered: number
  private heads: Int32Array
  private entries = 0
  private oldest = 0
  private youngest = 0

  constructor(orders: RecordPool, positions: RecordPool, remembered: number, initial: number) {
    this.orders = orders
    this.positions = positions
    this.remembered = remembered
    this.pool = new RecordPool('submissions', SUBMISSION_WORDS, initial)
    this.heads = new Int32Array(2 ** Math.max(6, Math.ceil(Math.log2(initial / LOAD_MAX))))
  }

  /** The entry of (account, id in `words[at ..]`) as of `seq`: an order, minus a submission, or 0. */
  find(account: number, words: Int32Array, at: number, seq: number): number {
    const orders = this.orders.i32
    const submissions = this.pool.i32
    let entry = this.heads[hashId(account, words, at) & (this.heads.length - 1)]
    while (entry !== 0) {
      if (entry > 0) {
        const i = entry * ORDER_WORDS
        if (sameId(orders, i + OR.id, words, at)) {
          const position = orders[i + OR.position]
          if (this.positions.i32[position * POSITION_WORDS + PO.account] === account) return entry
        }
        entry = orders[i + OR.chain]
      } else {
        const i = -entry * SUBMISSION_WORDS
        if (
          submissions[i + SU.account] === account &&
          sameId(submissions, i + SU.id, words, at) &&
          this.isRemembered(-entry, seq)
        ) {
          return entry
        }
        entry = submissions[i + SU.chain]
      }
    }
    return 0
  }

  /** Enters an open order under the id it carries. */
  addOrder(order: number): void {
    this.fit()
    const { i32 } = this.orders
    const bucket = this.bucketOfOrder(order)
    i32[order * ORDER_WORDS + OR.chain] = this.heads[bucket]
    this.heads[bucket] = order
    this.entries += 1
  }

  /** Enters a submission that has no open order of its own; returns its handle. */
  add(
    account: number,
    words: Int32Array,
    at: number,
    content: number,
    code: number,
    orderId: number,
    seq: number,
  ): number {
    this.fit()
    const submission = this.append(account, words, at, content, code, orderId, seq)
    const bucket = this.bucketOfSubmission(submission)
    this.pool.i32[submission * SUBMISSION_WORDS + SU.chain] = this.heads[bucket]
    this.heads[bucket] = -submission
    this.entries += 1
    return submission
  }

  /** The order is closing: its id is remembered as a submission in its place. */
  retire(order: number, account: number, code: number, orderId: number, seq: number): void {
    const { i32 } = this.orders
    const i = order * ORDER_WORDS
    const submission = this.append(account, i32, i + OR.id, i32[i + OR.content], code, orderId, seq)
    const bucket = this.bucketOfOrder(order)
    const before = this.predecessor(bucket, order)
    this.pool.i32[submission * SUBMISSION_WORDS + SU.chain] = i32[i + OR.chain]
    this.setNext(bucket, before, -submission)
  }

  /** A replace took effect: the order takes the submission's id, the submission remembers the order's. */
  exchange(order: number, submission: number, seq: number): void {
    const orders = this.orders.i32
    const submissions = this.pool.i32
    const o = order * ORDER_WORDS
    const s = submission * SUBMISSION_WORDS
    const orderBucket = this.bucketOfOrder(order)
    const submissionBucket = this.bucketOfSubmission(submission)
    if (orderBucket !== submissionBucket) {
      const beforeOrder = this.predecessor(orderBucket, order)
      const beforeSubmission = this.predecessor(submissionBucket, -submission)
      const behindOrder = orders[o + OR.chain]
      orders[o + OR.chain] = submissions[s + SU.chain]
      submissions[s + SU.chain] = behindOrder
      this.setNext(orderBucket, beforeOrder, -submission)
      this.setNext(submissionBucket, beforeSubmission, order)
    }
    for (let word = 0; word < ID_WORDS; word += 1) {
      const id = orders[o + OR.id + word]
      orders[o + OR.id + word] = submissions[s + SU.id + word]
      submissions[s + SU.id + word] = id
    }
    const content = orders[o + OR.content]
    orders[o + OR.content] = submissions[s + SU.content]
    submissions[s + SU.content] = content
    submissions[s + SU.inFlight] = 0
    this.pool.f64[submission * (SUBMISSION_WORDS >> 1) + SUF.seq] = seq
  }

  /** A replace in flight was refused. */
  refuse(submission: number, code: number, seq: number): void {
    const i = submission * SUBMISSION_WORDS
    this.pool.i32[i + SU.code] = code
    this.pool.i32[i + SU.inFlight] = 0
    this.pool.f64[(i >> 1) + SUF.seq] = seq
  }

  /** Lets go of submissions that no command from `seq` on can see. Called between rounds. */
  forget(seq: number): void {
    const { i32, f64 } = this.pool
    const before = seq - this.remembered
    while (this.oldest !== 0) {
      const submission = this.oldest
      const i = submission * SUBMISSION_WORDS
      if (f64[(i >> 1) + SUF.seq] >= before) return
      const bucket = this.bucketOfSubmission(submission)
      this.setNext(bucket, this.predecessor(bucket, -submission), i32[i + SU.chain])
      this.entries -= 1
      this.oldest = i32[i + SU.younger]
      if (this.oldest === 0) this.youngest = 0
      this.pool.release(submission)
    }
  }

  /** Handles of the submissions that a command at `seq` can see, oldest first. */
  *visible(seq: number): Generator<number> {
    for (let at = this.oldest; at !== 0; at = this.pool.i32[at * SUBMISSION_WORDS + SU.younger]) {
      if (this.isRemembered(at, seq)) yield at
    }
  }

  /** Bytes of memory behind the hash table and the submissions. */
  get bytes(): number {
    return this.heads.byteLength + this.pool.bytes
  }

  private isRemembered(submission: number, seq: number): boolean {
    const i = submission * SUBMISSION_WORDS
    return (
      this.pool.f64[(i >> 1) + SUF.seq] >= seq - this.remembered ||
      this.pool.i32[i + SU.inFlight] !== 0
    )
  }

  /** A new submission, the youngest, in no chain yet. */
  private append(
    account: number,
    words: Int32Array,
    at: number,
    content: number,
    code: number,
    orderId: number,
    seq: number,
  ): number {
    const submission = this.pool.alloc()
    const { i32, f64 } = this.pool
    const i = submission * SUBMISSION_WORDS
    copyId(words, at, i32, i + SU.id)
    i32[i + SU.account] = account
    i32[i + SU.content] = content
    i32[i + SU.code] = code
    f64[(i >> 1) + SUF.orderId] = orderId
    f64[(i >> 1) + SUF.seq] = seq
    if (this.youngest === 0) this.oldest = submission
    else i32[this.youngest * SUBMISSION_WORDS + SU.younger] = submission
    this.youngest = submission
    return submission
  }

  private bucketOfOrder(order: number): number {
    const { i32 } = this.orders
    const i = order * ORDER_WORDS
    const account = this.positions.i32[i32[i + OR.position] * POSITION_WORDS + PO.account]
    return hashId(account, i32, i + OR.id) & (this.heads.length - 1)
  }

  private bucketOfSubmission(submission: number): number {
    const { i32 } = this.pool
    const i = submission * SUBMISSION_WORDS
    return hashId(i32[i + SU.account], i32, i + SU.id) & (this.heads.length - 1)
  }

  private next(entry: number): number {
    return entry > 0
      ? this.orders.i32[entry * ORDER_WORDS + OR.chain]
      : this.pool.i32[-entry * SUBMISSION_WORDS + SU.chain]
  }

  /** The entry before `entry` in its bucket's chain, 0 if it is the first. */
  private predecessor(bucket: number, entry: number): number {
    let before = 0
    for (let at = this.heads[bucket]; at !== entry; at = this.next(at)) {
      assert(at !== 0, 'an entry is in its chain')
      before = at
    }
    return before
  }

  private setNext(bucket: number, before: number, entry: number): void {
    if (before === 0) this.heads[bucket] = entry
    else if (before > 0) this.orders.i32[before * ORDER_WORDS + OR.chain] = entry
    else this.pool.i32[-before * SUBMISSION_WORDS + SU.chain] = entry
  }

  /** Doubles the table when its chains become long. */
  private fit(): void {
    if (this.entries < LOAD_MAX * this.heads.length) return
    const old = this.heads
    this.heads = new Int32Array(old.length * 2)
    for (const first of old) {
      for (let entry = first; entry !== 0; ) {
        const behind = this.next(entry)
        const bucket = entry > 0 ? this.bucketOfOrder(entry) : this.bucketOfSubmission(-entry)
        this.setNext(0, entry, this.heads[bucket])
        this.heads[bucket] = entry
        entry = behind
      }
    }
  }
}

/** A 32-bit hash of (account, id); murmur3's mixing, one step a word. */
export function hashId(account: number, words: Int32Array, at: number): number {
  let hash = Math.imul(account, 0x9e3779b1)
  for (let word = at; word < at + ID_WORDS; word += 1) {
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + Math.imul(words[word], 0x1b873593)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
