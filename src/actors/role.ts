// What a worker loop, and a simulation, know of a role: it does a bit of work at a time and never
// waits.

import type { RecordLog } from '../lib/record-log.ts'
import { COMMAND_NAMES } from '../protocol/command-log.ts'
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

/** The name of the command with this `seq` in a log, '' if it is not there. */
export function commandAt(
  { i32, f64, words, count }: RecordLog,
  kindWord: number,
  seqDouble: number,
  seq: number,
): string {
  for (let number = 0; number < count; number += 1) {
    const at = number * words
    if (f64[(at >> 1) + seqDouble] === seq) return COMMAND_NAMES[i32[at + kindWord]]
  }
  return ''
}
