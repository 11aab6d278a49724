// Messages of reports that have gone out, as they were, kept over a stop: who has missed one asks
// the next process for it.
//
// They are not fenced: whoever writes them, they are what was published.

import type { Side } from './side.ts'

/** A message of an account's reports, numbered `first` to `first + count - 1`. */
export interface SaidMessage {
  readonly account: string
  readonly first: number
  readonly count: number
  readonly bytes: Uint8Array
}

/** Bytes of messages written or read by one statement, and how many of them (one at least). */
const BATCH_BYTES = 2 ** 20
const BATCH_MESSAGES = 1_000

const INSERT = `INSERT INTO onefill.said (place, round, account, first, count, bytes)
  SELECT $1 + ordinality - 1, $2, account, first, count, bytes
  FROM unnest($3::text[], $4::bigint[], $5::integer[], $6::bytea[])
    WITH ORDINALITY AS said (account, first, count, bytes, ordinality)`

const SELECT = `SELECT place, account, first, count, bytes FROM onefill.said
  WHERE place > $1 ORDER BY place LIMIT ${BATCH_MESSAGES}`

export class SaidTable {
  readonly #side: Side

  constructor(side: Side) {
    this.#side = side
  }

  /**
   * Keeps these instead of those of before, in their order: the newest of what rounds up to `round`
   * came to, of each account without a gap.
   */
  async put(round: number, messages: readonly SaidMessage[]): Promise<void> {
    await this.#side.run(async (client) => {
      await client.query('BEGIN')
      try {
        await client.query('DELETE FROM onefill.said')
        for (let place = 0; place < messages.length; ) {
          const batch = batchFrom(messages, place)
          await client.query(INSERT, [
            ...[place, round, batch.map(({ account }) => account)],
            ...[batch.map(({ first }) => first), batch.map(({ count }) => count)],
            batch.map(({ bytes }) => Buffer.from(bytes)),
          ])
          place += batch.length
        }
        await client.query('COMMIT')
      } catch (error) {
        // Where this fails too, the connection is gone, and the transaction with it.
        await client.query('ROLLBACK').catch(() => {})
        throw error
      }
    })
  }

  /** The round they reach; undefined if none are kept. */
  async round(): Promise<number | undefined> {
    const { rows } = await this.#side.run((client) =>
      client.query('SELECT round FROM onefill.said ORDER BY place LIMIT 1'),
    )
    return rows.length === 0 ? undefined : Number(rows[0].round)
  }

  /** Those that are kept, in their order. */
  async *messages(): AsyncGenerator<SaidMessage, void, void> {
    for (let place = -1; ; ) {
      const after = place
      const { rows } = await this.#side.run((client) => client.query(SELECT, [after]))
      if (rows.length === 0) return
      for (const { account, first, count, bytes } of rows) {
        yield { account, first: Number(first), count, bytes }
      }
      place = rows.at(-1).place
    }
  }
}

/** As many as one statement takes. */
function batchFrom(messages: readonly SaidMessage[], from: number): SaidMessage[] {
  let [to, bytes] = [from, 0]
  while (to < messages.length && to - from < BATCH_MESSAGES && bytes < BATCH_BYTES) {
    bytes += messages[to].bytes.length
    to += 1
  }
  return messages.slice(from, to)
}
