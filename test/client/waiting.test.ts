// How long a client waits on a server where nobody serves: until it is closed, and no shorter than
// it was told.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '@nats-io/transport-node'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { OnefillClient } from '../../src/client.ts'
import { type EmbeddedNats, startNats } from '../../src/gateway/embedded-nats.ts'
import { until } from '../support/until.ts'
import { wireTo } from './proxy.ts'

let nats: EmbeddedNats
const folder = mkdtempSync(join(tmpdir(), 'onefill-waiting-'))
beforeAll(async () => {
  nats = await startNats({ folder })
}, 600_000)
afterAll(async () => {
  await nats.stop()
  rmSync(folder, { recursive: true, force: true })
})

const follow = (client: OnefillClient) => [
  client.trades('XUSD', () => {}).ready,
  client.onRefused(() => {}).ready,
  client.book('XUSD', () => {}).ready,
  client.onReport(() => {}).ready,
]
const CLOSED = { status: 'rejected', reason: { code: 'CLOSED' } }

test('what is not ready when the client is closed never will be, and says so', async () => {
  const client = await OnefillClient.connect({ servers: nats.url, account: 'alice' })
  const following = follow(client)
  await client.close()
  expect(await Promise.allSettled(following)).toMatchObject(following.map(() => CLOSED))
})

test('nor what was begun while the server was away', async () => {
  const wire = await wireTo(nats.port)
  try {
    const client = await OnefillClient.connect({ servers: wire.url, account: 'alice' })
    wire.cut()
    await until(() => !client.isConnected)
    const following = follow(client)
    await client.close()
    expect(await Promise.allSettled(following)).toMatchObject(following.map(() => CLOSED))
  } finally {
    await wire.close()
  }
})

test('what is begun while the server is away is ready once it is back', async () => {
  const wire = await wireTo(nats.port)
  const client = await OnefillClient.connect({ servers: wire.url, account: 'alice' })
  try {
    wire.cut()
    await until(() => !client.isConnected)
    const { ready } = client.trades('XUSD', () => {})
    wire.mend()
    await ready
    expect(client.isConnected).toBe(true)
  } finally {
    await client.close()
    await wire.close()
  }
})

test('a deadline that no timer can have is no short one', async () => {
  const warned = vi.spyOn(process, 'emitWarning')
  const wire = await wireTo(nats.port)
  const client = await OnefillClient.connect({ servers: wire.url, account: 'alice' })
  try {
    wire.cut()
    await until(() => !client.isConnected)
    const asked = client.status({ deadlineMs: 2 ** 31 + 60_000 })
    await client.close()
    await expect(asked).rejects.toMatchObject({ code: 'CLOSED' })
    expect(warned).not.toHaveBeenCalled()
  } finally {
    await wire.close()
    warned.mockRestore()
  }
})

test.each([Number.POSITIVE_INFINITY, 2 ** 31])('a try of %d ms is one try', async (timeoutMs) => {
  const deaf = await connect({ servers: nats.url })
  let tries = 0
  const callback = () => {
    tries += 1
  }
  deaf.subscribe('onefill.v1.order.alice.*', { callback })
  await deaf.flush()
  const client = await OnefillClient.connect({ servers: nats.url, account: 'alice', timeoutMs })
  const order = { symbol: 'XUSD', side: 'buy', orderQty: '1', price: '1' } as const
  const asked = client.submit(order, { deadlineMs: Number.POSITIVE_INFINITY })
  const answered = expect(asked).rejects.toMatchObject({ code: 'CLOSED' })
  await until(() => tries > 0)
  // Tries of a millisecond would be many by then.
  await delay(200)
  expect(tries).toBe(1)
  await client.close()
  await answered
  await deaf.close()
})
