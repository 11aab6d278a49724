// The journal in Postgres: one writer at a time by its lease, rows without gaps, snapshots, and the
// deletion of what is no longer needed.

import { assert } from '../lib/assert.ts'
import { Appender, type AppendState } from './appender.ts'
import { bytesIn, copyOut, type Field, integerIn } from './copy-out.ts'
import { beat, giveBack, heldBy, type Lease, readLease, takeLease } from './lease.ts'
import { migrate } from './migrations.ts'
import { Fenced, StoreProblem } from './problem.ts'
import type { Row } from './row.ts'
import { SaidTable } from './said-table.ts'
import { Side } from './side.ts'
import { SnapshotTable } from './snapshot-table.ts'

/** Bounds of one read: rows, and bytes of their payloads (one row at least). */
const READ_ROWS = 256
const READ_BYTES = 8 * 2 ** 20
/** Tries to take the lease, a quarter of a second each: longer than a taker that hangs may. */
const TAKE_TRIES = 12
/** Rows deleted by one statement. */
const DELETE_ROWS = 64

export interface StoreOptions {
  /** Told when appends become possible, impossible for now, or impossible for good. */
  readonly onState?: (state: AppendState, problem: StoreProblem | null) => void
  /** An append without answer for so long means that the connection is dead. */
  readonly silenceMsMax?: number
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
  readonly said: SaidTable
  readonly #url: string
  readonly #side: Side
  readonly #options: StoreOptions
  #appender: Appender | null = null
  #term = 0

  constructor(url: string, side: Side, options: StoreOptions) {
    this.#url = url
    this.#side = side
    this.#options = options
    this.snapshots = new SnapshotTable(side)
    this.said = new SaidTable(side)
  }

  /** The term of the lease this store has taken. */
  get term(): number {
    assert(this.#term > 0, 'the lease has been taken')
    return this.#term
  }

  /**
   * Takes the lease from whoever holds it; from now on nobody else's append writes anything. Throws
   * `LEASE_HELD` if it is not as it was `seen`: somebody has taken it, or its holder lives.
   */
  async takeLease(holder: string, seen?: Lease): Promise<number> {
    assert(this.#appender === null, 'a store takes the lease once')
    const term = await this.#take(holder, seen)
    if (term === undefined) throw heldBy(await this.lease())
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

  /**
   * Tells the others that the holder lives, and how far it has published; throws {@link Fenced}
   * when the lease has moved on. Not written through: a beat may be lost with the server.
   */
  async beat(publishedRound: number): Promise<void> {
    const isOurs = await this.#side.run((client) => beat(client, this.term, publishedRound))
    if (!isOurs) throw new Fenced(this.term, (await this.lease()).term)
  }

  /** Gives the lease back, for the next to take at once. Nothing may be under way, nor follow. */
  async release(): Promise<void> {
    await this.#appender?.close(0)
    await this.#side.run((client) => giveBack(client, this.term))
  }

  lease(): Promise<Lease> {
    return this.#side.run(readLease)
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
    const [row] = await this.#rows(
      `SELECT ${COLUMNS} FROM onefill.journal ORDER BY first_round DESC LIMIT 1`,
    )
    return row ?? null
  }

  /** The row whose last round this is, null if there is none. */
  async rowEndingAt(round: number): Promise<Row | null> {
    const [row] = await this.#rows(
      `SELECT ${COLUMNS} FROM onefill.journal WHERE first_round <= ${whole(round)}
        ORDER BY first_round DESC LIMIT 1`,
    )
    return row?.lastRound === round ? row : null
  }

  /**
   * The rows that end at `fromRound` or later, in order, up to what is committed when the last of
   * them is read. Holds no more than one read's bound.
   */
  async *readRows(fromRound: number): AsyncGenerator<Row, void, void> {
    for (let from = fromRound; ; ) {
      const rows = await this.#rows(readFrom(from))
      if (rows.length === 0) return
      for (const row of rows) {
        from = row.lastRound + 1
        yield row
      }
    }
  }

  async #rows(query: string): Promise<Row[]> {
    return (await this.#side.run((client) => copyOut(client, query))).map(rowOf)
  }

  /**
   * Deletes rows that end before `round` and were written before `timeMs`, oldest first, never the
   * last one; says how many. Whoever deletes must know that nobody needs them: they are behind a
   * snapshot.
   */
  async deleteRows(round: number, timeMs: number): Promise<number> {
    const statements = deleteBefore(round, timeMs)
    for (let deleted = 0; ; ) {
      const results = await this.#side.run((client) => client.query(statements))
      // One for each statement, which the types of `pg` do not know.
      const [, { rowCount }] = results as unknown as [unknown, { rowCount: number }]
      deleted += rowCount
      if (rowCount < DELETE_ROWS) return deleted
    }
  }

  /** The round that the slowest of those who read behind the market has reached. */
  async slowestReader(): Promise<number> {
    const { rows } = await this.#side.run((client) =>
      client.query('SELECT min(round) AS round FROM onefill.reader'),
    )
    return rows[0].round === null ? Number.POSITIVE_INFINITY : Number(rows[0].round)
  }

