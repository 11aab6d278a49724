// What can be wrong with the store, each with a stable code and one sentence for people.

import pg from 'pg'
import { Problem } from '../lib/problem.ts'

/** Stable names of what can be wrong; programs look at these, people at the message. */
export type StoreProblemCode =
  | 'BAD_URL'
  | 'NO_SERVER'
  | 'SERVER_STARTING'
  | 'TOO_MANY_CONNECTIONS'
  | 'WRONG_PASSWORD'
  | 'UNKNOWN_DATABASE'
  | 'MISSING_RIGHTS'
  | 'READ_ONLY'
  | 'SYNCHRONOUS_COMMIT_OFF'
  | 'FSYNC_OFF'
  | 'FULL_PAGE_WRITES_OFF'
  | 'DATA_CHECKSUMS_OFF'
  | 'POOLED'
  | 'SCHEMA_MISSING'
  | 'SCHEMA_NEWER'
  | 'DISK_FULL'
  | 'TIMEOUT'
  | 'CONNECTION_LOST'
  | 'DATABASE_ERROR'
  | 'DIVERGED'
  | 'FENCED'
  | 'LEASE_HELD'
  | 'OVERTAKEN'
  | 'TOO_MANY_PENDING'
  | 'SNAPSHOT_INCOMPLETE'
  | 'SAID_UNUSABLE'
  | 'PROJECTION_STALE'
  | 'PROJECTION_MOVED'
  | 'CLOSED'
  | 'EMBEDDED_FAILED'

/** Something the store cannot do, and why; never a bug of the caller (that is a fault). */
export class StoreProblem extends Problem<StoreProblemCode> {
  override name = 'StoreProblem'
}

/** The lease has moved on: this store writes nothing any more. */
export class Fenced extends StoreProblem {
  override name = 'Fenced'

  constructor(term: number, current: number | null) {
    const now = current === null ? 'somebody else holds it' : `it is at term ${current}`
    super('FENCED', `The lease of term ${term} has moved on (${now}); nothing more is written.`)
  }
}

/** By SQLSTATE; the classes (two characters) are looked up when the whole is not there. */
const BY_STATE: Record<string, readonly [StoreProblemCode, string]> = {
  '28P01': ['WRONG_PASSWORD', 'Postgres refuses the user or the password.'],
  '28000': ['WRONG_PASSWORD', 'Postgres does not let this user in.'],
  '3D000': ['UNKNOWN_DATABASE', 'Postgres has no database of this name.'],
  '42501': ['MISSING_RIGHTS', 'The database user lacks a right that the journal needs.'],
  '25006': ['READ_ONLY', 'The database is read-only.'],
  '42P01': ['SCHEMA_MISSING', 'A table of the journal is missing.'],
  '42703': ['SCHEMA_MISSING', 'A column of the journal is missing.'],
  '3F000': ['SCHEMA_MISSING', 'The schema onefill is missing.'],
  '53100': ['DISK_FULL', 'The disk of the database is full.'],
  '53300': ['TOO_MANY_CONNECTIONS', 'Postgres has no connection left.'],
  '57014': ['TIMEOUT', 'A statement took longer than Postgres is told to allow.'],
  '55P03': ['TIMEOUT', 'A lock was not given in time.'],
  '57P03': ['SERVER_STARTING', 'Postgres is starting or stopping.'],
  '57P': ['CONNECTION_LOST', 'Postgres has ended the connection.'],
  '08': ['CONNECTION_LOST', 'The connection to Postgres is broken.'],
}

const NETWORK = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'ENOENT',
])

/**
 * The problem behind anything thrown by `pg`; `at`: the host that was tried. Its message names no
 * password.
 */
export function problemOf(error: unknown, at?: string): StoreProblem {
  if (error instanceof StoreProblem) return error
  if (!(error instanceof Error)) return new StoreProblem('DATABASE_ERROR', String(error))
  const state = 'code' in error ? String(error.code) : ''
  if (NETWORK.has(state)) {
    const where = at === undefined ? '' : ` at ${at}`
    return new StoreProblem('NO_SERVER', `No Postgres answers${where} (${state}).`, error)
  }
  if (!(error instanceof pg.DatabaseError)) {
    const said = error.message === 'timeout expired' ? 'it does not answer in time' : error.message
    return new StoreProblem('CONNECTION_LOST', `Postgres cannot be reached: ${said}.`, error)
  }
  const known = BY_STATE[state] ?? BY_STATE[state.slice(0, 3)] ?? BY_STATE[state.slice(0, 2)]
  const [code, sentence] = known ?? ['DATABASE_ERROR', 'Postgres has refused a statement.']
  return new StoreProblem(code, `${sentence.slice(0, -1)}: ${error.message} (${state}).`, error)
}
