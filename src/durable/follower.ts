// A core that goes along a journal: restored from a snapshot, then round by round as rows come.
// Recovery, a standby, snapshots, the projection and a look into the past are all one of these.

import type { Core } from '../actors/core.ts'
import type { FinishedRound } from '../engine/engine.ts'
import { Exchange } from '../exchange.ts'
import { Fault } from '../lib/assert.ts'
import { StoreProblem } from '../persistence/problem.ts'
import {
  followRows,
  GENESIS,
  type JournalRound,
  type Row,
  type RowEnd,
  readRounds,
} from '../persistence/row.ts'
import type { SnapshotInfo } from '../persistence/snapshot-table.ts'
import type { Store } from '../persistence/store.ts'
import { Directory } from '../protocol/directory.ts'
import { learn } from '../protocol/learn.ts'
import { type MakeCore, type Restored, RestoringCore } from '../restoring.ts'
import { SectionCutter, StateHash } from '../state-bytes.ts'

/** What a follower reads. */
export type Reading = Pick<Store, 'snapshots' | 'readRows' | 'rowEndingAt'>

export interface FollowerOptions {
  /** Makes the core that is to go along, empty. */
  readonly make: (options: { submissionsRemembered?: number; ordersInitial?: number }) => Core
  /** Starts from the newest good snapshot at or before this round; default: any. */
  readonly fromRoundMax?: number
  /**
   * Each round that was replayed, in order; `finished` is valid during the call. If it returns a
   * promise, nothing more is started before that resolves; `advance` rejects where it does.
   */
  readonly onRound?: (round: number, finished: FinishedRound) => void | Promise<void>
  /** After each row: the last `seq` replayed. */
  readonly onProgress?: (seq: number) => void
}

/** Whether the journal is gone along with one more round, which is in `row`. */
export type GoesOn = (round: JournalRound, row: Row) => boolean

export class Follower {
  readonly core: Core
  readonly names: Directory
  /** The snapshot it began with, and those that were no good. */
  readonly snapshot: SnapshotInfo | undefined
  readonly skipped: readonly string[]
  /** The last round replayed. */
  round: number
  /** The last row that was replayed whole. */
  end: RowEnd
  private readonly store: Reading
  private readonly options: FollowerOptions
  /** Rounds started and not finished, oldest first. */
  private readonly underWay: number[] = []

  private constructor(store: Reading, options: FollowerOptions, start: Start) {
    this.store = store
    this.options = options
    this.core = start.core
    this.names = start.names
    this.snapshot = start.snapshot
    this.skipped = start.skipped
    this.end = start.end
    this.round = start.end.lastRound
  }

  /**
   * Restores the newest good snapshot, or begins with nothing. Throws a StoreProblem, or a Fault
   * where the journal does not reach as far as a snapshot.
   */
  static async open(store: Reading, options: FollowerOptions): Promise<Follower> {
    return new Follower(store, options, await restore(store, options))
  }

  /** The `seq` of the last command replayed. */
  get seq(): number {
    return this.core.seq
  }

  /**
   * Replays the rounds there are, while `goesOn`. Throws OVERTAKEN where retention has deleted what
   * was not read yet; a newer snapshot has it. Throws a Fault that names the row where one is
   * corrupt; nothing of that row has then been replayed, or its rounds before the corrupt one.
   */
  async advance(goesOn: GoesOn = () => true): Promise<void> {
    const rows = this.unlessOvertaken(this.store.readRows(this.end.lastRound + 1))
    for await (const row of followRows(rows, this.end)) {
      if (!(await this.run(row, goesOn))) break
      this.end = row
      this.options.onProgress?.(this.core.seq)
    }
    while (await this.take()) {}
  }

  /** SHA-256 of the state, as `Exchange.stateHash`; the snapshot's own is known. */
  stateHash(): string {
    const { snapshot } = this
    if (snapshot !== undefined && snapshot.seq === this.seq && snapshot.round === this.round) {
      return snapshot.hash
    }
    return new Exchange(this.core, this.names).stateHash()
  }

  async close(): Promise<void> {
    await this.core.close?.()
  }

