// Databases for tests: one real Postgres for a file of tests, an empty database for each of them.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type EmbeddedPostgres, startEmbedded } from '../../src/persistence/embedded.ts'

export class Databases {
  readonly folder: string
  readonly postgres: EmbeddedPostgres
  private made = 0

  private constructor(folder: string, postgres: EmbeddedPostgres) {
    this.folder = folder
    this.postgres = postgres
  }

  static async start(): Promise<Databases> {
    const folder = mkdtempSync(join(tmpdir(), 'onefill-test-'))
    // A connection that was closed keeps its place until its process is gone.
    const settings = { max_connections: '100' }
    return new Databases(
      folder,
      await startEmbedded({ folder: join(folder, 'postgres'), settings }),
    )
  }

  /** The address of a new database. */
  async create(): Promise<string> {
    this.made += 1
    const name = `test_${this.made}`
    await this.sql(this.postgres.url, `CREATE DATABASE ${name}`)
    const url = new URL(this.postgres.url)
    url.pathname = `/${name}`
    return url.href
  }

  async sql(url: string, text: string): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      return (await client.query(text)).rows
    } finally {
      await client.end()
    }
  }

  async stop(): Promise<void> {
    await this.postgres.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
