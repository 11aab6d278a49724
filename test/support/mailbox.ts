// A mailbox: all rings that end in one thread, and the doorbell at which it waits for any of them.

import type { Doorbell } from '../../src/actors/doorbell.ts'
import type { RingConsumer } from '../../src/actors/ring.ts'
import { assert } from '../../src/lib/assert.ts'

export class Mailbox {
  readonly bell: Doorbell
  /** The open rings, in the order given. */
  readonly rings: RingConsumer[]

  /** `rings` all ring `bell`, which is this thread's. */
  constructor(bell: Doorbell, rings: readonly RingConsumer[]) {
    for (const ring of rings) {
      assert(ring.bells.consumer.memory === bell.memory, "the mailbox's rings ring at its doorbell")
    }
    this.bell = bell
    this.rings = [...rings]
  }

  /** Whether any ring has records, or has been closed and not been removed. */
  readonly isReady = (): boolean => {
    const { rings } = this
    for (let at = 0; at < rings.length; at += 1) {
      if (rings[at].isReady()) return true
    }
    return false
  }

  /**
   * Waits up to `timeoutMs` until {@link isReady}; false if it was in vain: time was up, or
   * somebody rang for another reason.
   */
  wait(timeoutMs: number, spins?: number): boolean {
    return this.bell.wait(this.isReady, timeoutMs, spins)
  }

  /** Waits no longer for a ring that has answered CLOSED. */
  remove(ring: RingConsumer): void {
    const at = this.rings.indexOf(ring)
    assert(at >= 0, 'the ring is in the mailbox')
    this.rings.splice(at, 1)
  }
}
