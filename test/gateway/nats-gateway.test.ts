// Orders in over a real NATS server, reports out, on a real Postgres.

import { TimeoutError } from '@nats-io/transport-node'
import { expect, test, vi } from 'vitest'
import { decodeReports, encodeFrame } from '../../src/gateway/frame.ts'
import { until } from '../support/until.ts'
import { SCENE, useExchanges } from './exchange-support.ts'

const around = useExchanges()
const { running, start } = around

const order = (clOrdId: string, side: string, price = '1', orderQty = '1') => ({
  ...{ clOrdId, symbol: 'XUSD', side, ordType: 'limit', price, orderQty },
})

test('a trade, from two orders to the reports of both', async () => {
  const { exchange, ask, listen } = await start()
  expect(await ask('onefill.v1.admin.batch', SCENE)).toMatchObject(
    SCENE.map(({ cmd }) => ({ execType: 'accepted', cmd })),
  )
  // Replies and reports come by different connections, in no order between them.
  await exchange.settled()
  const alice = await listen('onefill.v1.exec.alice')
  const bob = await listen('onefill.v1.exec.bob')
  const trades = await listen('onefill.v1.md.XUSD.trades')
  const depth = await listen('onefill.v1.md.XUSD.depth')
  expect(await ask('onefill.v1.order.alice.new', order('a-1', 'buy', '2', '5'))).toMatchObject({
    ...{ execType: 'new', ordStatus: 'new', account: 'alice', clOrdId: 'a-1', leavesQty: '5' },
  })
  expect(await ask('onefill.v1.order.bob.new', order('b-1', 'sell', '2', '3'))).toMatchObject({
    ...{ execType: 'new', account: 'bob' },
  })
  await until(() => alice.length === 2 && bob.length === 2 && trades.length === 1)
  expect(alice.map(({ execType }) => execType)).toEqual(['new', 'trade'])
  expect(bob.map(({ execType, lastQty }) => [execType, lastQty])).toEqual([
    ['new', undefined],
    ['trade', '3'],
  ])
  expect(trades).toMatchObject([{ symbol: 'XUSD', price: '2', qty: '3', side: 'sell' }])
  await until(() => depth.at(-1)?.bids[0]?.qty === '2')
  expect(await ask('onefill.v1.md.XUSD.snapshot', {})).toMatchObject({
    ...{ type: 'snapshot', feedSeq: depth.at(-1).feedSeq },
    ...{ bids: [{ price: '2', qty: '2' }], asks: [] },
  })
  expect(await ask('onefill.v1.query.alice.balances', {})).toMatchObject({ account: 'alice' })
  expect(await ask('onefill.v1.query.alice.orders', {})).toMatchObject({
    orders: [{ clOrdId: 'a-1', leavesQty: '2' }],
  })
})

test('the same again gives the first outcome; a restart does not forget it', async () => {
  const first = await start()
  await first.ask('onefill.v1.admin.batch', SCENE)
  const one = await first.ask('onefill.v1.order.alice.new', order('a-1', 'buy'))
  const again = await first.ask('onefill.v1.order.alice.new', order('a-1', 'buy'))
  expect(again).toMatchObject({ duplicate: true, orderId: one.orderId })
  await running.splice(0)[0].close()
  const second = await start(first.url)
  expect(await second.ask('onefill.v1.order.alice.new', order('a-1', 'buy'))).toMatchObject({
    ...{ duplicate: true, orderId: one.orderId, execType: 'new' },
  })
})

