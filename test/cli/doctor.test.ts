// `onefill doctor` in good surroundings and in bad ones.

import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startNats } from '../../src/gateway/embedded-nats.ts'
import { startEmbedded } from '../../src/persistence/embedded.ts'
import { SCHEMA_VERSION } from '../../src/persistence/migrations.ts'
import { sql, variant } from '../support/sql.ts'
import { Surroundings } from '../support/surroundings.ts'
import { endTools, onefill, Served } from '../support/tool.ts'

const HOOK_MS = 600_000
const LONG = 'a-secret-of-forty-three-characters-or-more-0123456789'
let around: Surroundings
beforeAll(async () => {
  around = await Surroundings.start()
}, HOOK_MS)
afterAll(() => around.stop(), HOOK_MS)
afterEach(endTools)

interface Finding {
  level: string
  name: string
  said: string
  todo?: string
}

/** What the doctor finds, by name, and its exit code. */
function examine(args: string[], url?: string) {
  const told = url === undefined ? {} : { url }
  const { status, stdout } = onefill(['doctor', '--json', '--http-port', '0', ...args], {
    ...{ cwd: around.databases.folder, ...told },
  })
  const findings = JSON.parse(stdout) as Finding[]
  return { status, findings, of: (name: string) => findings.find((each) => each.name === name) }
}

test('all is well, before the first start and beside a running exchange', async () => {
  const url = await around.databases.create()
  const nats = ['--nats', around.nats.url]
  const first = examine(nats, url)
  expect([first.status, first.findings.filter(({ level }) => level === 'fail')]).toEqual([0, []])
  expect(first.of('tables')).toMatchObject({ level: 'ok', said: expect.stringContaining('none') })
  const served = new Served(['--http-port', '0', ...nats], { url })
  await served.until(() => served.stderr.includes('"event":"ready"'))
  const second = examine(nats, url)
  expect(second.status).toBe(0)
  expect(second.of('tables')).toMatchObject({ level: 'ok', said: `version ${SCHEMA_VERSION}` })
  expect(second.of('lease')).toMatchObject({ level: 'ok', said: expect.stringMatching(/leads/) })
  expect(second.of('nats permissions')).toMatchObject({ level: 'ok' })
  expect(second.of('clock')).toMatchObject({ level: 'ok' })
  // Who may not end its session could not take over from it.
  expect(second.of('takeover')).toBeUndefined()
  await sql(url, `CREATE ROLE successor LOGIN PASSWORD 'successor'`)
  await sql(url, 'GRANT USAGE ON SCHEMA onefill TO successor')
  await sql(url, 'GRANT SELECT ON ALL TABLES IN SCHEMA onefill TO successor')
  const of = variant(url, { user: 'successor', password: 'successor' })
  const third = examine(nats, of)
  expect(third.of('takeover')).toMatchObject({
    level: 'warn',
    todo: expect.stringMatching(/GRANT/),
  })
  // Plain lines say the same.
  const { stdout } = onefill(['doctor', '--http-port', '0', ...nats], { url })
  expect(stdout).toMatch(/^ok {4}node {2,}26\./m)
  await served.kill()
})

test('servers that are not there are named, with what to do, and it ends with 1', () => {
  const { status, of } = examine(
    ['--nats', 'nats://u:hunter2@127.0.0.1:1'],
    'postgres://u:hunter2@127.0.0.1:1/x',
  )
  expect(status).toBe(1)
  expect(of('postgres')).toMatchObject({
    ...{ level: 'fail', said: expect.stringContaining('NO_SERVER') },
    todo: expect.stringContaining('start Postgres'),
  })
  expect(of('nats')).toMatchObject({ level: 'fail', said: expect.stringContaining('127.0.0.1:1') })
})

test('a Postgres that may lose what it committed', async () => {
  const folder = join(around.databases.folder, 'careless')
  const careless = await startEmbedded({ folder, settings: { fsync: 'off' } })
  try {
    const { status, of } = examine(['--nats', around.nats.url], careless.url)
    expect(status).toBe(1)
    expect(of('postgres')).toMatchObject({ level: 'fail', todo: 'set fsync = on' })
  } finally {
    await careless.stop()
  }
})

