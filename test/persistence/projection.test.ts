// The projection on a real Postgres: it is what the journal comes to, each report once, whatever
// ends the projector and when.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DurableExchange, Projector, reconcile, takeSnapshot } from '../../src/durable.ts'
import type { Report } from '../../src/index.ts'
import { createExchange } from '../../src/index.ts'
import { StoreProblem } from '../../src/persistence/problem.ts'
import { openStore } from '../../src/persistence/store.ts'
import { Prng } from '../support/prng.ts'
import { until } from '../support/until.ts'
import { replayAll } from '../support/witness.ts'
import {
  BY_FORCE,
  CutProxy,
  problem,
  sql,
  startServer,
  type TestServer,
  variant,
} from './postgres-support.ts'
import { dump, projectAll, randomHistory, TABLES } from './projection-support.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
}, 60_000)
afterAll(() => server.end(), 60_000)

/** Kinds of things that are compared. */
const KINDS = 12

const differences = async (url: string) => (await reconcile({ url })).differences

test('a random history is projected: every report, every posting, the state', async () => {
  const compared = new Set<string>()
  for (const seed of [1, 2, 3, 4]) {
    const url = await server.database()
    const seq = await randomHistory(url, seed, 1_500)
    // Small batches, and one that holds all.
    const batchReports = seed % 2 === 0 ? 7 : 1_000_000
    expect(await projectAll(url, { batchReports })).toEqual({ seq, fromSeq: 1 })
    const history: Report[] = []
    await replayAll(url, (report) => history.push(report))
    const audited = await sql(
      url,
      'SELECT exec_id, report FROM onefill_view.order_audit ORDER BY seq, exec_index',
    )
    expect(audited.map(({ exec_id }) => exec_id)).toEqual(history.map(({ execId }) => execId))
    expect(audited.map(({ report }) => report)).toEqual(history)
    const found = await reconcile({ url })
    expect([seed, found.differences]).toEqual([seed, []])
    for (const { what, count } of found.compared) if (count > 0) compared.add(what)
    expect(found.compared).toHaveLength(KINDS)
  }
  // Nothing was equal because there was none.
  expect(compared.size).toBe(KINDS)
})

test('postings are those that the exchange writes', async () => {
  const url = await server.database()
  const exchange = await DurableExchange.open({ url, onReports: () => {} })
  const twin = createExchange({ postings: true })
  const expected: unknown[] = []
  const units = { base: 'X', quote: 'USD', tickSize: '0.01', lotSize: '1', takerFeeRate: '0.01' }
  const money = { cmd: 'deposit', transferId: 'd' }
  const order = { cmd: 'new', symbol: 'XUSD', ordType: 'limit', orderQty: '3' }
  for (const command of [
    { cmd: 'asset', asset: 'USD', decimals: 2 },
    { cmd: 'asset', asset: 'X', decimals: 3 },
    { cmd: 'instrument', symbol: 'XUSD', ...units },
    { cmd: 'account', account: 'alice' },
    { cmd: 'account', account: 'bob' },
    { ...money, account: 'alice', asset: 'USD', amount: '100.05' },
    { ...money, account: 'bob', asset: 'X', amount: '5.125' },
    { ...order, account: 'bob', clOrdId: 'b', side: 'sell', price: '7.77' },
    { ...order, account: 'alice', clOrdId: 'a', side: 'buy', price: '7.78' },
  ]) {
    exchange.submit(command)
    await exchange.settled()
    twin.execute(command)
    expected.push(...twin.postings())
  }
  await exchange.close()
  await projectAll(url)
  const found = await sql(
    url,
    'SELECT tx, account, asset, amount FROM onefill_view.ledger_postings ORDER BY seq, line',
  )
  expect(expected).toHaveLength(10)
  expect(found).toEqual(expected)
  expect(await differences(url)).toEqual([])
})

/** Lets the projection's statement `number` fail: unsent, or done and its answer lost. */
function failAt(number: number, isDone: boolean): { hasFailed: () => boolean; end: () => void } {
  const { query } = pg.Client.prototype
  let count = 0
  const failing = function (this: pg.Client, ...args: unknown[]): unknown {
    const { connectionParameters } = this as unknown as {
      connectionParameters: { application_name: string }
    }
    const run = () => Reflect.apply(query, this, args) as Promise<unknown>
    if (connectionParameters.application_name !== 'onefill projection') return run()
    count += 1
    if (count !== number) return run()
    const lost = () => Promise.reject(new Error('lost'))
    return isDone ? run().then(lost) : lost()
  }
  pg.Client.prototype.query = failing as typeof query
  const end = () => {
    pg.Client.prototype.query = query
  }
  return { hasFailed: () => count >= number, end }
}

