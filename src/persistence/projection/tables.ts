// The projection's tables and its mark, the last round in them: both are written in the same
// transaction, so that each round is projected exactly once, whatever ends whom and when.

import { assert } from '../../lib/assert.ts'
import { StoreProblem } from '../problem.ts'
import {
  CREATE,
  DROP,
  PROJECTION_VERSION,
  READER,
  WRITE_BALANCES,
  WRITE_OPEN_ORDERS,
  WRITE_POSITIONS,
  WRITE_POSTINGS,
  WRITE_REPORTS,
} from './schema.ts'
import { type Query, Session } from './session.ts'

/** How far the projection has come. */
export interface Mark {
  /** The last round and command in the tables. */
  readonly round: number
  readonly seq: number
  /** The first command whose reports are in the tables: 1, unless the journal began later. */
  readonly fromSeq: number
}

/** Lines of the ledger, column by column. */
export interface PostingColumns {
  readonly seq: number[]
  /** Within the seq, from 0. */
  readonly line: number[]
  readonly tx: string[]
  readonly account: string[]
  readonly asset: string[]
  readonly amount: string[]
}

/** What some accounts have; what is not here of them, they do not have. Decimals as strings. */
export interface StateRows {
  readonly accounts: readonly string[]
  readonly balances: readonly {
    readonly account: string
    readonly asset: string
    readonly available: string
    readonly held: string
  }[]
  readonly positions: readonly {
    readonly account: string
    readonly symbol: string
    readonly qty: string
    readonly avgCost: string
    readonly realised: string
    readonly openBuyQty: string
    readonly openSellQty: string
  }[]
}

/** What some rounds came to. */
export interface Batch {
  /** The mark that it goes on from, and its own. */
  readonly after: number
  readonly round: number
  readonly seq: number
  /** Reports in order, as JSON arrays that follow one another. */
  readonly reports: readonly string[]
  readonly postings: readonly PostingColumns[]
  /** The accounts that these rounds may have changed, as they are at the end. */
  readonly state: StateRows
}

/** What some accounts have where history begins. */
export interface OpeningRows extends StateRows {
  /** Open orders with their account, as a JSON array. */
  readonly openOrders: string
  readonly postings: PostingColumns
}

export class ProjectionTables {
  readonly #session: Session

  constructor(url: string) {
    this.#session = new Session(url)
  }

  /**
   * How far the projection has come; undefined if there is none. Throws PROJECTION_STALE if it has
   * to be made anew.
   */
  mark(): Promise<Mark | undefined> {
    return this.#session.transaction(readMark)
  }

  /**
   * Makes the tables for what comes behind `mark`, with what was there by then. Without
   * `isAnew`, throws PROJECTION_MOVED if another process has made them meanwhile.
   */
  async create(mark: Mark, openings: Iterable<OpeningRows>, isAnew: boolean): Promise<void> {
    await this.#session.transaction(async (query) => {
      // Locks the mark, and with it all that another projector could write.
      await query(
        `INSERT INTO onefill.reader (name, round) VALUES ($1, $2) ON CONFLICT (name)
          DO UPDATE SET round = excluded.round, read_at = clock_timestamp()`,
        [READER, mark.round],
      )
      if (!isAnew && (await isThere(query))) throw moved('has been made by another process')
      await query(DROP)
      await query(CREATE)
      for (const opening of openings) {
        await query(WRITE_OPEN_ORDERS, [opening.openOrders])
        await writePostings(query, opening.postings)
        await writeState(query, opening)
      }
      await query(
        `INSERT INTO onefill_view.projection VALUES (1, $1, $2, $3, $4, clock_timestamp())`,
        [PROJECTION_VERSION, mark.fromSeq, mark.round, mark.seq],
      )
    })
  }

  /**
   * Writes a batch and its mark. `isAgain`: an earlier try may have been committed after all; then
   * nothing is done. Throws PROJECTION_MOVED where the mark is not the one the batch goes on from.
   */
  async write(batch: Batch, isAgain: boolean): Promise<void> {
    await this.#session.transaction(async (query) => {
      const { rows } = await query('SELECT round FROM onefill.reader WHERE name = $1 FOR UPDATE', [
        READER,
      ])
      const round = rows.length === 0 ? undefined : Number(rows[0].round)
      if (isAgain && round === batch.round) return
      if (round !== batch.after) {
        const where = round === undefined ? 'was forgotten' : `is at round ${round}`
        throw moved(`${where}, not at round ${batch.after}, where this process left it`)
      }
      if (!(await isThere(query))) throw stale('its tables were dropped')
      for (const reports of batch.reports) await query(WRITE_REPORTS, [reports])
      for (const postings of batch.postings) await writePostings(query, postings)
      await writeState(query, batch.state)
      await query(
        'UPDATE onefill.reader SET round = $2, read_at = clock_timestamp() WHERE name = $1',
        [READER, batch.round],
      )
      const { rowCount } = await query(
        `UPDATE onefill_view.projection SET round = $1, seq = $2, projected_at = clock_timestamp()
          WHERE id = 1 AND round = $3`,
        [batch.round, batch.seq, batch.after],
      )
      if (rowCount !== 1) throw stale('its tables and its mark do not belong together')
    })
  }

  async close(): Promise<void> {
    await this.#session.close()
  }
}

