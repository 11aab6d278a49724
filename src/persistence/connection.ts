// One connection to Postgres: opened, checked to keep what it commits, and ended within a bound.

import { Socket } from 'node:net'
import pg from 'pg'
import { problemOf, StoreProblem } from './problem.ts'

const CONNECT_TIMEOUT_MS = 5_000
/** How long a goodbye may take before the socket is torn down. */
const END_TIMEOUT_MS = 1_000

export interface ConnectionOptions {
  readonly url: string
  /** Shown in `pg_stat_activity`; takeovers find writers by it. */
  readonly name: string
  /** Statements are sent without waiting for the answers to those before. */
  readonly pipeline: boolean
  /** Called once when the connection ends by itself. */
  readonly onLost: (problem: StoreProblem) => void
}

/** With the number of the server's process, which the types of `pg` do not know. */
type Client = pg.Client & { readonly processID?: number }

/** A connection, and how to end it. */
export interface Connection {
  readonly client: Client
  /** Ends it politely, by force after a bound. */
  end(): Promise<void>
  /** Tears it down at once; `onLost` is not called. */
  destroy(): void
}

/** Connects, and refuses a server that would lose what it has committed. */
export async function connect(options: ConnectionOptions): Promise<Connection> {
  const { name, pipeline } = options
  // Our own socket, because pg has no public way to tear one down at once.
  const socket = new Socket()
  const client = clientOf(options.url, {
    application_name: name,
    pipeline,
    stream: () => socket,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
  })
  let watched = false
  const lost = (error: unknown) => {
    if (!watched) return
    watched = false
    socket.destroy()
    options.onLost(problemOf(error))
  }
  // Both, because pg keeps resets to itself once a statement has run (node-postgres issue 3769).
  client.on('error', lost)
  client.on('end', () => lost(new Error('the connection has ended')))
  const destroy = () => {
    watched = false
    socket.destroy()
  }
  try {
    await client.connect()
    await checkSettings(client)
  } catch (error) {
    destroy()
    throw problemOf(error, `${client.host}:${client.port}`)
  }
  watched = true
  if (socket.destroyed) lost(new Error('the connection has ended'))
  const end = async () => {
    watched = false
    const timer = setTimeout(() => socket.destroy(), END_TIMEOUT_MS)
    await client.end().catch(() => {})
    clearTimeout(timer)
    socket.destroy()
  }
  return { client, end, destroy }
}

function clientOf(url: string, config: pg.ClientConfig): pg.Client {
  const shape = 'postgres://USER:PASSWORD@HOST:PORT/DATABASE'
  if (!/^postgres(ql)?:\/\//.test(url)) {
    throw new StoreProblem('BAD_URL', `The address of the database is not of the form ${shape}.`)
  }
  try {
    return new pg.Client({ connectionString: url, ...config })
  } catch {
    // What pg says may hold the password.
    throw new StoreProblem('BAD_URL', `The address of the database is not of the form ${shape}.`)
  }
}

const SETTINGS = `SELECT name, setting FROM pg_catalog.pg_settings WHERE name IN
  ('synchronous_commit', 'fsync', 'full_page_writes', 'data_checksums', 'transaction_read_only')
  UNION ALL SELECT 'process', pg_backend_pid()::text`

/**
 * Refuses a server that acknowledges before it has written, may tear pages, does not notice rotten
 * ones, or cannot be written to, and a pooler in front of one: what a session holds, its locks
 * above all, must be ours. `fsync` can be turned off later by a reload; every new connection looks.
 */
async function checkSettings(client: Client): Promise<void> {
  const { rows } = await client.query<{ name: string; setting: string }>(SETTINGS)
  const settings = new Map(rows.map(({ name, setting }) => [name, setting]))
  if (settings.get('process') !== String(client.processID)) {
    throw new StoreProblem(
      'POOLED',
      'A connection pooler answers here; the journal needs sessions of its own: name the server.',
    )
  }
  if (settings.get('transaction_read_only') !== 'off') {
    throw new StoreProblem('READ_ONLY', 'The database is read-only; the journal must be written.')
  }
  const commit = settings.get('synchronous_commit')
  if (commit !== 'on' && commit !== 'remote_apply') {
    throw new StoreProblem(
      'SYNCHRONOUS_COMMIT_OFF',
      `synchronous_commit is ${commit}; it must be on, or acknowledged orders can be lost.`,
    )
  }
  const required = [
    ['fsync', 'FSYNC_OFF', 'or a power cut loses acknowledged orders'],
    ['full_page_writes', 'FULL_PAGE_WRITES_OFF', 'or a power cut leaves torn pages'],
    ['data_checksums', 'DATA_CHECKSUMS_OFF', 'or rotten pages are read as good ones'],
  ] as const
  for (const [name, code, why] of required) {
    const value = settings.get(name)
    if (value !== 'on') throw new StoreProblem(code, `${name} is ${value}; it must be on, ${why}.`)
  }
  // A session's own value is not touched when the server's is changed and reloaded.
  await client.query(`SELECT set_config('synchronous_commit', $1, false)`, [commit])
}
