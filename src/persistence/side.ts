// The store's second connection, for all that is no append: one statement after the other, opened
// when it is needed and again after it was lost.

import pg from 'pg'
import { KeptConnection } from './kept-connection.ts'
import { problemOf, StoreProblem } from './problem.ts'

/** Longest one statement may take; a server that has gone silent is noticed by it. */
const QUERY_TIMEOUT_MS = 60_000
/** A takeover does not wait longer for a writer's session to end. */
const LOCK_TIMEOUT_MS = 250

/** Shown in `pg_stat_activity`. */
const NAME = 'onefill side'

/** Runs work on one connection, one piece at a time. */
export class Side {
  readonly #kept: KeptConnection
  #last: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(url: string) {
    this.#kept = new KeptConnection({ url, name: NAME, lockTimeoutMs: LOCK_TIMEOUT_MS })
  }

  /** Runs `work` when all before it is done; throws {@link StoreProblem} and nothing else. */
  run<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const result = this.#last.then(() => this.#run(work))
    this.#last = result.catch(() => {})
    return result
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#kept.close()
  }

  async #run<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    if (this.#closed) throw new StoreProblem('CLOSED', 'The store is closed.')
    const connection = await this.#kept.get()
    let timer: NodeJS.Timeout | undefined
    const silence = new Promise<never>((_, reject) => {
      const problem = new StoreProblem('TIMEOUT', 'Postgres has not answered within a minute.')
      timer = setTimeout(() => reject(problem), QUERY_TIMEOUT_MS)
    })
    try {
      return await Promise.race([work(connection.client), silence])
    } catch (error) {
      // Whatever was not the server's own word leaves the connection in an unknown state.
      const isAnswer = error instanceof pg.DatabaseError || error instanceof Error === false
      if (!isAnswer && this.#kept.isCurrent(connection)) this.#kept.drop(connection)
      throw problemOf(error)
    } finally {
      clearTimeout(timer)
    }
  }
}
