// The commands that are clients, as processes, against a real exchange.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { OnefillClient } from '../../src/client.ts'
import { type Running, type Servers, serve, startServers } from '../gateway/exchange-support.ts'

const TOOL = join(import.meta.dirname, '../../bin/onefill.js')

let servers: Servers
let running: Running
let alice: OnefillClient
const children = new Set<ChildProcess>()

beforeAll(async () => {
  servers = await startServers()
  running = await serve(servers, await servers.database())
  alice = await OnefillClient.connect({ servers: servers.nats.url, account: 'alice' })
}, 600_000)
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await alice.close()
  await running.close()
  await servers.end()
  // A Postgres on a slow disk takes its time to stop.
}, 60_000)

/** The tool while it runs; the exchange is in this process, so nothing may block it. */
function start(args: readonly string[], { nats = servers.nats.url, cwd = '/' } = {}) {
  const env: NodeJS.ProcessEnv = { ...process.env, NATS_URL: nats }
  if (nats === '') delete env.NATS_URL
  const child = spawn(process.execPath, [TOOL, ...args], { env, cwd })
  children.add(child)
  const said = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text
  })
  const end = once(child, 'close').then(() => {
    children.delete(child)
    return { ...said, status: child.exitCode }
  })
  return { child, said, end }
}
const run = (line: string, options = {}) => start(line.split(' '), options).end

