// Somebody who takes every connection that a Postgres has left.

import pg from 'pg'

/** SQLSTATE of "too many connections". */
const TOO_MANY = '53300'

export class ConnectionHog {
  private readonly url: string
  private readonly clients: pg.Client[] = []

  constructor(url: string) {
    this.url = url
  }

  get count(): number {
    return this.clients.length
  }

  /** Takes all there are; how many that were. */
  async takeAll(): Promise<number> {
    const before = this.count
    for (;;) {
      const client = new pg.Client({ connectionString: this.url })
      client.on('error', () => {})
      try {
        await client.connect()
      } catch (error) {
        if ((error as { code?: string }).code !== TOO_MANY) throw error
        return this.count - before
      }
      this.clients.push(client)
    }
  }

  /**
   * Ends the connections of that name and takes their places, before whoever had them is back: again
   * until it is so.
   */
  async rob(name: string): Promise<void> {
    for (;;) {
      const { rows } = await this.clients[0].query(
        'SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity WHERE application_name = $1',
        [name],
      )
      if (rows.length === 0) return
      await this.takeAll()
    }
  }

  /** Gives all back. */
  async release(): Promise<void> {
    await Promise.all(this.clients.splice(0).map((client) => client.end()))
  }
}
