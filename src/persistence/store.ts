// The journal in Postgres: one writer at a time by its lease, rows without gaps, snapshots, and the
// deletion of what is no longer needed.

import { assert } from '../lib/assert.ts'
import { Appender, type AppendState, WRITER_NAME } from './appender.ts'
import { migrate } from './migrations.ts'
import { Fenced, StoreProblem } from './problem.ts'
import type { Row } from './row.ts'
import { Side } from './side.ts'
import { SnapshotTable } from './snapshot-table.ts'

/** Bounds of one read: rows, and bytes of their payloads (one row at least). */
const READ_ROWS = 256
const READ_BYTES = 8 * 2 ** 20
/** Rows deleted by one statement. */
const DELETE_ROWS = 64

export interface StoreOptions {
  /** Told when appends become possible, impossible for now, or impossible for good. */
  readonly onState?: (state: AppendState, problem: StoreProblem | null) => void
  /** An append without answer for so long means that the connection is dead. */
  readonly silenceMsMax?: number
}

export interface Lease {
  readonly term: number
  readonly holder: string
  /** How long ago it was taken or renewed, by the server's clock. */
  readonly ageMs: number
}

/** Connects, checks the server and brings the tables up to date; throws {@link StoreProblem}. */
export async function openStore(url: string, options: StoreOptions = {}): Promise<Store> {
  const side = new Side(url)
  try {
    await side.run(migrate)
  } catch (error) {
    await side.close()
    throw error
  }
  return new Store(url, side, options)
}

/** An open store; see {@link openStore}. Every method may throw {@link StoreProblem}. */
export class Store {
  readonly snapshots: SnapshotTable
  readonly #url: string
  readonly #side: Side
  readonly #options: StoreOptions
  #appender: Appender | null = null
  #term = 0

  constructor(url: string, side: Side, options: StoreOptions) {
    this.#url = url
    this.#side = side
    this.#options = options
    this.snapshots = new SnapshotTable(side, () => this.term)
  }

  /** The term of the lease this store has taken. */
  get term(): number {
    assert(this.#term > 0, 'the lease has been taken')
    return this.#term
  }

  /** Takes the lease from whoever holds it; from now on nobody else's append writes anything. */
  async takeLease(holder: string): Promise<number> {
    assert(this.#appender === null, 'a store takes the lease once')
    const take = () =>
      this.#side.run((client) =>
        client.query(
          `UPDATE onefill.lease SET term = term + 1, holder = $1, renewed_at = clock_timestamp()
            WHERE id = 1 RETURNING term`,
          [holder],
        ),
      )
    const { rows } = await take().catch(async (error) => {
      if (!(error instanceof StoreProblem) || error.code !== 'TIMEOUT') throw error
      // A writer hangs with the lease row in its hands, for instance cut off inside a statement.
      await this.#endWriters()
      return take()
    })
    if (rows.length === 0) throw new StoreProblem('SCHEMA_MISSING', 'The lease row is missing.')
    const term = Number(rows[0].term)
    const last = await this.lastRow()
    const onState = this.#options.onState ?? (() => {})
    const silenceMsMax = this.#options.silenceMsMax ?? 10_000
    const appender = new Appender({ url: this.#url, term, last, onState, silenceMsMax })
    try {
      await appender.open()
    } catch (error) {
      await appender.close(0)
      throw error
    }
    this.#term = term
    this.#appender = appender
    return term
  }

  /** Tells the others that the holder lives; throws {@link Fenced} when the lease has moved on. */
  async renew(): Promise<void> {
    const { rowCount } = await this.#side.run((client) =>
      client.query(
        `UPDATE onefill.lease SET renewed_at = clock_timestamp() WHERE id = 1 AND term = $1`,
        [this.term],
      ),
    )
    if (rowCount !== 1) throw new Fenced(this.term, (await this.lease()).term)
  }

  async lease(): Promise<Lease> {
    const { rows } = await this.#side.run((client) =>
      client.query(`SELECT term, holder,
        extract(epoch FROM clock_timestamp() - renewed_at) * 1000 AS age
        FROM onefill.lease WHERE id = 1`),
    )
    if (rows.length === 0) throw new StoreProblem('SCHEMA_MISSING', 'The lease row is missing.')
    const { term, holder, age } = rows[0]
    return { term: Number(term), holder, ageMs: Number(age) }
  }

  /**
   * Resolves once the row is committed, in order; several may be under way. Throws {@link Fenced}
   * once the lease has moved on; while the server is away, rows wait.
   */
  append(row: Row): Promise<void> {
    assert(this.#appender !== null, 'the lease has been taken')
    return this.#appender.append(row)
  }

  get state(): AppendState {
    return this.#appender?.state ?? 'unavailable'
  }

  async lastRow(): Promise<Row | null> {
    const { rows } = await this.#side.run((client) =>
      client.query('SELECT * FROM onefill.journal ORDER BY first_round DESC LIMIT 1'),
    )
    return rows.length === 0 ? null : rowOf(rows[0])
  }

  /**
   * The rows that end at `fromRound` or later, in order, up to what is committed when the last of
   * them is read. Holds no more than one read's bound.
   */
  async *readRows(fromRound: number): AsyncGenerator<Row, void, void> {
    for (let from = fromRound; ; ) {
      const { rows } = await this.#side.run((client) =>
        client.query({ name: 'read', text: READ, values: [from, READ_ROWS, READ_BYTES] }),
      )
      if (rows.length === 0) return
      for (const each of rows) {
        const row = rowOf(each)
        from = row.lastRound + 1
        yield row
      }
    }
  }

