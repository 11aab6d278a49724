// The commands that are clients, as processes, against a real exchange.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { OnefillClient } from '../../src/client.ts'
import { until } from '../support/until.ts'
import { useClients } from './client-support.ts'

const around = useClients()
const { run, start } = around

let alice: OnefillClient
beforeAll(async () => {
  const servers = around.servers.nats.url
  alice = await OnefillClient.connect({ servers, account: 'alice' })
})
afterAll(() => alice.close())

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

test('a replace sent again under its id needs no symbol while the order is open', async () => {
  await done('order buy XUSD 9 --price 2.5 --account alice --cl-ord-id r-1')
  const line = 'replace --cl-ord-id r-1 --new-cl-ord-id r-2 --price 2.51 --qty 8 --account alice'
  expect(await done(line)).toMatch(/^replaced {2}order \d+ .* clOrdId r-2\n$/)
  const again = /^replaced \(again\) .* clOrdId r-2\n$/
  expect(await done(line)).toMatch(again)
  await done('cancel --all --account alice')
  const gone = await run(line)
  expect([gone.status, gone.stderr]).toEqual([
    ...[1, expect.stringMatching(/^onefill: no open order r-1 of .*; with --symbol .* again\.\n$/)],
  ])
  expect(await done(`${line} --symbol XUSD`)).toMatch(again)
})

test('the operator has switches', async () => {
  await done('admin limits maxOrderQty=500 maxOpenOrders=7 priceDeviation=off --account bob')
  await done('admin limits maxOrderQty=none reduceOnly=false --account bob')
  await done('admin limits maxOrderQty=null --account bob')
  for (const verb of ['halt XUSD', 'resume XUSD', 'suspend bob', 'activate bob']) {
    await done(`admin ${verb}`)
  }
  await done('admin kill-switch on --account bob --cancel-all')
  await done('admin kill-switch off --account bob')
  await done('admin withdraw bob 1 USD')
  expect(await done('admin transfer bob alice 1 USD --transfer-id t-1')).toBe(
    'accepted transfer  bob  to alice  1 USD  transferId t-1\n',
  )
})

test('a market order is no limit order, and a repeated one is said once', async () => {
  await done('order sell XUSD 1 --price 2.5 --account bob')
  const line = await done('order buy XUSD 1 --account alice --cl-ord-id m-1')
  expect(line).toMatch(
    /^new {2}order \d+ {2}buy 1 XUSD at market, at most 2\.\d+ {2}clOrdId m-1\n$/,
  )
  const again = await done('order buy XUSD 1 --account alice --cl-ord-id m-1')
  expect(again).toMatch(/^new \(again\) {2}order \d+ {2}buy 1 XUSD at market {2}clOrdId m-1\n$/)
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
  for (const line of ['cancel 1', 'cancel --cl-ord-id a', 'replace 1 --price 1 --qty 1']) {
    expect(await refused(`${line} --account nobody`)).toMatch(/refused: UNKNOWN_ACCOUNT account: /)
  }
  expect(await refused('cancel 999 --account alice')).toMatch(/no open order 999 of alice/)
  expect(await refused('cancel 999 --symbol XUSD --account alice')).toMatch(/UNKNOWN_ORDER/)
  const { status, stdout } = await run('order buy XUSD 1 --price 0.001 --account alice --json')
  expect(status).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({ execType: 'rejected', code: 'PRICE_PRECISION' })
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
