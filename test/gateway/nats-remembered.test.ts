// What went out can be asked for again after a restart: what a stop in order has kept, and what a
// restart has replayed.

import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { OnefillClient } from '../../src/client.ts'
import { sql } from '../support/sql.ts'
import { type Said, SCENE, useExchanges } from './exchange-support.ts'

const around = useExchanges()
type Started = Awaited<ReturnType<typeof around.start>>

/** Alice and bob trade `count` times, each order under an id of its own. */
async function trade({ ask, exchange }: Started, name: string, count: number): Promise<void> {
  const order = { symbol: 'XUSD', ordType: 'limit', price: '1', orderQty: '1' }
  for (let n = 0; n < count; n += 1) {
    const [sell, buy] = ['sell', 'buy'].map((side) => ({ ...order, clOrdId: `${name}-${n}`, side }))
    await ask('onefill.v1.order.bob.new', sell)
    await ask('onefill.v1.order.alice.new', buy)
  }
  await exchange.settled()
}

/** All that an account can ask for from a number on. */
async function resent({ ask }: Started, account: string, from = 1): Promise<Said> {
  const found: Said[] = []
  for (;;) {
    const range = { from: from + found.length, to: 1_000_000 }
    const said = await ask(`onefill.v1.exec.${account}.resend`, range)
    if (said.kind !== 'reports') return said
    found.push(...said.reports)
    if (found.at(-1)?.execSeq === said.newest) return found
    if (said.reports.length === 0) return { newest: said.newest }
  }
}

/** Away with it: in order, or as a crash, which says nothing and writes nothing more. */
async function end(started: Started, how: 'stop' | 'crash'): Promise<void> {
  const { exchange, gateway } = started
  around.running.splice(0)
  gateway.stopTaking()
  const said = how === 'stop' ? { snapshot: true, said: gateway.history.newest() } : {}
  await exchange.close(said)
  await gateway.close()
}

test.each(['json', 'msgpack'] as const)('after a stop and after a crash, %s', async (format) => {
  const first = await around.start(undefined, { gateway: { format } })
  const { url } = first
  await first.ask('onefill.v1.admin.batch', SCENE)
  await trade(first, 'a', 20)
  const told = { alice: await resent(first, 'alice'), bob: await resent(first, 'bob') }
  // Two payments each, and for each order that it is new and that it has traded.
  expect([told.alice.length, told.bob.length]).toEqual([43, 43])
  await end(first, 'stop')
  const second = await around.start(url)
  expect(second.exchange.recovery).toMatchObject({ republished: 0, seq: first.exchange.seq })
  expect(await resent(second, 'alice')).toEqual(told.alice)
  expect(await resent(second, 'bob')).toEqual(told.bob)
  await trade(second, 'b', 5)
  const more = { alice: await resent(second, 'alice'), bob: await resent(second, 'bob', 43) }
  expect(more.alice.slice(0, 43)).toEqual(told.alice)
  expect([more.alice.length, more.bob.length]).toEqual([53, 11])
  // Its messages are still those of the stop; what came behind it is replayed.
  await end(second, 'crash')
  const third = await around.start(url)
  expect(await resent(third, 'alice')).toEqual(more.alice)
  expect(await resent(third, 'bob', 43)).toEqual(more.bob)
  // Twice in a row: what was replayed is kept as what was said.
  await end(third, 'stop')
  const fourth = await around.start(url)
  expect(await resent(fourth, 'alice')).toEqual(more.alice)
})

test('what is kept of before a snapshot that it does not reach is not used', async () => {
  const first = await around.start()
  const { url } = first
  await first.ask('onefill.v1.admin.batch', SCENE)
  await trade(first, 'a', 3)
  await end(first, 'stop')
  const second = await around.start(url)
  await trade(second, 'b', 3)
  const taken = await second.exchange.snapshot()
  expect(taken?.seq).toBe(second.exchange.seq)
  await trade(second, 'c', 2)
  const all = await resent(second, 'alice')
  await end(second, 'crash')
  // From the snapshot on, without a hole before it.
  const third = await around.start(url)
  expect(third.exchange.recovery.snapshotSeq).toBe(taken?.seq)
  const newest = all.at(-1).execSeq
  const oldest = all.find(({ clOrdId }: Said) => clOrdId === 'c-0').execSeq
  expect(await resent(third, 'alice')).toMatchObject({ code: 'HISTORY_GONE', oldest, newest })
  expect(await resent(third, 'alice', oldest)).toEqual(all.slice(-4))
})

test('what is kept of another journal than the one there is, is not used', async () => {
  const first = await around.start()
  const { url } = first
  await first.ask('onefill.v1.admin.batch', SCENE)
  await trade(first, 'a', 1)
  await end(first, 'stop')
  await sql(url, 'UPDATE onefill.said SET round = round + 1')
  const second = await around.start(url)
  expect(await resent(second, 'alice')).toEqual({ newest: 0 })
})

test('a client that was away through a stop gets what it missed', async () => {
  const first = await around.start()
  const { url } = first
  await first.ask('onefill.v1.admin.batch', SCENE)
  await trade(first, 'a', 2)
  const seen = await resent(first, 'alice')
  await trade(first, 'b', 2)
  await end(first, 'stop')
  await around.start(url)
  const { url: servers } = around.servers.nats
  const alice = await OnefillClient.connect({ servers, account: 'alice' })
  around.closing.push(() => alice.close())
  const got: Said[] = []
  const fromExecSeq = seen.at(-1).execSeq + 1
  await alice.onReport((report) => got.push(report), { fromExecSeq }).ready
  while (got.length < 4) await sleep(5)
  expect(got.map(({ clOrdId, execType }) => `${clOrdId} ${execType}`)).toEqual([
    'b-0 new',
    'b-0 trade',
    'b-1 new',
    'b-1 trade',
  ])
})
