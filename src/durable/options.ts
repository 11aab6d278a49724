// What a durable exchange can be told, and what it says of its start.

import type { Workers } from '../actors/placement.ts'
import { assert } from '../lib/assert.ts'
import type { StoreProblem } from '../persistence/problem.ts'
import type { PublishedBefore } from '../persistence/said-table.ts'
import { SILENCE_MS } from './lease-watch.ts'
import type { OnReports, TakeReports } from './publication.ts'
import type { Retention, SnapshotTaken } from './snapshots.ts'

/** Commands from one snapshot to the next, which is what a recovery has to replay at most. */
export const SNAPSHOT_EVERY = 5_000_000
export interface DurableOptions {
  /** The Postgres database: `postgres://user:password@host:port/database`. */
  readonly url: string
  /** As of {@link createExchange}. */
  readonly workers?: Workers
  /**
   * Reports, in order, once what caused them is committed. If it returns a promise, they count as
   * published when that resolves. After a crash, reports that were not published come again first,
   * with the same `execId`.
   */
  readonly onReports?: OnReports
  /**
   * The same reports as they are in binary, for who writes many of them to a wire: valid until it
   * returns. They count as published when both have taken them.
   */
  readonly takeReports?: TakeReports
  /**
   * Told before any reports are given out: what went out before this start, as far as it is kept,
   * for who may still ask for it.
   */
  readonly onPublishedBefore?: (before: PublishedBefore) => void
  /** What went out cannot be remembered, now or at the next start; all else goes on. */
  readonly onForgotten?: (error: unknown) => void
  /** Nothing goes on: an actor broke, or another process has taken the lease. */
  readonly onBroken?: (error: unknown) => void
  /** While recovering: the last `seq` replayed, and the journal's last. */
  readonly onProgress?: (seq: number, ofSeq: number) => void
  /** The journal can be written, or for now not, and why. */
  readonly onJournal?: (problem: StoreProblem | null) => void
  /** Takes a snapshot by itself after so many commands; 0: never. Default: see SNAPSHOT_EVERY. */
  readonly snapshotEvery?: number
  /** What is kept when a snapshot is taken; default: three snapshots, and the whole journal. */
  readonly retention?: Retention
  /**
   * Sets the exchange's clock before a command, if so many ms have passed since it was last set; 0,
   * the default: never. Without it nothing has a time, and rules that count by time do not.
   */
  readonly clockEveryMs?: number
  /** A row of the journal was committed, so long after it was sent, in ms. */
  readonly onCommitted?: (ms: number) => void
  /** A snapshot was taken, or could not be. */
  readonly onSnapshot?: (outcome: SnapshotTaken | Error) => void
  /** Without a sign of life for so long, another leader is taken for dead, in ms. */
  readonly silenceMs?: number
}

/** How a start went. */
export interface RecoveryReport {
  /** The snapshot's seq, 0 without one, and those that were no good. */
  readonly snapshotSeq: number
  readonly skipped: readonly string[]
  /** The last command recovered. */
  readonly seq: number
  /** The state's hash there; a standby that takes over does not take the time. */
  readonly hash: string | undefined
  /** Until the state was there; waiting for the lease is not in it. */
  readonly ms: number
  /** Rounds whose reports were given out again. */
  readonly republished: number
  /** The lease's term from now on. */
  readonly term: number
}

/** Gives reports to whoever takes them. Throws a Fault if nobody does: they would be lost. */
export function takerOf({ onReports, takeReports }: DurableOptions): TakeReports {
  assert(onReports !== undefined || takeReports !== undefined, 'somebody takes the reports')
  if (onReports === undefined) return takeReports as TakeReports
  if (takeReports === undefined) return (reports) => onReports(reports.toArray())
  return async (reports) => {
    await Promise.all([takeReports(reports), onReports(reports.toArray())])
  }
}

/** The silence after which another leader is taken for dead, in ms. */
export const silenceOf = ({ silenceMs = SILENCE_MS }: DurableOptions): number => silenceMs

/** How far a running exchange is: each mark is at or behind the one before. */
export interface Progress {
  /** The last command in a round. */
  readonly taken: number
  /** The last one that is committed. */
  readonly durable: number
  /** The last one whose reports are out for certain; 0 before the first. */
  readonly published: number
  /** Rounds since it leads: written to the journal and matched. */
  readonly rounds: number
}
