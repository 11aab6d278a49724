// `onefill start`, as a newcomer runs it: everything of its own, trades happen, and the next start
// goes on where it was.

import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@nats-io/transport-node'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startNats } from '../../src/gateway/embedded-nats.ts'
import { ask, logLines, type Said } from '../support/surroundings.ts'
import { endTools, onefill, Served, type ServedOptions } from '../support/tool.ts'

let cwd = ''
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'onefill-start-'))
})
afterEach(endTools)
afterAll(() => rmSync(cwd, { recursive: true }))

const events = (served: Served, event: string) =>
  logLines(served.stderr).filter((line) => line.event === event)

async function start(options: ServedOptions = {}, more: string[] = []): Promise<Served> {
  const served = new Served(['--http-port', '0', ...more], { ...options, command: 'start', cwd })
  await served.until(() => events(served, 'demo').length > 0)
  return served
}

const read = (name: string) => readFileSync(join(cwd, '.onefill', name), 'utf8').trim()

test('it trades, Ctrl+C ends it, and it goes on where it was', async () => {
  const first = await start()
  await first.until(() => events(first, 'demo').some(({ trades }) => (trades as number) > 0))
  expect(first.lines.join('\n')).toContain('npx onefill book NVDA --watch\n')
  for (const name of ['url', 'nats-url']) {
    expect(statSync(join(cwd, '.onefill', name)).mode & 0o777).toBe(0o600)
  }
  const connection = await connect({ servers: read('nats-url') })
  // So far away that no market order reaches it.
  const limit = { cmd: 'limits', account: 'alice', priceDeviation: 'off' }
  await ask(connection, 'onefill.v1.admin.limits', limit)
  const order = { clOrdId: 'my-1', symbol: 'NVDA', side: 'buy', ordType: 'limit', price: '100' }
  const mine = await ask(connection, 'onefill.v1.order.alice.new', { ...order, orderQty: '5' })
  expect(mine).toMatchObject({ execType: 'new', account: 'alice' })
  const before = await ask(connection, 'onefill.v1.query.alice.balances')
  await connection.close()
  const health = await fetch(`${events(first, 'http')[0].url}/readyz`)
  expect(health.status).toBe(200)
  first.signal('SIGINT')
  expect(await first.end()).toBe(0)
  for (const name of ['url', 'nats-url'])
    expect(existsSync(join(cwd, '.onefill', name))).toBe(false)
  const stopped = events(first, 'stopped')[0].seq

  const second = await start()
  expect(events(second, 'recovered')[0]).toMatchObject({ seq: stopped, snapshotSeq: stopped })
  const again = await connect({ servers: read('nats-url') })
  // Money comes once: the same deposits again are known.
  const after = await ask(again, 'onefill.v1.query.alice.balances')
  expect(after.balances).toEqual(before.balances)
  const { orders } = await ask(again, 'onefill.v1.query.alice.orders')
  expect(orders.map(({ clOrdId }: Said) => clOrdId)).toEqual(['my-1'])
  await again.close()
  second.signal('SIGTERM')
  expect(await second.end()).toBe(0)
})

test('where the usual NATS port is taken, a restart is at the port it was at before', async () => {
  // Whoever has it already holds it as well as we do.
  const other = createServer().on('error', () => {})
  other.listen(4222, '127.0.0.1')
  const urls: string[] = []
  for (let turn = 0; turn < 2; turn += 1) {
    const served = await start({}, ['--data', 'moved'])
    urls.push(readFileSync(join(cwd, 'moved/nats-url'), 'utf8').trim())
    served.signal('SIGTERM')
    expect(await served.end()).toBe(0)
  }
  other.close()
  expect(urls[0]).toMatch(/^nats:\/\/127\.0\.0\.1:(?!4222)[0-9]+$/)
  expect(urls[1]).toBe(urls[0])
})

test('what it prints to try works as it is printed, in a folder of another name too', async () => {
  const served = await start({}, ['--data', 'other'])
  const printed = served.lines.filter((line) => line.startsWith('  npx onefill '))
  expect(printed).toEqual([
    '  npx onefill book NVDA --watch --data other',
    '  npx onefill order buy NVDA 5 --price 170 --account alice --data other',
  ])
  for (const line of printed) {
    // It would watch for ever.
    const { status } = onefill(line.replace(' --watch', '').trim().split(' ').slice(2), { cwd })
    expect([line, status]).toEqual([line, 0])
  }
  served.signal('SIGTERM')
  expect(await served.end()).toBe(0)
})

test('kill -INT on the wrapper that another Node runs ends it cleanly too', async () => {
  const old = ['/usr/bin/node', '/usr/local/bin/node'].find(
    (path) => existsSync(path) && path !== process.execPath,
  )
  // Where there is no other Node there is no wrapper.
  const served = await start(old === undefined ? {} : { node: old })
  // Ctrl+C as npm gives it: from the terminal, and passed on.
  served.signal('SIGINT')
  served.signal('SIGTERM')
  expect(await served.end()).toBe(0)
  expect(events(served, 'stopped')).toHaveLength(1)
})

test('where its NATS user may only serve, the demo says so in a line', async () => {
  const config = `authorization: { users: [ { user: "exchange", password: "p", permissions: {
    publish: ["onefill.v1.>", "_INBOX.>"], subscribe: ["onefill.v1.>", "$SRV.>"] } } ] }`
  const nats = await startNats({ folder: join(cwd, 'nats'), config })
  const NATS_URL = nats.url.replace('//', '//exchange:p@')
  const args = ['--http-port', '0']
  const served = new Served(args, { ...{ command: 'start', cwd }, env: { NATS_URL } })
  const code = await served.end()
  const [{ exit, msg }] = events(served, 'end')
  expect([code, exit]).toEqual([1, 1])
  expect(msg).toMatch(/^The demo cannot run here: .*use onefill serve/)
  await nats.stop()
})
