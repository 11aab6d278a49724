// Streams of a running exchange: market data is made once for NATS and for them, a stop in order
// closes them behind the last report, and after a kill the next process goes on.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Said } from '../gateway/exchange-support.ts'
import { range, StreamClient } from '../gateway/stream-support.ts'
import { ask, logLines, Surroundings } from '../support/surroundings.ts'
import { endTools, Served } from '../support/tool.ts'

let around: Surroundings
beforeAll(async () => {
  around = await Surroundings.start()
}, 600_000)
afterAll(() => around.stop(), 600_000)
afterEach(async () => {
  endTools()
  await around.closeClients()
})

const SCENE = [
  { cmd: 'asset', asset: 'USD', decimals: 2 },
  { cmd: 'asset', asset: 'X', decimals: 0 },
  { cmd: 'instrument', symbol: 'XUSD', base: 'X', quote: 'USD', tickSize: '0.01', lotSize: '1' },
  { cmd: 'account', account: 'alice' },
  { cmd: 'deposit', account: 'alice', asset: 'USD', amount: '1000000', transferId: 'd-1' },
]
const buy = (clOrdId: string) => ({
  ...{ clOrdId, symbol: 'XUSD', side: 'buy', ordType: 'limit', price: '1', orderQty: '1' },
})

async function serve(url: string) {
  const args = ['--http-port', '0', '--http-auth', 'development', '--clock-every-ms', '0']
  const served = new Served(args, { url, env: { NATS_URL: around.nats.url } })
  const said = (event: string) => logLines(served.stderr).find((line) => line.event === event)
  await served.until(() => said('ready') !== undefined)
  const http = said('http')?.url as string
  const stream = await StreamClient.open(http, { as: said('development-token')?.token as string })
  return { served, stream }
}

const subscribe = (from?: number) => ({
  ...{ cmd: 'subscribe', feed: 'reports', ...(from !== undefined && { from }) },
})

test('a stop in order closes streams behind the last report', async () => {
  const { served, stream } = await serve(await around.databases.create())
  const client = await around.client()
  await ask(client, 'onefill.v1.admin.batch', SCENE)
  await stream.ask(subscribe(1))
  expect(await stream.ask({ cmd: 'subscribe', feed: 'depth', symbol: 'XUSD' })).toMatchObject({
    event: 'subscribed',
  })
  // Nothing is durable for now.
  await around.databases.postgres.kill()
  const orders = Array.from({ length: 1_000 }, (_, n) => ({ cmd: 'new', ...buy(`a-${n}`) }))
  client.publish('onefill.v1.order.alice.batch', JSON.stringify(orders))
  // The server has it, and the exchange is about to get it.
  await client.flush()
  served.signal('SIGTERM')
  await stream.find(({ event }) => event === 'stopping')
  expect(stream.execSeqs).toEqual(range(1, 2))
  await around.databases.postgres.start()
  expect(await stream.closed).toEqual({ code: 1001, reason: 'GOING_AWAY' })
  await served.closed
  // The account itself, its money, and its orders.
  expect(stream.execSeqs).toEqual(range(1, 1_002))
  expect(logLines(served.stderr).at(-1)?.event).toBe('stopped')
})

test('after a kill, streams of the next process go on without a gap', async () => {
  const url = await around.databases.create()
  const first = await serve(url)
  const client = await around.client()
  await ask(client, 'onefill.v1.admin.batch', SCENE)
  await first.stream.ask(subscribe(1))
  await ask(client, 'onefill.v1.order.alice.new', buy('a-1'))
  await first.stream.until(() => (first.stream.execSeqs.at(-1) === 3 ? true : undefined))
  first.served.signal('SIGKILL')
  expect((await first.stream.closed).code).toBe(1006)
  const second = await serve(url)
  await second.stream.ask(subscribe(4))
  await ask(await around.client(), 'onefill.v1.order.alice.new', buy('a-2'))
  await second.stream.until(() => (second.stream.execSeqs.at(-1) === 4 ? true : undefined))
  expect(second.stream.execSeqs).toEqual([4])
  const said: Said[] = second.stream.heard.filter(({ event }) => event === 'refused')
  expect(said).toEqual([])
  await second.stream.close()
})
