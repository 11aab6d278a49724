// Snapshots in parts: the flag that one is complete is written last, so half of one is never taken
// for a whole.

import { Fenced, StoreProblem } from './problem.ts'
import type { Side } from './side.ts'

/** What is known of a snapshot without its parts. */
export interface SnapshotInfo {
  /** The last command in it. */
  readonly seq: number
  /** The last round in it. */
  readonly round: number
  readonly term: number
  /** Format of the parts. */
  readonly version: number
  /** The state's hash. */
  readonly hash: string
  readonly createdAtMs: number
  readonly parts: number
}

export type SnapshotHead = Pick<SnapshotInfo, 'seq' | 'round' | 'version' | 'hash'>

const COLUMNS = `seq, round, term, version, hash, parts, complete,
  extract(epoch FROM created_at) * 1000 AS created`

/** The snapshots of a store. Writes are fenced by the store's term. */
export class SnapshotTable {
  readonly #side: Side
  readonly #term: () => number

  constructor(side: Side, term: () => number) {
    this.#side = side
    this.#term = term
  }

  /**
   * Writes a snapshot part by part; false if a complete one of this `seq` is there already. What
   * an earlier try has left is written over.
   */
  async put(
    head: SnapshotHead,
    parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<boolean> {
    const { seq, round, version, hash } = head
    const present = await this.#query('SELECT complete FROM onefill.snapshot WHERE seq = $1', [seq])
    if (present.rows.length > 0 && present.rows[0].complete) return false
    await this.#delete(seq)
    await this.#fenced(
      `INSERT INTO onefill.snapshot (seq, round, term, version, hash, parts, complete)
        SELECT $2, $3, $1, $4, $5, 0, false FROM onefill.lease WHERE id = 1 AND term = $1
        FOR SHARE`,
      [seq, round, version, hash],
    )
    let count = 0
    for await (const bytes of parts) {
      await this.#query('INSERT INTO onefill.snapshot_part VALUES ($1, $2, $3)', [
        ...[seq, count],
        bytes,
      ])
      count += 1
    }
    await this.#fenced(
      `UPDATE onefill.snapshot SET parts = $3, complete = true WHERE seq = $2 AND term = $1
        AND EXISTS (SELECT FROM onefill.lease WHERE id = 1 AND term = $1 FOR SHARE)`,
      [seq, count],
    )
    return true
  }

  /** The complete ones, newest first. */
  async list(): Promise<SnapshotInfo[]> {
    const { rows } = await this.#query(
      `SELECT ${COLUMNS} FROM onefill.snapshot WHERE complete ORDER BY seq DESC`,
    )
    return rows.map(infoOf)
  }

  /** The parts of a complete snapshot, one at a time. */
  async *parts(seq: number): AsyncGenerator<Uint8Array, void, void> {
    const { rows } = await this.#query(
      `SELECT ${COLUMNS} FROM onefill.snapshot WHERE seq = $1 AND complete`,
      [seq],
    )
    const incomplete = () =>
      new StoreProblem('SNAPSHOT_INCOMPLETE', `The snapshot at seq ${seq} is not complete.`)
    if (rows.length === 0) throw incomplete()
    for (let part = 0; part < infoOf(rows[0]).parts; part += 1) {
      const text = 'SELECT bytes FROM onefill.snapshot_part WHERE seq = $1 AND part = $2'
      const found = await this.#query(text, [seq, part])
      if (found.rows.length === 0) throw incomplete()
      yield found.rows[0].bytes
    }
  }

  /** Deletes all but the newest `keep` complete ones, and unfinished ones older than the newest. */
  async deleteAllBut(keep: number): Promise<number> {
    const { rows } = await this.#query(
      'SELECT seq, complete FROM onefill.snapshot ORDER BY seq DESC',
    )
    const complete = rows.filter((row) => row.complete)
    const newest = Number(complete.at(0)?.seq ?? 0)
    const kept = new Set(complete.slice(0, keep))
    const old = rows.filter((row) => !kept.has(row) && Number(row.seq) <= newest)
    for (const { seq } of old) await this.#delete(Number(seq))
    return old.length
  }

  /** Part by part: each statement is small, and what is half deleted is not complete. */
  async #delete(seq: number): Promise<void> {
    const lease = 'EXISTS (SELECT FROM onefill.lease WHERE id = 1 AND term = $2)'
    const values = [seq, this.#term()]
    const part = `DELETE FROM onefill.snapshot_part WHERE seq = $1 AND part = (
      SELECT max(part) FROM onefill.snapshot_part WHERE seq = $1) AND ${lease}`
    await this.#query(
      `UPDATE onefill.snapshot SET complete = false WHERE seq = $1 AND ${lease}`,
      values,
    )
    while ((await this.#query(part, values)).rowCount === 1);
    await this.#query(`DELETE FROM onefill.snapshot WHERE seq = $1 AND ${lease}`, values)
  }

  /** A statement whose $1 is the term and that must write one row. */
  async #fenced(text: string, values: unknown[]): Promise<void> {
    const term = this.#term()
    const { rowCount } = await this.#query(text, [term, ...values])
    if (rowCount === 1) return
    const { rows } = await this.#query('SELECT term FROM onefill.lease WHERE id = 1')
    throw new Fenced(term, rows.length === 0 ? null : Number(rows[0].term))
  }

  #query(text: string, values: unknown[] = []) {
    return this.#side.run((client) => client.query(text, values))
  }
}

function infoOf(row: Record<string, string | number>): SnapshotInfo {
  return {
    seq: Number(row.seq),
    round: Number(row.round),
    term: Number(row.term),
    version: Number(row.version),
    hash: String(row.hash),
    createdAtMs: Number(row.created),
    parts: Number(row.parts),
  }
}
