// A server killed under load, silence, statements that fail: every row exactly once, and none
// acknowledged that is not there.

import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { StoreProblem } from '../../src/persistence/problem.ts'
import { openStore } from '../../src/persistence/store.ts'
import { until } from '../support/until.ts'
import {
  expectEachOnce,
  journalOf,
  problem,
  proxied,
  rowAt,
  sql,
  startServer,
  type TestServer,
} from './postgres-support.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.end())

test('kill -9 of the server under appends, again and again', async () => {
  const url = await server.database()
  const states: string[] = []
  const store = await openStore(url, { onState: (state) => states.push(state) })
  await store.takeLease('a')
  const acknowledged: number[] = []
  let round = 0
  let isOver = false
  const loops = Array.from({ length: 8 }, async () => {
    while (!isOver) {
      round += 1
      const mine = round
      await store.append(rowAt(mine, 1, mine % 7 === 0 ? 20_000 : 64))
      acknowledged.push(mine)
    }
  })
  for (let kill = 0; kill < 6; kill += 1) {
    await delay(150 + 37 * kill)
    await server.postgres.kill()
    // Its children go a moment later; what they commit until then is committed.
    await delay(30)
    const atDeath = acknowledged.length
    await server.postgres.start()
    const journal = await journalOf(url)
    expect(journal.length).toBeGreaterThanOrEqual(atDeath)
  }
  await delay(300)
  isOver = true
  await Promise.all(loops)
  await store.close()
  expect(acknowledged).toEqual(Array.from({ length: round }, (_, at) => at + 1))
  await expectEachOnce(url, round)
  // How many depends on the machine; that some came between the kills does not.
  expect(round).toBeGreaterThan(20)
  // Once for several kills, where nothing was written between them.
  expect(states).toContain('unavailable')
})

test('a silent server is given up, and what waits is written once it answers', async () => {
  const states: string[] = []
  const onState = (state: string, p: StoreProblem | null) => states.push(`${state} ${p?.code}`)
  const { url, proxy, store, end } = await proxied(server, { silenceMsMax: 200, onState })
  await store.append(rowAt(1, 1))
  proxy.isSilent = true
  const waiting = [2, 3].map((round) => store.append(rowAt(round, 1)))
  await until(() => store.state !== 'ready')
  expect(states.at(-1)).toBe('unavailable CONNECTION_LOST')
  proxy.isSilent = false
  proxy.cutNow()
  await Promise.all(waiting)
  await end()
  await expectEachOnce(url, 3)
})

test('an append that hung in a session that was left writes nothing once it goes on', async () => {
  const url = await server.database()
  const store = await openStore(url, { silenceMsMax: 300 })
  await store.takeLease('a')
  await store.append(rowAt(1, 1))
  const [{ pid }] = await sql(
    url,
    `SELECT pid FROM pg_stat_activity
      WHERE application_name = 'onefill writer' AND datname = current_database()`,
  )
  process.kill(Number(pid), 'SIGSTOP')
  try {
    // By another session; then its row is gone, and the one before: nothing is in its way.
    for (const round of [2, 3, 4, 5]) await store.append(rowAt(round, 1))
    expect(await store.deleteRows(5, Number.MAX_SAFE_INTEGER)).toBe(4)
  } finally {
    process.kill(Number(pid), 'SIGCONT')
  }
  for (let isThere = true; isThere; ) {
    const found = await sql(url, `SELECT FROM pg_stat_activity WHERE pid = ${Number(pid)}`)
    isThere = found.length > 0
  }
  expect((await journalOf(url)).map(({ round }) => round)).toEqual([5])
  await store.close()
})

test.each(['isShut', 'isSilent'] as const)(
  'while the server %s, rows wait, and close is bounded',
  async (how) => {
    const { url, proxy, store, end } = await proxied(server)
    await store.append(rowAt(1, 1))
    proxy[how] = true
    proxy.cutNow()
    const waiting = problem(store.append(rowAt(2, 1)))
    await delay(200)
    const start = performance.now()
    await store.close(300)
    expect(performance.now() - start).toBeLessThan(2_500)
    expect(await waiting).toBe('CLOSED')
    expect(await problem(store.append(rowAt(3, 1)))).toBe('CLOSED')
    expect(await problem(store.lastRow())).toBe('CLOSED')
    await end()
    await expectEachOnce(url, 1)
  },
)

/**
 * A full disk cannot be had here without a file system of our own, so a trigger raises what
 * Postgres raises then; read-only, slow and missing are the real thing.
 */
test.each([
  [
    'DISK_FULL',
    `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      RAISE disk_full USING MESSAGE = 'could not extend file: No space left on device'; END $$;
    CREATE TRIGGER full_disk BEFORE INSERT ON onefill.journal EXECUTE FUNCTION full_disk()`,
    'DROP TRIGGER full_disk ON onefill.journal',
  ],
  [
    'TIMEOUT',
    `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      PERFORM pg_sleep(1); RETURN NULL; END $$;
    CREATE TRIGGER slow BEFORE INSERT ON onefill.journal EXECUTE FUNCTION slow();
    ALTER ROLE onefill SET statement_timeout = 50`,
    // It has the timeout too, and waits for the insert under way.
    `SET statement_timeout = 0; ALTER ROLE onefill RESET statement_timeout;
      DROP TRIGGER slow ON onefill.journal`,
  ],
  [
    'READ_ONLY',
    'ALTER ROLE onefill SET default_transaction_read_only = on',
    'BEGIN READ WRITE; ALTER ROLE onefill RESET ALL; COMMIT',
  ],
  [
    'SCHEMA_MISSING',
    'ALTER TABLE onefill.journal RENAME TO away',
    'ALTER TABLE onefill.away RENAME TO journal',
  ],
])('%s: told at once, nothing acknowledged, and it goes on by itself', async (code, on, off) => {
  const told: (string | undefined)[] = []
  const onState = (_: string, p: StoreProblem | null) => told.push(p?.code)
  const { url, proxy, store, end } = await proxied(server, { onState })
  await store.append(rowAt(1, 1))
  await sql(url, on)
  proxy.cutNow()
  let acknowledged = 0
  const waiting = [2, 3].map(async (round) => {
    await store.append(rowAt(round, 1))
    acknowledged += 1
  })
  await delay(400)
  expect(acknowledged).toBe(0)
  expect(store.state).toBe('unavailable')
  await sql(url, off)
  await Promise.all(waiting)
  expect(store.state).toBe('ready')
  await end()
  await expectEachOnce(url, 3)
  expect(told).toContain(code)
})
