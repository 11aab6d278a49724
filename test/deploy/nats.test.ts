// deploy/nats/onefill.conf on a real server: accounts cannot reach each other's subjects; and what
// the permissions cannot see, the gateway refuses.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AdminClient, OnefillClient } from '../../src/client.ts'
import { DurableExchange } from '../../src/durable.ts'
import { needNatsServer } from '../../src/gateway/nats-binary.ts'
import { NatsGateway } from '../../src/gateway/nats-gateway.ts'
import { freePort } from '../../src/persistence/child-server.ts'
import { Databases } from '../support/databases.ts'
import { ask, type Said } from '../support/surroundings.ts'

const CONFIG = join(import.meta.dirname, '../../deploy/nats/onefill.conf')
const USERS = ['exchange', 'admin', 'alice', 'bob'] as const
type User = (typeof USERS)[number]
const passwordOf = (user: User) => `secret-of-${user}`
const HOOK_MS = 600_000

let server: ChildProcess
let port = 0
let databases: Databases
let exchange: DurableExchange
let gateway: NatsGateway
const clients = new Map<User, NatsConnection>()
const denied = new Map<User, string[]>()

beforeAll(async () => {
  databases = await Databases.start()
  const binary = await needNatsServer()
  port = await freePort()
  const passwords = USERS.map((user) => [`NATS_${user.toUpperCase()}_PASSWORD`, passwordOf(user)])
  server = spawn(binary, ['-c', CONFIG, '-a', '127.0.0.1', '-p', String(port)], {
    ...{ env: { ...process.env, ...Object.fromEntries(passwords) }, stdio: 'ignore' },
  })
  for (const user of ['admin', 'alice', 'bob'] as const) clients.set(user, await client(user))
  gateway = await NatsGateway.connect({
    url: `nats://exchange:${passwordOf('exchange')}@127.0.0.1:${port}`,
  })
  const url = await databases.create()
  exchange = await DurableExchange.open({ url, takeReports: gateway.takeReports })
  await gateway.open(exchange, exchange.identity)
  const scene = [
    { cmd: 'asset', asset: 'USD', decimals: 2 },
    { cmd: 'asset', asset: 'X', decimals: 0 },
    { cmd: 'instrument', symbol: 'XUSD', base: 'X', quote: 'USD', tickSize: '0.01', lotSize: '1' },
    ...['alice', 'bob'].flatMap((account) => [
      { cmd: 'account', account },
      { cmd: 'deposit', account, asset: 'USD', amount: '1000', transferId: 'usd' },
      { cmd: 'deposit', account, asset: 'X', amount: '1000', transferId: 'x' },
    ]),
  ]
  const replies: Said[] = await ask(as('admin'), 'onefill.v1.admin.batch', scene)
  expect(replies.map(({ execType }) => execType)).toEqual(scene.map(() => 'accepted'))
}, HOOK_MS)

afterAll(async () => {
  for (const connection of clients.values()) await connection.close()
  gateway.stopTaking()
  await exchange.close()
  await gateway.close()
  const gone = once(server, 'exit')
  server.kill('SIGINT')
  await gone
  await databases.stop()
}, HOOK_MS)

const as = (user: User): NatsConnection => clients.get(user)!

/** A client of the server, as soon as that is up. */
async function client(user: User): Promise<NatsConnection> {
  for (;;) {
    try {
      const connection = await connect({
        ...{ servers: `127.0.0.1:${port}`, user, pass: passwordOf(user) },
        inboxPrefix: `_INBOX.${user}`,
      })
      denied.set(user, [])
      void (async () => {
        for await (const status of connection.status()) {
          if (status.type === 'error') denied.get(user)?.push(status.error.message)
        }
      })()
      return connection
    } catch (error) {
      if (server.exitCode !== null || !/refused/i.test(String(error))) throw error
    }
  }
}

/** What is heard on a subject from now on, or that it may not be listened to. */
async function listen(user: User, subject: string) {
  const heard: Said[] = []
  const errors: Error[] = []
  as(user).subscribe(subject, {
    callback: (error, message) => {
      if (error !== null) errors.push(error)
      else heard.push(message.json())
    },
  })
  await as(user).flush()
  return { heard, errors }
}

const order = (clOrdId: string, side: string) => ({
  ...{ clOrdId, symbol: 'XUSD', side, ordType: 'limit', price: '1', orderQty: '1' },
})

test('the exchange may ask who serves', async () => {
  const other = await NatsGateway.connect({
    url: `nats://exchange:${passwordOf('exchange')}@127.0.0.1:${port}`,
  })
  expect(await other.others()).toMatchObject([exchange.identity])
  expect(await gateway.others()).toEqual([])
  await other.close()
  const denied = await NatsGateway.connect({
    url: `nats://alice:${passwordOf('alice')}@127.0.0.1:${port}`,
  })
  expect(await denied.others()).toBe(undefined)
  await denied.close()
})

test('the client library works as the accounts and the operator do', async () => {
  const login = (user: User) => ({
    ...{ servers: `nats://127.0.0.1:${port}`, user, pass: passwordOf(user) },
  })
  const admin = await AdminClient.connect(login('admin'))
  const paid = await admin.deposit({ account: 'alice', asset: 'USD', amount: '1' })
  expect(paid).toMatchObject({ execType: 'accepted' })
  await admin.close()
  const alice = await OnefillClient.connect({ ...login('alice'), account: 'alice' })
  const seen: string[] = []
  await alice.onReport(({ execType }) => seen.push(execType)).ready
  const order = { symbol: 'XUSD', side: 'buy', orderQty: '1', price: '0.01' } as const
  expect(await alice.submit(order)).toMatchObject({ execType: 'new' })
  await alice.book('XUSD', () => {}).ready
  expect(await alice.massCancel({})).toMatchObject({ execType: 'accepted' })
  while (!seen.includes('canceled')) await sleep(5)
  expect(seen).toEqual(['new', 'accepted', 'canceled'])
  await alice.close()
})

