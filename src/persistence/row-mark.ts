// What the store looks at in a row of the journal: its place, not its meaning.

import type { Row } from './row.ts'

/** What tells one row from another at the same place. */
export type RowMark = Pick<Row, 'firstRound' | 'lastRound' | 'term' | 'checksum'>

/** Whether two byte strings are the same. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
