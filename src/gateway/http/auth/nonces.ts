// The nonces that were used: each is taken once, and remembered as long as the request it came with
// could be sent again.

/** How many nonces are remembered. One more is refused: to forget one would let it in again. */
export interface NonceBounds {
  /** Of one key, so that no key takes the room of others. */
  readonly perKey: number
  /** Of all keys. */
  readonly all: number
}

export class Nonces {
  private readonly keepMs: number
  private readonly bounds: NonceBounds
  /** By key: when each nonce may be forgotten. In order of use, so the first goes first. */
  private readonly byKey = new Map<string, Map<string, number>>()
  private count = 0

  constructor(keepMs: number, bounds: NonceBounds) {
    this.keepMs = keepMs
    this.bounds = bounds
  }

  /** How many are remembered. */
  get size(): number {
    return this.count
  }

  /**
   * Takes a nonce of a key at `nowMs`: `taken`, `used` if it was taken before, `full` if there is
   * no room to remember it.
   */
  take(key: string, nonce: string, nowMs: number): 'taken' | 'used' | 'full' {
    const nonces = this.byKey.get(key) ?? new Map<string, number>()
    this.forget(nonces, nowMs)
    if (nonces.has(nonce)) return 'used'
    if (nonces.size >= this.bounds.perKey) return 'full'
    // What other keys left behind goes only when there is need: it is a walk over all keys.
    if (this.count >= this.bounds.all) this.forgetAll(nowMs)
    if (this.count >= this.bounds.all) return 'full'
    this.byKey.set(key, nonces)
    nonces.set(nonce, nowMs + this.keepMs)
    this.count += 1
    return 'taken'
  }

  private forget(nonces: Map<string, number>, nowMs: number): void {
    for (const [nonce, untilMs] of nonces) {
      if (untilMs > nowMs) return
      nonces.delete(nonce)
      this.count -= 1
    }
  }

  private forgetAll(nowMs: number): void {
    for (const nonces of this.byKey.values()) this.forget(nonces, nowMs)
  }
}