/** Waits, but not for ever: what never comes is an error here. */
const until = async (holds: () => boolean) => {
  const endMs = performance.now() + 60_000
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`it never holds: ${holds}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Runs it; it must be accepted. Its output. */
async function done(line: string): Promise<string> {
  const { status, stdout, stderr } = await run(line)
  expect([line, status, stderr]).toEqual([line, 0, ''])
  return stdout
}

test('a market from nothing, by hand', async () => {
  expect(await done('admin asset USD 2')).toBe('accepted asset  USD\n')
  await done('admin asset X 0')
  await done('admin instrument XUSD --base X --quote USD --tick 0.01 --lot 1 --min-qty 1')
  for (const account of ['alice', 'bob']) {
    await done(`admin account ${account}`)
    await done(`admin deposit ${account} 1000000 USD`)
  }
  expect(await done('admin deposit bob 100 X --transfer-id d-1')).toBe(
    'accepted deposit  bob  100 X  transferId d-1\n',
  )
  expect(await done('admin deposit bob 100 X --transfer-id d-1')).toContain('accepted (again)')
  const bought = await done('order buy XUSD 10 --price 2.5 --account alice --cl-ord-id a-1')
  expect(bought).toMatch(/^new {2}order \d+ {2}buy 10 XUSD @ 2.5 {2}clOrdId a-1\n$/)
  await done('order sell XUSD 4 --price 2.5 --account bob --tif IOC')
  expect((await done('book XUSD')).split('\n').slice(1)).toEqual([
    'orders  quantity  bid  ask  quantity  orders',
    '     1         6  2.5',
    '',
  ])
  expect(await done('balances --account alice')).toBe(`\
asset  available  held
USD       999975    15
X              4     0

position  quantity  average cost  realised  open buys  open sells
XUSD             4           2.5         0          6           0
`)
  const orders = (await done('orders --account alice')).split('\n')
  expect(orders[0]).toBe('order  symbol  side  price  quantity  filled  status           clOrdId')
  expect(orders[1]).toMatch(/^ +\d+ {2}XUSD {4}buy +2.5 +10 +4 {2}partiallyFilled {2}a-1$/)
  expect(await done('fills --account alice')).toMatch(
    /^ execSeq .*\n +\d+ {2}XUSD +buy +4 +2.5 +0 USD {2}partiallyFilled {2}a-1\n$/,
  )
  expect(await done('status')).toMatch(/^status {6}leading\nseq {9}\d+\n/)
  expect(await done('replace --cl-ord-id a-1 --price 2.51 --qty 9 --account alice')).toContain(
    'replaced',
  )
  const [{ orderId }] = JSON.parse(await done('orders --account alice --json')).orders
  expect(await done(`cancel ${orderId} --account alice`)).toContain(`canceled  order ${orderId}`)
  await done('order buy XUSD 1 --price 2.5 --account alice')
  expect(await done('cancel --all --account alice')).toContain('1 orders')
})

test('the operator has switches', async () => {
  await done('admin limits maxOrderQty=500 maxOpenOrders=7 priceDeviation=off --account bob')
  await done('admin limits maxOrderQty=none reduceOnly=false --account bob')
  for (const verb of ['halt XUSD', 'resume XUSD', 'suspend bob', 'activate bob']) {
    await done(`admin ${verb}`)
  }
  await done('admin kill-switch on --account bob --cancel-all')
  await done('admin kill-switch off --account bob')
  await done('admin withdraw bob 1 USD')
  await done('admin transfer bob alice 1 USD')
})

test('a refusal is one line, and 1', async () => {
  const refused = async (line: string) => {
    const { status, stdout, stderr } = await run(line)
    expect([status, stdout]).toEqual([1, ''])
    return stderr
  }
  expect(await refused('order buy XUSD 10 --price 2.505 --account alice')).toMatch(
    /^onefill: refused: PRICE_PRECISION.*: the price is not a whole number of ticks.*\n$/,
  )
  expect(await refused('order buy XUSD ten --price 2.5 --account alice')).toMatch(
    /^onefill: refused: MALFORMED orderQty: .+\n$/,
  )
  expect(await refused('balances --account nobody')).toMatch(/refused: UNKNOWN_ACCOUNT account: /)
  expect(await refused('fills --account nobody')).toMatch(/refused: UNKNOWN_ACCOUNT account: /)
  expect(await refused('book NONE')).toMatch(/^onefill: refused: UNKNOWN_SYMBOL symbol: .+\n$/)
  expect(await refused('admin deposit alice 0.001 USD')).toMatch(/AMOUNT_PRECISION/)
  expect(await refused('admin limits noSuch=1')).toMatch(/MALFORMED noSuch/)
  expect(await refused('cancel 999 --account alice')).toMatch(/no open order 999 of alice/)
  expect(await refused('cancel 999 --symbol XUSD --account alice')).toMatch(/UNKNOWN_ORDER/)
  expect(await refused('order hold XUSD 1 --account alice')).toMatch(/^onefill: hold: give buy or /)
  const { status, stdout } = await run('order buy XUSD 1 --price 0.001 --account alice --json')
  expect(status).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({ execType: 'rejected', code: 'PRICE_PRECISION' })
})

test('nobody there', async () => {
  const none = await run('status', { nats: 'nats://127.0.0.1:1' })
  expect(none.status).toBe(1)
  expect(none.stderr).toMatch(/^onefill: No NATS server can be used at 127.0.0.1:1: .+\n$/)
  running.gateway.stopTaking()
  try {
    const { status, stderr } = await run(
      'order buy XUSD 1 --account alice --wait 0.5 --cl-ord-id z',
    )
    expect(status).toBe(1)
    expect(stderr).toMatch(
      /^onefill: No answer within \d+ ms: it was not taken in, .* its id z\.\n$/,
    )
  } finally {
    running.gateway.open(running.exchange)
  }
})

test('the address that a server has left is found', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'onefill-client-'))
  mkdirSync(join(folder, '.onefill'))
  writeFileSync(join(folder, '.onefill/nats-url'), `${servers.nats.url}\n`)
  const { status } = await run('status', { nats: '', cwd: folder })
  expect(status).toBe(0)
  rmSync(folder, { recursive: true })
})

test('fills are followed and a book is watched, until Ctrl+C', async () => {
  const fills = start(['fills', '--account', 'alice', '--follow', '--json'])
  const watch = start(['book', 'XUSD', '--watch', '--json', '--depth', '1'])
  await until(() => fills.said.stdout !== '' && watch.said.stdout !== '')
  await alice.submit({ symbol: 'XUSD', side: 'buy', orderQty: '2', price: '2.5', clOrdId: 'f-1' })
  await until(() => watch.said.stdout.includes('"bids":[{"price":"2.5","qty":"2"'))
  expect((await run('order sell XUSD 2 --price 2.5 --account bob')).status).toBe(0)
  await until(() => fills.said.stdout.includes('f-1'))
  const lines = fills.said.stdout.trim().split('\n')
  expect(JSON.parse(lines.at(-1) as string)).toMatchObject({ execType: 'trade', lastQty: '2' })
  for (const each of [fills, watch]) {
    each.child.kill('SIGINT')
    expect(await each.end).toMatchObject({ status: 0, stderr: '' })
  }
})

test.each([
  ...['order', 'cancel', 'replace', 'book', 'balances', 'orders', 'fills', 'status', 'admin'],
  ...['admin deposit', 'admin limits'],
])('%s has help with an example', async (command) => {
  const { status, stdout } = await run(`${command} --help`)
  expect([status, /Examples?:\n {2}\$ onefill /.test(stdout)]).toEqual([0, true])
})
