// Proves that the projection is the engine's state: a follower goes to the projection's mark, and
// everything is compared both ways.

import type { Core } from '../actors/core.ts'
import { createCore } from '../exchange.ts'
import {
  type ProjectionReading,
  readProjection,
  STATE_TABLES,
  type StateTable,
  type TextRow,
} from '../persistence/projection/reading.ts'
import { openStore } from '../persistence/store.ts'
import type { Directory } from '../protocol/directory.ts'
import { accountPages, stateOf } from './projection-batch.ts'
import { followTo } from './projector.ts'

export interface Reconciliation {
  /** The last command that both sides have seen, and the first that the tables have. */
  readonly seq: number
  readonly fromSeq: number
  /** What was compared, and how many of them. */
  readonly compared: readonly { readonly what: string; readonly count: number }[]
  /** What is different, a line each: table, key, what is there and what should be. */
  readonly differences: readonly string[]
}

export interface ReconcileOptions {
  /** The Postgres database: `postgres://user:password@host:port/database`. */
  readonly url: string
  /** While the state is restored: the last `seq` replayed, and the mark's. */
  readonly onProgress?: (seq: number, ofSeq: number) => void
}

/** Differences beyond this many are not told. */
const DIFFERENCES_MAX = 1_000

/**
 * Compares the projection with the engine's state at its mark, and its tables with each other.
 * Throws StoreProblem (PROJECTION_STALE if there is none, or the journal does not lead there).
 */
export async function reconcile({ url, onProgress }: ReconcileOptions): Promise<Reconciliation> {
  const store = await openStore(url)
  try {
    return await readProjection(url, async (reading) => {
      const { round, seq, fromSeq } = reading.mark
      const follower = await followTo(store, round, {
        make: (of) => createCore(of),
        onProgress: (at) => onProgress?.(at, seq),
      })
      try {
        const differences: string[] = []
        const compared: { what: string; count: number }[] = []
        if (follower.seq !== seq) {
          differences.push(`projection seq: is ${seq}, should be ${follower.seq}`)
        }
        const { core, names } = follower
        for (const table of STATE_TABLES) {
          const count = await compareState(reading, table, core, names, differences)
          compared.push({ what: table.name, count })
        }
        for await (const { what, compared: count, lines } of reading.check()) {
          compared.push({ what, count })
          differences.push(...lines)
        }
        return { seq, fromSeq, compared, differences: differences.slice(0, DIFFERENCES_MAX) }
      } finally {
        await follower.close()
      }
    })
  } finally {
    await store.close()
  }
}

/** Compares a table with the state, some accounts at a time; how many rows the state has. */
async function compareState(
  reading: ProjectionReading,
  table: StateTable,
  core: Core,
  names: Directory,
  differences: string[],
): Promise<number> {
  let [expectedCount, foundCount] = [0, 0]
  for (const handles of accountPages(names)) {
    const accounts = handles.map((handle) => names.accountOf(handle))
    const expected = byKey(table, expectedRows(table, core, names, handles))
    const found = byKey(table, await reading.rowsOf(table, accounts))
    expectedCount += expected.size
    foundCount += found.size
    for (const [key, row] of expected) compareRow(table, key, found.get(key), row, differences)
    for (const [key, row] of found) {
      if (!expected.has(key)) compareRow(table, key, row, undefined, differences)
    }
  }
  if ((await reading.count(table)) !== foundCount) {
    for await (const accounts of reading.accounts(table)) {
      for (const account of accounts.filter((name) => names.account(name) === 0)) {
        differences.push(`${table.name} ${account}: is there, should be nothing: no such account`)
      }
    }
  }
  return expectedCount
}

/** The rows that a table should have for these accounts. */
function expectedRows(
  { name }: StateTable,
  core: Core,
  names: Directory,
  handles: readonly number[],
): TextRow[] {
  if (name === 'orders') {
    return handles.flatMap((handle) =>
      core
        .openOrders(handle)
        .orders.map((order) => inColumns({ account: names.accountOf(handle), ...order })),
    )
  }
  return stateOf(core, names, handles)[name].map((line) => inColumns(line))
}

/** A field is a column by the name in lower case. */
const inColumns = (line: object): TextRow =>
  Object.fromEntries(
    Object.entries(line).map(([name, value]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  )

const byKey = ({ key }: StateTable, rows: readonly TextRow[]): Map<string, TextRow> =>
  new Map(rows.map((row) => [key.map((column) => row[column]).join(' '), row]))

/** The fields of a row that are not what they should be, a line each. */
function compareRow(
  { name, columns }: StateTable,
  key: string,
  found: TextRow | undefined,
  expected: TextRow | undefined,
  differences: string[],
): void {
  const textOf = (row: TextRow) => columns.map((column) => `${column} ${row[column]}`).join(', ')
  if (found === undefined || expected === undefined) {
    const [is, should] = [found, expected].map((row) => (row ? textOf(row) : 'nothing'))
    differences.push(`${name} ${key}: is ${is}, should be ${should}`)
    return
  }
  for (const column of columns) {
    if (found[column] === expected[column]) continue
    const [is, should] = [found[column], expected[column]]
    differences.push(`${name} ${key} ${column}: is ${is}, should be ${should}`)
  }
}
