// NATS is killed under load, the exchange is killed under load: no accepted order is lost, none is
// there twice, and each account has each of its reports.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { NatsGateway } from '../../src/gateway/nats-gateway.ts'
import type { NatsLink } from '../../src/gateway/nats-link.ts'
import { Traders } from '../support/nats-traders.ts'
import { until } from '../support/until.ts'
import {
  client,
  type Running,
  SCENE,
  type Servers,
  serve,
  startServers,
} from './exchange-support.ts'

const ACCOUNTS = ['alice', 'bob']
const PROGRAM = join(import.meta.dirname, '../support/nats-exchange.ts')

let servers: Servers
const running: Running[] = []
const children: ChildProcess[] = []
const trading: Traders[] = []

beforeAll(async () => {
  servers = await startServers()
}, 600_000)
afterAll(() => servers.end(), 60_000)
afterEach(async () => {
  for (const traders of trading.splice(0)) await traders.close()
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  for (const each of running.splice(0)) await each.close()
})

async function begin(): Promise<Traders> {
  const traders = await Traders.start(servers.nats.url, ACCOUNTS, 7)
  trading.push(traders)
  // They listen before there is anything to hear.
  const { connection, ask } = await client(servers)
  await ask('onefill.v1.admin.batch', SCENE)
  await connection.close()
  traders.begin()
  return traders
}

async function spawn(role: 'leader' | 'standby', url: string): Promise<ChildProcess> {
  const env = { ...process.env, TEST_NATS: servers.nats.url, TEST_DATABASE: url, TEST_ROLE: role }
  const child = fork(PROGRAM, [], { env, execArgv: ['--disable-warning=ExperimentalWarning'] })
  children.push(child)
  const [said] = await once(child, 'message')
  expect(said).toBe(role === 'leader' ? 'leads' : 'follows')
  return child
}

test('NATS is killed and started again under load, three times', { timeout: 120_000 }, async () => {
  const url = await servers.database()
  const each = await serve(servers, url)
  running.push(each)
  const traders = await begin()
  for (let outage = 0; outage < 3; outage += 1) {
    await traders.goOn(200)
    await servers.nats.kill()
    await servers.nats.start()
  }
  await traders.goOn(200)
  await traders.stop()
  await each.exchange.settled()
  const { orders, reports } = await traders.check(url)
  expect(orders).toBeGreaterThan(800)
  expect(reports).toBeGreaterThan(orders)
})

/** Fills what may wait for the server, so that some is dropped. */
function fill(gateway: NatsGateway): void {
  const { main, streams } = gateway as unknown as Record<'main' | 'streams', NatsLink>
  for (const { loose } of [main, streams]) {
    for (const bytes of [500_000, 100]) while (loose.send('x', new Uint8Array(bytes))) {}
  }
}

test('a server that reads nothing does not hold up a close', { timeout: 60_000 }, async () => {
  const { exchange, gateway } = await serve(servers, await servers.database())
  const pid = servers.nats.pid as number
  process.kill(pid, 'SIGSTOP')
  try {
    fill(gateway)
    gateway.stopTaking()
    await exchange.close()
    await gateway.close(200)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
})

test('room for a book that was missed, which comes while it closes, is no fault', async () => {
  const { exchange, gateway } = await serve(servers, await servers.database())
  const submit = (price: string) =>
    exchange.submit({
      ...{ cmd: 'new', account: 'alice', clOrdId: price, symbol: 'XUSD', side: 'buy' },
      ...{ ordType: 'limit', price, orderQty: '1' },
    })
  for (const command of SCENE) exchange.submit(command)
  submit('1')
  await exchange.settled()
  await gateway.market.finish()
  const pid = servers.nats.pid as number
  process.kill(pid, 'SIGSTOP')
  let closing: Promise<void>
  try {
    fill(gateway)
    submit('2')
    await until(() => {
      void gateway.market.finish()
      return gateway.market.bbo('XUSD')?.bid?.price === '2'
    })
    gateway.giveUp()
    await exchange.close().catch(() => {})
    closing = gateway.close(10_000)
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  // What is thrown where nobody waits for it fails the run.
  await closing
})

test('the exchange is killed, the standby leads, and is killed and started again', {
  timeout: 120_000,
}, async () => {
  const url = await servers.database()
  let leader = await spawn('leader', url)
  const traders = await begin()
  let standby = await spawn('standby', url)
  for (let kill = 0; kill < 3; kill += 1) {
    await traders.goOn(300)
    const leads = once(standby, 'message')
    leader.kill('SIGKILL')
    expect((await leads)[0]).toBe('leads')
    leader = standby
    if (kill === 1) {
      // Nobody stands by: it is started again by itself.
      await traders.goOn(100)
      leader.kill('SIGKILL')
      await once(leader, 'exit')
      leader = await spawn('leader', url)
    }
    standby = await spawn('standby', url)
  }
  await traders.goOn(300)
  await traders.stop()
  const { orders, reports } = await traders.check(url)
  expect(orders).toBeGreaterThan(1_200)
  expect(reports).toBeGreaterThan(orders)
  // An order that was under way when the leader died was sent once more.
  expect(traders.repeated).toBeGreaterThan(0)
})
