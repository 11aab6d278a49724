// The store on a real Postgres: what it refuses, the tables, rows, snapshots, deletion.

import { describe, expect, test } from 'vitest'
import { SCHEMA_VERSION } from '../../src/persistence/migrations.ts'
import { openStore, type Store } from '../../src/persistence/store.ts'
import {
  BY_FORCE,
  CutProxy,
  journalOf,
  problem,
  rowAt,
  sql,
  useStores,
  variant,
} from './postgres-support.ts'

const END_WRITERS = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE application_name = 'onefill writer' AND datname = current_database()`

const around = useStores()
const { open } = around

async function rowsOf(store: Store, from: number) {
  const rows = []
  for await (const row of store.readRows(from)) rows.push(row)
  return rows
}

describe('what is refused at the start, each with one sentence', () => {
  const cases: [string, string, () => string | Promise<string>][] = [
    ['no address', 'BAD_URL', () => 'localhost:5432'],
    ['no server', 'NO_SERVER', () => variant(around.server.postgres.url, { port: 1 })],
    [
      'wrong password',
      'WRONG_PASSWORD',
      () => variant(around.server.postgres.url, { password: 'no' }),
    ],
    [
      'no such user',
      'WRONG_PASSWORD',
      () => variant(around.server.postgres.url, { user: 'nobody' }),
    ],
    [
      'no such database',
      'UNKNOWN_DATABASE',
      () => variant(around.server.postgres.url, { database: 'x' }),
    ],
    ...(
      [
        ['synchronous_commit=off', 'SYNCHRONOUS_COMMIT_OFF'],
        ['synchronous_commit=local', 'SYNCHRONOUS_COMMIT_OFF'],
        ['default_transaction_read_only=on', 'READ_ONLY'],
      ] as const
    ).map(([setting, code]): [string, string, () => string] => [
      setting,
      code,
      () => variant(around.server.postgres.url, { options: `-c ${setting}` }),
    ]),
  ]
  test.each(cases)('%s: %s', async (_, code, url) => {
    expect(await problem(openStore(await url()))).toBe(code)
  })

  test('missing rights, a newer schema, a missing table', async () => {
    const url = await around.server.database()
    await sql(url, `CREATE ROLE weak LOGIN PASSWORD 'weak'`)
    const weak = variant(url, { user: 'weak', password: 'weak' })
    expect(await problem(openStore(weak))).toBe('MISSING_RIGHTS')
    const store = await open(url)
    expect(await problem(openStore(weak))).toBe('MISSING_RIGHTS')
    await store.takeLease('a')
    await sql(url, 'DROP TABLE onefill.snapshot_part')
    const put = store.snapshots.put(headAt(1), [Buffer.from('x')], () => 'h')
    expect(await problem(put)).toBe('SCHEMA_MISSING')
    await sql(url, 'DROP TABLE onefill.lease')
    expect(await problem(store.lease())).toBe('SCHEMA_MISSING')
    await sql(url, 'INSERT INTO onefill.migration VALUES (99)')
    expect(await problem(openStore(url))).toBe('SCHEMA_NEWER')
  })

  test('nothing of the password is said', async () => {
    const url = variant(around.server.postgres.url, { password: 'secret-word' })
    const bad = url.replace('postgres:', 'mysql:')
    const unreadable = url.replace(/:\d+\//, ':port/')
    for (const each of [url, bad, unreadable, variant(url, { port: 1 })]) {
      await expect(openStore(each)).rejects.toSatisfy((error) => !/secret-word/.test(String(error)))
    }
  })
})

describe('a server that does not keep what it commits', () => {
  test.each([
    ['fsync', 'FSYNC_OFF'],
    ['full_page_writes', 'FULL_PAGE_WRITES_OFF'],
  ])('%s=off: %s', async (setting, code) => {
    const { postgres } = around.server
    await postgres.stop()
    const careless = await startAgain({ [setting]: 'off' })
    expect(await problem(openStore(careless.url))).toBe(code)
    await careless.stop()
    await postgres.start()
  })

  async function startAgain(settings: Record<string, string>) {
    const { startEmbedded } = await import('../../src/persistence/embedded.ts')
    return startEmbedded({ folder: around.server.folder, settings })
  }
})

test('a connection pooler in front of the server is refused: sessions must be ours', async () => {
  const proxy = new CutProxy(around.server.postgres.port)
  // As a pooler does, which gives its clients process numbers of its own.
  proxy.change = (bytes) => {
    const at = bytes.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]))
    if (at >= 0) bytes.writeInt32BE(bytes.readInt32BE(at + 5) + 1, at + 5)
  }
  const url = variant(around.server.postgres.url, { port: await proxy.start() })
  expect(await problem(openStore(url))).toBe('POOLED')
  await proxy.end()
})

describe('tables', () => {
  test('several starts at once make them once', async () => {
    const url = await around.server.database()
    await Promise.all(Array.from({ length: 4 }, () => open(url)))
    const versions = await sql(url, 'SELECT version FROM onefill.migration ORDER BY 1')
    const all = Array.from({ length: SCHEMA_VERSION }, (_, at) => ({ version: at + 1 }))
    expect(versions).toEqual(all)
  })

  test('a row of the journal has all of its columns, and no round begins twice', async () => {
    const url = await around.server.database()
    await open(url)
    const good = [1, 1, 1, 1, 1, 0, 1, `'\\x00'`, `''`]
    const insert = (values: readonly (number | string)[]) =>
      sql(url, `INSERT INTO onefill.journal VALUES (${values.join(', ')})`)
    for (const at of good.keys()) {
      await expect(insert(good.with(at, 'NULL'))).rejects.toThrow(/violates not-null/)
    }
    await insert(good)
    await expect(insert(good.with(1, 2))).rejects.toThrow(/violates unique/)
  })
})

describe('rows', () => {
  test('come back as they were written, from any round, across batches', async () => {
    const url = await around.server.database()
    const store = await open(url)
    expect(await store.lastRow()).toBeNull()
    await store.takeLease('a')
    const sizes = [0, 1, 64, 65_536, 3_000_000, 6_000_000, 5]
    const rows = sizes.map((bytes, at) => ({
      ...rowAt(at * 3 + 1, 1, bytes),
      lastRound: at * 3 + 3,
    }))
    await Promise.all(rows.map((row) => store.append(row)))
    const read = await rowsOf(store, 0)
    expect(read.length).toBe(rows.length)
    for (const [at, row] of rows.entries()) {
      expect(Buffer.compare(read[at].payload, row.payload)).toBe(0)
      expect({ ...read[at], payload: 0 }).toEqual({ ...row, payload: 0 })
    }
    expect((await rowsOf(store, 4))[0].firstRound).toBe(4)
    expect((await rowsOf(store, 6))[0].firstRound).toBe(4)
    expect((await rowsOf(store, 21)).length).toBe(1)
    expect((await rowsOf(store, 22)).length).toBe(0)
    expect((await store.lastRow())?.lastRound).toBe(21)
  })

  test('the order of commits is the order of appends; too many at once are refused', async () => {
    const url = await around.server.database()
    const store = await open(url)
    await store.takeLease('a')
    const order: number[] = []
    const appends = Array.from({ length: 64 }, (_, at) =>
      store.append(rowAt(at + 1, 1)).then(() => order.push(at + 1)),
    )
    expect(await problem(store.append(rowAt(65, 1)))).toBe('TOO_MANY_PENDING')
    await Promise.all(appends)
    expect(order).toEqual(Array.from({ length: 64 }, (_, at) => at + 1))
    await store.append(rowAt(65, 1))
    expect(() => store.append(rowAt(67, 1))).toThrow('no gap')
    expect(() => store.append(rowAt(66, 2))).toThrow('term')
  })

  test('a journal that was empty and is not any more is not written on', async () => {
    const url = await around.server.database()
    const store = await open(url)
    await store.takeLease('a')
    await sql(url, `INSERT INTO onefill.journal SELECT 7, 7, 70, 79, 1, 0, 1, '\\x00', ''`)
    expect(await problem(store.append(rowAt(1, 1)))).toBe('DIVERGED')
  })

  test('a row somebody else wrote with our term is no row of ours', async () => {
    const url = await around.server.database()
    const store = await open(url)
    await store.takeLease('a')
    await store.append(rowAt(1, 1))
    await sql(url, `INSERT INTO onefill.journal SELECT 2, 2, 20, 29, 1, 0, 1, '\\x00', ''`)
    expect(await problem(store.append(rowAt(2, 1)))).toBe('DIVERGED')
  })

  test.each([
    ['is gone', 'DELETE FROM onefill.journal WHERE first_round = 3'],
    ['ends elsewhere', 'UPDATE onefill.journal SET last_round = 4 WHERE first_round = 3'],
    ['is another', `UPDATE onefill.journal SET checksum = '\\x00' WHERE first_round = 3`],
  ])('the last row stays; a journal where it %s is not written on', async (_, spoil) => {
    const url = await around.server.database()
    const store = await open(url)
    await store.takeLease('a')
    await Promise.all([1, 2, 3].map((round) => store.append(rowAt(round, 1))))
    await expect(sql(url, spoil)).rejects.toThrow(/rows of the journal are never changed/)
    // Whoever can do that all the same, and whatever a server may have lost while it was away.
    await sql(url, BY_FORCE + spoil)
    await sql(url, END_WRITERS)
    const [before] = await sql(url, 'SELECT count(*) FROM onefill.journal')
    expect(await problem(store.append(rowAt(4, 1)))).toBe('DIVERGED')
    expect(await sql(url, 'SELECT count(*) FROM onefill.journal')).toEqual([before])
  })

  test('the journal is not emptied by hand either', async () => {
    const url = await around.server.database()
    const store = await open(url)
    await store.takeLease('a')
    await store.append(rowAt(1, 1))
    await expect(sql(url, 'TRUNCATE onefill.journal')).rejects.toThrow(/never changed/)
    await store.append(rowAt(2, 1))
    expect(await sql(url, 'SELECT first_round FROM onefill.journal')).toHaveLength(2)
  })

  test('nothing is written behind a row that fails', async () => {
    const url = await around.server.database()
    const store = await open(url)
    await store.takeLease('a')
    await store.append(rowAt(1, 1))
    await sql(url, `INSERT INTO onefill.journal SELECT 2, 2, 20, 29, 1, 0, 1, '\\x00', ''`)
    const appends = [2, 3, 4].map((round) => problem(store.append(rowAt(round, 1))))
    expect(await Promise.all(appends)).toEqual(['DIVERGED', 'DIVERGED', 'DIVERGED'])
    const rows = await sql(url, 'SELECT first_round FROM onefill.journal ORDER BY 1')
    expect(rows).toEqual([{ first_round: '1' }, { first_round: '2' }])
  })
})

/** What is known of a snapshot at `seq` before it is written. */
const headAt = (seq: number) => ({
  ...{ seq, round: seq, term: 1, version: 3 },
  rowChecksum: Buffer.alloc(32, seq),
})

describe('snapshots', () => {
  test('are put, listed, read and deleted; an incomplete one is none', async () => {
    const url = await around.server.database()
    const store = await open(url)
    await store.takeLease('a')
    const parts = [Buffer.alloc(1_000_000, 'a'), Buffer.alloc(0), Buffer.from('end')]
    const put = (seq: number, from: Parameters<typeof store.snapshots.put>[1] = parts) =>
      store.snapshots.put(headAt(seq), from, () => `hash ${seq}`)
    for (const seq of [10, 20, 30]) expect(await put(seq)).toBe(true)
    expect(await put(30, [])).toBe(false)
    const broken = async function* () {
      yield parts[0]
      throw new Error('no more')
    }
    await expect(put(40, broken())).rejects.toThrow('no more')
    const list = await store.snapshots.list()
    expect(list.map(({ seq }) => seq)).toEqual([30, 20, 10])
    expect(list[0]).toMatchObject({ ...headAt(30), hash: 'hash 30', parts: 3 })
    expect(Math.abs(list[0].createdAtMs - Date.now())).toBeLessThan(60_000)
    const read = []
    for await (const piece of store.snapshots.bytes(20)) read.push(Buffer.from(piece))
    expect(Buffer.concat(read).equals(Buffer.concat(parts))).toBe(true)
    expect(await problem(store.snapshots.bytes(40).next())).toBe('SNAPSHOT_INCOMPLETE')
    expect(await put(40)).toBe(true)
    await expect(put(35, broken())).rejects.toThrow('no more')
    expect(await store.snapshots.deleteAllBut(new Set([40, 30]))).toBe(3)
    expect((await store.snapshots.list()).map(({ seq }) => seq)).toEqual([40, 30])
    const left = await sql(url, 'SELECT DISTINCT seq::int FROM onefill.snapshot_part ORDER BY 1')
    expect(left).toEqual([{ seq: 30 }, { seq: 40 }])
    await sql(url, 'DELETE FROM onefill.snapshot_part WHERE seq = 30 AND part = 1')
    const torn = store.snapshots.bytes(30)
    expect(await problem(torn.next())).toBe('SNAPSHOT_INCOMPLETE')
  })
})

test('rows are deleted up to a round and a time, never the last one', async () => {
  const url = await around.server.database()
  const store = await open(url)
  await store.takeLease('a')
  for (let round = 1; round <= 200; round += 1) await store.append(rowAt(round, 1))
  const { timeMs } = rowAt(100, 1)
  expect(await store.deleteRows(151, timeMs)).toBe(99)
  expect(await store.deleteRows(151, timeMs + 1_000)).toBe(51)
  expect((await rowsOf(store, 0))[0].firstRound).toBe(151)
  expect(await store.deleteRows(1_000, timeMs + 1_000)).toBe(49)
  await store.append(rowAt(201, 1))
  expect((await journalOf(url)).map(({ round }) => round)).toEqual([200, 201])
})
