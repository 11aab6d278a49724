// A connection that is opened when it is needed, and again after it was lost.

import { type Connection, connect } from './connection.ts'
import { problemOf } from './problem.ts'

export interface KeptConnectionOptions {
  readonly url: string
  /** Shown in `pg_stat_activity`. */
  readonly name: string
  /** How long a lock is waited for, in ms. */
  readonly lockTimeoutMs: number
}

export class KeptConnection {
  readonly #options: KeptConnectionOptions
  #connection: Connection | null = null

  constructor(options: KeptConnectionOptions) {
    this.#options = options
  }

  /** The connection, there now or new; throws StoreProblem. */
  async get(): Promise<Connection> {
    return this.#connection ?? (await this.#open())
  }

  /** Whether it is still the one that `get` gives. */
  isCurrent(connection: Connection): boolean {
    return this.#connection === connection
  }

  /** Tears it down: nobody knows what state it is in. */
  drop(connection: Connection): void {
    connection.destroy()
    this.#forget(connection)
  }

  async close(): Promise<void> {
    await this.#connection?.end()
    this.#connection = null
  }

  async #open(): Promise<Connection> {
    const { url, name, lockTimeoutMs } = this.#options
    const onLost = () => this.#forget(connection)
    const connection = await connect({ url, name, pipeline: false, onLost })
    this.#connection = connection
    try {
      await connection.client.query(`SET lock_timeout = ${lockTimeoutMs}`)
    } catch (error) {
      this.drop(connection)
      throw problemOf(error)
    }
    return connection
  }

  #forget(connection: Connection): void {
    if (this.#connection === connection) this.#connection = null
  }
}
