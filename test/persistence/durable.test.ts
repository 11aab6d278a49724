// The exchange with its journal, on a real Postgres: what it answers is committed, a restart goes
// on, and a database that is away, or another writer, is noticed.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { Candidate } from '../../src/durable/candidate.ts'
import { findSnapshotFault } from '../../src/durable/follower.ts'
import { DurableExchange, type DurableOptions, Standby } from '../../src/durable.ts'
import { createCore } from '../../src/exchange.ts'
import type { Answer, Report } from '../../src/index.ts'
import { type EmbeddedPostgres, startEmbedded } from '../../src/persistence/embedded.ts'
import { openStore } from '../../src/persistence/store.ts'
import { COMMANDS_PER_ROUND_MAX } from '../../src/protocol/bounds.ts'
import { BY_FORCE } from '../support/sql.ts'
import { replayAll } from '../support/witness.ts'

const SCENE = [
  { cmd: 'asset', asset: 'USD', decimals: 2 },
  { cmd: 'asset', asset: 'X', decimals: 0 },
  {
    ...{ cmd: 'instrument', symbol: 'XUSD', base: 'X', quote: 'USD' },
    ...{ tickSize: '0.01', lotSize: '1', takerFeeRate: '0.01' },
  },
  { cmd: 'account', account: 'alice' },
  { cmd: 'deposit', account: 'alice', asset: 'USD', amount: '1000000', transferId: 'd-1' },
]
const buy = (clOrdId: string) => ({
  ...{ cmd: 'new', account: 'alice', clOrdId, symbol: 'XUSD', side: 'buy' },
  ...{ ordType: 'limit', price: '1', orderQty: '1' },
})

const folder = mkdtempSync(join(tmpdir(), 'onefill-durable-'))
let postgres: EmbeddedPostgres
let url = ''
let databases = 0
const open: DurableExchange[] = []

beforeAll(async () => {
  postgres = await startEmbedded({ folder, settings: { max_connections: '100' } })
})
afterAll(async () => {
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  databases += 1
  await sql(postgres.url, `CREATE DATABASE test_${databases}`)
  const own = new URL(postgres.url)
  own.pathname = `/test_${databases}`
  url = own.href
})
afterEach(async () => {
  for (const exchange of open.splice(0)) await exchange.close()
})

async function sql(at: string, text: string, values: unknown[] = []) {
  const client = new pg.Client({ connectionString: at })
  await client.connect()
  try {
    return await client.query(text, values)
  } finally {
    await client.end()
  }
}

async function start(options: Partial<DurableOptions> = {}) {
  const answers: (Answer & { clOrdId?: string; duplicate?: boolean })[] = []
  const onReports = (some: Answer[]) => {
    for (const each of some) answers.push(each)
  }
  const exchange = await DurableExchange.open({ url, onReports, ...options })
  open.push(exchange)
  return { exchange, answers }
}

async function stop(exchange: DurableExchange) {
  open.splice(open.indexOf(exchange), 1)
  await exchange.close()
}

async function say(exchange: DurableExchange, commands: object[]) {
  for (const command of commands) expect(exchange.submit(command)).toBeTypeOf('number')
  await exchange.settled()
}