test.each([
  { isDone: false, isFollowing: false },
  { isDone: true, isFollowing: false },
  { isDone: true, isFollowing: true },
])('with every statement failing once, the same tables: %o', async (how) => {
  const { isDone, isFollowing } = how
  const url = await server.database()
  const seq = await randomHistory(url, 10, 150)
  await projectAll(url, { batchReports: 80 })
  const whole = await dump(url)
  let number = 1
  for (; ; number += 1) {
    await sql(url, 'DROP SCHEMA onefill_view CASCADE; DELETE FROM onefill.reader')
    // Following goes on by itself from where it is open.
    const opened = isFollowing ? await Projector.open({ url, batchReports: 80 }) : undefined
    const failure = failAt(number, isDone)
    if (opened !== undefined) {
      const following = opened.follow()
      while (opened.seq < seq) await Promise.race([following, sleep(1)])
      opened.stop()
      await following
      await opened.close()
    } else {
      const error = await projectAll(url, { batchReports: 80 }).catch((thrown) => thrown)
      if (failure.hasFailed()) expect(error).toBeInstanceOf(StoreProblem)
    }
    failure.end()
    if (!failure.hasFailed()) break
    await projectAll(url, { batchReports: 80 })
    expect([number, await dump(url)]).toEqual([number, whole])
  }
  // Two batches at least, of ten statements each.
  expect(number).toBeGreaterThan(20)
})

test('cut off at any byte and begun again, it gives the same tables', async () => {
  const url = await server.database()
  const random = new Prng(7)
  await randomHistory(url, 11, 800)
  await projectAll(url, { batchReports: 50 })
  const whole = await dump(url)
  const proxy = new CutProxy(server.postgres.port)
  const through = variant(url, { port: await proxy.start() })
  await projectAll(through, { batchReports: 50, rebuild: true })
  const { up, down } = { ...proxy.passed }
  let cuts = 0
  for (let round = 0; round < 3; round += 1) {
    await sql(url, 'DROP SCHEMA onefill_view CASCADE')
    for (let tries = 0; ; tries += 1) {
      expect(tries).toBeLessThan(100)
      const way = random.pick(['up', 'down'] as const)
      // As often at the beginning as far in; past the end, it comes through.
      const far = Math.floor((way === 'up' ? up : down) ** random.next())
      if (tries < 12) proxy.cutAfter(way, far)
      const problem = await projectAll(through, { batchReports: 50 }).catch((error) => error)
      proxy.cutNow()
      if (!(problem instanceof Error)) break
      expect(problem).toBeInstanceOf(StoreProblem)
      cuts += 1
    }
    expect(await dump(url)).toEqual(whole)
  }
  expect(cuts).toBeGreaterThan(6)
  expect(await differences(url)).toEqual([])
  await proxy.end()
})

test('following, it goes on by itself after each cut, and each report is there once', async () => {
  const url = await server.database()
  const random = new Prng(8)
  const seq = await randomHistory(url, 12, 800)
  await projectAll(url)
  const whole = await dump(url)
  const proxy = new CutProxy(server.postgres.port)
  const through = variant(url, { port: await proxy.start() })
  const away: (StoreProblem | null)[] = []
  const projector = await Projector.open({
    ...{ url: through, rebuild: true, batchReports: 50 },
    onAway: (problem) => away.push(problem),
    // Armed anew behind each batch: somewhere in the next two or so, the commit's answer included.
    onProgress: () => proxy.cutAfter('down', random.int(1, 900)),
  })
  const following = projector.follow()
  await until(() => projector.seq === seq)
  projector.stop()
  await following
  await projector.close()
  expect(away.filter((problem) => problem !== null)).not.toEqual([])
  expect(away.at(-1)).toBeNull()
  expect(await dump(url)).toEqual(whole)
  await proxy.end()
})

test('a process killed again and again while it follows an exchange misses nothing', async () => {
  const url = await server.database()
  const random = new Prng(9)
  const program = join(import.meta.dirname, '../../src/main.ts')
  await randomHistory(url, 13, 300)
  for (let kill = 0; kill < 4; kill += 1) {
    const args = ['--disable-warning=ExperimentalWarning', program, 'project', url, '--follow']
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    const ended = once(child, 'close')
    const trading = randomHistory(url, 20 + kill, 400)
    await sleep(random.int(200, 1_500))
    child.kill('SIGKILL')
    await Promise.all([trading, ended])
    expect(child.signalCode).toBe('SIGKILL')
  }
  await projectAll(url)
  expect(await differences(url)).toEqual([])
  const resumed = await dump(url)
  await projectAll(url, { rebuild: true })
  expect(await dump(url)).toEqual(resumed)
})