  /** Rows behind a gap are those that retention has left: there is a snapshot beyond the gap. */
  private async *unlessOvertaken(rows: AsyncIterable<Row>): AsyncGenerator<Row> {
    for await (const row of rows) {
      const { lastRound } = this.end
      if (row.firstRound > lastRound + 1) {
        const [newest] = await this.store.snapshots.list()
        if (newest !== undefined && newest.round > lastRound) {
          const sentence = `Rows behind round ${lastRound} were deleted before they were read.`
          throw new StoreProblem('OVERTAKEN', sentence)
        }
      }
      yield row
    }
  }

  /** Runs a row's rounds; whether it went to the row's end. */
  private async run(row: Row, goesOn: GoesOn): Promise<boolean> {
    for (const each of readRounds(row, undefined, this.round)) {
      if (!goesOn(each, row)) return false
      const { round, commands } = each
      if (!this.core.canStart) await this.take()
      learn(this.names, commands)
      this.core.start(commands)
      this.underWay.push(round)
      this.round = round
    }
    return true
  }

  private async take(): Promise<boolean> {
    const finished = this.core.take(true)
    if (finished === undefined) return false
    const pause = this.options.onRound?.(this.underWay.shift() as number, finished)
    if (pause) await pause
    return true
  }
}

interface Start {
  readonly core: Core
  readonly names: Directory
  readonly snapshot: SnapshotInfo | undefined
  readonly skipped: readonly string[]
  readonly end: RowEnd
}

/** The newest snapshot that is the state it says, and the row it stands behind. */
async function restore(store: Reading, options: FollowerOptions): Promise<Start> {
  const { make, fromRoundMax = Number.POSITIVE_INFINITY } = options
  const skipped: string[] = []
  for (const snapshot of await store.snapshots.list()) {
    const { seq, round } = snapshot
    if (round > fromRoundMax) continue
    const end = round === 0 ? GENESIS : await store.rowEndingAt(round)
    if (end === null) {
      // Deleted with its rows while this was looking: there are newer ones.
      if (!(await store.snapshots.list()).some((other) => other.seq === seq)) continue
      throw new Fault(`rows of the journal are missing: a snapshot stands behind round ${round}`)
    }
    const restored = await tryRestore(store, snapshot, end, make)
    if (typeof restored !== 'string') return { ...restored, snapshot, skipped, end }
    skipped.push(`snapshot at seq ${seq}: ${restored}`)
  }
  return { core: make({}), names: new Directory(), snapshot: undefined, skipped, end: GENESIS }
}

/**
 * What is wrong with a snapshot, if anything: it is of another journal, or not the state it says.
 * Holds its whole state for a while.
 */
export async function findSnapshotFault(
  store: Reading,
  snapshot: SnapshotInfo,
  make: FollowerOptions['make'],
): Promise<string | undefined> {
  const end = snapshot.round === 0 ? GENESIS : await store.rowEndingAt(snapshot.round)
  if (end === null) return `the journal's row of round ${snapshot.round} is missing`
  const restored = await tryRestore(store, snapshot, end, make)
  if (typeof restored === 'string') return restored
  await restored.core.close?.()
  return undefined
}

/**
 * A core with the snapshot's state, or what is wrong with it. The state is entered as it is read,
 * so it is never in memory twice; whether it is what it says shows at its end.
 */
async function tryRestore(
  store: Reading,
  snapshot: SnapshotInfo,
  end: RowEnd,
  make: MakeCore,
): Promise<Restored | string> {
  const { seq, hash, rowChecksum } = snapshot
  if (rowChecksum !== null && !Buffer.from(end.checksum).equals(rowChecksum)) {
    return 'it is of another journal'
  }
  const { snapshots } = store
  const length = await snapshots.bytesOf(seq)
  const cutter = new SectionCutter(length)
  const restoring = new RestoringCore(length, make)
  const found = new StateHash()
  try {
    for await (const piece of snapshots.bytes(seq)) {
      for (const section of cutter.cut(piece)) {
        found.add(section)
        restoring.add(section)
      }
    }
    cutter.end()
    const restored = restoring.end()
    if (found.digest() !== hash) throw new Fault('it is not the state it says')
    return restored
  } catch (error) {
    restoring.abandon()
    // Deleted while it was read: there is a newer one. Other trouble is the database's.
    if (error instanceof StoreProblem && error.code !== 'SNAPSHOT_INCOMPLETE') throw error
    // Corrupt bytes are no state; any way of noticing that is good.
    return error instanceof Error ? error.message : String(error)
  }
}
