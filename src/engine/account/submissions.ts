// Which client ids an account has used: the open orders' own, and those of what is over.
//
// One hash table over both. An entry is an order's handle (above 0) or minus a submission's handle.
// Submissions that are over leave in the order in which they came, when they are old enough.

import { HashTable } from '../../lib/hash-table.ts'
import { RecordPool } from '../../lib/record-pool.ts'
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
  /** The next younger submission. */
  younger: 10,
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
const SUBMISSION_DOUBLES = SUBMISSION_WORDS >> 1

/** Submissions forgotten together. */
const FORGET_BLOCK = 32

export class Submissions {
  readonly pool: RecordPool
  /** For {@link hashId}. */
  readonly key: Int32Array
  private readonly orders: RecordPool
  private readonly positions: RecordPool
  readonly table: HashTable
  /** Commands after its last event for which a submission is remembered. */
  private readonly remembered: number
  private readonly gone = new Int32Array(FORGET_BLOCK)
  private readonly goneHash = new Int32Array(FORGET_BLOCK)
  /** What reads ahead add up to; kept so that they are not optimised away. */
  private sum = 0
  private oldest = 0
  private youngest = 0

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
    this.pool = new RecordPool('submissions', SUBMISSION_WORDS, initial)
    this.table = new HashTable(initial)
  }

  /**
   * The entry of (account, id in `words[at ..]`) as of `seq`: an order, minus a submission, or 0.
   * `hash` is what {@link hashId} says of them under `key`.
   */
  find(hash: number, account: number, words: Int32Array, at: number, seq: number): number {
    const { table } = this
    for (let slot = table.first(hash); slot >= 0; slot = table.next(hash, slot)) {
      const entry = table.entryAt(slot)
      if (entry > 0) {
        const { i32 } = this.orders
        const o = entry * ORDER_WORDS
        if (sameId(i32, o + OR.id, words, at) && this.accountOf(entry) === account) return entry
      } else {
        const { i32 } = this.pool
        const s = -entry * SUBMISSION_WORDS
        if (
          i32[s + SU.account] === account &&
          sameId(i32, s + SU.id, words, at) &&
          this.isRemembered(-entry, seq)
        ) {
          return entry
        }
      }
    }
    return 0
  }

  /** Enters an open order under the id it carries. */
  addOrder(hash: number, order: number): void {
    this.table.add(hash, order)
  }

  /** Enters a submission that has no open order of its own; returns its handle. */
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
    const submission = this.append(account, words, at, content, outcome, orderId, seq)
    this.table.add(hash, -submission)
    return submission
  }

  /** The order is closing: its id is remembered as a submission in its place. */
  retire(order: number, account: number, code: number, orderId: number, seq: number): void {
    const { i32 } = this.orders
    const o = order * ORDER_WORDS
    const submission = this.append(
      account,
      i32,
      o + OR.id,
      i32[o + OR.content],
      -code,
      orderId,
      seq,
    )
    this.table.exchange(this.hashOfOrder(order), order, -submission)
  }

  /**
   * A replace took effect: the order takes the submission's id, the submission remembers the
   * order's.
   */
  exchange(order: number, submission: number, seq: number): void {
    const orders = this.orders.i32
    const submissions = this.pool.i32
    const o = order * ORDER_WORDS
    const s = submission * SUBMISSION_WORDS
    const orderHash = this.hashOfOrder(order)
    const submissionHash = hashId(submissions[s + SU.account], submissions, s + SU.id, this.key)
    if (orderHash !== submissionHash) {
      this.table.exchange(orderHash, order, -submission)
      this.table.exchange(submissionHash, -submission, order)
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
    this.pool.f64[submission * SUBMISSION_DOUBLES + SUF.seq] = seq
  }

  /** A replace in flight was refused. */
  refuse(submission: number, code: number, seq: number): void {
    this.pool.i32[submission * SUBMISSION_WORDS + SU.outcome] = -code
    this.pool.f64[submission * SUBMISSION_DOUBLES + SUF.seq] = seq
  }

  /** Lets go of submissions that no command from `seq` on can see. Called between rounds. */
  forget(seq: number): void {
    const before = seq - this.remembered
    while (this.forgetBlock(before)) {}
  }

  /** Handles of the submissions that a command at `seq` can see, oldest first. */
  *visible(seq: number): Generator<number> {
    for (let at = this.oldest; at !== 0; at = this.pool.i32[at * SUBMISSION_WORDS + SU.younger]) {
      if (this.isRemembered(at, seq)) yield at
    }
  }

  /** Bytes of memory behind the hash table. */
  get tableBytes(): number {
    return this.table.bytes
  }

  /** Lets go of a block of the oldest whose last event was before `seq`; false if that was all. */
  private forgetBlock(seq: number): boolean {
    const { i32, f64 } = this.pool
    const { table, gone, goneHash } = this
    let count = 0
    let at = this.oldest
    // First read all, as in lookahead.ts, then remove.
    while (count < FORGET_BLOCK && at !== 0) {
      const s = at * SUBMISSION_WORDS
      if (f64[(s >> 1) + SUF.seq] >= seq) break
      gone[count] = at
      goneHash[count] = hashId(i32[s + SU.account], i32, s + SU.id, this.key)
      count += 1
      at = i32[s + SU.younger]
    }
    let sum = 0
    for (let n = 0; n < count; n += 1) sum += table.touch(goneHash[n])
    this.sum += sum & 1
    for (let n = 0; n < count; n += 1) {
      table.remove(goneHash[n], -gone[n])
      this.pool.release(gone[n])
    }
    this.oldest = at
    if (at === 0) this.youngest = 0
    return count === FORGET_BLOCK
  }

  private isRemembered(submission: number, seq: number): boolean {
    return (
      this.pool.f64[submission * SUBMISSION_DOUBLES + SUF.seq] >= seq - this.remembered ||
      this.pool.i32[submission * SUBMISSION_WORDS + SU.outcome] > 0
    )
  }

  /** A new submission, the youngest, not in the table yet. */
  private append(
    account: number,
    words: Int32Array,
    at: number,
    content: number,
    outcome: number,
    orderId: number,
    seq: number,
  ): number {
    const submission = this.pool.alloc()
    const { i32, f64 } = this.pool
    const s = submission * SUBMISSION_WORDS
    copyId(words, at, i32, s + SU.id)
    i32[s + SU.account] = account
    i32[s + SU.content] = content
    i32[s + SU.outcome] = outcome
    f64[(s >> 1) + SUF.orderId] = orderId
    f64[(s >> 1) + SUF.seq] = seq
    if (this.youngest === 0) this.oldest = submission
    else i32[this.youngest * SUBMISSION_WORDS + SU.younger] = submission
    this.youngest = submission
    return submission
  }

  private accountOf(order: number): number {
    const position = this.orders.i32[order * ORDER_WORDS + OR.position]
    return this.positions.i32[position * POSITION_WORDS + PO.account]
  }

  private hashOfOrder(order: number): number {
    return hashId(this.accountOf(order), this.orders.i32, order * ORDER_WORDS + OR.id, this.key)
  }
}
