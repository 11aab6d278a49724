// Transactions of the projection: one connection, opened when it is needed and again after it was
// lost, for statements that may take as long as the tables are large.

import pg from 'pg'
import { KeptConnection } from '../kept-connection.ts'
import { problemOf } from '../problem.ts'

/** Shown in `pg_stat_activity`. */
const NAME = 'onefill projection'
/** Longest one statement may take; a server that has gone silent is noticed by it. */
const STATEMENT_TIMEOUT_MS = 600_000
/** How long another one's transaction is waited for. */
const LOCK_TIMEOUT_MS = 30_000

export class Session {
  readonly #kept: KeptConnection

  constructor(url: string) {
    this.#kept = new KeptConnection({ url, name: NAME, lockTimeoutMs: LOCK_TIMEOUT_MS })
  }

  /**
   * Runs `work` in a transaction and commits it; throws StoreProblem for what the database says.
   * If the connection dies during the commit, nobody knows whether it is done: look before you do
   * it again. One at a time.
   */
  async transaction<T>(work: (query: Query) => Promise<T>, begin = 'BEGIN'): Promise<T> {
    const connection = await this.#kept.get()
    const query: Query = async (text, values = []) => {
      try {
        return await connection.client.query({ ...LIMITS, text, values })
      } catch (error) {
        // Whatever was not the server's own word leaves the connection in an unknown state.
        if (!(error instanceof pg.DatabaseError)) this.#kept.drop(connection)
        throw problemOf(error)
      }
    }
    try {
      await query(begin)
      const result = await work(query)
      await query('COMMIT')
      return result
    } catch (error) {
      // What cannot be taken back goes with the connection.
      if (this.#kept.isCurrent(connection)) {
        await connection.client.query('ROLLBACK').catch(() => this.#kept.drop(connection))
      }
      throw error
    }
  }

  close(): Promise<void> {
    return this.#kept.close()
  }
}

/** Runs one statement of a transaction. */
export type Query = (
  text: string,
  values?: unknown[],
) => Promise<{ rows: Record<string, unknown>[]; rowCount: number | null }>

const LIMITS = { query_timeout: STATEMENT_TIMEOUT_MS }
