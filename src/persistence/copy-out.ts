// Rows as the bytes they are: COPY in its binary form. A SELECT gives a bytea as text of twice its
// length, which costs the server, the socket and this process more than all else there is to do.
//
// The form: https://www.postgresql.org/docs/18/sql-copy.html#SQL-COPY-FILE-FORMATS

import type pg from 'pg'
import { to as copyTo } from 'pg-copy-streams'
import { assert } from '../lib/assert.ts'

/** Eleven bytes by which the form is known; flags and an extension are behind it. */
const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1')
/** In the place of a row's number of fields, behind the last row. */
const TRAILER = -1
/** What may wait between the socket and here. */
const HIGH_WATER = 2 ** 20

/** A field's bytes, in the pieces in which they came: nothing is copied. */
export type Field = readonly Buffer[]

/**
 * The rows of a query, each field as the type's binary form, numbers big-endian. No field may be
 * null. The query has no parameters: COPY takes none.
 */
export async function copyOut(client: pg.Client, query: string): Promise<Field[][]> {
  const text = `COPY (${query}) TO STDOUT (FORMAT binary)`
  const stream = client.query(copyTo(text, { highWaterMark: HIGH_WATER }))
  const pieces: Buffer[] = []
  for await (const piece of stream) pieces.push(piece)
  return rowsOf(new Pieces(pieces))
}

/** A field's bytes in one; copied only where they came in several pieces. */
export function bytesIn(field: Field): Buffer {
  return field.length === 1 ? field[0] : Buffer.concat(field)
}

/** An `integer` or a `bigint`, which must be a safe one. */
export function integerIn(field: Field): number {
  const bytes = bytesIn(field)
  const value = bytes.length === 8 ? Number(bytes.readBigInt64BE()) : bytes.readInt32BE()
  assert(Number.isSafeInteger(value), 'a number in the database is an exact integer here')
  return value
}

function rowsOf(bytes: Pieces): Field[][] {
  assert(SIGNATURE.equals(bytes.whole(SIGNATURE.length)), 'COPY is in its binary form')
  bytes.whole(4)
  bytes.whole(bytes.whole(4).readUInt32BE())
  const rows: Field[][] = []
  for (;;) {
    const fields = bytes.whole(2).readInt16BE()
    if (fields === TRAILER) return rows
    const row: Field[] = []
    for (let field = 0; field < fields; field += 1) {
      const length = bytes.whole(4).readInt32BE()
      assert(length >= 0, 'no field is null')
      row.push(bytes.take(length))
    }
    rows.push(row)
  }
}

/** Bytes that came in pieces, from the first on. */
class Pieces {
  readonly #pieces: readonly Buffer[]
  #piece = 0
  #at = 0

  constructor(pieces: readonly Buffer[]) {
    this.#pieces = pieces
  }

  /** The next bytes, as they lie. */
  take(length: number): Buffer[] {
    const taken: Buffer[] = []
    for (let left = length; left > 0; ) {
      assert(this.#piece < this.#pieces.length, 'COPY comes to its end')
      const piece = this.#pieces[this.#piece]
      const bytes = piece.subarray(this.#at, this.#at + left)
      this.#at += bytes.length
      left -= bytes.length
      if (bytes.length > 0) taken.push(bytes)
      if (this.#at < piece.length) continue
      this.#piece += 1
      this.#at = 0
    }
    return taken
  }

  /** The next bytes, in one. */
  whole(length: number): Buffer {
    return bytesIn(this.take(length))
  }
}
