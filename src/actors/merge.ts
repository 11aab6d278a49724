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

/** Appends all records of `logs`, which have one record size, to `into`. */
export function mergeRecords(logs: readonly RecordLog[], into: RecordLog, order: Order): void {
  const next = new Int32Array(logs.length)
  for (;;) {
    let first = -1
    for (let of = 0; of < logs.length; of += 1) {
      if (next[of] === logs[of].count) continue
      if (first < 0 || isBefore(logs[of], next[of], logs[first], next[first], order)) first = of
    }
    if (first < 0) return
    const log = logs[first]
    const at = next[first] * log.words
    next[first] += 1
    const to = into.append()
    const { i32 } = into
    for (let word = 0; word < log.words; word += 1) i32[to + word] = log.i32[at + word]
  }
}

/** Whether record `m` of `a` comes before record `n` of `b`; ties keep their shards' order. */
function isBefore(a: RecordLog, m: number, b: RecordLog, n: number, order: Order): boolean {
  const half = a.words >> 1
  const bySeq = a.f64[m * half + order.seq] - b.f64[n * half + order.seq]
  return bySeq !== 0 ? bySeq < 0 : keyOf(a, m, order) < keyOf(b, n, order)
}

function keyOf({ i32, f64, words }: RecordLog, number: number, order: Order): number {
  const index = i32[number * words + order.index]
  return index >= 0 ? index : f64[number * (words >> 1) + order.id]
}