test('reports are numbered without a gap, and can be asked for again', async () => {
  const { exchange, ask, listen } = await start()
  await ask('onefill.v1.admin.batch', SCENE)
  // Replies and reports come by different connections, in no order between them.
  await exchange.settled()
  const alice = await listen('onefill.v1.exec.alice')
  const orders = Array.from({ length: 20 }, (_, n) => ({ cmd: 'new', ...order(`a-${n}`, 'buy') }))
  const replies = await ask('onefill.v1.order.alice.batch', orders)
  expect(replies.map(({ clOrdId }: { clOrdId: string }) => clOrdId)).toEqual(
    orders.map(({ clOrdId }) => clOrdId),
  )
  await until(() => alice.length === 20)
  const first = alice[0].execSeq
  expect(alice.map(({ execSeq }) => execSeq)).toEqual(orders.map((_, n) => first + n))
  const gap = await ask('onefill.v1.exec.alice.resend', { from: first + 3, to: first + 5 })
  expect(gap.reports).toEqual(alice.slice(3, 6))
})

test('what is bad is refused in one reply that names it', async () => {
  const { connection, ask } = await start()
  await ask('onefill.v1.admin.batch', SCENE)
  const refused = async (subject: string, body: unknown) => {
    const { execType, code, field } = await ask(`onefill.v1.${subject}`, body)
    expect(execType).toBe('rejected')
    return `${code} ${field}`
  }
  const other = { ...order('x', 'buy'), account: 'bob' }
  expect(await refused('order.alice.new', other)).toBe('WRONG_ACCOUNT account')
  expect(await refused('order.alice.new', { ...order('x', 'buy'), price: 1 })).toBe(
    'MALFORMED price',
  )
  expect(await refused('order.alice.deposit', {})).toBe('MALFORMED verb')
  expect(await refused('order.alice.new', { ...order('x', 'buy'), cmd: 'halt' })).toBe(
    'MALFORMED cmd',
  )
  expect(await refused('order.nobody.new', order('x', 'buy'))).toBe('UNKNOWN_ACCOUNT account')
  expect(await refused('exec.alice.resend', { from: 0 })).toBe('MALFORMED from')
  const reply = await connection.request('onefill.v1.order.alice.new', '{"clOrdId":', {
    timeout: 9_000,
  })
  expect(reply.json()).toMatchObject({ code: 'MALFORMED', field: 'frame' })
})

test.each(['json', 'msgpack'] as const)(
  '%s without a reply subject: reports say what became of it, and refusals what was not taken in',
  async (format) => {
    const { exchange, connection, ask, listen } = await start()
    await ask('onefill.v1.admin.batch', SCENE)
    await exchange.settled()
    const reports = await listen('onefill.v1.exec.alice')
    const refused: Record<string, unknown>[] = []
    connection.subscribe('onefill.v1.exec.*.refused', {
      callback: (_, { subject, data }) => {
        expect(subject).toBe('onefill.v1.exec.alice.refused')
        refused.push(...(decodeReports(data) as unknown as Record<string, unknown>[]))
      },
    })
    const publish = (verb: string, body: unknown, reply = '') =>
      connection.publish(`onefill.v1.order.alice.${verb}`, encodeFrame(body, format), { reply })
    const poor = { ...order('poor', 'buy', '1000000'), orderQty: '1000000' }
    publish('new', order('a-1', 'buy'))
    publish('new', { ...order('a-2', 'buy'), price: '1.001' })
    publish('new', poor)
    publish('batch', [
      { cmd: 'new', ...order('a-3', 'buy') },
      { cmd: 'new', ...order('a-4', 'buy'), symbol: 'NONE' },
      { cmd: 'cancel', symbol: 'XUSD', origClOrdId: 'a-1' },
    ])
    publish('new', { ...order('a-5', 'buy'), account: 'bob' })
    publish('sell', {})
    connection.publish('onefill.v1.order.alice.new', Buffer.from([0xc1]))
    publish('new', { ...order('a-6', 'hold') }, 'onefill.v1.exec.bob')
    publish('new', order('a-7', 'buy'))
    await until(() => reports.length === 5 && refused.length === 6)
    expect(reports.map(({ execType, clOrdId, code }) => [execType, clOrdId, code])).toEqual([
      ['new', 'a-1', undefined],
      ['rejected', 'poor', 'INSUFFICIENT_FUNDS'],
      ['new', 'a-3', undefined],
      ['canceled', 'a-1', undefined],
      ['new', 'a-7', undefined],
    ])
    expect(refused.map(({ code, field, clOrdId }) => [code, field, clOrdId])).toEqual([
      ['PRICE_PRECISION', 'price', 'a-2'],
      ['UNKNOWN_SYMBOL', 'symbol', 'a-4'],
      ['WRONG_ACCOUNT', 'account', 'a-5'],
      ['MALFORMED', 'verb', undefined],
      ['MALFORMED', 'frame', undefined],
      ['MALFORMED', 'side', 'a-6'],
    ])
  },
)

