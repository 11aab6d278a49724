// Keeps the tables of the projection up to date from the journal: a follower with postings, whose
// rounds are written in batches. It runs apart from the market, in a process of its own.

import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'
import type { FinishedRound } from '../engine/engine.ts'
import { createCore } from '../exchange.ts'
import { StoreProblem, type StoreProblemCode } from '../persistence/problem.ts'
import { type Batch, type Mark, ProjectionTables, stale } from '../persistence/projection/tables.ts'
import { openStore, type Store } from '../persistence/store.ts'
import { Follower, type FollowerOptions } from './follower.ts'
import { BatchBuilder, openingsOf } from './projection-batch.ts'

/** Reports from which a batch is written; its last round may add to them. */
const BATCH_REPORTS = 5_000
/** Reports between two turns of the loop, in which the batch on its way gets on. */
const TURN_REPORTS = 200
/** Between two looks whether the journal has gone on. */
const POLL_MS = 200
/** Between two tries while Postgres is away. */
const AWAY_MS = 200

export interface ProjectorOptions {
  /** The Postgres database: `postgres://user:password@host:port/database`. */
  readonly url: string
  /** Drops what is there first. */
  readonly rebuild?: boolean
  /** Reports from which a batch is written, at least 1; default 5,000. */
  readonly batchReports?: number
  /** After each batch, and while it goes to its mark: the last `seq`, and the journal's last. */
  readonly onProgress?: (seq: number, ofSeq: number) => void
  /** While following: Postgres is away, or (null) back. */
  readonly onAway?: (problem: StoreProblem | null) => void
}

export class Projector {
  /** The first command whose reports are in the tables: 1, unless the journal begins later. */
  readonly fromSeq: number
  /** The last command in the tables. */
  seq: number
  private readonly store: Store
  private readonly tables: ProjectionTables
  private readonly follower: Follower
  private readonly options: ProjectorOptions
  private readonly batch: BatchBuilder
  /** The batch on its way: the next one is made meanwhile. */
  private writing: Promise<void> = Promise.resolve()
  /** Reports since the loop had its turn. */
  private sinceTurn = 0
  private readonly stopping = new AbortController()
  private isPatient = false
  private isAway = false
  private readonly ofSeq: number

  private constructor(opened: Opened, options: ProjectorOptions) {
    const { store, tables, follower, mark, ofSeq } = opened
    this.store = store
    this.tables = tables
    this.follower = follower
    this.options = options
    this.fromSeq = mark.fromSeq
    this.seq = mark.seq
    this.ofSeq = ofSeq
    this.batch = new BatchBuilder(mark.round, follower.names)
  }

  /**
   * Goes to where the projection has come, or makes its tables: for the whole journal, or, where
   * its beginning was deleted, from the oldest good snapshot on. Throws StoreProblem: what is wrong
   * with the database, or PROJECTION_STALE if the projection must be made anew.
   */
  static async open(options: ProjectorOptions): Promise<Projector> {
    const { url, rebuild = false, onProgress } = options
    const store = await openStore(url)
    const tables = new ProjectionTables(url)
    let projector: Projector | undefined
    try {
      const ofSeq = (await store.lastRow())?.lastSeq ?? 0
      const followerOptions: FollowerOptions = {
        make: (of) => createCore({ postings: true, ...of }),
        onRound: (round, finished) => projector?.add(round, finished),
        onProgress: (seq) => projector === undefined && onProgress?.(seq, ofSeq),
      }
      const mark = rebuild ? undefined : await tables.mark()
      const { follower, ...at } =
        mark === undefined
          ? await begin(store, tables, followerOptions, rebuild)
          : { follower: await followTo(store, mark.round, followerOptions), mark }
      projector = new Projector({ store, tables, follower, ofSeq, ...at }, options)
      return projector
    } catch (error) {
      await tables.close()
      await store.close()
      throw error
    }
  }

  /**
   * Projects what the journal has by now. Throws StoreProblem, a Fault that names a corrupt row, or
   * PROJECTION_MOVED if another projector is at it; only {@link close} may be called then.
   */
  async catchUp(): Promise<void> {
    await this.follower.advance(() => !this.stopping.signal.aborted)
    if (!this.batch.isEmpty) await this.send()
    await this.writing
  }

  /**
   * Goes on with the journal until {@link stop}. While Postgres is away it waits, and then goes on.
   * Throws as {@link catchUp} for what does not pass.
   */
  async follow(): Promise<void> {
    this.isPatient = true
    const { signal } = this.stopping
    while (!signal.aborted) {
      try {
        await this.catchUp()
        this.tellAway(null)
      } catch (error) {
        if (!isAway(error)) throw error
        this.tellAway(error)
      }
      await delay(POLL_MS, undefined, { signal }).catch(() => {})
    }
  }

