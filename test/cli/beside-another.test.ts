// Two exchanges on one NATS server would each carry out every order: the second does not start, and
// the doctor sees it where two run after all. One of the same market is another matter.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { DurableExchange } from '../../src/durable.ts'
import { NatsGateway } from '../../src/gateway/nats-gateway.ts'
import { ask, logLines, Surroundings } from '../support/surroundings.ts'
import { endTools, Served } from '../support/tool.ts'

const HOOK_MS = 600_000
let around: Surroundings
beforeAll(async () => {
  around = await Surroundings.start()
}, HOOK_MS)
afterAll(() => around.stop(), HOOK_MS)
afterEach(async () => {
  endTools()
  await around.closeClients()
})

const lastLine = ({ stderr }: Served) => logLines(stderr).at(-1)

test('another market on the same NATS server: the second one does not start', async () => {
  const [first, second] = await Promise.all([around.databases.create(), around.databases.create()])
  const args = ['--http-port', '0', '--nats', around.nats.url]
  const one = new Served(args, { url: first })
  await one.until(() => one.stderr.includes('"event":"ready"'))
  for (const more of [[], ['--standby']]) {
    const other = new Served([...args, ...more], { url: second })
    expect(await other.end()).toBe(1)
    expect(lastLine(other)).toMatchObject({
      event: 'end',
      msg: expect.stringMatching(/^another exchange \(.+\), of another database, serves on this N/),
    })
    expect(other.stderr).not.toContain('"event":"leads"')
  }
  // A second one of the same market is told so, and may stand by.
  const same = new Served(args, { url: first })
  expect(await same.end()).toBe(1)
  expect(lastLine(same)?.msg).toMatch(/^Another exchange leads/)
  const standby = new Served([...args, '--standby'], { url: first })
  await standby.until(() => standby.stderr.includes('"event":"standby"'))
  // The first one is gone: its server is free.
  await standby.kill()
  await one.kill()
  const free = new Served(args, { url: second })
  await free.until(() => free.stderr.includes('"event":"ready"'))
})

test('two that begin at once: one of them ends, or both', async () => {
  const urls = [await around.databases.create(), await around.databases.create()]
  const both = urls.map(
    (url) => new Served(['--http-port', '0', '--nats', around.nats.url], { url }),
  )
  const ended = await Promise.race(both.map(async (each) => ({ code: await each.end(), each })))
  expect(ended.code).toBe(1)
  expect(lastLine(ended.each)?.msg).toMatch(/^another exchange \(.+ serves on this NATS server/)
})

test('a copy of the database is another one, though its market has the same name', async () => {
  const url = await around.databases.create()
  const args = ['--http-port', '0', '--nats', around.nats.url]
  const before = new Served(args, { url })
  await before.until(() => before.stderr.includes('"event":"ready"'))
  await before.kill()
  const copyOf = async (name: string) => {
    const { pathname } = new URL(url)
    const text = `CREATE DATABASE ${name} TEMPLATE ${pathname.slice(1)}`
    await around.databases.sql(around.databases.postgres.url, text)
    return Object.assign(new URL(url), { pathname: `/${name}` }).href
  }
  // By now its leader is another one than the one that is to serve.
  const old = await copyOf('copy_of_before')
  const original = new Served(args, { url })
  await original.until(() => original.stderr.includes('"event":"ready"'))
  const copy = new Served(args, { url: old })
  expect(await copy.end()).toBe(1)
  expect(lastLine(copy)?.msg).toMatch(/^another exchange/)
  expect(copy.stderr).not.toContain('"event":"leads"')
  // And as if it had been copied while that one led: only what it says afterwards shows it.
  const [{ holder }] = await around.databases.sql(url, 'SELECT holder FROM onefill.lease')
  await around.databases.sql(old, `UPDATE onefill.lease SET holder = '${holder}'`)
  const late = new Served(args, { url: old })
  const ended = await Promise.race([late.end(), original.end()])
  expect(ended).toBe(1)
})

test.each([
  ['[null]', 'unnamed'],
  ['no json', 'unnamed'],
  ['{"metadata":[]}', 'unnamed'],
  ['{"metadata":{"holder":"a\\u001b[31mred\\nline"}}', 'a?[31mred?line'],
])('whoever answers %s is another exchange, and is named in a line', async (answer, named) => {
  const client = await around.client()
  client.subscribe('$SRV.PING.onefill', { callback: (_, message) => void message.respond(answer) })
  await client.flush()
  const url = await around.databases.create()
  const served = new Served(['--http-port', '0', '--nats', around.nats.url], { url })
  expect(await served.end()).toBe(1)
  expect(lastLine(served)?.msg).toContain(`another exchange (${named}), `)
})

test('two that run after all: each says who it is, and the doctor fails', async () => {
  const markets: string[] = []
  const ends: (() => Promise<void>)[] = []
  for (let each = 0; each < 2; each += 1) {
    const gateway = await NatsGateway.connect({ url: around.nats.url })
    const url = await around.databases.create()
    const exchange = await DurableExchange.open({ url, takeReports: gateway.takeReports })
    expect((await gateway.others())?.map(({ market }) => market)).toEqual(markets)
    await gateway.open(exchange, exchange.identity)
    markets.push(exchange.identity.market)
    ends.push(async () => {
      gateway.stopTaking()
      await exchange.close()
      await gateway.close()
    })
    const args = ['--json', '--http-port', '0', '--nats', around.nats.url]
    const doctor = new Served(args, { url, command: 'doctor' })
    const status = await doctor.end()
    const findings = JSON.parse(doctor.lines.join('')) as { name: string; level: string }[]
    const found = findings.find(({ name }) => name === 'nats exchange')
    expect([status, found?.level]).toEqual(each === 0 ? [0, 'ok'] : [1, 'fail'])
  }
  expect(new Set(markets).size).toBe(2)
  const client = await around.client()
  const info = await ask(client, '$SRV.INFO.onefill')
  expect(markets).toContain(info.metadata.market)
  for (const end of ends) await end()
  const last = await NatsGateway.connect({ url: around.nats.url })
  expect(await last.others()).toEqual([])
  await last.close()
})
