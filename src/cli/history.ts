// A journal's history for who looks back at it, also where retention has deleted its beginning.

import type { Workers } from '../actors/placement.ts'
import { Follower } from '../durable/follower.ts'
import { createCore } from '../exchange.ts'
import { Fault } from '../lib/assert.ts'
import {
  checkRow,
  followRows,
  GENESIS,
  type JournalRound,
  type Row,
  type RowEnd,
  readRounds,
} from '../persistence/row.ts'
import type { Store } from '../persistence/store.ts'
import { Inability } from './outcome.ts'

/**
 * The rows there are, each checked to follow the one before. What the first one followed may have
 * been deleted: then the chain is checked from it on.
 */
export async function* remainingRows(store: Store): AsyncGenerator<Row> {
  let last: RowEnd | undefined
  for await (const row of store.readRows(0)) {
    const isFirstLeft = last === undefined && row.firstRound > 1
    const wrong = isFirstLeft ? undefined : checkRow(last ?? GENESIS, row)
    if (wrong !== undefined) throw new Fault(wrong)
    last = row
    yield row
  }
}

/** The rounds behind `end`, in order, each valid until the next. */
export async function* roundsBehind(store: Store, end: RowEnd): AsyncGenerator<JournalRound> {
  for await (const row of followRows(store.readRows(end.lastRound + 1), end)) yield* readRounds(row)
}

/**
 * A follower that has not gone beyond `seqMax` and is to go along from where it stands: at the
 * beginning, or, where that was deleted or with `isQuick`, at the newest snapshot that will do.
 */
export async function followHistory(
  store: Store,
  seqMax: number,
  options: { isQuick?: boolean; workers?: Workers } = {},
): Promise<Follower> {
  const { isQuick = false, workers = 0 } = options
  const snapshots = await store.snapshots.list()
  const newest = snapshots.find(({ seq }) => seq <= seqMax)
  const isDeleted = await beginsLate(store)
  if (isDeleted && newest === undefined) throw tooEarly(snapshots.at(-1)?.seq)
  const follower = await Follower.open(store, {
    make: (of) => createCore({ workers, ...of }),
    fromRoundMax: isDeleted || isQuick ? (newest?.round ?? 0) : 0,
  })
  if (!isDeleted || follower.snapshot !== undefined) return follower
  await follower.close()
  throw new Fault(`no snapshot is good: ${follower.skipped.join('; ')}`)
}

/** Whether the first row there is follows one that was deleted. */
async function beginsLate(store: Store): Promise<boolean> {
  for await (const { firstRound } of store.readRows(0)) return firstRound > 1
  return false
}

function tooEarly(oldestSeq: number | undefined): Error {
  if (oldestSeq === undefined) {
    return new Fault('the journal does not begin with round 1, and there is no snapshot')
  }
  return new Inability(
    `the journal's beginning was deleted: the state is known from seq ${oldestSeq} on.`,
  )
}