  /** Ends {@link follow} or {@link catchUp} behind what is being written. */
  stop(): void {
    this.stopping.abort()
  }

  async close(): Promise<void> {
    this.stop()
    await this.writing.catch(() => {})
    await this.follower.close()
    await this.tables.close()
    await this.store.close()
  }

  private add(round: number, finished: FinishedRound): Promise<void> | undefined {
    this.batch.add(round, finished)
    const { batchReports = BATCH_REPORTS } = this.options
    if (this.batch.count >= batchReports) return this.send()
    this.sinceTurn += finished.reports.count
    if (this.sinceTurn < TURN_REPORTS) return
    this.sinceTurn = 0
    return turn()
  }

  /** Hands the batch over once the one before is written: two are in memory at most. */
  private async send(): Promise<void> {
    const batch = this.batch.seal(this.follower.core)
    await this.writing
    this.writing = this.write(batch)
    // Whoever waits for it next is told.
    this.writing.catch(() => {})
  }

  private async write(batch: Batch): Promise<void> {
    for (let isAgain = false; ; isAgain = true) {
      try {
        await this.tables.write(batch, isAgain)
        break
      } catch (error) {
        const { signal } = this.stopping
        if (!this.isPatient || signal.aborted || !isAway(error)) throw error
        this.tellAway(error)
        await delay(AWAY_MS, undefined, { signal }).catch(() => {})
      }
    }
    this.tellAway(null)
    this.seq = batch.seq
    this.options.onProgress?.(batch.seq, Math.max(this.ofSeq, batch.seq))
  }

  private tellAway(problem: StoreProblem | null): void {
    if (this.isAway === (problem !== null)) return
    this.isAway = problem !== null
    this.options.onAway?.(problem)
  }
}

interface Opened {
  readonly store: Store
  readonly tables: ProjectionTables
  readonly follower: Follower
  readonly mark: Mark
  readonly ofSeq: number
}

/**
 * A follower that stands behind `round`. Throws PROJECTION_STALE if the journal does not lead there
 * any more.
 */
export async function followTo(
  store: Store,
  round: number,
  options: FollowerOptions,
): Promise<Follower> {
  const follower = await Follower.open(store, { ...options, fromRoundMax: round })
  try {
    if (follower.round < (await firstRound(store)) - 1) {
      throw stale(`the journal up to round ${round} is deleted, and no good snapshot is that old`)
    }
    await follower.advance((next) => next.round <= round)
    if (follower.round === round) return follower
    throw stale(`the journal ends with round ${follower.round}, before the mark's ${round}`)
  } catch (error) {
    await follower.close()
    throw error
  }
}

/** Makes the tables, and a follower where their history begins. */
async function begin(
  store: Store,
  tables: ProjectionTables,
  options: FollowerOptions,
  isAnew: boolean,
): Promise<{ follower: Follower; mark: Mark }> {
  const follower = await oldest(store, options)
  try {
    const { round, seq, core, names } = follower
    const mark: Mark = { round, seq, fromSeq: seq + 1 }
    await tables.create(mark, round === 0 ? [] : openingsOf(core, names), isAnew)
    return { follower, mark }
  } catch (error) {
    await follower.close()
    throw error
  }
}

/** A follower as far back as the journal goes. */
async function oldest(store: Store, options: FollowerOptions): Promise<Follower> {
  const first = await firstRound(store)
  if (first === 1) return Follower.open(store, { ...options, fromRoundMax: -1 })
  for (const { round } of (await store.snapshots.list()).reverse()) {
    if (round < first - 1) continue
    const follower = await Follower.open(store, { ...options, fromRoundMax: round })
    if (follower.snapshot?.round === round) return follower
    await follower.close()
  }
  throw stale(`the journal begins with round ${first}, and there is no good snapshot to begin from`)
}

/** The round that the journal begins with; 1 if it is empty. */
async function firstRound(store: Store): Promise<number> {
  for await (const row of store.readRows(0)) return row.firstRound
  return 1
}

const AWAY: ReadonlySet<StoreProblemCode> = new Set([
  ...(['NO_SERVER', 'SERVER_STARTING', 'TOO_MANY_CONNECTIONS', 'CONNECTION_LOST'] as const),
  ...(['TIMEOUT', 'DISK_FULL', 'READ_ONLY'] as const),
])

const isAway = (error: unknown): error is StoreProblem =>
  error instanceof StoreProblem && AWAY.has(error.code)