/** The command-line tool. */
function onefill(...args: string[]) {
  const tool = join(import.meta.dirname, '../../bin/onefill.js')
  const { status, stdout, stderr } = spawnSync(process.execPath, [tool, ...args], {
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

test('ten generations, each on other workers, some from a snapshot: one history', async () => {
  let hash: string | undefined
  for (let generation = 0; generation < 10; generation += 1) {
    const workers = [0, 2, 1, { accounts: 1, symbols: 1 }, 0][generation % 5] as number
    const { exchange, answers } = await start({ workers })
    expect([exchange.recovery.hash, exchange.recovery.skipped]).toEqual([
      hash ?? exchange.recovery.hash,
      [],
    ])
    expect(exchange.recovery.snapshotSeq > 0).toBe(generation > 3)
    if (generation === 0) await say(exchange, SCENE)
    await say(exchange, [buy(`a-${generation}`), buy(`b-${generation}`)])
    // The first outcome of an id that an earlier generation used.
    await say(exchange, [buy('a-0')])
    if (generation > 0) expect(answers.at(-1)).toMatchObject({ duplicate: true, orderId: '6' })
    if (generation % 3 === 0 && generation > 0) await exchange.snapshot()
    hash = (await exchange.stateHash()).hash
    await stop(exchange)
  }
  const replay = await replayAll(url)
  expect([replay.hash, replay.seq]).toEqual([hash, SCENE.length + 30])
})

test('the largest round fits a row', async () => {
  const { exchange, answers } = await start()
  const commands = [...SCENE]
  while (commands.length < COMMANDS_PER_ROUND_MAX) commands.push(buy(`${commands.length}`) as never)
  // All before the exchange has its turn: one round.
  await say(exchange, commands)
  expect(answers).toHaveLength(COMMANDS_PER_ROUND_MAX)
  const { rows } = await sql(url, 'SELECT first_seq, last_seq FROM onefill.journal')
  expect(rows).toEqual([{ first_seq: '1', last_seq: String(COMMANDS_PER_ROUND_MAX) }])
})

test('while Postgres is away nothing is acknowledged; when it is back all goes on', async () => {
  const { exchange, answers } = await start()
  await say(exchange, SCENE)
  await postgres.kill()
  const before = answers.length
  let taken = 0
  while (typeof exchange.submit(buy(`c-${taken}`)) !== 'object') {
    taken += 1
    if (taken % 10_000 === 0) await sleep(1)
  }
  // The bound on what waits: two rows on their way, one that gathers, and the next round.
  expect(taken).toBeLessThanOrEqual(4 * COMMANDS_PER_ROUND_MAX)
  expect(exchange.submit(buy('x'))).toMatchObject({ code: 'JOURNAL_UNAVAILABLE', clOrdId: 'x' })
  await sleep(300)
  expect(answers).toHaveLength(before)
  await postgres.start()
  await exchange.settled()
  expect(answers).toHaveLength(before + taken)
  expect((await replayAll(url)).seq).toBe(SCENE.length + taken)
})

test('who takes the lease stops who had it: no append, no acknowledgement', async () => {
  let broken: unknown
  const first = await start({ onBroken: (error) => (broken = error) })
  await say(first.exchange, SCENE)
  await expect(start()).rejects.toMatchObject({ code: 'LEASE_HELD' })
  const other = await openStore(url)
  await other.takeLease('another')
  const before = first.answers.length
  first.exchange.submit(buy('lost'))
  await expect(first.exchange.settled()).rejects.toThrow('has moved on')
  expect(broken).toMatchObject({ code: 'FENCED' })
  expect(first.exchange.submit(buy('lost-2'))).toMatchObject({ code: 'NOT_LEADING' })
  expect(first.answers).toHaveLength(before)
  await other.release()
  await other.close()
  const second = await start()
  await say(second.exchange, [buy('kept')])
  expect((await replayAll(url)).seq).toBe(SCENE.length + 1)
})

test('a standby follows, refuses, and leads once the leader has gone', async () => {
  const first = await start()
  await say(first.exchange, SCENE)
  const answers: Answer[] = []
  const standby = await Standby.open({ url, onReports: (some) => void answers.push(...some) })
  expect(standby.submit(buy('no'))).toMatchObject({ code: 'NOT_LEADING', clOrdId: 'no' })
  await say(first.exchange, [buy('a')])
  while (standby.seq < SCENE.length + 1) await sleep(5)
  expect(standby.leader).toContain(String(process.pid))
  await stop(first.exchange)
  const second = await standby.leading
  open.push(second)
  await say(second, [buy('a'), buy('b')])
  expect(answers).toMatchObject([{ duplicate: true }, { clOrdId: 'b', execType: 'new' }])
})

test('a standby that retention overtakes goes on from the newer snapshot', async () => {
  const retention = { snapshots: 1, journalMs: 0 }
  const { exchange } = await start({ retention, workers: 0 })
  await say(exchange, SCENE)
  const candidate = await Candidate.open({ url, workers: 1, onReports: () => {} })
  for (const id of ['a', 'b', 'c']) await say(exchange, [buy(id)])
  // Later than the rows by the clock that retention goes by.
  await sleep(2)
  expect((await exchange.snapshot())?.deleted.rows).toBeGreaterThan(2)
  await say(exchange, [buy('d')])
  const { seq, hash } = await exchange.stateHash()
  await expect(candidate.follower.advance()).rejects.toMatchObject({ code: 'OVERTAKEN' })
  await candidate.follow(0)
  expect([candidate.follower.seq, candidate.follower.stateHash()]).toEqual([seq, hash])
  await candidate.close()
})

test('a query does not set the clock: it would make history', async () => {
  const { exchange } = await start({ clockEveryMs: 1 })
  for (const command of SCENE) exchange.submit(command)
  await exchange.settled()
  const { seq } = exchange
  expect(seq).toBeGreaterThan(SCENE.length)
  await sleep(5)
  await exchange.query({ cmd: 'balances', account: 'alice' })
  await exchange.query({ cmd: 'book', symbol: 'XUSD' })
  await exchange.settled()
  expect(exchange.seq).toBe(seq)
})

test('nobody else sets a clock that the exchange sets by itself', async () => {
  const time = { cmd: 'time', now: '2099-01-01T00:00:00.000Z' }
  const { exchange: other } = await start()
  expect(other.submit(time)).toBe(1)
  await stop(other)
  const { exchange } = await start({ clockEveryMs: 1 })
  expect(exchange.submit(time)).toMatchObject({ code: 'MALFORMED', field: 'cmd' })
})

test('queries are answered as of what is durable, and make no history', async () => {
  const { exchange, answers } = await start()
  await say(exchange, SCENE)
  exchange.submit(buy('a'))
  const [balances, book] = await Promise.all([
    exchange.query({ cmd: 'balances', account: 'alice' }),
    exchange.query({ cmd: 'book', symbol: 'XUSD' }),
  ])
  expect(balances).toMatchObject({ seq: SCENE.length + 1, account: 'alice' })
  expect(book).toMatchObject({ bids: [{ price: '1', qty: '1' }] })
  expect(answers).toHaveLength(SCENE.length + 1)
  const before = (await replayAll(url)).seq
  expect(await exchange.query({ cmd: 'orders', account: 'alice' })).toMatchObject({
    orders: [{ clOrdId: 'a' }],
  })
  expect(await exchange.query({ cmd: 'orders', account: 'nobody' })).toMatchObject({
    code: 'UNKNOWN_ACCOUNT',
  })
  expect(await exchange.query(buy('x'))).toMatchObject({ code: 'MALFORMED', field: 'cmd' })
  expect(exchange.submit({ cmd: 'orders', account: 'alice' })).toMatchObject({ field: 'cmd' })
  const { rows } = await sql(url, 'SELECT max(last_round)::int AS round FROM onefill.journal')
  await exchange.query({ cmd: 'orders', account: 'alice' })
  expect(
    (await sql(url, 'SELECT max(last_round)::int AS round FROM onefill.journal')).rows,
  ).toEqual(rows)
  expect((await replayAll(url)).seq).toBe(before)
})

test('a snapshot stands nowhere that was not published', async () => {
  const held: (() => void)[] = []
  let isHeld = false
  const onReports = () => (isHeld ? new Promise<void>((resolve) => held.push(resolve)) : undefined)
  const { exchange } = await start({ onReports })
  expect(await exchange.snapshot()).toBeUndefined()
  await say(exchange, SCENE)
  isHeld = true
  exchange.submit(buy('x'))
  while (held.length === 0) await sleep(1)
  expect(await exchange.snapshot()).toMatchObject({ seq: SCENE.length, isNew: true })
  for (const resolve of held) resolve()
  await exchange.settled()
  expect(await exchange.snapshot()).toMatchObject({ seq: SCENE.length + 1, isNew: true })
})

test('a corrupt snapshot is skipped for the one before', async () => {
  const { exchange } = await start()
  await say(exchange, SCENE)
  await exchange.snapshot()
  await say(exchange, [buy('x')])
  const seq = (await exchange.snapshot())?.seq
  await say(exchange, [buy('y')])
  const { hash } = await exchange.stateHash()
  await stop(exchange)
  const spoil = `UPDATE onefill.snapshot_part SET bytes = set_byte(bytes, $2, 255) WHERE seq = $1`
  for (const at of [0, 30, 700]) {
    await sql(url, spoil, [seq, at])
    const again = await start()
    expect(again.exchange.recovery).toMatchObject({ hash, snapshotSeq: SCENE.length })
    expect(again.exchange.recovery.skipped).toEqual([
      expect.stringContaining(`snapshot at seq ${seq}`),
    ])
    await stop(again.exchange)
  }
})

test('a bit of a snapshot that flipped is found, also where it leaves a state', async () => {
  const { exchange } = await start()
  await say(exchange, [...SCENE, buy('x')])
  await exchange.snapshot()
  await stop(exchange)
  const store = await openStore(url)
  try {
    const [snapshot] = await store.snapshots.list()
    const length = await store.snapshots.bytesOf(snapshot.seq)
    const spoil =
      'UPDATE onefill.snapshot_part SET bytes = set_bit(bytes, $1, 1 - get_bit(bytes, $1))'
    const flip = (bit: number) => sql(url, spoil, [bit])
    const fault = () => findSnapshotFault(store, snapshot, (of) => createCore(of))
    const found = new Set<string | undefined>()
    for (let bit = 5; bit < length * 8; bit += 131) {
      await flip(bit)
      found.add(await fault())
      await flip(bit)
    }
    expect(found).not.toContain(undefined)
    expect(found).toContain('it is not the state it says')
    expect(await fault()).toBe(undefined)
  } finally {
    await store.close()
  }
})

test('the command line verifies, lists and replays a journal', async () => {
  const { exchange } = await start()
  for (const command of [...SCENE, buy('a'), buy('b')]) await say(exchange, [command])
  const { hash } = await exchange.stateHash()
  await stop(exchange)
  expect(onefill('journal', 'verify', url)).toMatchObject({
    status: 0,
    stdout: 'whole: 7 commands in 7 rounds, up to seq 7, term 1\n',
  })
  expect(onefill('journal', 'list', url).stdout.trim().split('\n')).toHaveLength(7)
  const whole = onefill('replay', '--journal', url, '--hash')
  expect([whole.status, whole.stderr]).toEqual([0, `state ${hash} at seq 7\n`])
  expect(whole.stdout.trim().split('\n')).toHaveLength(7)
  expect(onefill('replay', '--journal', url, '--to', '6').stderr).toBe('seq 6\n')
  const nowhere = onefill('journal', 'verify', 'postgres://nobody:x@127.0.0.1:1/none')
  expect(nowhere.status).toBe(1)
  expect(nowhere.stderr).toMatch(/^onefill: [^\n]+\n$/)
})

test('a snapshot that fails at the stop does not keep the lease', async () => {
  const { exchange } = await start()
  await say(exchange, SCENE)
  await sql(url, 'DROP TABLE onefill.snapshot_part')
  await expect(exchange.close({ snapshot: true })).rejects.toMatchObject({ code: 'SCHEMA_MISSING' })
  const { rows } = await sql(url, 'SELECT holder FROM onefill.lease')
  expect(rows).toEqual([{ holder: '' }])
})

test('retention takes a part of a day too', async () => {
  const { exchange } = await start({
    retention: { snapshots: 1, journalMs: 0.041667 * 86_400_000 },
  })
  await say(exchange, SCENE)
  await exchange.close({ snapshot: true })
  expect((await sql(url, 'SELECT count(*)::int AS n FROM onefill.snapshot')).rows).toEqual([
    { n: 1 },
  ])
})

test('a corrupt row stops the start and is named', async () => {
  const { exchange } = await start()
  for (const command of SCENE) await say(exchange, [command])
  await stop(exchange)
  const spoil = 'UPDATE onefill.journal SET payload = set_byte(payload, 3, 77) WHERE first_seq = 3'
  await sql(url, BY_FORCE + spoil)
  expect(onefill('journal', 'verify', url)).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('row of rounds 3 to 3'),
  })
  await expect(start()).rejects.toThrow(/journal row of rounds 3 to 3 \(seq 3 to 3\).*checksum/)
})

test('an exchange whose reports nobody takes is none, and takes no lease', async () => {
  await start()
  await expect(DurableExchange.open({ url })).rejects.toThrow('somebody takes the reports')
  await expect(Standby.open({ url })).rejects.toThrow('somebody takes the reports')
  const { rows } = await sql(url, 'SELECT term FROM onefill.lease')
  expect(rows).toEqual([{ term: '1' }])
})

test('reports in binary are those in objects, and count as out when both are', async () => {
  const [binary, objects]: [Report[], Report[]] = [[], []]
  const held = Promise.withResolvers<void>()
  const exchange = await DurableExchange.open({
    url,
    takeReports: (reports) => {
      binary.push(...reports)
      return held.promise
    },
    onReports: (reports) => void objects.push(...reports),
  })
  exchange.submit({ cmd: 'asset', asset: 'USD', decimals: 2 })
  exchange.submit({ cmd: 'account', account: 'alice' })
  const settled = exchange.settled()
  while (objects.length < 2) await new Promise((resolve) => setTimeout(resolve, 2))
  expect(binary).toEqual(objects)
  expect(exchange.progress).toMatchObject({ durable: 2, published: 0 })
  held.resolve()
  await settled
  expect(exchange.progress).toMatchObject({ published: 2 })
  await exchange.close()
})
