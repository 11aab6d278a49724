// One row of the journal, as the store keeps it: bytes and positions, no meaning.

/** A group of rounds that is committed as one. */
export interface JournalRow {
  /** The row before ends at `firstRound - 1`: rows leave no gap. */
  readonly firstRound: number
  /** At least `firstRound`. */
  readonly lastRound: number
  readonly firstSeq: number
  /** `firstSeq - 1` when no round of the row took in a command. */
  readonly lastSeq: number
  /** The lease the writer held; the store writes the row only while it holds it still. */
  readonly term: number
  readonly timeMs: number
  /** Format of `payload`. */
  readonly version: number
  /** Chained over the row before, so equal checksums mean equal histories. */
  readonly checksum: Uint8Array
  readonly payload: Uint8Array
}

/** What tells one row from another at the same place. */
export type RowMark = Pick<JournalRow, 'firstRound' | 'lastRound' | 'term' | 'checksum'>

/** Most bytes of one row's payload; the table refuses more. */
export const PAYLOAD_BYTES_MAX = 16 * 2 ** 20

/** Whether two byte strings are the same. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
