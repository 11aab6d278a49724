// `reconcile` sees whatever is different: each value that is changed, each row that is taken away
// or added; and the commands that project and compare say how it went.

import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { reconcile } from '../../src/durable.ts'
import { sql, startServer, type TestServer, variant } from './postgres-support.ts'
import { projectAll, randomHistory, TABLES } from './projection-support.ts'

const PROGRAM = join(import.meta.dirname, '../../src/main.ts')
const FLAGS = ['--disable-warning=ExperimentalWarning', PROGRAM]

const VIEW = 'onefill_view'

let server: TestServer
let url = ''
beforeAll(async () => {
  server = await startServer()
  url = await server.database()
  // Open orders of several accounts, fills, and orders ended in every way.
  for (const seed of [2, 3]) await randomHistory(url, seed, 1_500)
  await projectAll(url)
  // Wherefrom each test puts back what it has spoiled.
  await sql(url, 'CREATE SCHEMA kept')
  for (const table of TABLES) {
    await sql(url, `CREATE TABLE kept.${table} AS SELECT * FROM ${VIEW}.${table}`)
  }
}, 120_000)
afterAll(() => server.end(), 60_000)

function onefill(...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [...FLAGS, ...args], { encoding: 'utf8' })
}

const OPEN = `ord_status IN ('new', 'partiallyFilled')`
const one = (table: string, where = 'true') =>
  `ctid = (SELECT ctid FROM ${VIEW}.${table} WHERE ${where} ORDER BY ctid LIMIT 1)`
const change = (table: string, set: string, where?: string) => ({
  table,
  text: `UPDATE ${VIEW}.${table} SET ${set} WHERE ${one(table, where)}`,
})
const take = (table: string, where?: string) => ({
  table,
  text: `DELETE FROM ${VIEW}.${table} WHERE ${one(table, where)}`,
})
const add = (table: string, columns: string, values: string, where = 'true') => ({
  table,
  text: `INSERT INTO ${VIEW}.${table} (${columns}) SELECT ${values} FROM ${VIEW}.${table}
    WHERE ${where} ORDER BY ctid LIMIT 1`,
})

const ORDERS = `account, symbol, side, ord_type, time_in_force, price, order_qty, cum_qty,
  leaves_qty, avg_px, ord_status, code, cl_ord_id, first_seq, last_seq, first_time, last_time`
const FILLS = `exec_id, symbol, trade_id, order_id, account, side, last_px, last_qty, fee,
  fee_asset, aggressor, transact_time`

/** One wrong thing each, in a table each; the table is named by what is found. */
const TAMPERING = [
  change('projection', 'seq = seq - 1'),
  change('balances', 'available = available + 0.01'),
  change('balances', 'held = held + 1'),
  change('balances', `available = available + 1, held = held - 1`),
  take('balances'),
  add('balances', 'account, asset, available, held', `account, 'NONE', 0, 0`),
  add('balances', 'account, asset, available, held', `'nobody', asset, 0, 0`),
  ...['qty', 'avg_cost', 'realised', 'open_buy_qty', 'open_sell_qty'].map((column) =>
    change('positions', `${column} = ${column} + 1`),
  ),
  take('positions'),
  add(
    'positions',
    'account, symbol, qty, avg_cost, realised, open_buy_qty, open_sell_qty',
    `account, 'NONE', 0, 0, 0, 0, 0`,
  ),
  ...['price', 'order_qty', 'cum_qty', 'leaves_qty', 'avg_px', 'opening_cum_qty'].flatMap(
    (column) => [
      change('orders', `${column} = ${column} + 1`, OPEN),
      change('orders', `${column} = ${column} + 1`, `NOT ${OPEN}`),
    ],
  ),
  ...[
    'account',
    'symbol',
    'side',
    'ord_type',
    'time_in_force',
    'cl_ord_id',
    'ord_status',
    'code',
  ].flatMap((column) => [
    change('orders', `${column} = 'x'`, OPEN),
    change('orders', `${column} = 'x'`, `NOT ${OPEN}`),
  ]),
  change('orders', 'first_seq = 1'),
  change('orders', 'last_seq = 1'),
  change('orders', `first_time = '1999-01-01'`),
  change('orders', `last_time = '1999-01-01'`),
  take('orders', OPEN),
  take('orders', `NOT ${OPEN}`),
  add('orders', `order_id, ${ORDERS}`, `999999, ${ORDERS}`, OPEN),
  add('orders', `order_id, ${ORDERS}`, `999999, ${ORDERS}`, `NOT ${OPEN}`),
  ...['last_px', 'last_qty', 'fee', 'order_id', 'trade_id'].map((column) =>
    change('fills', `${column} = ${column} + 1`),
  ),
  ...['exec_id', 'symbol', 'account', 'side', 'fee_asset'].map((column) =>
    change('fills', `${column} = 'x'`),
  ),
  change('fills', 'aggressor = NOT aggressor'),
  change('fills', `transact_time = '1999-01-01'`),
  take('fills'),
  add('fills', `seq, exec_index, ${FILLS}`, `999999, exec_index, ${FILLS}`),
  change('ledger_postings', 'amount = amount + 0.01'),
  change('ledger_postings', `account = 'nobody'`),
  change('ledger_postings', `asset = 'NONE'`),
  change('ledger_postings', `tx = '1-1'`),
  take('ledger_postings'),
  take('ledger_postings', 'line > 0 AND amount = 0'),
  add('ledger_postings', 'seq, line, tx, account, asset, amount', '1, 0, tx, account, asset, 1'),
  ...['price', 'order_qty', 'cum_qty', 'leaves_qty', 'order_id'].map((column) =>
    change('order_audit', `${column} = ${column} + 1`, `${column} IS NOT NULL`),
  ),
  ...['account', 'symbol', 'cl_ord_id', 'orig_cl_ord_id', 'side', 'code', 'cmd', 'exec_id'].map(
    (column) => change('order_audit', `${column} = 'x'`),
  ),
  change('order_audit', `exec_type = 'expired'`, `exec_type = 'trade'`),
  change('order_audit', `last_px = last_px + 1`, `exec_type = 'trade'`),
  change('order_audit', `report = jsonb_set(report, '{price}', '"1.2345"')`, `exec_type = 'new'`),
  change('order_audit', `report = jsonb_set(report, '{fee}', '"1.2345"')`, `exec_type = 'trade'`),
  take('order_audit', `exec_type = 'rejected'`),
  take('order_audit', `exec_type = 'trade'`),
  take('order_audit', `exec_type = 'accepted'`),
  add(
    'order_audit',
    'seq, exec_index, exec_id, exec_type, report',
    `999999, 0, '999999-0', 'accepted',
      '{"seq": 999999, "execId": "999999-0", "execType": "accepted"}'`,
  ),
]