test('two at once: one writes, the other stops and says so', async () => {
  const url = await server.database()
  await randomHistory(url, 14, 500)
  const opened = await Promise.allSettled([0, 1, 2].map(() => Projector.open({ url })))
  const first = opened.filter((each) => each.status === 'fulfilled').map(({ value }) => value)
  for (const each of opened) {
    if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'PROJECTION_MOVED' })
  }
  expect(first.length).toBeGreaterThan(0)
  // None of these has written a batch.
  const second = await Projector.open({ url, batchReports: 20 })
  const codes = await Promise.all(
    [...first, second].map((projector) =>
      projector.catchUp().then(
        () => 'done',
        ({ code }) => code,
      ),
    ),
  )
  expect(codes.sort()).toEqual([...first.map(() => 'PROJECTION_MOVED'), 'done'].sort())
  for (const projector of [...first, second]) await projector.close()
  await projectAll(url)
  expect(await differences(url)).toEqual([])
  const shared = await dump(url)
  await projectAll(url, { rebuild: true })
  expect(await dump(url)).toEqual(shared)
})

test('dropped, it is made anew by itself; half of it is not gone on with', async () => {
  const url = await server.database()
  await randomHistory(url, 15, 300)
  await projectAll(url)
  const whole = await dump(url)
  await sql(url, 'DROP SCHEMA onefill_view CASCADE')
  expect(await problem(reconcile({ url }))).toBe('PROJECTION_STALE')
  await projectAll(url)
  expect(await dump(url)).toEqual(whole)
  const projector = await Projector.open({ url })
  await sql(url, 'DROP SCHEMA onefill_view CASCADE')
  await projector.catchUp()
  await randomHistory(url, 16, 50)
  expect(await problem(projector.catchUp())).toBe('PROJECTION_STALE')
  await projector.close()
  await projectAll(url, { rebuild: true })
  for (const spoil of [
    'UPDATE onefill_view.projection SET round = round - 1',
    'UPDATE onefill.reader SET round = round + 1',
    'DELETE FROM onefill.reader',
    'UPDATE onefill_view.projection SET version = version + 1',
    'DELETE FROM onefill_view.projection',
    // The journal has lost its end.
    `${BY_FORCE}DELETE FROM onefill.journal
      WHERE first_round = (SELECT max(first_round) FROM onefill.journal)`,
  ]) {
    await sql(url, spoil)
    expect([spoil, await problem(projectAll(url))]).toEqual([spoil, 'PROJECTION_STALE'])
    await projectAll(url, { rebuild: true })
  }
})

test('a journal without its beginning: history from the oldest snapshot on', async () => {
  const url = await server.database()
  await randomHistory(url, 17, 600)
  await projectAll(url)
  const early = await randomHistory(url, 18, 300, { snapshot: true })
  const store = await openStore(url)
  const [{ round }] = await store.snapshots.list()
  const last = await randomHistory(url, 19, 300, { snapshot: true })
  // By hand: retention would have waited for the projection.
  expect(await store.deleteRows(round, Number.MAX_SAFE_INTEGER)).toBeGreaterThan(5)
  await store.close()
  expect(await problem(projectAll(url))).toBe('PROJECTION_STALE')
  expect(await problem(reconcile({ url }))).toBe('PROJECTION_STALE')
  expect(await projectAll(url, { rebuild: true })).toEqual({ seq: last, fromSeq: early + 1 })
  const found = await reconcile({ url })
  expect(found).toMatchObject({ differences: [], fromSeq: early + 1, seq: last })
  const [{ count }] = await sql(
    url,
    'SELECT count(*) FROM onefill_view.orders WHERE last_seq IS NULL OR opening_cum_qty > 0',
  )
  expect(Number(count)).toBeGreaterThan(0)
  await randomHistory(url, 21, 200)
  await projectAll(url)
  expect(await differences(url)).toEqual([])
  await sql(url, 'DELETE FROM onefill.snapshot_part')
  expect(await problem(projectAll(url, { rebuild: true }))).toBe('PROJECTION_STALE')
})

test('retention waits for the projection, which then goes on from a snapshot', async () => {
  const url = await server.database()
  await randomHistory(url, 22, 300)
  const projector = await Projector.open({ url })
  const store = await openStore(url)
  const retention = { snapshots: 1, journalMs: 0 }
  const nowMs = Date.now() + 60_000
  expect((await takeSnapshot(store, { retention, nowMs }))?.deleted.rows).toBe(0)
  await projector.catchUp()
  await projector.close()
  expect((await takeSnapshot(store, { retention, nowMs }))?.deleted.rows).toBeGreaterThan(5)
  await store.close()
  await randomHistory(url, 23, 200)
  expect((await projectAll(url)).fromSeq).toBe(1)
  expect(await differences(url)).toEqual([])
})

test('every table is dumped', async () => {
  const url = await server.database()
  await projectAll(url)
  const rows = await sql(
    url,
    `SELECT tablename FROM pg_tables WHERE schemaname = 'onefill_view' ORDER BY 1`,
  )
  expect(rows.map(({ tablename }) => tablename)).toEqual([...TABLES].sort())
  expect(await differences(url)).toEqual([])
})
