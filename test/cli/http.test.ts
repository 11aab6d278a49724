// A whole process that serves orders over HTTP, where somebody says who asks: with NATS and
// without, over a kill, and to its end.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { HttpGateway } from '../../src/gateway/http/gateway.ts'
import { SCENE } from '../gateway/exchange-support.ts'
import { type Ask, asker, byToken, order } from '../gateway/http-support.ts'
import { ask as askNats, logLines, Surroundings } from '../support/surroundings.ts'

const PROCESS = join(import.meta.dirname, 'http-process.ts')
const { document } = new HttpGateway({ authenticate: byToken, version: '1.2.3' })

let around: Surroundings
const children: ChildProcess[] = []

beforeAll(async () => {
  around = await Surroundings.start()
}, 600_000)
afterAll(() => around.stop())
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await around.closeClients()
})

interface Process {
  readonly child: ChildProcess
  readonly ask: Ask
  log(): ReturnType<typeof logLines>
}

/** Runs it until it leads. */
async function start(database: string, nats: string): Promise<Process> {
  const child = spawn(process.execPath, [PROCESS, database, nats])
  children.push(child)
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  // What is written so far may end within a line.
  const log = () => logLines(stderr.slice(0, stderr.lastIndexOf('\n') + 1))
  const endMs = performance.now() + 60_000
  while (!log().some(({ event }) => event === 'ready')) {
    if (performance.now() > endMs) throw new Error(`it never leads: ${stderr}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const at = log().find(({ event }) => event === 'http-orders')
  return { child, log, ask: asker(String(at?.url).replace('/v1', ''), document) }
}

test('orders over HTTP, over a kill, to the end', async () => {
  const database = await around.databases.create()
  const first = await start(database, around.nats.url)
  const connection = await around.client()
  await askNats(connection, 'onefill.v1.admin.batch', SCENE)
  const sent = await first.ask('POST /v1/orders', { body: order('x-1') })
  expect([sent.status, sent.body.execType]).toEqual([201, 'new'])
  first.child.kill('SIGKILL')
  await once(first.child, 'close')
  const second = await start(database, around.nats.url)
  const again = await second.ask('POST /v1/orders', { body: order('x-1') })
  expect([again.status, again.body]).toMatchObject([
    ...[201, { duplicate: true, orderId: sent.body.orderId }],
  ])
  expect(
    (await second.ask('POST /v1/orders', { as: 'bob', body: order('b-1', { side: 'sell' }) }))
      .status,
  ).toBe(201)
  // Its history is that of NATS.
  const { body } = await second.ask('GET /v1/accounts/alice/fills')
  expect(body.fills).toMatchObject([{ execType: 'trade', clOrdId: 'x-1' }])
  second.child.kill('SIGTERM')
  const [code] = await once(second.child, 'close')
  expect([code, second.log().at(-1)?.event]).toEqual([0, 'stopped'])
  await expect(second.ask('GET /v1/instruments')).rejects.toThrow('fetch failed')
})

test('without NATS it keeps its own history', async () => {
  const database = await around.databases.create()
  const { ask, child } = await start(database, '-')
  const { status, body } = await ask('GET /v1/accounts/alice/fills')
  expect([status, body]).toEqual([
    ...[200, { account: 'alice', fills: [], upTo: 0, newest: 0, more: false }],
  ])
  expect((await ask('GET /v1/instruments')).body.instruments).toEqual([])
  child.kill('SIGTERM')
  expect(await once(child, 'close')).toEqual([0, null])
})