test('tables that are newer than the program', async () => {
  const url = await around.databases.create()
  await around.databases.sql(url, 'CREATE SCHEMA onefill')
  await around.databases.sql(url, 'CREATE TABLE onefill.migration AS SELECT 99 AS version')
  const { status, of } = examine(['--nats', around.nats.url], url)
  expect(status).toBe(1)
  expect(of('tables')).toMatchObject({ level: 'fail', todo: 'update onefill' })
})

test('a NATS user who may not do what the exchange does; short messages', async () => {
  const config = `authorization { users = [ { user: "weak", password: "pw",
    permissions: { publish: ["onefill.v1.exec.*"], subscribe: ["_INBOX.>"] } } ] }`
  const nats = await startNats({ folder: join(around.databases.folder, 'weak'), config })
  try {
    const url = await around.databases.create()
    const { status, of } = examine(['--nats', nats.url.replace('//', '//weak:pw@')], url)
    expect(status).toBe(1)
    expect(of('nats')).toMatchObject({ level: 'ok' })
    const { level, said } = of('nats permissions') ?? {}
    expect(level).toBe('fail')
    for (const subject of ['onefill.v1.admin.*', 'onefill.v1.md.onefill-doctor.trades']) {
      expect(said).toContain(subject)
    }
    expect(said).not.toContain('onefill.v1.exec.onefill-doctor')
  } finally {
    await nats.stop()
  }
})

test('a port that is taken, a folder that cannot be', async () => {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as { port: number }
  const url = await around.databases.create()
  const data = join(around.databases.folder, 'postgres/password/x')
  const args = ['--http-port', String(port), '--data', data, '--nats', around.nats.url]
  const { status, of } = examine(args, url)
  const start = ['serve', '--http-port', String(port), '--nats', around.nats.url]
  expect(onefill(start, { url }).stderr).toContain(`port ${port} of 127.0.0.1 is taken: give`)
  server.close()
  expect(status).toBe(1)
  expect(of(`port ${port}`)).toMatchObject({ level: 'warn', said: 'taken' })
  expect(of('data folder')).toMatchObject({ level: 'fail' })
})

test('the file that says who trades over HTTP is looked at', async () => {
  const url = await around.databases.create()
  const file = join(around.databases.folder, 'auth.json')
  const args = ['--nats', around.nats.url, '--http-auth', file]
  const first = examine(args, url)
  expect(first.status).toBe(1)
  expect(first.of('http auth')).toMatchObject({
    ...{ level: 'fail', said: `httpAuth: ${file} cannot be read: ENOENT` },
    todo: expect.stringContaining('docs/http-auth.md'),
  })
  writeFileSync(file, JSON.stringify({ jwt: { issuer: 'us', secret: 'short' } }))
  const second = examine(args, url)
  const said = second.findings.filter(({ name }) => name === 'http auth').map((each) => each.said)
  expect([second.status, said]).toEqual([
    1,
    [expect.stringContaining('jwt.audience'), expect.stringContaining('jwt.secret')],
  ])
  writeFileSync(file, JSON.stringify({ jwt: { issuer: 'us', audience: 'a', secret: LONG } }))
  const third = examine(args, url)
  expect([third.status, third.of('http auth')?.level]).toEqual([0, 'ok'])
})

test('an address of NATS that was left behind and cannot be used is a finding', async () => {
  const data = join(around.databases.folder, 'left')
  mkdirSync(data)
  writeFileSync(join(data, 'nats-url'), 'nats://u:100%hunter2@127.0.0.1:1')
  const { status, of } = examine(['--data', data], await around.databases.create())
  const said = 'No NATS server can be used: a % in user or password is written %25'
  expect([status, of('nats')]).toMatchObject([1, { level: 'fail', said }])
})
