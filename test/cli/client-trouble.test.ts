// The commands that are clients, where something is wrong: how they end, what they say, and where
// they look for the exchange.

import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, nkeys } from '@nats-io/transport-node'
import { beforeAll, expect, test } from 'vitest'
import { AdminClient } from '../../src/client.ts'
import { startNats } from '../../src/gateway/embedded-nats.ts'
import { SCENE } from '../gateway/exchange-support.ts'
import { until } from '../support/until.ts'
import { useClients } from './client-support.ts'

const around = useClients()
const { run, start } = around

beforeAll(async () => {
  const admin = await AdminClient.connect({ servers: around.servers.nats.url })
  await admin.batch(SCENE)
  await admin.close()
})

test('wrong arguments and settings are 2, and nothing is begun', async () => {
  const wrong: [string, RegExp][] = [
    ['order hold XUSD 1 --account alice', /^error: .*Allowed choices are buy, sell\.$/m],
    ['admin depsoit alice 1 USD', /^\(Did you mean deposit\?\)$/m],
    ['admin deposit alice 1 USD --transfre-id x', /^\(Did you mean --transfer-id\?\)$/m],
    ['cancel --account alice', /^onefill: which order\? Give its orderId, or --cl-ord-id\.$/m],
    ['cancel 1 --all --account alice', /^onefill: which order\? Give one, or --all\.$/m],
    ['cancel 1 --side buy --account alice', /^onefill: --side goes with --all\.$/m],
    ['replace 1 --cl-ord-id a --price 1 --qty 1 --account alice', /^onefill: which order\?/m],
    ['status --nats foo', /^onefill: natsUrl is no such address \(--nats\); allowed: nats:/m],
    ['balances --account a.b', /^onefill: The account is not 1 to 36 of .*: a\.b\.$/m],
    ['book XUSD --depth 51', /^error: .* Give a whole number from 1 to 50\.$/m],
    ['book XUSD --depth 0', /^error: .* Give a whole number from 1 to 50\.$/m],
    ['admin limits maxOrderQty=1 maxOrderQty=2', /^error: .* maxOrderQty is given twice\.$/m],
    ['nonsense', /^error: unknown command 'nonsense'$/m],
  ]
  const outcomes = await Promise.all(wrong.map(([line]) => run(line)))
  for (const [n, { status, stdout, stderr }] of outcomes.entries()) {
    const [line, said] = wrong[n]
    expect([line, status, stdout]).toEqual([line, 2, ''])
    expect(stderr).toMatch(said)
  }
})

test('with --json whatever was not done is an object with a code too', async () => {
  const said = async (line: string, options = {}) => {
    const { status, stdout, stderr } = await run(`${line} --json`, options)
    expect([line, stdout.split('\n').length, stderr.length > 0]).toEqual([line, 2, true])
    return { ...JSON.parse(stdout), status }
  }
  const away = { nats: 'nats://127.0.0.1:1' }
  expect(await said('status', away)).toMatchObject({
    ...{ status: 4, code: 'CANNOT_CONNECT', exit: 4, text: expect.stringMatching(/^No NATS /) },
  })
  expect(await said('admin depsoit')).toMatchObject({
    ...{ status: 2, code: 'MISUSE', exit: 2 },
    text: "unknown command 'depsoit' (Did you mean deposit?)",
  })
  expect(await said('status --nats foo')).toMatchObject({ status: 2, code: 'SETTINGS', exit: 2 })
  expect(await said('cancel 999 --account alice')).toMatchObject({
    ...{ status: 1, code: 'NOT_POSSIBLE', exit: 1 },
  })
  for (const line of ['balances', 'cancel 1', 'replace 1 --price 1 --qty 1']) {
    expect(await said(`${line} --account nobody`)).toMatchObject({
      ...{ status: 1, code: 'UNKNOWN_ACCOUNT', execType: 'rejected' },
    })
  }
  expect(await said('book NONE')).toMatchObject({
    ...{ status: 1, code: 'REFUSED', refusal: { code: 'UNKNOWN_SYMBOL' } },
  })
})

