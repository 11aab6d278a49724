// Merges records that several shards wrote, each in (seq, index) order, into one log in that order.

import type { RecordLog } from '../lib/record-log.ts'

/** Where a kind of record has what it is ordered by. */
export interface Order {
  /** A double: the command. */
  readonly seq: number
  /** A word: the number within the command, -1 where the order's id takes its place. */
  readonly index: number
  /** A double: the order's id. */
  readonly id: number
}

/** Behind all records. */
const END = Number.POSITIVE_INFINITY

export class Merger {
  private readonly order: Order
  /** By log: the number of its next record, and that record's place in the order. */
  private readonly next: Int32Array
  private readonly seq: Float64Array
  private readonly key: Float64Array

  /** For `logs` logs at a time. */
  constructor(logs: number, order: Order) {
    this.order = order
    this.next = new Int32Array(logs)
    this.seq = new Float64Array(logs)
    this.key = new Float64Array(logs)
  }

  /** Appends all records of `logs`, which have one record size, to `into`; ties by log. */
  merge(logs: readonly RecordLog[], into: RecordLog): void {
    let left = 0
    for (let of = 0; of < logs.length; of += 1) {
      this.next[of] = 0
      this.look(logs[of], of)
      left += logs[of].count
    }
    const { words } = into
    let to = into.appendRun(left)
    const target = into.i32
    for (; left > 0; left -= 1) {
      const first = this.first()
      const log = logs[first]
      const { i32 } = log
      const at = this.next[first] * words
      for (let word = 0; word < words; word += 1) target[to + word] = i32[at + word]
      to += words
      this.next[first] += 1
      this.look(log, first)
    }
  }

  /** The log whose next record comes first. */
  private first(): number {
    const { seq, key } = this
    let first = 0
    for (let of = 1; of < seq.length; of += 1) {
      if (seq[of] < seq[first] || (seq[of] === seq[first] && key[of] < key[first])) first = of
    }
    return first
  }

  /** Reads a log's next record's place. */
  private look({ i32, f64, words, count }: RecordLog, of: number): void {
    const number = this.next[of]
    if (number === count) {
      this.seq[of] = END
      return
    }
    const { order } = this
    const at = number * words
    const index = i32[at + order.index]
    this.seq[of] = f64[(at >> 1) + order.seq]
    this.key[of] = index >= 0 ? index : f64[(at >> 1) + order.id]
  }
}
