// Labelled points at the boundary between the durable exchange and its store, where a process can
// end or stop itself: the code under test is the real one, only its store is held at the elbow.

import { SnapshotTable } from '../../src/persistence/snapshot-table.ts'
import { Store } from '../../src/persistence/store.ts'

/** Where, in the words of the promise. */
export const POINTS = [
  'before append',
  'in append',
  'after commit',
  'before report',
  'after report',
  'in snapshot',
  'before retention',
  'in retention',
  'recovery: snapshot',
  'recovery: rows',
  'before lease',
  'after lease',
] as const
export type Point = (typeof POINTS)[number]

/** The `count`-th time that `point` is reached, the process gets `signal` from itself. */
export interface KillPoint {
  readonly point: Point
  readonly count: number
  readonly signal: 'SIGKILL' | 'SIGSTOP'
  /** Whether it counts from the start, or only once the process gets the signal ARM. */
  readonly isArmed: boolean
}

export const ARM = 'SIGUSR2'

/** Says that a point has been reached. Does not return where the process is to end. */
export type Reach = (point: Point) => void

/**
 * Puts the points around the methods of every store that this process opens. The two points around
 * reports are for who takes them to say.
 */
export function putKillPoints(kill: KillPoint | undefined): Reach {
  let isArmed = kill?.isArmed ?? false
  process.on(ARM, () => {
    isArmed = true
  })
  let reached = 0
  const reach = (point: Point) => {
    if (point !== kill?.point || !isArmed) return
    reached += 1
    if (reached === kill.count) process.kill(process.pid, kill.signal)
  }
  aroundAppend(reach)
  aroundRecovery(reach)
  aroundSnapshot(reach)
  return reach
}

function aroundAppend(reach: Reach): void {
  const { append } = Store.prototype
  Store.prototype.append = async function (row) {
    reach('before append')
    const written = append.call(this, row)
    // The statement is sent by the time the turn is over.
    setImmediate(() => reach('in append'))
    await written
    reach('after commit')
  }
}

/** Rows and parts are read before the lease is taken; later readers are snapshots. */
function aroundRecovery(reach: Reach): void {
  const { readRows, takeLease } = Store.prototype
  const { bytes } = SnapshotTable.prototype
  let isRecovering = true
  Store.prototype.readRows = async function* (fromRound) {
    for await (const row of readRows.call(this, fromRound)) {
      yield row
      if (isRecovering) reach('recovery: rows')
    }
  }
  SnapshotTable.prototype.bytes = async function* (seq) {
    for await (const piece of bytes.call(this, seq)) {
      yield piece
      if (isRecovering) reach('recovery: snapshot')
    }
  }
  Store.prototype.takeLease = async function (holder, ofTerm) {
    reach('before lease')
    const term = await takeLease.call(this, holder, ofTerm)
    isRecovering = false
    reach('after lease')
    return term
  }
}

function aroundSnapshot(reach: Reach): void {
  const { put, deleteAllBut } = SnapshotTable.prototype
  const { deleteRows } = Store.prototype
  SnapshotTable.prototype.put = function (head, parts, hash) {
    const reaching = async function* () {
      for await (const part of parts) {
        yield part
        reach('in snapshot')
      }
    }
    return put.call(this, head, reaching(), hash)
  }
  SnapshotTable.prototype.deleteAllBut = function (kept) {
    reach('before retention')
    return deleteAllBut.call(this, kept)
  }
  Store.prototype.deleteRows = function (round, timeMs) {
    reach('in retention')
    return deleteRows.call(this, round, timeMs)
  }
}
