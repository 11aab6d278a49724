// The process behind `snapshotBeside`: takes one snapshot, says how it went, and ends.

import { constants, setPriority } from 'node:os'
import { openStore } from '../persistence/store.ts'
import type { Outcome, Task } from './beside.ts'
import { takeSnapshot } from './snapshots.ts'

// The market comes first.
setPriority(constants.priority.PRIORITY_LOW)
// Whoever wanted the snapshot is gone.
process.once('disconnect', () => process.exit(1))
process.once('message', (task) => void take(task as Task))

async function take({ url, retention: { snapshots, journalMs } }: Task): Promise<void> {
  let outcome: Outcome
  try {
    const store = await openStore(url)
    const retention = { snapshots, journalMs: journalMs ?? Number.POSITIVE_INFINITY }
    try {
      outcome = { taken: (await takeSnapshot(store, { retention })) ?? null }
    } finally {
      await store.close()
    }
  } catch (error) {
    // Said to whoever wanted it, who says it to people.
    outcome = { problem: error instanceof Error ? error.message : String(error) }
  }
  process.send?.(outcome, undefined, {}, () => process.disconnect?.())
}
