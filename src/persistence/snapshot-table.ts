// Snapshots in parts: the flag that one is complete is written last, so half of one is never taken
// for a whole.
//
// They are not fenced: a snapshot is a function of the journal's rows up to its round, whoever
// takes it and whenever.

import { copyOut, type Field, integerIn } from './copy-out.ts'
import { StoreProblem } from './problem.ts'
import type { Side } from './side.ts'

/** Parts read by one statement. */
const READ_PARTS = 16

/** What is known of a snapshot without its parts. */
export interface SnapshotInfo {
  /** The last command in it. */
  readonly seq: number
  /** The last round in it. */
  readonly round: number
  /** Of the row that it stands behind. */
  readonly term: number
  /** That row's checksum, by which a snapshot of another journal shows; null in old ones. */
  readonly rowChecksum: Buffer | null
  /** Format of the parts. */
  readonly version: number
  /** The state's hash. */
  readonly hash: string
  readonly createdAtMs: number
  readonly parts: number
}

/** What is known of a snapshot before it is written. */
export type SnapshotHead = Pick<SnapshotInfo, 'seq' | 'round' | 'term' | 'version'> & {
  readonly rowChecksum: Uint8Array
}

const COLUMNS = `seq, round, term, version, hash, parts, complete, row_checksum,
  extract(epoch FROM created_at) * 1000 AS created`

/** The snapshots of a store. */
export class SnapshotTable {
  readonly #side: Side

  constructor(side: Side) {
    this.#side = side
  }

  /**
   * Writes a snapshot part by part, and its state's hash, which is known when the last part is;
   * false if a complete one of this `seq` is there already. What an earlier try has left is
   * written over.
   */
  async put(
    head: SnapshotHead,
    parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    hash: () => string,
  ): Promise<boolean> {
    const { seq, round, term, version, rowChecksum } = head
    const present = await this.#query('SELECT complete FROM onefill.snapshot WHERE seq = $1', [seq])
    if (present.rows.length > 0 && present.rows[0].complete) return false
    await this.#delete(seq)
    await this.#query(
      `INSERT INTO onefill.snapshot (seq, round, term, version, row_checksum, hash, parts, complete)
        VALUES ($1, $2, $3, $4, $5, '', 0, false)`,
      [seq, round, term, version, rowChecksum],
    )
    let count = 0
    for await (const bytes of parts) {
      await this.#query('INSERT INTO onefill.snapshot_part VALUES ($1, $2, $3)', [
        ...[seq, count],
        bytes,
      ])
      count += 1
    }
    // Another process may have taken this one for left over, and begun anew.
    const { rowCount } = await this.#query(
      `UPDATE onefill.snapshot SET parts = $2, hash = $3, complete = true WHERE seq = $1
        AND $2 = (SELECT count(*) FROM onefill.snapshot_part WHERE seq = $1)`,
      [seq, count, hash()],
    )
    if (rowCount === 1) return true
    throw new StoreProblem('SNAPSHOT_INCOMPLETE', `Another process wrote the snapshot at ${seq}.`)
  }

  /** The complete ones, newest first. */
  async list(): Promise<SnapshotInfo[]> {
    const { rows } = await this.#query(
      `SELECT ${COLUMNS} FROM onefill.snapshot WHERE complete ORDER BY seq DESC`,
    )
    return rows.map(infoOf)
  }

  /** How many bytes the parts of a snapshot have. */
  async bytesOf(seq: number): Promise<number> {
    const text = `SELECT coalesce(sum(octet_length(bytes)), 0) AS bytes
      FROM onefill.snapshot_part WHERE seq = $1`
    const { rows } = await this.#query(text, [seq])
    return Number(rows[0].bytes)
  }

  /**
   * The bytes of a complete snapshot, piece by piece as they come; a few parts are held at a time,
   * and the next few are under way meanwhile.
   */
  async *bytes(seq: number): AsyncGenerator<Uint8Array, void, void> {
    const { rows } = await this.#query(
      `SELECT ${COLUMNS} FROM onefill.snapshot WHERE seq = $1 AND complete`,
      [seq],
    )
    if (rows.length === 0) throw incomplete(seq)
    const { parts } = infoOf(rows[0])
    let next = this.#read(seq, 0, parts)
    for (let part = 0; part < parts; ) {
      const found = await next
      part += found.length
      next = this.#read(seq, part, parts)
      for (const pieces of found) yield* pieces
    }
  }

  /** The next parts from `from` on; none behind the last. */
  #read(seq: number, from: number, parts: number): Promise<Field[]> {
    if (from === parts) return Promise.resolve([])
    const text = `SELECT part, bytes FROM onefill.snapshot_part
      WHERE seq = ${seq} AND part >= ${from} ORDER BY part LIMIT ${READ_PARTS}`
    const read = this.#side
      .run((client) => copyOut(client, text))
      .then((rows) => {
        const isNext = rows.every(([number], place) => integerIn(number) === from + place)
        if (rows.length === 0 || !isNext) throw incomplete(seq)
        return rows.map(([, bytes]) => bytes)
      })
    // Whoever still wants the parts when it fails awaits it.
    read.catch(() => {})
    return read
  }

  /** Deletes all but those kept, and what is unfinished before the newest; says how many. */
  async deleteAllBut(kept: ReadonlySet<number>): Promise<number> {
    const { rows } = await this.#query(
      `SELECT seq FROM onefill.snapshot WHERE complete
        OR seq < (SELECT max(seq) FROM onefill.snapshot WHERE complete) ORDER BY seq`,
    )
    const old = rows.map(({ seq }) => Number(seq)).filter((seq) => !kept.has(seq))
    for (const seq of old) await this.#delete(seq)
    return old.length
  }

  /** Part by part: each statement is small, and what is half deleted is not complete. */
  async #delete(seq: number): Promise<void> {
    const part = `DELETE FROM onefill.snapshot_part WHERE seq = $1 AND part = (
      SELECT max(part) FROM onefill.snapshot_part WHERE seq = $1)`
    await this.#query('UPDATE onefill.snapshot SET complete = false WHERE seq = $1', [seq])
    while ((await this.#query(part, [seq])).rowCount === 1);
    await this.#query('DELETE FROM onefill.snapshot WHERE seq = $1', [seq])
  }

  #query(text: string, values: unknown[] = []) {
    return this.#side.run((client) => client.query(text, values))
  }
}

const incomplete = (seq: number) =>
  new StoreProblem('SNAPSHOT_INCOMPLETE', `The snapshot at seq ${seq} is not complete.`)

function infoOf(row: Record<string, string | number | Buffer | null>): SnapshotInfo {
  return {
    seq: Number(row.seq),
    round: Number(row.round),
    term: Number(row.term),
    rowChecksum: row.row_checksum as Buffer | null,
    version: Number(row.version),
    hash: String(row.hash),
    createdAtMs: Number(row.created),
    parts: Number(row.parts),
  }
}
