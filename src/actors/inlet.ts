// The consumer's side of a ring for a role that handles whole rounds: gathers records up to the
// next mark, and leaves what is behind it in the ring.

import type { RecordLog } from '../lib/record-log.ts'
import { isStop, MK, MKF } from './marks.ts'
import type { RingConsumer } from './ring.ts'

export class Inlet<Log extends RecordLog = RecordLog> {
  /** The records before the mark. */
  log: Log
  /** The kind of the mark that was reached, 0 while it was not. */
  mark = 0
  /** What the mark says: see marks.ts. */
  count = 0
  seq = 0
  round = 0
  private readonly ring: RingConsumer

  /** `log` has records as long as the ring's. */
  constructor(ring: RingConsumer, log: Log) {
    this.ring = ring
    this.log = log
  }

  /** Takes what is there, up to a mark; whether it was anything. */
  drain(): boolean {
    const { ring } = this
    if (this.mark !== 0 || ring.available() <= 0) return false
    while (this.mark === 0 && ring.sideBySide > 0) this.takeRun()
    ring.release()
    return true
  }

  /** Takes records that lie side by side, up to a mark. */
  private takeRun(): void {
    const { ring, log } = this
    const { i32, words, sideBySide } = ring
    const from = ring.take(0)
    let count = 0
    while (count < sideBySide && !isStop(i32[from + count * words + MK.kind])) count += 1
    if (count > 0) {
      const to = log.appendRun(count)
      log.i32.set(i32.subarray(from, from + count * words), to)
      ring.take(count)
    }
    if (count === sideBySide) return
    const at = ring.take(1)
    this.mark = i32[at + MK.kind]
    this.count = i32[at + MK.count]
    this.seq = ring.f64[(at >> 1) + MKF.seq]
    this.round = ring.f64[(at >> 1) + MKF.round]
  }

  /** Whether {@link drain} would take something. */
  canDrain(): boolean {
    return this.mark === 0 && this.ring.available() > 0
  }

  /** Gives its records away for an empty log, to be used from now on. */
  exchange(empty: Log): Log {
    const { log } = this
    this.log = empty
    return log
  }

  /** Forgets the round and goes on to the next. */
  clear(): void {
    this.log.clear()
    this.mark = 0
  }
}
