// Refusals, counted by code: one line of the log for all of ten seconds.

import type { Log } from './log.ts'

const EVERY_MS = 10_000

export class RefusalCounter {
  private readonly log: Log
  private readonly timer: NodeJS.Timeout
  private readonly counts = new Map<string, number>()
  private readonly all = new Map<string, number>()

  constructor(log: Log) {
    this.log = log
    this.timer = setInterval(() => this.tell(), EVERY_MS)
    this.timer.unref()
  }

  /** Bound to be given as `onRefused`. */
  readonly count = (code: string): void => {
    this.counts.set(code, (this.counts.get(code) ?? 0) + 1)
    this.all.set(code, (this.all.get(code) ?? 0) + 1)
  }

  /** By code, since the start. */
  get totals(): ReadonlyMap<string, number> {
    return this.all
  }

  /** Says what was counted since the last time, and ends. */
  stop(): void {
    clearInterval(this.timer)
    this.tell()
  }

  private tell(): void {
    if (this.counts.size === 0) return
    const counts = [...this.counts].sort(([, one], [, other]) => other - one)
    this.counts.clear()
    const all = counts.reduce((sum, [, count]) => sum + count, 0)
    const text = counts.map(([code, count]) => `${code} ${count}`).join(', ')
    const fields = { event: 'refusals', count: all, codes: Object.fromEntries(counts) }
    this.log.info(fields, `refused ${all}: ${text}`)
  }
}
