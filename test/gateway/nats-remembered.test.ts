// What went out can be asked for again after a restart: what a stop in order has kept, and what a
// restart has replayed.

import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { OnefillClient } from '../../src/client.ts'
import { Standby } from '../../src/durable.ts'
import { NatsGateway } from '../../src/gateway/nats-gateway.ts'
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

/** A client of the server. */
async function trader(account: string): Promise<OnefillClient> {
  const client = await OnefillClient.connect({ servers: around.servers.nats.url, account })
  around.closing.push(() => client.close())
  return client
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

test.each([
  ['of another journal', "SET row_checksum = '\\x00'"],
  ['damaged', "SET bytes = overlay(bytes PLACING '\\x00' FROM 40)"],
  ['not whole', 'SET bytes = substr(bytes, 2)'],
  ['of a later row than there is', 'SET round = round + 1'],
])('what is kept and is %s is not used, and what is missing is told', async (_, change) => {
  const first = await around.start()
  const { url } = first
  await first.ask('onefill.v1.admin.batch', SCENE)
  await trade(first, 'a', 1)
  const { newest } = await first.ask('onefill.v1.exec.alice.resend', { from: 1, to: 1 })
  await end(first, 'stop')
  await sql(url, `UPDATE onefill.said ${change}`)
  const forgotten: unknown[] = []
  const onForgotten = (error: unknown) => void forgotten.push(error)
  const second = await around.start(url, { exchange: { onForgotten } })
  expect(forgotten).toMatchObject([{ code: 'SAID_UNUSABLE' }])
  const gone = { code: 'HISTORY_GONE', oldest: newest + 1, newest }
  expect(await resent(second, 'alice')).toMatchObject(gone)
  expect(await resent(second, 'alice', newest + 1)).toEqual({ newest })
  await trade(second, 'b', 1)
  expect(await resent(second, 'alice', newest + 1)).toHaveLength(2)
})

test('without the right to its table, all else goes on, and it is said', async () => {
  const first = await around.start()
  const { url } = first
  await first.ask('onefill.v1.admin.batch', SCENE)
  await end(first, 'stop')
  await sql(url, 'DROP TABLE onefill.said')
  const forgotten: unknown[] = []
  const onForgotten = (error: unknown) => void forgotten.push(error)
  const second = await around.start(url, { exchange: { onForgotten } })
  expect(forgotten).toHaveLength(1)
  await trade(second, 'b', 1)
  const { seq } = second.exchange
  await end(second, 'stop')
  expect(forgotten).toHaveLength(2)
  const third = await around.start(url, { exchange: { onForgotten } })
  expect(third.exchange.recovery.snapshotSeq).toBe(seq)
})

test('an account of which nothing was kept is told what it has missed', async () => {
  const first = await around.start(undefined, { exchange: { workers: 2 } })
  const { url } = first
  await first.ask('onefill.v1.admin.batch', SCENE)
  const seen = (await resent(first, 'alice')).at(-1).execSeq
  await trade(first, 'a', 3)
  const { newest } = await first.ask('onefill.v1.exec.alice.resend', { from: 1, to: 1 })
  const { exchange, gateway } = around.running.splice(0)[0] as typeof first
  gateway.stopTaking()
  // As if others had said so much since that there was no room for hers.
  const said = gateway.history.newest().filter(({ account }) => account !== 'alice')
  await exchange.close({ snapshot: true, said })
  await gateway.close()
  await around.start(url, { exchange: { workers: 2 } })
  const alice = await trader('alice')
  const gone: unknown[] = []
  const onGone = (of: unknown) => void gone.push(of)
  await alice.onReport(() => {}, { fromExecSeq: seen + 1, onGone }).ready
  while (gone.length < 1) await sleep(5)
  expect(gone).toEqual([{ from: seen + 1, to: newest, oldest: newest + 1, newest }])
})

test('a standby that takes over remembers too', async () => {
  const first = await around.start()
  const { url } = first
  await first.ask('onefill.v1.admin.batch', SCENE)
  await trade(first, 'a', 3)
  const told = await resent(first, 'alice')
  await end(first, 'stop')
  const gateway = await NatsGateway.connect({ url: around.servers.nats.url })
  const leader = await around.start(url)
  const standby = await Standby.open({
    ...{ url, takeReports: gateway.takeReports },
    onPublishedBefore: (before) => gateway.history.remember(before),
  })
  await trade(leader, 'b', 3)
  const all = await resent(leader, 'alice')
  expect(all.slice(0, told.length)).toEqual(told)
  await end(leader, 'stop')
  const exchange = await standby.leading
  await gateway.open(exchange)
  around.running.push({
    ...{ exchange, gateway },
    async close() {
      gateway.stopTaking()
      await exchange.close()
      await gateway.close()
    },
  })
  expect(await resent(leader, 'alice')).toEqual(all)
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
  const alice = await trader('alice')
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