  /** Deletes rows that end at `throughRound` or before, never the last one; says how many. */
  async deleteRows(throughRound: number): Promise<number> {
    // The last row committed stays: the next is chained to it, and the writer compares with it
    // after a lost connection.
    const through = Math.min(throughRound, (this.#appender?.durable?.firstRound ?? 0) - 1)
    for (let deleted = 0; ; ) {
      const { rowCount } = await this.#side.run((client) =>
        client.query(DELETE, [through, DELETE_ROWS, this.term]),
      )
      deleted += rowCount ?? 0
      if ((rowCount ?? 0) < DELETE_ROWS) return deleted
    }
  }

  /** Waits for appends under way, bounded; those not committed by then are rejected. */
  async close(msMax = 2_000): Promise<void> {
    await this.#appender?.close(msMax)
    await this.#side.close()
  }

  async #endWriters(): Promise<void> {
    await this.#side.run((client) =>
      client.query(
        `SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity
          WHERE application_name = $1 AND datname = current_database()`,
        [WRITER_NAME],
      ),
    )
  }
}

/** From the row that holds round $1; a running sum of the bytes bounds the answer. */
const READ = `SELECT * FROM (
    SELECT batch.*, sum(octet_length(payload)) OVER (ORDER BY first_round)
      - octet_length(payload) AS before
    FROM (SELECT * FROM onefill.journal WHERE first_round >= coalesce((
        SELECT first_round FROM onefill.journal WHERE first_round <= $1 AND last_round >= $1
        ORDER BY first_round DESC LIMIT 1), $1)
      ORDER BY first_round LIMIT $2) AS batch
  ) AS bounded WHERE before < $3 ORDER BY first_round`

const DELETE = `DELETE FROM onefill.journal WHERE first_round IN (
    SELECT first_round FROM onefill.journal WHERE last_round <= $1
    ORDER BY first_round LIMIT $2)
  AND EXISTS (SELECT FROM onefill.lease WHERE id = 1 AND term = $3)`

/** `pg` gives bigint as text and bytea as a Buffer. */
function rowOf(row: Record<string, string | number | Buffer>): Row {
  const integer = (name: string) => {
    const value = Number(row[name])
    assert(Number.isSafeInteger(value), `${name} of a journal row is an exact integer`)
    return value
  }
  return {
    firstRound: integer('first_round'),
    lastRound: integer('last_round'),
    firstSeq: integer('first_seq'),
    lastSeq: integer('last_seq'),
    term: integer('term'),
    timeMs: integer('time_ms'),
    version: integer('version'),
    checksum: row.checksum as Buffer,
    payload: row.payload as Buffer,
  }
}