/** The mark as a transaction sees it; as `ProjectionTables.mark`. */
export async function readMark(query: Query): Promise<Mark | undefined> {
  if (!(await isThere(query))) return undefined
  const { rows } = await query(
    `SELECT version, from_seq, projection.round, seq, reader.round AS mark
      FROM onefill_view.projection LEFT JOIN onefill.reader ON reader.name = $1`,
    [READER],
  )
  if (rows.length !== 1) throw stale('its tables do not say how far they go')
  const [found] = rows
  if (found.version !== PROJECTION_VERSION) {
    const versions = `version ${found.version}, and this program's ${PROJECTION_VERSION}`
    throw stale(`its tables are of ${versions}`)
  }
  const integer = (name: string) => {
    const value = Number(found[name])
    assert(Number.isSafeInteger(value), `${name} of the projection is an exact integer`)
    return value
  }
  if (found.mark === null || integer('mark') !== integer('round')) {
    throw stale('its tables and its mark do not belong together')
  }
  return { round: integer('round'), seq: integer('seq'), fromSeq: integer('from_seq') }
}

/** The projection can be of no more use. */
export const stale = (why: string): StoreProblem =>
  new StoreProblem(
    'PROJECTION_STALE',
    `The projection cannot go on (${why}): make it anew with onefill project --rebuild.`,
  )

const moved = (how: string): StoreProblem =>
  new StoreProblem(
    'PROJECTION_MOVED',
    `The projection ${how}: another projector is at it, and this one writes nothing more.`,
  )

async function isThere(query: Query): Promise<boolean> {
  const { rows } = await query(`SELECT to_regclass('onefill_view.projection') IS NOT NULL AS there`)
  return rows[0].there === true
}

async function writePostings(query: Query, postings: PostingColumns): Promise<void> {
  const { seq, line, tx, account, asset, amount } = postings
  if (seq.length > 0) await query(WRITE_POSTINGS, [seq, line, tx, account, asset, amount])
}

async function writeState(query: Query, state: StateRows): Promise<void> {
  const { accounts, balances, positions } = state
  if (accounts.length === 0) return
  await query(WRITE_BALANCES, [
    accounts,
    balances.map(({ account }) => account),
    balances.map(({ asset }) => asset),
    balances.map(({ available }) => available),
    balances.map(({ held }) => held),
  ])
  await query(WRITE_POSITIONS, [
    accounts,
    positions.map(({ account }) => account),
    positions.map(({ symbol }) => symbol),
    positions.map(({ qty }) => qty),
    positions.map(({ avgCost }) => avgCost),
    positions.map(({ realised }) => realised),
    positions.map(({ openBuyQty }) => openBuyQty),
    positions.map(({ openSellQty }) => openSellQty),
  ])
}