test('NATS is away for a while: no report is lost, each account has its own in order', async () => {
  const { exchange, connection, ask, listen } = await start()
  await ask('onefill.v1.admin.batch', SCENE)
  // Replies and reports come by different connections, in no order between them.
  await exchange.settled()
  const alice = await listen('onefill.v1.exec.alice')
  await around.servers.nats.kill()
  for (let number = 0; number < 50; number += 1) {
    exchange.submit({ cmd: 'new', account: 'alice', ...order(`n-${number}`, 'buy') })
  }
  await around.servers.nats.start()
  await exchange.settled()
  // What came before this subscriber was back is asked for again, as every consumer must.
  while (
    !(await connection.flush().then(
      () => true,
      () => false,
    ))
  ) {}
  const { newest } = await ask('onefill.v1.exec.alice.resend', { from: 1, to: 1 })
  const again = await ask('onefill.v1.exec.alice.resend', { from: 1, to: newest })
  const seen = new Map(
    [...again.reports, ...alice].map(({ execSeq, clOrdId }) => [execSeq, clOrdId]),
  )
  expect([...seen.keys()]).toEqual(Array.from({ length: newest }, (_, number) => number + 1))
  expect([...seen.values()].filter((clOrdId) => clOrdId?.startsWith('n-'))).toEqual(
    Array.from({ length: 50 }, (_, number) => `n-${number}`),
  )
})

test('a stop says what books have come to, also those that are not due yet', async () => {
  // So long that no book is looked at twice by itself.
  const { exchange, gateway, ask, listen } = await start(undefined, {
    gateway: { depthEveryMs: 600_000 },
  })
  await ask('onefill.v1.admin.batch', SCENE)
  const bbo = await listen('onefill.v1.md.XUSD.bbo')
  const depth = await listen('onefill.v1.md.XUSD.depth')
  await ask('onefill.v1.order.alice.new', order('a-1', 'buy', '1'))
  await until(() => bbo.length === 1)
  await ask('onefill.v1.order.alice.new', order('a-2', 'buy', '2'))
  await gateway.finishTaking()
  await exchange.settled()
  await gateway.finishSaying()
  await until(() => bbo.length === 2 && depth.length === 2)
  expect([bbo[1].bid.price, depth[1].bids[0].price]).toEqual(['2', '2'])
})

test('a fault on the way of a book is told; a question that fails is not one', async () => {
  const faults: unknown[] = []
  const fault = new Error('a taker that breaks')
  const gateway = { onFault: (error: unknown) => faults.push(error) }
  const { exchange, gateway: running, ask, connection } = await start(undefined, { gateway })
  await ask('onefill.v1.admin.batch', SCENE)
  // It stops leading between the question and its answer.
  const query = vi.spyOn(exchange, 'query').mockRejectedValue(new Error('nobody leads here'))
  for (const subject of ['md.XUSD.snapshot', 'query.alice.balances']) {
    const asked = connection.request(`onefill.v1.${subject}`, '{}', { timeout: 200 })
    await expect(asked).rejects.toThrow(TimeoutError)
  }
  expect(query).toHaveBeenCalledTimes(2)
  expect(faults).toEqual([])
  query.mockRestore()
  running.market.addTaker(() => {
    throw fault
  })
  connection.publish('onefill.v1.md.XUSD.snapshot', '{}', { reply: 'nobody' })
  await until(() => faults.length > 0)
  expect(faults).toEqual([fault])
})
