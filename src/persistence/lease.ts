// The lease, who may write the journal, and the fence that keeps everybody else from it.
//
// Every session that appends holds a lock, shared, until it ends, and has looked at the lease's
// term behind it. Whoever takes the lease holds the same lock alone while the term changes. So no
// session of an older term is left then, and none comes back that does not see the new one
// (docs/decisions/0019-postgres.md).

import type pg from 'pg'
import { StoreProblem } from './problem.ts'

/** What is known of the lease, as of a moment. */
export interface Lease {
  /** Names the market: made with its tables, and never changed. */
  readonly market: string
  readonly term: number
  /** A name for people; empty if it was given back. */
  readonly holder: string
  /** Last sign of life of the holder, and how long ago it was, by the server's clock, in ms. */
  readonly beatAtMs: number
  readonly ageMs: number
  /** Whatever rounds up to this one came to has been published. */
  readonly publishedRound: number
}

/** An advisory lock of two numbers, "onef" and "ill1" in ASCII: nobody else has it by chance. */
export const LOCK = '1869505894, 1768713265'

/** For a session that is to append: it may look at the lease behind this. */
export const HOLD_LOCK = `SELECT pg_advisory_lock_shared(${LOCK})`

const TAKE_LOCK = `SELECT pg_advisory_xact_lock(${LOCK});`

const WRITERS = `pg_locks WHERE (classid, objid) = (${LOCK}) AND locktype = 'advisory'
    AND objsubid = 2 AND granted AND mode = 'ShareLock'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

/**
 * Ends the sessions that hold the lock shared. In one message with TAKE_LOCK, so that one which
 * comes back at once waits behind that.
 */
const END_WRITERS = `SELECT pg_terminate_backend(pid) FROM ${WRITERS};`

/** Ends a session of one's own that was left: it may hang, and go on when its rows are gone. */
export const END_OWN = `SELECT pg_terminate_backend(pid) FROM ${WRITERS} AND pid = $1`

/** The users of writers that this user may not end. */
export const UNENDABLE = `SELECT rolname AS name
  FROM pg_stat_activity JOIN pg_roles ON oid = usesysid
  WHERE pid IN (SELECT pid FROM ${WRITERS}) AND NOT pg_has_role(usesysid, 'USAGE')
    AND (rolsuper OR NOT pg_has_role('pg_signal_backend', 'USAGE'))`

/** A taker that hangs holds up everybody: the server ends it after so long, in ms. */
const TAKER_IDLE_MS = 1_000
const BEGIN = `BEGIN; SET LOCAL idle_in_transaction_session_timeout = ${TAKER_IDLE_MS}`

/** The last sign of life, in ms by the server's clock. */
const BEAT_AT = 'extract(epoch FROM greatest(taken_at, beat_at)) * 1000'

const LEASE = `SELECT market, lease.term, holder, published_round AS published, ${BEAT_AT} AS beat,
    extract(epoch FROM clock_timestamp() - greatest(taken_at, beat_at)) * 1000 AS age
  FROM onefill.lease AS lease, onefill.heartbeat WHERE lease.id = 1`

/**
 * The heartbeat changes with the lease: a sign of life that is on its way meets it in that row, and
 * comes before it, which is seen here, or behind it, where it finds the term.
 */
const TAKE = `WITH heard AS (
    UPDATE onefill.heartbeat SET term = lease.term + 1, beat_at = clock_timestamp()
    FROM onefill.lease AS lease WHERE heartbeat.id = 1 AND lease.id = 1
      AND lease.term = coalesce($2::bigint, lease.term)
      AND (holder = '' OR ${BEAT_AT} < coalesce($3::double precision + 1, 'infinity'))
    RETURNING lease.term)
  UPDATE onefill.lease SET term = heard.term + 1, holder = $1, taken_at = clock_timestamp()
  FROM heard WHERE id = 1 RETURNING lease.term`

/** A commit that waits for the disk would hold up the journal's; a lost beat costs nothing. */
const BEAT = `UPDATE onefill.heartbeat
    SET term = $1, beat_at = clock_timestamp(), published_round = greatest(published_round, $2)
    FROM (SELECT set_config('synchronous_commit', 'off', true)) AS quick
    WHERE id = 1 AND term <= $1
      AND EXISTS (SELECT FROM onefill.lease WHERE id = 1 AND lease.term = $1)`

/** The lease as it is now; SCHEMA_MISSING if there is none. */
export async function readLease(client: pg.Client): Promise<Lease> {
  const { rows } = await client.query({ name: 'lease', text: LEASE })
  if (rows.length === 0) throw new StoreProblem('SCHEMA_MISSING', 'The lease row is missing.')
  const { market, term, holder, beat, age, published } = rows[0]
  return {
    market,
    term: Number(term),
    holder,
    beatAtMs: Number(beat),
    ageMs: Number(age),
    publishedRound: Number(published),
  }
}

/**
 * Takes the lease: the new term, or undefined if it is not as it was `seen`, that is, somebody else
 * has taken it or its holder has given a sign of life since. A writer whose holder has given the
 * lease back is about to go, and `isPatient` lets it; others are ended.
 */
export async function takeLease(
  client: pg.Client,
  of: { holder: string; seen: Lease | undefined; isPatient: boolean },
): Promise<number | undefined> {
  const { holder, seen, isPatient } = of
  await client.query(BEGIN)
  try {
    const now = await readLease(client)
    let term: number | undefined
    // Nobody is ended whose lease cannot be taken.
    if (seen === undefined || isAsSeen(now, seen)) {
      await client.query((now.holder === '' && isPatient ? '' : END_WRITERS) + TAKE_LOCK)
      const values = [holder, seen?.term ?? null, seen?.beatAtMs ?? null]
      const { rows } = await client.query(TAKE, values)
      if (rows.length > 0) term = Number(rows[0].term)
    }
    await client.query('COMMIT')
    return term
  } catch (error) {
    // Where this fails too, the connection is gone, and the transaction with it.
    await client.query('ROLLBACK').catch(() => {})
    throw error
  }
}

const isAsSeen = (now: Lease, seen: Lease): boolean =>
  now.term === seen.term && (now.holder === '' || now.beatAtMs < seen.beatAtMs + 1)

/** A sign of life, and how far the holder of `term` has published; false if it holds no more. */
export async function beat(
  client: pg.Client,
  term: number,
  publishedRound: number,
): Promise<boolean> {
  const values = [term, publishedRound]
  const { rowCount } = await client.query({ name: 'beat', text: BEAT, values })
  return rowCount === 1
}

/** Gives the lease of `term` back, if it is still that. */
export async function giveBack(client: pg.Client, term: number): Promise<void> {
  await client.query(`UPDATE onefill.lease SET holder = '' WHERE id = 1 AND term = $1`, [term])
}

/** Somebody else leads. */
export function heldBy({ holder, ageMs }: Lease): StoreProblem {
  const heard = `heard of ${Math.round(ageMs)} ms ago`
  const todo = 'start this one with --standby, or stop the other first'
  return new StoreProblem('LEASE_HELD', `Another exchange leads (${holder}, ${heard}): ${todo}.`)
}