  /**
   * Does `work` unless another process is doing the like: one at a time takes snapshots and deletes
   * what they have replaced. Undefined if another one is.
   */
  async alone<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { rows } = await this.#side.run((client) =>
      client.query('SELECT pg_try_advisory_lock($1) AS mine', [KEEPER_LOCK]),
    )
    if (!rows[0].mine) return undefined
    try {
      return await work()
    } finally {
      // Ends with the connection anyway, should it be gone.
      await this.#side
        .run((client) => client.query('SELECT pg_advisory_unlock($1)', [KEEPER_LOCK]))
        .catch(() => {})
    }
  }

  /** Waits for appends under way, bounded; those not committed by then are rejected. */
  async close(msMax = 2_000): Promise<void> {
    await this.#appender?.close(msMax)
    await this.#side.close()
  }

  async #take(holder: string, seen: Lease | undefined): Promise<number | undefined> {
    for (let tries = 1; ; tries += 1) {
      const isPatient = tries === 1
      try {
        return await this.#side.run((client) => takeLease(client, { holder, seen, isPatient }))
      } catch (error) {
        const isHeld = error instanceof StoreProblem && error.code === 'TIMEOUT'
        if (!isHeld || tries === TAKE_TRIES) throw error
      }
    }
  }
}

const COLUMNS = `first_round, last_round, first_seq, last_seq, term, time_ms, version::bigint,
  checksum, payload`

/**
 * The rows that end at `round` or later, in order, as many as one read may hold: a running sum of
 * their bytes bounds it.
 */
const readFrom = (round: number): string => `SELECT ${COLUMNS} FROM (
    SELECT batch.*, sum(octet_length(payload)) OVER (ORDER BY first_round)
      - octet_length(payload) AS before
    FROM (SELECT * FROM onefill.journal WHERE first_round >= coalesce((
        SELECT first_round FROM onefill.journal
        WHERE first_round <= ${whole(round)} AND last_round >= ${whole(round)}
        ORDER BY first_round DESC LIMIT 1), ${whole(round)})
      ORDER BY first_round LIMIT ${READ_ROWS}) AS batch
  ) AS bounded WHERE before < ${READ_BYTES} ORDER BY first_round`

/** A number to stand in a statement that takes no parameters. */
function whole(number: number): string {
  assert(Number.isSafeInteger(number), `${number} is a whole number`)
  return String(number)
}

/**
 * The last row stays: the next is chained to it, and the writer compares with it. Two statements in
 * one transaction, as nobody else may delete rows (src/persistence/migrations.ts).
 */
const deleteBefore = (
  round: number,
  timeMs: number,
): string => `SELECT set_config('onefill.retention', 'on', true);
  DELETE FROM onefill.journal WHERE first_round IN (
    SELECT first_round FROM onefill.journal
    WHERE last_round < ${whole(round)} AND time_ms < ${whole(timeMs)}
      AND first_round < (SELECT max(first_round) FROM onefill.journal)
    ORDER BY first_round LIMIT ${DELETE_ROWS})`

/** Held by whoever takes a snapshot. The number is ours alone. */
const KEEPER_LOCK = 0x0f112

/** A row of {@link COLUMNS} in binary. */
function rowOf(fields: readonly Field[]): Row {
  const [firstRound, lastRound, firstSeq, lastSeq, term, timeMs, version] = fields
    .slice(0, -2)
    .map(integerIn)
  const [checksum, payload] = fields.slice(-2).map(bytesIn)
  return { firstRound, lastRound, firstSeq, lastSeq, term, timeMs, version, checksum, payload }
}
