// Waiting for what must come by itself, but not for ever.

import { setTimeout as delay } from 'node:timers/promises'

const PATIENCE_MS = 60_000

/** Resolves once `holds`; what never does is an error that says so. */
export async function until(holds: () => boolean): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`it never holds: ${holds}`)
    await delay(1)
  }
}
