// A client on a server that asks who it is, and permits an account its own subjects alone.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ClientProblem, OnefillClient, Unanswered } from '../../src/client.ts'
import { type EmbeddedNats, startNats } from '../../src/gateway/embedded-nats.ts'

const CONFIG = `
authorization: { users: [{
  user: "alice", password: "p@ss"
  permissions: {
    publish: ["onefill.v1.order.alice.*", "onefill.v1.exec.alice.resend"]
    subscribe: ["onefill.v1.exec.alice", "_INBOX.alice.>"]
  }
}] }`

let nats: EmbeddedNats
const folder = mkdtempSync(join(tmpdir(), 'onefill-permission-'))
beforeAll(async () => {
  nats = await startNats({ folder, config: CONFIG })
}, 600_000)
afterAll(async () => {
  await nats.stop()
  rmSync(folder, { recursive: true, force: true })
})

const login = { user: 'alice', pass: 'p@ss' }
const order = { symbol: 'XUSD', side: 'buy', orderQty: '1', price: '1' } as const

test('who may not come in is told so', async () => {
  const asked = OnefillClient.connect({ servers: nats.url, account: 'alice' })
  await expect(asked).rejects.toThrow(/^No NATS server can be used at .*Authorization/)
})

test('user and password, apart or in the address', async () => {
  const address = nats.url.replace('://', '://alice:p%40ss@')
  for (const options of [{ servers: nats.url, ...login }, { servers: address }]) {
    const alice = await OnefillClient.connect({ ...options, account: 'alice' })
    // Permitted: nobody serves, which is another thing.
    await expect(alice.submit(order, { deadlineMs: 1_000 })).rejects.toMatchObject({
      ...{ code: 'UNANSWERED', mayHaveTakenEffect: false },
    })
    await alice.close()
  }
})

test('an inbox that is not permitted is named, and that the order may have arrived', async () => {
  const inboxPrefix = '_INBOX.bob'
  const alice = await OnefillClient.connect({
    ...{ servers: nats.url, account: 'alice', ...login, inboxPrefix },
  })
  const sent = { ...order, clOrdId: 'a-1' }
  const unknown = { code: 'NO_REPLIES', mayHaveTakenEffect: true }
  await expect(alice.submit(sent)).rejects.toBeInstanceOf(Unanswered)
  await expect(alice.submit(sent)).rejects.toMatchObject({
    ...{ ...unknown, clOrdIds: ['a-1'] },
    message: expect.stringMatching(
      /_INBOX\.bob.*another inboxPrefix: whether .* unknown; .* its id a-1\.$/,
    ),
  })
  const made = { ...unknown, clOrdIds: [expect.stringMatching(/^[\w-]{10,36}$/)] }
  await expect(alice.submit(order)).rejects.toMatchObject(made)
  const commands = ['a-2', 'a-3'].map((clOrdId) => ({ cmd: 'new', ...order, clOrdId }) as const)
  await expect(alice.batch(commands)).rejects.toMatchObject({ clOrdIds: ['a-2', 'a-3'] })
  await expect(alice.massCancel()).rejects.toMatchObject({
    ...{ ...unknown, clOrdIds: [], message: expect.stringMatching(/is unknown\.$/) },
  })
  await alice.close()
})

test("another account's subjects are not permitted: said at once", async () => {
  const problems: ClientProblem[] = []
  const bob = await OnefillClient.connect({
    ...{ servers: nats.url, account: 'bob', ...login },
    onProblem: (problem) => problems.push(problem),
  })
  await expect(bob.submit(order)).rejects.toMatchObject({ code: 'NOT_PERMITTED' })
  await expect(bob.batch([{ cmd: 'new', ...order }])).rejects.toThrow(
    /not permit .*order.bob.batch/,
  )
  await expect(bob.onReport(() => {}).ready).rejects.toMatchObject({ code: 'NOT_PERMITTED' })
  await expect(bob.submit(order)).rejects.toMatchObject({ code: 'NOT_PERMITTED' })
  expect(problems.length).toBeGreaterThan(0)
  await bob.close()
})