test('nothing is different', async () => {
  const found = await reconcile({ url })
  expect(found.differences).toEqual([])
  expect(found.compared.filter(({ count }) => count === 0)).toEqual([])
})

test.each(TAMPERING)('$text', async ({ table, text }) => {
  expect(await sql(url, `${text} RETURNING 1`)).toHaveLength(1)
  const { differences } = await reconcile({ url })
  const columns = `(SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
    WHERE attrelid = '${VIEW}.${table}'::regclass AND attnum > 0 AND attgenerated = '')`
  const [{ list }] = await sql(url, `SELECT ${columns} AS list`)
  await sql(
    url,
    `TRUNCATE ${VIEW}.${table};
    INSERT INTO ${VIEW}.${table} (${list}) SELECT ${list} FROM kept.${table}`,
  )
  // What an order says and what its fills say are compared: either may be wrong.
  const named = [table, text.includes('opening_cum_qty') || text.includes('fee') ? 'fills' : table]
  const isNamed = (line: string) => named.some((name) => line.startsWith(`${name} `))
  expect(differences.filter(isNamed)).not.toEqual([])
  for (const line of differences) expect(line).toMatch(/^\w+ .*: is .+, should be .+$/)
})

test('what was put back is equal again', async () => {
  expect((await reconcile({ url })).differences).toEqual([])
})

test('the commands say what they did, and what is wrong', async () => {
  const own = await server.database()
  const seq = await randomHistory(own, 5, 300)
  expect(onefill('reconcile', own)).toMatchObject({
    ...{ status: 1, stdout: '' },
    stderr: expect.stringMatching(
      /^onefill: The projection cannot go on \(there is none\)[^\n]+\n$/,
    ),
  })
  const projected = onefill('project', own)
  expect([projected.status, projected.stderr]).toEqual([0, ''])
  expect(projected.stdout).toMatch(
    new RegExp(`^projected: ${seq} commands in .* up to seq ${seq}\n$`),
  )
  expect(onefill('project', own).stdout).toMatch(/^projected: 0 commands/)
  expect(onefill('project', own, '--rebuild').stdout).toMatch(`projected: ${seq} commands`)
  const equal = onefill('reconcile', own)
  expect([equal.status, equal.stderr]).toEqual([0, ''])
  expect(equal.stdout).toMatch(new RegExp(`^equal at seq ${seq}: \\d+ balances, .*\n$`))
  await sql(
    own,
    `UPDATE onefill_view.balances SET available = available + 1 WHERE asset = 'USD'
    AND account = '$external'`,
  )
  const different = onefill('reconcile', own)
  expect(different.status).toBe(1)
  expect(different.stdout).toMatch(/^balances \$external USD available: is -\S+, should be -\S+\n/)
  expect(different.stdout).toMatch(new RegExp(`\\d differences at seq ${seq}: .*\n$`))
  const nowhere = onefill('project', variant(own, { port: 1 }))
  expect(nowhere).toMatchObject({ status: 1, stdout: '' })
  expect(nowhere.stderr).toMatch(/^onefill: [^\n]+\n$/)
})

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends following, with all written', async (signal) => {
  const own = await server.database()
  const seq = await randomHistory(own, 6, 200)
  const child = spawn(process.execPath, [...FLAGS, 'project', own, '--follow'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk
  })
  const ended = once(child, 'close')
  const reached = `SELECT 1 FROM onefill_view.projection WHERE seq = ${seq}`
  while ((await sql(own, reached).catch(() => [])).length === 0) await sleep(20)
  child.kill(signal)
  expect(await ended).toEqual([0, null])
  expect(said).toMatch(`up to seq ${seq}\n`)
  expect((await reconcile({ url: own })).differences).toEqual([])
})
