// Open loop: work that begins when it is due, whether what was begun before is done or not.

import { setTimeout as delay } from 'node:timers/promises'

/** Begins `work` at a rate for so many seconds; resolves when all of it is done. */
export async function paced(
  rate: number,
  seconds: number,
  work: (number: number, dueMs: number) => Promise<void>,
): Promise<void> {
  const startMs = performance.now()
  const count = Math.floor(rate * seconds)
  const begun: Promise<void>[] = []
  while (begun.length < count) {
    const nowMs = performance.now()
    for (;;) {
      const dueMs = startMs + (begun.length * 1_000) / rate
      if (begun.length === count || dueMs > nowMs) break
      const one = work(begun.length, dueMs)
      // One that fails before all are begun is told below, once whoever asked can clean up.
      one.catch(() => {})
      begun.push(one)
    }
    await delay(1)
  }
  await Promise.all(begun)
}
