// The producer's side of a ring for a role that must never wait: what finds no room is kept here
// until there is some.

import { RecordLog } from '../lib/record-log.ts'
import { MK, MKF } from './marks.ts'
import { CLOSED, FULL, type RingProducer } from './ring.ts'

export class Outlet {
  private readonly ring: RingProducer
  private readonly words: number
  /** Records that found the ring full, and the first of them that is not in it yet. */
  private readonly waiting: RecordLog
  private sent = 0
  private readonly mark: { i32: Int32Array; f64: Float64Array }

  constructor(ring: RingProducer) {
    this.ring = ring
    this.words = ring.words
    this.waiting = new RecordLog(ring.words, 16)
    const buffer = new ArrayBuffer(ring.words * 4)
    this.mark = { i32: new Int32Array(buffer), f64: new Float64Array(buffer) }
  }

  /** Whether all that was put is in the ring. */
  get isFlushed(): boolean {
    return this.sent === this.waiting.count
  }

  /** Adds the record at word `at`; it is seen after {@link flush}. */
  put(from: Int32Array, at: number): void {
    const { ring, words } = this
    if (this.isFlushed) {
      const to = ring.claim()
      if (to >= 0) return copy(from, at, ring.i32, to, words)
      // Whoever closed the ring has no more use for records.
      if (to === CLOSED) return
    }
    const { waiting } = this
    const to = waiting.append()
    copy(from, at, waiting.i32, to, words)
  }

  /** Adds the records at words `at` and behind it, `count` of them. */
  putRun(from: Int32Array, at: number, count: number): void {
    const { ring, waiting, words } = this
    let sent = 0
    while (this.isFlushed && sent < count) {
      const run = ring.claimRun(count - sent)
      if (run === CLOSED) return
      if (run === 0) break
      const first = at + sent * words
      ring.i32.set(from.subarray(first, first + run * words), ring.runAt)
      sent += run
    }
    for (; sent < count; sent += 1) {
      const to = waiting.append()
      copy(from, at + sent * words, waiting.i32, to, words)
    }
  }

  /** Adds a mark: see marks.ts. */
  putMark(kind: number, count: number, seq: number, round: number): void {
    const { i32, f64 } = this.mark
    i32[MK.kind] = kind
    i32[MK.count] = count
    f64[MKF.seq] = seq
    f64[MKF.round] = round
    this.put(i32, 0)
  }

  /** Hands on what there is room for; whether that was anything that had waited. */
  flush(): boolean {
    const { ring, waiting, words } = this
    const before = this.sent
    while (this.sent < waiting.count) {
      const to = ring.claim()
      if (to === FULL) break
      if (to >= 0) copy(waiting.i32, this.sent * words, ring.i32, to, words)
      this.sent += 1
    }
    ring.publish()
    const isMoved = this.sent > before
    // What is sent goes, also where something always waits: at most as much as waits is kept of it.
    if (this.sent * 2 >= waiting.count) {
      waiting.drop(this.sent)
      this.sent = 0
    }
    return isMoved
  }

  /** Whether {@link flush} would move something; if not, the consumer will ring when it would. */
  canFlush(): boolean {
    return !this.isFlushed && this.ring.hasRoom(1)
  }
}

function copy(from: Int32Array, at: number, into: Int32Array, to: number, words: number): void {
  for (let word = 0; word < words; word += 1) into[to + word] = from[at + word]
}
