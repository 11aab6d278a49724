// Whether the leader lives, as far as can be told by looking at its lease now and then.
//
// Only what is seen by one's own clock counts: not how old a sign of life is by the server's, which
// may itself have been away, and not time in which nobody looked.

import type { Lease } from '../persistence/lease.ts'

/** Without a sign of life for so long, a leader is taken for dead, in ms. */
export const SILENCE_MS = 500
/** How often a leader gives a sign, and how often a standby looks, in ms. */
export const BEAT_MS = 100
export const LOOK_MS = 25

export class LeaseWatch {
  /** A sign of life was seen to come while watching. */
  hasBeat = false
  private readonly silenceMs: number
  private last: Lease | undefined
  private sinceMs = 0
  private lookedMs = 0

  constructor(silenceMs: number) {
    this.silenceMs = silenceMs
  }

  /**
   * Whether the lease may be taken: it was given back, or nothing was heard of its holder for the
   * whole of the silence. `nowMs` is a clock that does not jump.
   */
  isFree(lease: Lease, nowMs: number): boolean {
    const { last } = this
    const isSame = last?.term === lease.term && last.beatAtMs === lease.beatAtMs
    // Who did not look for long, stopped perhaps, cannot say that there was nothing to see.
    const isBlind = nowMs - this.lookedMs > this.silenceMs / 2
    if (last !== undefined && !isSame) this.hasBeat = true
    if (!isSame || isBlind) this.sinceMs = nowMs
    this.last = lease
    this.lookedMs = nowMs
    return lease.holder === '' || nowMs - this.sinceMs >= this.silenceMs
  }

  /** The look failed: what was not seen does not count. */
  isBlinded(): void {
    this.lookedMs = Number.NEGATIVE_INFINITY
  }
}
