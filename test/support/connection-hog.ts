// Somebody who takes every connection that a Postgres has left.

import pg from 'pg'

/** SQLSTATE of "too many connections". */
const TOO_MANY = '53300'

const ROB = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE application_name LIKE 'onefill %'`

/** How often it tries to take what it has robbed, before it robs again. */
const TRIES = 20

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
   * Ends the exchange's own connections and takes their places, before it is back: again until all
   * that Postgres has are taken. It is a superuser, for whom none are kept apart.
   */
  async rob(): Promise<void> {
    const { rows } = await this.clients[0].query('SHOW max_connections')
    const max = Number(rows[0].max_connections)
    while (this.count < max) {
      await this.clients[0].query(ROB)
      // A place is free only once the process that had it is gone, and then for whoever is first.
      for (let tries = 0; tries < TRIES && this.count < max; tries += 1) await this.takeAll()
    }
  }

  /** Gives all back. */
  async release(): Promise<void> {
    await Promise.all(this.clients.splice(0).map((client) => client.end()))
  }
}
