// Postgres: reachable, keeps what it commits, which tables, who leads, what time it has.

import type pg from 'pg'
import type { Settings } from '../../config.ts'
import { connect } from '../../persistence/connection.ts'
import { type Lease, readLease, UNENDABLE } from '../../persistence/lease.ts'
import { SCHEMA_VERSION } from '../../persistence/migrations.ts'
import { problemOf, type StoreProblemCode } from '../../persistence/problem.ts'
import { leftAddress } from '../addresses.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

/** A leader without a sign of life for so long is silent, in ms. */
const SILENCE_MS = 5_000
/** Clocks that differ by more tell confusing times, in ms. */
const SKEW_MS = 1_000

const REMEDIES: Partial<Record<StoreProblemCode, string>> = {
  NO_SERVER: 'start Postgres, or look at host and port of DATABASE_URL',
  WRONG_PASSWORD: 'look at user and password of DATABASE_URL',
  UNKNOWN_DATABASE: 'run createdb, or look at the name in DATABASE_URL',
  TOO_MANY_CONNECTIONS: 'raise max_connections: an exchange needs four',
  READ_ONLY: 'name the primary, not a replica',
  POOLED: 'name the server itself, not its connection pooler',
  SYNCHRONOUS_COMMIT_OFF: 'set synchronous_commit = on',
  FSYNC_OFF: 'set fsync = on',
  FULL_PAGE_WRITES_OFF: 'set full_page_writes = on',
  DATA_CHECKSUMS_OFF: 'stop Postgres and run pg_checksums --enable',
}

/** Looks at the database of the settings; of the built-in one only while it runs. */
export async function checkPostgres({ databaseUrl, data }: Settings): Promise<Finding[]> {
  const url = databaseUrl ?? leftAddress(data, 'databaseUrl')
  if (url === undefined) return [ok('postgres', 'the built-in one, started with the exchange')]
  try {
    const connection = await connect({
      ...{ url, name: 'onefill doctor', pipeline: false, onLost: () => {} },
    })
    try {
      return await examine(connection.client)
    } finally {
      await connection.end()
    }
  } catch (error) {
    const { code, message } = problemOf(error)
    const todo = REMEDIES[code] ?? 'docs/durability.md says what the journal needs'
    return [fail('postgres', `${message.replace(/\.$/, '')} (${code})`, todo)]
  }
}

/** It is connected, so what it commits is kept: that is looked at with each connection. */
async function examine(client: pg.Client): Promise<Finding[]> {
  const beforeMs = Date.now()
  const { rows } = await client.query(
    `SELECT current_setting('server_version') AS version,
      to_regclass('onefill.migration') AS tables,
      extract(epoch FROM clock_timestamp()) * 1000 AS now,
      has_database_privilege(current_database(), 'CREATE') AS may_create`,
  )
  const [{ version, tables, now, may_create: mayCreate }] = rows
  return [
    ok('postgres', `${version}, keeps what it commits`),
    clock(Number(now), beforeMs, Date.now()),
    ...(tables === null ? [missing(mayCreate)] : await examineTables(client)),
  ]
}

function clock(nowMs: number, beforeMs: number, afterMs: number): Finding {
  const skewMs = nowMs < beforeMs ? nowMs - beforeMs : Math.max(0, nowMs - afterMs)
  const said = `${Math.round(Math.abs(skewMs))} ms from Postgres's`
  if (Math.abs(skewMs) <= SKEW_MS) return ok('clock', said)
  return warn('clock', said, 'set both by NTP: times in the journal are of this clock')
}

function missing(mayCreate: boolean): Finding {
  if (mayCreate) return ok('tables', 'none yet; the first start makes them')
  const todo = 'GRANT CREATE ON DATABASE, or run the first start as an owner'
  return fail('tables', 'none yet, and this user may not make them', todo)
}

async function examineTables(client: pg.Client): Promise<Finding[]> {
  const found = await client.query('SELECT max(version) AS version FROM onefill.migration')
  const version = Number(found.rows[0].version)
  if (version > SCHEMA_VERSION) {
    const said = `of version ${version}, this program knows ${SCHEMA_VERSION}`
    return [fail('tables', said, 'update onefill')]
  }
  const said = `version ${version}`
  if (version < SCHEMA_VERSION) {
    return [ok('tables', `${said}; the next start brings them to ${SCHEMA_VERSION}`)]
  }
  const { rows: strangers } = await client.query<{ name: string }>(UNENDABLE)
  return [
    ok('tables', said),
    lease(await readLease(client)),
    ...strangers.map(({ name }) => unendable(name)),
  ]
}

function unendable(name: string): Finding {
  const said = `the writer is ${name}'s, and this user may not end it: it could not take over`
  return warn('takeover', said, `use the same database user, or GRANT pg_signal_backend`)
}

function lease({ term, holder, ageMs }: Lease): Finding {
  if (holder === '') return ok('lease', `free, term ${term}`)
  const said = `${holder} leads, term ${term}, heard of ${Math.round(ageMs)} ms ago`
  if (ageMs < SILENCE_MS) return ok('lease', said)
  return warn('lease', said, 'it is silent: the next start, or a standby, takes over')
}