test('a file of credentials that cannot be used is told before any server is asked', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'onefill-creds-'))
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const seed = new TextDecoder().decode(nkeys.createUser().getSeed())
  const block = (kind: string, text: string) =>
    `-----BEGIN ${kind}-----\n${text}\n------END ${kind}------\n`
  const good = block('NATS USER JWT', 'e30.e30.e30') + block('USER NKEY SEED', seed)
  const status = async (creds: string) => {
    const { status, stderr } = await run(`status --creds ${creds}`, { nats: 'nats://127.0.0.1:1' })
    return { status, stderr }
  }
  try {
    expect(await status(join(folder, 'none'))).toEqual({
      status: 2,
      stderr: expect.stringMatching(
        /^onefill: The file of credentials .*none cannot be used: ENOENT/,
      ),
    })
    expect(await status(file('bad', 'hello'))).toEqual({
      status: 2,
      stderr: expect.stringMatching(/bad cannot be used: unable to parse credentials\.$/m),
    })
    expect(await status(file('good', good))).toEqual({
      status: 4,
      stderr: expect.stringMatching(/^onefill: No NATS server/),
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('no answer: an order may have taken effect, a question has none', async () => {
  around.running.gateway.stopTaking()
  const deaf = await connect({ servers: around.servers.nats.url })
  for (const subject of ['order', 'query']) {
    deaf.subscribe(`onefill.v1.${subject}.alice.*`, { callback: () => {} })
  }
  await deaf.flush()
  try {
    const order = await run('order buy XUSD 1 --account alice --wait 0.5 --cl-ord-id z --json')
    expect(order.status).toBe(3)
    expect(order.stderr).toMatch(/whether it took effect is unknown; .* its id z\.\n$/)
    expect(JSON.parse(order.stdout)).toMatchObject({
      ...{ code: 'UNANSWERED', exit: 3, mayHaveTakenEffect: true, clOrdIds: ['z'] },
    })
    const question = await run('balances --account alice --wait 0.5')
    expect(question).toMatchObject({ status: 4, stdout: '' })
    expect(question.stderr).toMatch(/^onefill: No answer within \d+ ms\.\n$/)
  } finally {
    around.running.gateway.open(around.running.exchange)
    await deaf.close()
  }
})

test('replies that are not permitted: the line has the flag, and the id to find out', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'onefill-denied-'))
  const config = `authorization: { users: [{
    user: "alice", password: "p", permissions: { subscribe: ["_INBOX.alice.>"] }
  }] }`
  const nats = await startNats({ folder, config })
  try {
    const login = '--account alice --user alice --pass p --inbox-prefix _INBOX.bob'
    const order = `order buy XUSD 1 ${login}`
    const named = await run(`${order} --cl-ord-id z`, { nats: nats.url })
    expect([named.status, named.stdout]).toEqual([3, ''])
    expect(named.stderr).toMatch(
      /_INBOX\.bob.*another --inbox-prefix: whether .* is unknown; .* its id z\.\n$/,
    )
    const { status, stdout, stderr } = await run(`${order} --json`, { nats: nats.url })
    const { clOrdIds, ...said } = JSON.parse(stdout)
    expect(said).toMatchObject({ code: 'NO_REPLIES', exit: status, mayHaveTakenEffect: true })
    expect(stderr).toContain(`its id ${clOrdIds[0]}.\n`)
    const question = await run(`balances ${login}`, { nats: nats.url })
    expect([question.status, question.stderr]).toEqual([
      ...[1, expect.stringMatching(/_INBOX\.bob.*: give another --inbox-prefix\.\n$/)],
    ])
  } finally {
    await nats.stop()
    rmSync(folder, { recursive: true })
  }
})

test('--wait holds for connecting too', async () => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as AddressInfo
  const startMs = performance.now()
  const { status, stderr } = await run('status --wait 0.3', { nats: `nats://127.0.0.1:${port}` })
  // Without a bound of ours it takes 20 s.
  expect(performance.now() - startMs).toBeLessThan(15_000)
  expect([status, stderr]).toEqual([4, expect.stringContaining(`at 127.0.0.1:${port}: timeout. `)])
  silent.close()
})

