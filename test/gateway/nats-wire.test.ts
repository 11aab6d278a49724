// Whatever comes over the real wire is answered once, and nothing ends the gateway or slows it:
// bad frames, a subscriber that does not read, long answers, many accounts.

import { mkdtempSync, rmSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '@nats-io/transport-node'
import { Packr } from 'msgpackr/index-no-eval'
import { expect, test } from 'vitest'
import { ANSWERED_MAX } from '../../src/gateway/bounds.ts'
import { startNats } from '../../src/gateway/embedded-nats.ts'
import { NatsGateway } from '../../src/gateway/nats-gateway.ts'
import { Directory } from '../../src/protocol/directory.ts'
import { refusalOf } from '../../src/protocol/refusal.ts'
import { ReportLog } from '../../src/protocol/report-log.ts'
import { Reports } from '../../src/protocol/reports.ts'
import { Prng } from '../support/prng.ts'
import { client, type Said, SCENE, useExchanges } from './exchange-support.ts'

const packr = new Packr({ useRecords: false, mapsAsObjects: true })

const around = useExchanges()
const { closing } = around

async function start() {
  const each = await around.start()
  await each.ask('onefill.v1.admin.batch', SCENE)
  await each.exchange.settled()
  return each
}

const order = (clOrdId: string, side = 'buy') => ({
  ...{ clOrdId, symbol: 'XUSD', side, ordType: 'limit', price: '100', orderQty: '1' },
})

/** Sends frames, each with a reply subject of its own; what came back, by frame. */
async function flood(connection: Awaited<ReturnType<typeof start>>['connection'], frames: Frame[]) {
  const inbox = `fuzz.${Math.random().toString(36).slice(2)}`
  const replies: Said[][] = frames.map(() => [])
  let count = 0
  const subscription = connection.subscribe(`${inbox}.*`, {
    callback: (_, { subject, data }) => {
      count += 1
      const number = Number(subject.split('.')[2])
      replies[number].push(
        data[0] === 0x7b || data[0] === 0x5b
          ? JSON.parse(Buffer.from(data).toString())
          : packr.unpack(data),
      )
    },
  })
  for (let from = 0; from < frames.length; from += 500) {
    const some = frames.slice(from, from + 500)
    some.forEach(({ subject, data }, at) => {
      connection.publish(subject, data, { reply: `${inbox}.${from + at}` })
    })
    const until = performance.now() + 30_000
    while (count < from + some.length && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
  // A second reply to one of them would be here by now.
  await connection.flush()
  subscription.unsubscribe()
  return replies
}
interface Frame {
  readonly subject: string
  readonly data: Uint8Array
}

const SUBJECTS = [
  ...['order.alice.new', 'order.alice.cancel', 'order.alice.replace', 'order.alice.batch'],
  ...['order.alice.massCancel', 'order.alice.nothing', 'order.$nobody.new', 'exec.alice.resend'],
  ...['query.alice.balances', 'query.bob.orders', 'md.XUSD.snapshot', 'md.NONE.snapshot'],
  ...['admin.deposit', 'admin.batch', 'admin.nothing', 'admin.limits'],
].map((rest) => `onefill.v1.${rest}`)

/** Bodies that are wrong, each in its own way, and some that are right, to be spoiled. */
const CORPUS: readonly Uint8Array[] = [
  ...['', '{', '[]', '[[]]', 'null', '1', '"x"', '{}', '[{},{}]', '{"a":{"a":{"a":{"a":{}}}}}'],
  ...['{"__proto__":{}}', '{"constructor":1}', '{"price":NaN}', '{"price":1e3}', '{"price":-1}'],
  ...[
    '{"price":"1e3"}',
    '{"price":"-1"}',
    '{"price":"0"}',
    '{"price":1}',
    '{"x":1}',
    '{"a":1,"a":2}',
  ],
  ...['{"from":1,"to":2}', '{"from":-1,"to":2}', '{"after":"x"}', '{"after":1}', '{"symbol":"Y"}'],
  `{"clOrdId":"${'x'.repeat(300)}"}`,
  JSON.stringify(order('json')),
  JSON.stringify({ ...order('other'), account: 'bob' }),
  JSON.stringify(Array.from({ length: 1_001 }, () => ({}))),
  JSON.stringify(SCENE),
].map((text) => Buffer.from(text))

test('4,000 bad frames: one typed answer each, and the gateway lives', {
  timeout: 120_000,
}, async () => {
  const { connection, ask, gateway } = await start()
  const random = new Prng(11)
  const bodies = [
    ...CORPUS,
    ...[order('packed'), [order('a'), { cmd: 'new', ...order('b') }], { from: 1, to: 3 }, {}].map(
      (body) => Buffer.from(packr.pack(body)),
    ),
    Buffer.from([0xc1]),
    Buffer.from([0xff, 0xfe]),
    Buffer.from('{"clOrdId":"\xff"}', 'latin1'),
    Buffer.from([0xdf, 0xff, 0xff, 0xff, 0xff]),
    Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]),
  ]
  const frames: Frame[] = SUBJECTS.flatMap((subject) => bodies.map((data) => ({ subject, data })))
  while (frames.length < 4_000) {
    const data = Buffer.from(random.pick(bodies))
    for (let spoiled = random.int(1, 4); spoiled > 0 && data.length > 0; spoiled -= 1) {
      data[random.int(0, data.length - 1)] = random.int(0, 255)
    }
    frames.push({
      subject: random.pick(SUBJECTS),
      data: data.subarray(0, random.int(0, data.length)),
    })
  }
  const replies = await flood(connection, frames)
  const wrong = replies.findIndex((got) => got.length !== 1)
  expect([wrong, frames[wrong]?.subject, String(frames[wrong]?.data)]).toEqual([
    -1,
    undefined,
    'undefined',
  ])
  for (const [reply] of replies) {
    for (const each of Array.isArray(reply) ? reply : [reply]) {
      if (each.execType === 'rejected')
        expect(each).toMatchObject({ code: expect.any(String), text: expect.any(String) })
      if (each.code === 'MALFORMED') expect(each.field).toEqual(expect.any(String))
    }
  }
  expect(replies.filter(([{ code }]) => code === 'MALFORMED').length).toBeGreaterThan(3_000)
  expect(gateway.isThere).toBe(true)
  expect(await ask('onefill.v1.order.bob.new', order('alive', 'sell'))).toMatchObject({
    clOrdId: 'alive',
  })
})

test('a batch of 1,000, an account with more orders than an answer holds', {
  timeout: 60_000,
}, async () => {
  const { ask, exchange, listen } = await start()
  // The longest names there may be: the replies as they are would be longer than a message.
  const [account, symbol] = ['a'.repeat(36), 's'.repeat(36)]
  const id = (number: number) => `${number}`.padStart(36, 'i')
  await ask('onefill.v1.admin.batch', [
    { cmd: 'limits', maxOpenOrders: 'off', duplicateWindowMs: 'off' },
    { ...SCENE[2], symbol },
    { cmd: 'account', account },
    { cmd: 'deposit', account, asset: 'USD', amount: '1000000', transferId: 'usd' },
  ])
  await exchange.settled()
  const heard = await listen(`onefill.v1.exec.${account}`)
  // At once: what comes of one round is more than a message holds.
  const batches = Array.from({ length: 3 }, (_, batch) =>
    Array.from({ length: 1_000 }, (_, at) => ({
      ...{ cmd: 'new', ...order(id(batch * 1_000 + at)), symbol },
    })),
  )
  const subject = `onefill.v1.order.${account}.batch`
  const replies = await Promise.all(batches.map((orders) => ask(subject, orders)))
  expect(replies.flat().map(({ clOrdId, execType }: Said) => [clOrdId, execType])).toEqual(
    batches.flat().map(({ clOrdId }) => [clOrdId, 'new']),
  )
  await exchange.settled()
  while (heard.length < 3_000) await new Promise((resolve) => setTimeout(resolve, 2))
  // A refusal says more than its command did: a thousand of them would be too long.
  const long = 'x'.repeat(64)
  const bad = { cmd: 'new', clOrdId: long, origClOrdId: long, orderId: long, symbol: long }
  const all = Array.from({ length: 1_000 }, () => ({ ...bad, transferId: long }))
  const refused = await ask(subject, all)
  expect(refused.length).toBe(1_000)
  expect(refused[999]).toMatchObject({ execType: 'rejected', clOrdId: long, code: 'MALFORMED' })
  expect(refused[999].symbol).toBe(undefined)
  const found: string[] = []
  for (let behind = {}, more = true; more; ) {
    const answer = await ask(`onefill.v1.query.${account}.orders`, behind)
    expect(answer.orders.length).toBeLessThanOrEqual(ANSWERED_MAX)
    found.push(...answer.orders.map(({ clOrdId }: Said) => clOrdId))
    more = answer.more === true
    behind = { after: answer.orders.at(-1)?.orderId }
  }
  expect(found).toEqual(Array.from({ length: 3_000 }, (_, number) => id(number)))
})

test('a subscriber that never reads does not hold up replies', {
  timeout: 60_000,
}, async () => {
  const { ask } = await start()
  await ask('onefill.v1.admin.limits', { maxOpenOrders: 'off', duplicateWindowMs: 'off' })
  const deaf = connectSocket(around.servers.nats.port, '127.0.0.1')
  closing.push(async () => void deaf.destroy())
  deaf.write(
    'CONNECT {"verbose":false}\r\nSUB onefill.v1.exec.> 1\r\nSUB onefill.v1.md.> 2\r\nPING\r\n',
  )
  deaf.pause()
  let slowest = 0
  let bytes = 0
  // More than the server and both sockets keep for a subscriber.
  for (let batch = 0; bytes < 50_000_000; batch += 1) {
    const orders = Array.from({ length: 1_000 }, (_, at) => ({
      cmd: 'new',
      ...order(`d-${batch}-${at}`),
      price: '0.01',
    }))
    const startMs = performance.now()
    const replies = await ask('onefill.v1.order.alice.batch', orders)
    slowest = Math.max(slowest, performance.now() - startMs)
    expect(replies.every(({ execType }: Said) => execType === 'new')).toBe(true)
    bytes += JSON.stringify(replies).length
  }
  // The client's patience is ten seconds, the server's for its subscriber two.
  expect(slowest).toBeLessThan(10_000)
})

test('10,000 accounts: each has its own reply and report', { timeout: 120_000 }, async () => {
  const { connection, ask, exchange } = await start()
  await ask('onefill.v1.admin.limits', { maxOpenOrders: 'off', duplicateWindowMs: 'off' })
  const accounts = Array.from({ length: 10_000 }, (_, number) => `trader-${number}`)
  const made = accounts.flatMap((account) => [
    { cmd: 'account', account },
    { cmd: 'deposit', account, asset: 'USD', amount: '1000', transferId: 'usd' },
  ])
  for (let from = 0; from < made.length; from += 1_000)
    await ask('onefill.v1.admin.batch', made.slice(from, from + 1_000))
  await exchange.settled()
  const heard = new Map<string, number>()
  connection.subscribe('onefill.v1.exec.*', {
    callback: (_, message) => {
      for (const { account, execType } of message.json<Said[]>())
        if (execType === 'new') heard.set(account, (heard.get(account) ?? 0) + 1)
    },
  })
  await connection.flush()
  const frames = accounts.map((account) => ({
    subject: `onefill.v1.order.${account}.new`,
    data: packr.pack(order('one')),
  }))
  const replies = await flood(connection, frames)
  expect(replies.map(([reply]) => reply.account)).toEqual(accounts)
  await exchange.settled()
  while (heard.size < accounts.length) await new Promise((resolve) => setTimeout(resolve, 5))
  expect([...heard.values()].every((count) => count === 1)).toBe(true)
})

test('nobody is answered on a subject of ours', async () => {
  const { connection, listen, ask, exchange } = await start()
  const bob = await listen('onefill.v1.exec.bob')
  const admin = await listen('onefill.v1.admin.halt')
  for (const reply of [
    'onefill.v1.exec.bob',
    'onefill.v1.order.bob.new',
    'onefill.v1.admin.halt',
  ]) {
    connection.publish('onefill.v1.order.alice.new', JSON.stringify(order(`to-${reply.length}`)), {
      reply,
    })
    connection.publish('onefill.v1.query.alice.balances', '{}', { reply })
  }
  await ask('onefill.v1.query.alice.balances', {})
  await exchange.settled()
  await connection.flush()
  expect([bob, admin]).toEqual([[], []])
})

test('discovery and statistics, as the services protocol has them', async () => {
  const { ask, connection } = await start()
  await ask('onefill.v1.order.alice.new', {})
  const ping = await ask('$SRV.PING', '')
  expect(ping).toMatchObject({
    type: 'io.nats.micro.v1.ping_response',
    name: 'onefill',
    metadata: {},
  })
  expect(ping.version).toMatch(/^\d+\.\d+\.\d+$/)
  const info = await ask('$SRV.INFO.onefill', '')
  expect(info).toMatchObject({ type: 'io.nats.micro.v1.info_response', id: ping.id })
  expect(info.endpoints[0]).toEqual({
    ...{ name: 'order', subject: 'onefill.v1.order.*.*', queue_group: '', metadata: {} },
  })
  const stats = await ask(`$SRV.STATS.onefill.${ping.id}`, '')
  expect(stats).toMatchObject({
    type: 'io.nats.micro.v1.stats_response',
    started: expect.any(String),
  })
  const [orders] = stats.endpoints
  expect(orders).toMatchObject({ name: 'order', num_requests: 1, num_errors: 0, last_error: '' })
  expect(orders.processing_time).toBeGreaterThan(0)
  await expect(
    connection.request('$SRV.PING.onefill.other', '', { timeout: 500 }),
  ).rejects.toThrow()
})

test('a fault in a callback is loud, and the exchange stops', async () => {
  const faults: unknown[] = []
  const gateway = await NatsGateway.connect({
    url: around.servers.nats.url,
    onFault: (error) => faults.push(error),
  })
  closing.push(() => gateway.close())
  const broken = new Error('it broke')
  const query = () => Promise.reject(broken)
  gateway.open({
    submit: () => {
      throw broken
    },
    query,
    seq: 0,
    isSure: true,
    names: new Directory(),
    submitAll: () => undefined,
  })
  const of = await client(around.servers)
  closing.push(() => of.connection.close())
  await expect(
    of.connection.request('onefill.v1.order.alice.new', '{}', { timeout: 300 }),
  ).rejects.toThrow()
  expect(faults).toEqual([broken])
  await expect(gateway.takeReports(new Reports(new ReportLog(), new Directory()))).rejects.toBe(
    broken,
  )
  // The client's reader lives.
  await expect(
    of.connection.request('onefill.v1.order.alice.new', '{}', { timeout: 300 }),
  ).rejects.toThrow(/responders/)
})

test('subjects of ours that we may not use are told, those of replies are not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'onefill-nats-'))
  const config = `authorization: { users: [
    { user: "exchange", password: "p", permissions: {
      publish: ["onefill.v1.exec.*", "_INBOX.>"],
      subscribe: { allow: [">"], deny: ["onefill.v1.admin.*"] } } }
    { user: "trader", password: "p" }
  ] }`
  const nats = await startNats({ folder, config })
  const denied: string[] = []
  const at = (user: string) => nats.url.replace('://', `://${user}:p@`)
  const gateway = await NatsGateway.connect({
    ...{ url: at('exchange'), onDenied: ({ message }) => void denied.push(message) },
  })
  try {
    gateway.open({
      ...{ submit: () => refusalOf({ code: 'OVERLOADED' }, {}), query: () => Promise.reject() },
      ...{ seq: 0, isSure: true, names: new Directory(), submitAll: () => undefined },
    })
    const connection = await connect({ servers: nats.url, user: 'trader', pass: 'p' })
    closing.push(() => connection.close())
    // The first reply may not be sent, the first refusal neither.
    connection.publish('onefill.v1.order.alice.new', '{}', { reply: 'elsewhere.1' })
    connection.publish('onefill.v1.order.alice.new', '{}')
    connection.publish('onefill.v1.order.bob.new', '{}')
    const untilMs = performance.now() + 30_000
    while (denied.length < 4 && performance.now() < untilMs) await delay(2)
    const said = (subject: string) => `NATS does not let the exchange publish to ${subject}.`
    const [subscribing, publishing] = [true, false].map((is) =>
      denied.filter((message) => message.includes('subscribe to') === is),
    )
    expect(new Set(publishing)).toEqual(
      new Set([said('onefill.v1.exec.*.refused'), said('onefill.v1.status')]),
    )
    expect(subscribing).toEqual([
      expect.stringContaining('NATS does not let the exchange subscribe to onefill.v1.admin.*: '),
    ])
  } finally {
    await gateway.close()
    await nats.stop()
    rmSync(folder, { recursive: true, force: true })
  }
})

test('user and password in the address; a server whose messages are too small', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'onefill-nats-'))
  closing.push(async () => rmSync(folder, { recursive: true, force: true }))
  const config = 'authorization { user: "u", password: "p%" }'
  const guarded = await startNats({ folder: join(folder, 'guarded'), config })
  closing.unshift(() => guarded.stop())
  const url = guarded.url.replace('://', '://u:p%25@')
  await (await NatsGateway.connect({ url })).close()
  const refusal = /^No NATS server can be used at 127\.0\.0\.1:\d+: /
  await expect(NatsGateway.connect({ url: guarded.url })).rejects.toThrow(refusal)
  await expect(NatsGateway.connect({ url: url.replace('p%25', 'no') })).rejects.toThrow(refusal)
  const small = await startNats({ folder: join(folder, 'small'), config: 'max_payload: 1000' })
  closing.unshift(() => small.stop())
  await expect(NatsGateway.connect({ url: small.url })).rejects.toThrow(/max_payload is 1000 bytes/)
})
