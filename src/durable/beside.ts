// A snapshot taken by a process of its own, of low priority: the market shares nothing with it but
// the machine, and if it dies, the next one begins anew.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { extname, join } from 'node:path'
import { Fault } from '../lib/assert.ts'
import type { Retention, SnapshotTaken } from './snapshots.ts'

/** TypeScript in a clone, JavaScript in a package. */
const PROGRAM = join(import.meta.dirname, `beside-process${extname(import.meta.filename)}`)

/** What the process is told; by a channel, as its arguments can be read by everybody. */
export interface Task {
  readonly url: string
  /** As of {@link Retention}; null for a journal that is kept always. */
  readonly retention: { readonly snapshots: number; readonly journalMs: number | null }
}

/** What it says at the end. */
export type Outcome = { readonly taken: SnapshotTaken | null } | { readonly problem: string }

/** A snapshot under way. */
export interface Beside {
  /** Undefined if another process was at it; rejects with a Fault if it could not be taken. */
  readonly done: Promise<SnapshotTaken | undefined>
  /** Ends it, wherever it is. */
  end(): void
}

/** Starts taking a snapshot; see `takeSnapshot`. */
export function snapshotBeside(url: string, { snapshots, journalMs }: Retention): Beside {
  const child = fork(PROGRAM, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] })
  const retention = { snapshots, journalMs: Number.isFinite(journalMs) ? journalMs : null }
  const task: Task = { url, retention }
  child.send(task)
  return { done: outcomeOf(child), end: () => void child.kill('SIGKILL') }
}

async function outcomeOf(child: ChildProcess): Promise<SnapshotTaken | undefined> {
  let outcome: Outcome | undefined
  child.on('message', (message) => {
    outcome = message as Outcome
  })
  const [code, signal] = await once(child, 'close')
  if (outcome === undefined) throw new Fault(`the snapshot's process ended by ${signal ?? code}`)
  if ('problem' in outcome) throw new Fault(`no snapshot was taken: ${outcome.problem}`)
  return outcome.taken ?? undefined
}