test('nobody there', async () => {
  for (const user of ['', 'user:pass@', 'user:p@ss@', 'to@ken@']) {
    const none = await run('status', { nats: `nats://${user}127.0.0.1:1` })
    expect(none.status).toBe(4)
    expect(none.stderr).toMatch(/^onefill: No NATS server can be used at 127.0.0.1:1: .+\n$/)
  }
  around.running.gateway.stopTaking()
  try {
    const { status, stderr } = await run(
      'order buy XUSD 1 --account alice --wait 0.5 --cl-ord-id z',
    )
    expect(status).toBe(4)
    expect(stderr).toMatch(
      /^onefill: No answer within \d+ ms: it was not taken in, .* its id z\.\n$/,
    )
  } finally {
    around.running.gateway.open(around.running.exchange)
  }
})

test('where it is: a flag, the environment, the file, what runs in the data folder', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'onefill-client-'))
  const leave = (data: string, url: string) => {
    mkdirSync(join(cwd, data))
    writeFileSync(join(cwd, data, 'nats-url'), `${url}\n`)
  }
  const [here, nowhere] = [around.servers.nats.url, 'nats://127.0.0.1:1']
  leave('.onefill', here)
  leave('other', nowhere)
  const config = (settings: object) =>
    writeFileSync(join(cwd, 'onefill.config.json'), JSON.stringify(settings))
  const status = async (line: string, nats = '', more = {}) =>
    (await run(line, { cwd, nats, more })).status
  expect(await status('status')).toBe(0)
  expect(await status('status --data other')).toBe(4)
  expect(await status('status', '', { ONEFILL_DATA: 'other' })).toBe(4)
  config({ data: 'other' })
  expect(await status('status')).toBe(4)
  config({ data: 'other', natsUrl: here })
  expect(await status('status')).toBe(0)
  expect(await status('status', nowhere)).toBe(4)
  expect(await status(`status --nats ${here}`, nowhere)).toBe(0)
  // What is wrong with the settings of an exchange is none of a client's matter.
  config({ natsUrl: here, httpPort: 'x', standby: true })
  expect(await status('status')).toBe(0)
  config({ natsURL: here })
  expect(await status('status')).toBe(2)
  rmSync(cwd, { recursive: true })
})

test('a folder that was named is not passed over for who is at the usual address', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'onefill-client-'))
  // Somebody is there, us if nobody else.
  const usual = createServer((socket) => socket.destroy()).on('error', () => {})
  usual.listen(4222, '127.0.0.1')
  const said = async (line: string, more = {}) => {
    const { status, stderr } = await run(line, { cwd, nats: '', more })
    return [status, stderr.split(' on a NATS')[0]]
  }
  try {
    const none = [4, 'onefill: No exchange runs in other']
    expect(await said('admin halt XUSD --data other')).toEqual(none)
    expect(await said('status', { ONEFILL_DATA: 'other' })).toEqual(none)
    writeFileSync(join(cwd, 'onefill.config.json'), JSON.stringify({ data: 'other' }))
    expect(await said('status')).toEqual(none)
    expect((await run(`status --nats ${around.servers.nats.url}`, { cwd, nats: '' })).status).toBe(
      0,
    )
  } finally {
    usual.close()
    rmSync(cwd, { recursive: true })
  }
})

test('who follows is told once that the exchange is away, and that it is back', async () => {
  const fills = start(['fills', '--account', 'alice', '--follow'])
  const watch = start(['book', 'XUSD', '--watch', '--depth', '1'])
  const lines = () => [fills, watch].map(({ said }) => said.stderr)
  const [away, back] = ['away; this goes on when it is back', 'back'].map(
    (how) => `onefill: the exchange is ${how}.\n`,
  )
  await until(() => [fills, watch].every(({ said }) => said.stdout !== ''))
  await around.servers.nats.kill()
  await until(() => lines().every((said) => said === away))
  await around.servers.nats.start()
  await until(() => lines().every((said) => said === away + back))
  around.running.gateway.stopTaking()
  await until(() => lines().every((said) => said === away + back + away))
  around.running.gateway.open(around.running.exchange)
  await until(() => lines().every((said) => said === away + back + away + back))
  for (const each of [fills, watch]) {
    each.child.kill('SIGINT')
    expect(await each.end).toMatchObject({ status: 0 })
  }
})