test('alice and bob trade, each hears the own reports', async () => {
  const alice = await listen('alice', 'onefill.v1.exec.alice')
  const bob = await listen('bob', 'onefill.v1.exec.bob')
  const trades = await listen('alice', 'onefill.v1.md.XUSD.trades')
  const sent = await ask(as('alice'), 'onefill.v1.order.alice.new', order('a-1', 'buy'))
  expect(sent).toMatchObject({ execType: 'new', account: 'alice' })
  await ask(as('bob'), 'onefill.v1.order.bob.new', order('b-1', 'sell'))
  const own = await ask(as('alice'), 'onefill.v1.query.alice.balances')
  expect(own).toMatchObject({ account: 'alice' })
  await exchange.settled()
  for (const user of ['alice', 'bob'] as const) await as(user).flush()
  const accounts = (heard: Said[]) => new Set(heard.flat().map(({ account }) => account))
  expect([accounts(alice.heard), accounts(bob.heard)]).toEqual([
    new Set(['alice']),
    new Set(['bob']),
  ])
  expect(trades.heard.flat()).toHaveLength(1)
  expect([alice.errors, bob.errors, trades.errors]).toEqual([[], [], []])
})

test('each hears what was not taken in of the own orders', async () => {
  const alice = await listen('alice', 'onefill.v1.exec.alice.refused')
  const bob = await listen('bob', 'onefill.v1.exec.bob.refused')
  const bad = { ...order('a-0', 'buy'), price: '1.001' }
  as('alice').publish('onefill.v1.order.alice.new', JSON.stringify(bad))
  await ask(as('alice'), 'onefill.v1.query.alice.balances')
  // Refusals and answers leave by different connections.
  const untilMs = performance.now() + 20_000
  while (alice.heard.length === 0 && performance.now() < untilMs) await sleep(5)
  await as('bob').flush()
  expect(alice.heard.flat()).toMatchObject([{ code: 'PRICE_PRECISION', clOrdId: 'a-0' }])
  expect([alice.errors, bob.errors, bob.heard]).toEqual([[], [], []])
})

test.each([
  'onefill.v1.order.bob.new',
  'onefill.v1.query.bob.balances',
  'onefill.v1.exec.bob.resend',
  'onefill.v1.exec.alice',
  'onefill.v1.exec.bob',
  'onefill.v1.admin.deposit',
  'onefill.v1.md.XUSD.trades',
  'onefill.v1.status',
])('alice may not publish to %s', async (subject) => {
  const { messages } = gateway.stats
  as('alice').publish(subject, JSON.stringify({ ...order('stolen', 'buy'), account: 'bob' }))
  // The refusal comes by another way than the answer to a PING.
  const isDenied = () => denied.get('alice')?.some((text) => text.includes(`"${subject}"`))
  const untilMs = performance.now() + 20_000
  while (!isDenied()) {
    expect(gateway.stats.messages).toBe(messages)
    expect(performance.now()).toBeLessThan(untilMs)
    await sleep(5)
  }
  await as('alice').flush()
  expect(gateway.stats.messages).toBe(messages)
})

test.each([
  'onefill.v1.exec.bob',
  'onefill.v1.exec.bob.refused',
  'onefill.v1.exec.*',
  'onefill.v1.exec.*.refused',
  'onefill.v1.order.bob.*',
  'onefill.v1.admin.*',
  '_INBOX.bob.>',
  '_INBOX.>',
  '>',
])('alice may not subscribe to %s', async (subject) => {
  const { errors } = await listen('alice', subject)
  expect(errors.map(({ message }) => message)).toEqual([expect.stringContaining('ermission')])
})

test('an inbox outside the own prefix, a wrong password, and no user are refused', async () => {
  const servers = `127.0.0.1:${port}`
  for (const wrong of [{}, { user: 'alice', pass: 'x' }, { user: 'nobody', pass: 'x' }]) {
    await expect(connect({ servers, reconnect: false, ...wrong })).rejects.toThrow(/uthorization/)
  }
})

test('the gateway refuses a body of another account than the subject', async () => {
  const body = { ...order('a-2', 'buy'), account: 'bob' }
  expect(await ask(as('alice'), 'onefill.v1.order.alice.new', body)).toMatchObject({
    ...{ execType: 'rejected', code: 'WRONG_ACCOUNT', field: 'account' },
  })
})

test('a reply cannot be sent where the asker may not publish', async () => {
  const bob = await listen('bob', 'onefill.v1.exec.bob')
  const before = bob.heard.length
  const forged = JSON.stringify({ ...order('a-3', 'buy') })
  as('alice').publish('onefill.v1.order.alice.new', forged, { reply: 'onefill.v1.exec.bob' })
  // Whatever comes of it has come when a later request is answered.
  await ask(as('alice'), 'onefill.v1.order.alice.new', order('a-4', 'buy'))
  await as('bob').flush()
  expect(bob.heard.slice(before)).toEqual([])
})
