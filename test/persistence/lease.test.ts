// The lease on a real Postgres: whoever takes it, nobody of an older term writes any more.

import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { expect, test } from 'vitest'
import { LOCK } from '../../src/persistence/lease.ts'
import { CutProxy, journalOf, problem, rowAt, sql, useStores, variant } from './postgres-support.ts'

const around = useStores()
const { open } = around

test('each taking is a new term; the one before is fenced', async () => {
  const url = await around.server.database()
  const states: string[] = []
  const a = await open(url, { onState: (state, p) => states.push(`${state} ${p?.code}`) })
  const b = await open(url)
  expect(await a.takeLease('a')).toBe(1)
  await a.append(rowAt(1, 1))
  await a.beat(0)
  expect(await b.takeLease('b')).toBe(2)
  const lease = await a.lease()
  expect([lease.term, lease.holder, lease.ageMs < 5_000]).toEqual([2, 'b', true])
  expect(await problem(a.beat(0))).toBe('FENCED')
  const stale = [2, 3, 4].map((round) => problem(a.append(rowAt(round, 1))))
  expect(await Promise.all(stale)).toEqual(['FENCED', 'FENCED', 'FENCED'])
  expect(await problem(a.append(rowAt(5, 1)))).toBe('FENCED')
  await b.append(rowAt(2, 2))
  // Its session was ended, and none of its own is given again.
  expect(states).toEqual(['ready undefined', 'unavailable CONNECTION_LOST', 'stopped FENCED'])
  expect((await journalOf(url)).map(({ round }) => round)).toEqual([1, 2])
})

test('a writer that comes back waits for a takeover under way, and is fenced', async () => {
  const url = await around.server.database()
  const [a, b] = [await open(url), await open(url)]
  await a.takeLease('a')
  for (let round = 1; round <= 8; round += 1) await a.append(rowAt(round, 1))
  const end = await stall(url)
  const taken = b.takeLease('b')
  // Its session is ended, and the lease is not yet of the new term.
  await untilLocked(url)
  const append = problem(a.append(rowAt(9, 1)))
  while ((await sql(url, held('ShareLock', false))).length === 0) await sleep(5)
  await end()
  expect(await taken).toBe(2)
  expect(await append).toBe('FENCED')
  expect((await journalOf(url)).length).toBe(8)
})

test('a takeover ends a writer that hangs inside its append, and its append', async () => {
  const url = await around.server.database()
  const store = await open(url)
  const hung = await writer(url)
  await hung.query(`BEGIN; INSERT INTO onefill.journal VALUES (1, 1, 1, 1, 1, 0, 1, '', '')`)
  expect(await store.takeLease('b')).toBe(1)
  const fate = await hung.query('COMMIT').then(
    () => 'it lives',
    () => 'it is gone',
  )
  await hung.end()
  expect(fate).toBe('it is gone')
  await store.append(rowAt(1, 1))
})

test('who is too late to take the lease lets the session of who was quicker be', async () => {
  const url = await around.server.database()
  const [a, b] = [await open(url), await open(url)]
  const seen = await b.lease()
  await a.takeLease('a', await a.lease())
  const before = await sql(url, WRITERS)
  expect(await problem(b.takeLease('b', seen))).toBe('LEASE_HELD')
  expect(before).toHaveLength(1)
  expect(await sql(url, WRITERS)).toEqual(before)
  await a.append(rowAt(1, 1))
})

test('a leader that gives a sign of life after all keeps the lease', async () => {
  const url = await around.server.database()
  const [a, b] = [await open(url), await open(url)]
  await a.takeLease('a')
  await a.beat(0)
  const [seen, sessions] = [await b.lease(), await sql(url, WRITERS)]
  await a.beat(0)
  expect(await problem(b.takeLease('b', seen))).toBe('LEASE_HELD')
  expect(await sql(url, WRITERS)).toEqual(sessions)
  await a.append(rowAt(1, 1))
  expect(await b.takeLease('b', await b.lease())).toBe(2)
})

test('a sign of life under way is before a takeover or behind it', async () => {
  const url = await around.server.database()
  const [a, b] = [await open(url), await open(url)]
  await a.takeLease('a')
  const seen = await b.lease()
  const end = await stall(url)
  const taken = b.takeLease('b', seen)
  await untilLocked(url)
  // The lease that it looks at is still of its term.
  const behind = problem(a.beat(0))
  await end()
  expect(await taken).toBe(2)
  expect(await behind).toBe('FENCED')

  const c = await open(url)
  const seenOfB = await c.lease()
  const beating = new pg.Client({ connectionString: url })
  await beating.connect()
  await beating.query('BEGIN; UPDATE onefill.heartbeat SET beat_at = clock_timestamp()')
  const late = problem(c.takeLease('c', seenOfB))
  await untilLocked(url)
  await beating.query('COMMIT')
  await beating.end()
  expect(await late).toBe('LEASE_HELD')
  await b.append(rowAt(1, 2))
})

