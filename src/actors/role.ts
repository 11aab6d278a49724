// What a worker loop, and a simulation, know of a role: it does a bit of work at a time and never
// waits.

import type { FaultReport } from './letters.ts'

export interface Role {
  /** Does what can be done now, and says whether that was anything. Throws a Fault. */
  step(): boolean
  /**
   * Whether {@link step} would do something. If not, whoever changes that rings the doorbell of
   * the role's worker.
   */
  canStep(): boolean
  /** Whether it has been told to stop, and has. */
  readonly isStopped: boolean
  /** What it is doing, for the report of a fault. */
  whereabouts(): Omit<FaultReport, 'message' | 'stack'>
}
