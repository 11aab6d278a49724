// How many messages a client may send: some at once, then so many a second.

/** A bucket of tokens; knows no clock. */
export class MessageRate {
  private readonly atOnce: number
  private readonly perMs: number
  private tokens: number
  private lastMs: number

  constructor(atOnce: number, perS: number, nowMs: number) {
    this.atOnce = atOnce
    this.perMs = perS / 1_000
    this.tokens = atOnce
    this.lastMs = nowMs
  }

  /** Takes one message: 0, or how long until one may be sent, in ms. */
  take(nowMs: number): number {
    const earned = (nowMs - this.lastMs) * this.perMs
    this.tokens = Math.min(this.atOnce, this.tokens + earned)
    this.lastMs = nowMs
    if (this.tokens < 1) return Math.ceil((1 - this.tokens) / this.perMs)
    this.tokens -= 1
    return 0
  }
}
