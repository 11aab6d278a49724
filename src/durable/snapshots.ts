// Snapshots: taken beside the market by a follower of the journal, and what they make superfluous.
//
// Nothing waits for a snapshot: the process that takes one has its own copy of the state. It goes
// along the journal only as far as reports have been published, so that those which have not can
// be made again by replaying what is behind the snapshot.

import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { STATE_VERSION } from '../engine/state.ts'
import { createCore, Exchange } from '../exchange.ts'
import type { Store } from '../persistence/store.ts'
import { StateHash, sectionHead } from '../state-bytes.ts'
import { Follower } from './follower.ts'

/** Bytes of a snapshot's part: one statement, one short piece of the database's log. */
const PART_BYTES = 2 ** 18

/** What is kept. */
export interface Retention {
  /** Snapshots, at least 1; an older one serves where a newer one is corrupt. */
  readonly snapshots: number
  /** How long rows of the journal are kept that no kept snapshot needs, in ms; Infinity: always. */
  readonly journalMs: number
}

export const RETENTION: Retention = { snapshots: 3, journalMs: Number.POSITIVE_INFINITY }

export interface SnapshotTaken {
  readonly seq: number
  readonly round: number
  /** False if there was one of this `seq`, which is as good. */
  readonly isNew: boolean
  readonly hash: string
  /** What retention has deleted. */
  readonly deleted: { readonly snapshots: number; readonly rows: number }
}

/**
 * Takes a snapshot of the journal's state, as far as its reports have been published, and deletes
 * what need not be kept. Undefined if another process is at it, or if nothing has been published.
 */
export function takeSnapshot(
  store: Store,
  options: { retention?: Retention; onProgress?: (seq: number) => void; nowMs?: number } = {},
): Promise<SnapshotTaken | undefined> {
  const { retention = RETENTION, onProgress = () => {}, nowMs = Date.now() } = options
  return store.alone(async () => {
    const { publishedRound } = await store.lease()
    if (publishedRound === 0) return undefined
    const follower = await Follower.open(store, {
      make: (of) => createCore(of),
      fromRoundMax: publishedRound,
      onProgress,
    })
    try {
      await follower.advance((_, row) => row.lastRound <= publishedRound)
      const { seq, round } = follower
      const written = await writeSnapshot(store, follower, { isPaced: true })
      const deleted = await retain(store, retention, nowMs)
      return { seq, round, ...written, deleted }
    } finally {
      await follower.close()
    }
  })
}

/**
 * Writes the state of a follower that stands behind a whole row. `isPaced`: leaves the database to
 * the market for most of the time.
 */
export async function writeSnapshot(
  store: Pick<Store, 'snapshots'>,
  { core, names, end }: Pick<Follower, 'core' | 'names' | 'end'>,
  { isPaced = false } = {},
): Promise<{ hash: string; isNew: boolean }> {
  const whole = new StateHash()
  let hash = ''
  const parts = function* () {
    let part = Buffer.alloc(PART_BYTES)
    let used = 0
    for (const section of new Exchange(core, names).sections()) {
      whole.add(section)
      for (const bytes of [sectionHead(section), section]) {
        for (let at = 0; at < bytes.length; ) {
          const copied = Math.min(bytes.length - at, PART_BYTES - used)
          part.set(bytes.subarray(at, at + copied), used)
          at += copied
          used += copied
          if (used < PART_BYTES) continue
          yield part
          part = Buffer.alloc(PART_BYTES)
          used = 0
        }
      }
    }
    if (used > 0) yield part.subarray(0, used)
    hash = whole.digest()
  }
  const head = {
    ...{ seq: end.lastSeq, round: end.lastRound, term: end.term },
    ...{ version: STATE_VERSION, rowChecksum: end.checksum },
  }
  const paced = isPaced ? pace(parts()) : parts()
  if (await store.snapshots.put(head, paced, () => hash)) return { hash, isNew: true }
  const present = (await store.snapshots.list()).find(({ seq }) => seq === end.lastSeq)
  return { hash: present?.hash ?? '', isNew: false }
}

/** Pauses behind each part for twice the time that its writing took. */
async function* pace(parts: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    const startMs = performance.now()
    yield part
    await delay((performance.now() - startMs) * 2)
  }
}

/** Deletes snapshots and rows that need not be kept. */
export async function retain(
  store: Store,
  { snapshots, journalMs }: Retention,
  nowMs: number,
): Promise<SnapshotTaken['deleted']> {
  const all = await store.snapshots.list()
  const kept = all.slice(0, Math.max(1, snapshots))
  // What reads behind the market, as the projection does, goes on from a snapshot too.
  const slowestRound = await store.slowestReader()
  const itsOwn = all.find(({ round }) => round <= slowestRound)
  if (itsOwn !== undefined && !kept.includes(itsOwn)) kept.push(itsOwn)
  const deleted = await store.snapshots.deleteAllBut(new Set(kept.map(({ seq }) => seq)))
  const oldest = kept.at(-1)
  const isNeeded = oldest === undefined || slowestRound < oldest.round
  if (isNeeded || journalMs === Number.POSITIVE_INFINITY) return { snapshots: deleted, rows: 0 }
  const rows = await store.deleteRows(oldest.round, Math.max(0, Math.floor(nowMs - journalMs)))
  return { snapshots: deleted, rows }
}