test('the lease is not taken from a session that this user may not end', async () => {
  const url = await around.server.database()
  const a = await open(url)
  await a.takeLease('a')
  const role = 'successor'
  await sql(url, `CREATE ROLE ${role} LOGIN PASSWORD '${role}'`)
  await sql(url, `GRANT USAGE ON SCHEMA onefill TO ${role}`)
  await sql(url, `GRANT ALL ON ALL TABLES IN SCHEMA onefill TO ${role}`)
  const b = await open(variant(url, { user: role, password: role }))
  expect(await problem(b.takeLease('b'))).toBe('MISSING_RIGHTS')
  await a.append(rowAt(1, 1))
  await sql(url, `ALTER ROLE ${role} SUPERUSER`)
  const c = await open(variant(url, { user: role, password: role }))
  expect(await c.takeLease('c')).toBe(2)
})

test('whatever its sessions are called, a writer is found and ended', async () => {
  const url = await around.server.database()
  const [a, b] = [await open(`${url}?application_name=mine`), await open(url)]
  await a.takeLease('a')
  expect(await b.takeLease('b')).toBe(2)
  expect(await problem(a.append(rowAt(1, 1)))).toBe('FENCED')
})

test('a taker that hangs with the lock in its hands is ended', async () => {
  const url = await around.server.database()
  const proxy = new CutProxy(around.server.postgres.port)
  const hung = await open(variant(url, { port: await proxy.start() }))
  const b = await open(url)
  const end = await stall(url)
  const taken = problem(hung.takeLease('hung'))
  await untilLocked(url)
  // Its statement ends, and it never says that it goes on.
  proxy.isSilent = true
  await end()
  expect(await b.takeLease('b')).toBe(1)
  await proxy.end()
  expect(await taken).toBe('CONNECTION_LOST')
})

test('whoever gives the lease back appends no more, and the next need not end him', async () => {
  const url = await around.server.database()
  const [a, b] = [await open(url), await open(url)]
  await a.takeLease('a')
  await a.append(rowAt(1, 1))
  await a.release()
  expect(await problem(a.append(rowAt(2, 1)))).toBe('CLOSED')
  while ((await sql(url, WRITERS)).length > 0) await sleep(5)
  expect(await b.takeLease('b')).toBe(2)
  await b.append(rowAt(2, 2))
})

/** Sessions that hold the lock, or wait for it, as writers or as takers do. */
const held = (mode: 'ShareLock' | 'ExclusiveLock', isGranted: boolean) =>
  `SELECT pid FROM pg_locks WHERE (classid, objid) = (${LOCK}) AND locktype = 'advisory'
    AND mode = '${mode}' AND granted = ${isGranted}
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
const WRITERS = held('ShareLock', true)

/** A session that may append. */
async function writer(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  await client.query(`SELECT pg_advisory_lock_shared(${LOCK})`)
  return client
}

/** Keeps takeovers, with the lock in their hands, from writing the lease until it is called. */
async function stall(url: string): Promise<() => Promise<unknown>> {
  await sql(url, 'CREATE TABLE go ()')
  await sql(
    url,
    `CREATE FUNCTION stall() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      WHILE NOT EXISTS (SELECT FROM go) LOOP PERFORM pg_sleep(0.005); END LOOP;
      RETURN NEW;
    END $$`,
  )
  const each = 'BEFORE UPDATE ON onefill.lease FOR EACH ROW EXECUTE FUNCTION stall()'
  await sql(url, `CREATE TRIGGER stall ${each}`)
  return () => sql(url, 'INSERT INTO go DEFAULT VALUES')
}

/** Until a takeover holds the lock. */
async function untilLocked(url: string): Promise<void> {
  while ((await sql(url, held('ExclusiveLock', true))).length === 0) await sleep(5)
}

test('the new holder starts from the last row, whatever the old one still appends', async () => {
  const url = await around.server.database()
  let [holder, next] = [await open(url), 1]
  await holder.takeLease('first')
  const acknowledged: string[] = []
  for (let taking = 0; taking < 8; taking += 1) {
    const { term } = holder
    let round = next
    let isFenced = false
    const old = holder
    const loops = Array.from({ length: 4 }, async () => {
      while (!isFenced) {
        const row = rowAt(round, term)
        round += 1
        await old.append(row).then(
          () => acknowledged.push(`${row.firstRound}/${term}`),
          () => {
            isFenced = true
          },
        )
      }
    })
    await sleep(40)
    holder = await open(url)
    await holder.takeLease(`holder ${taking}`)
    next = ((await holder.lastRow())?.lastRound ?? 0) + 1
    await holder.append(rowAt(next, holder.term))
    next += 1
    await Promise.all(loops)
  }
  const journal = await journalOf(url)
  expect(journal.map(({ round }) => round)).toEqual(journal.map((_, at) => at + 1))
  const there = new Set(journal.map(({ round, checksum }) => `${round} ${checksum}`))
  const lost = acknowledged.filter((name) => {
    const [round, term] = name.split('/').map(Number)
    const { checksum } = rowAt(round, term)
    return !there.has(`${round} ${Buffer.from(checksum).toString('latin1')}`)
  })
  expect([lost, acknowledged.length > 50]).toEqual([[], true])
})
