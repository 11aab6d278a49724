// The settings: who wins, what is wrong is said at once, and `onefill config`.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  ConfigProblem,
  flagOf,
  hideSecrets,
  readConfig,
  SETTING_NAMES,
  variableOf,
  visible,
} from '../../src/config.ts'
import { onefill } from '../support/tool.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onefill-config-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const NATS_HIDDEN = 'nats://***@h:1,nats://u:***@h2,tls://h3'

/** Writes a file of settings; its path. */
function file(name: string, content: unknown): string {
  const path = join(folder, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

function problems(input: Partial<Parameters<typeof readConfig>[0]>): readonly string[] {
  try {
    readConfig({ environment: {}, flags: {}, ...input })
  } catch (error) {
    if (error instanceof ConfigProblem) return error.lines
    throw error
  }
  return []
}

test('a flag wins over the environment, that over the file, that over the default', () => {
  const path = file('a.json', { workers: 1, keepSnapshots: 4, depthEveryMs: 20 })
  const environment = { ONEFILL_WORKERS: '2', ONEFILL_KEEP_SNAPSHOTS: '5', ONEFILL_DATA: '' }
  const { settings, sources } = readConfig({ file: path, environment, flags: { workers: '2+1' } })
  expect(settings).toMatchObject({
    ...{ workers: { accounts: 2, symbols: 1 }, keepSnapshots: 5, depthEveryMs: 20 },
    ...{ data: '.onefill', httpPort: 8080, keepJournal: Number.POSITIVE_INFINITY },
  })
  const from = ({ workers, keepSnapshots, depthEveryMs, data }: typeof sources) =>
    [workers, keepSnapshots, depthEveryMs, data].map((source) => source.from)
  expect(from(sources)).toEqual(['--workers', 'ONEFILL_KEEP_SNAPSHOTS', path, 'default'])
})

test('all that is wrong is said at once: the setting, where it is from, what is allowed', () => {
  const path = file('b.json', { workers: -1, colour: 'red', keepSnapshots: 1.5 })
  const environment = { ONEFILL_HTTP_PORT: '70000', ONEFILL_COLOR: 'red', REDIS_URL: 'http://h' }
  const flags = { keepJournal: '-1', natsUrl: 'nats://', stdio: true, logLevel: 'loud' }
  const said = problems({ file: path, environment, flags })
  const expected = [
    [/^colour is no setting \(.*b\.json\); allowed: data, /],
    [/^ONEFILL_COLOR is no setting; allowed: ONEFILL_DATA, /],
    [/^natsUrl is no such address \(--nats\); allowed: nats:/],
    [/^redisUrl is no such address \(REDIS_URL\); allowed: redis:/],
    [/^workers is -1 \(.*b\.json\); allowed: 0, a number up to 64/],
    [/^keepSnapshots is 1\.5 \(.*b\.json\); allowed: a whole number from 1$/],
    [/^keepJournal is "-1" \(--keep-journal\); allowed: days/],
    [/^httpPort is "70000" \(ONEFILL_HTTP_PORT\); allowed: 0 to 65535/],
    [/^logLevel is "loud" \(--log-level\); allowed: debug, info/],
  ].flat()
  expect(said).toHaveLength(expected.length)
  for (const [n, pattern] of expected.entries()) expect(said[n]).toMatch(pattern)
})

test('files that are none, and settings that do not go together', () => {
  expect(problems({ file: join(folder, 'none.json') })[0]).toMatch(/none\.json cannot be .*ENOENT/)
  const [plain, placed] = ['{"a": hunter2', '{"natsUrl": "nats://u:hunter2@h"\n "workers": 1}']
  const unread = (name: string) => `the file ${join(folder, name)} cannot be read: it is not JSON`
  expect(problems({ file: file('c.json', plain) })).toEqual([unread('c.json')])
  expect(problems({ file: file('f.json', placed) })).toEqual([
    `${unread('f.json')} in line 2, column 2`,
  ])
  expect(problems({ file: file('d.json', [1]) })[0]).toMatch(/holds no object/)
  expect(problems({ flags: { standby: true } })).toHaveLength(2)
  const databaseUrl = 'postgres://u@h/d'
  expect(problems({ flags: { standby: true, databaseUrl, natsUrl: 'nats://h' } })).toEqual([])
  expect(problems({ flags: { stay: true } })).toEqual(['stay goes with stdio only'])
  expect(problems({ file: file('e.json', { toString: 1, __proto__: 2 }) })).toHaveLength(1)
})

test('passwords are hidden, wherever they are in a text', () => {
  const cases = [
    ['postgres://u:pw@h/d', 'postgres://u:***@h/d'],
    ['at postgres://u:p@w/x:y@h:1/d now', 'at postgres://u:***@h:1/d now'],
    ['nats://token@h', 'nats://***@h'],
    ['postgres://h/d?user=u&password=pw', 'postgres://h/d?user=u&password=***'],
    ['postgres://h/d?sslpassword=pw&x=1', 'postgres://h/d?sslpassword=***&x=1'],
    ['{"url":"nats://u:pw@h"}', '{"url":"nats://u:***@h"}'],
    ['nats://h:4222', 'nats://h:4222'],
    [`at postgres://u:it's "my" word@h/d now`, 'at postgres://u:***@h/d now'],
    [String.raw`at nats://to'k"e\n@h now`, 'at nats://***@h now'],
    [`postgres://h/d?password=it's"my"word&x=1`, 'postgres://h/d?password=***&x=1'],
    ['nats://h1:1, nats://a:b c@h2,nats://d@h3', 'nats://h1:1, nats://a:***@h2,nats://***@h3'],
    ['nats://h:4222 has bought 5 @ 170', 'nats://h:4222 has bought 5 @ 170'],
  ]
  for (const [text, hidden] of cases) {
    expect(hideSecrets(text)).toBe(hidden)
    // The log hides in whole lines of JSON: nothing beside the text is touched, and it stays JSON.
    const line = JSON.stringify({ event: 'a@b', msg: text, url: 'nats://h', last: 'c@d' })
    expect(JSON.parse(hideSecrets(line))).toEqual({ ...JSON.parse(line), msg: hidden })
  }
})

test('an address that is known to be one is shown without password, whatever stands in it', () => {
  const cases = [
    ['databaseUrl', `postgres://u:it's "a", se@c/ret@h:5/d`, 'postgres://u:***@h:5/d'],
    ['databaseUrl', `postgres://h/d?password=it's a@b&x=1`, 'postgres://h/d?password=***&x=1'],
    ['redisUrl', `redis://:it's@h`, 'redis://:***@h'],
    ['natsUrl', `nats://to'ken@h:1,nats://u:a,b c@h2,tls://h3`, NATS_HIDDEN],
    ['data', `/it's/a folder`, `/it's/a folder`],
  ] as const
  for (const [name, raw, hidden] of cases) expect(visible(name, raw)).toBe(hidden)
})

test('user and password may hold a comma, and no bare %; lists are for NATS', () => {
  const encoded = 'special characters in user and password percent-encoded, % as %25'
  const cases = [
    ['databaseUrl', 'postgres://u:pa,ss@h/d', undefined],
    ['redisUrl', 'redis://:pa,ss@h', undefined],
    ['natsUrl', 'nats://u:pa,ss@h,nats://h2', undefined],
    ['natsUrl', 'nats://u:100%25@h', undefined],
    ['natsUrl', 'nats://u:p@h1:4222,h2:4222', undefined],
    ['databaseUrl', 'postgres://u:100%secret@h/d', /^databaseUrl .*: a % in user .* written %25 /],
    ['redisUrl', 'redis://:1%secret@h', /^redisUrl is .*: a % in user .* is written %25 /],
    ['natsUrl', 'nats://h,nats://100%secret@h', /^natsUrl is .*: a % in user .* is written %25 /],
    ['databaseUrl', 'postgres://h1/d,postgres://h2/d', /^databaseUrl is .*: give one, no list /],
    ['databaseUrl', 'postgres://h1,h2/d', /^databaseUrl is no such address: give one, no list /],
    ['redisUrl', 'redis://h1/0,rediss://h2/0', /^redisUrl is no such address: give one, no list /],
    // It might be a token, or two servers: a comma that is not clear is refused, and how to say it.
    ['natsUrl', 'nats://secret,word@h', /^natsUrl is no such address \(.*, a comma as %2C$/],
    // With a / in the password, secret would be the host.
    ['natsUrl', 'nats://secret:12/3@h', /^natsUrl is no such address \(/],
    ['databaseUrl', 'postgres://secret:12?3@h/d', /^databaseUrl is no such address \(/],
    ['databaseUrl', 'postgres://h/d?user=a@b', undefined],
    ['natsUrl', '', /^natsUrl is no such address \(/],
  ] as const
  for (const [name, raw, pattern] of cases) {
    const said = problems({ flags: { [name]: raw } })
    expect([raw, said.length]).toEqual([raw, pattern === undefined ? 0 : 1])
    if (pattern === undefined) continue
    expect(said[0]).toMatch(pattern)
    expect(said[0]).toContain(encoded)
    expect(said[0]).not.toContain('secret')
  }
})

test('what Kubernetes and Docker say of a service named onefill is left alone, and no more', () => {
  const generated = {
    ONEFILL_SERVICE_HOST: '10.0.0.1',
    ONEFILL_SERVICE_PORT: '8080',
    ONEFILL_SERVICE_PORT_HTTP: '8080',
    ONEFILL_PORT: 'tcp://10.0.0.1:8080',
    ONEFILL_PORT_8080_TCP: 'tcp://10.0.0.1:8080',
    ONEFILL_PORT_8080_TCP_PROTO: 'tcp',
    ONEFILL_PORT_8080_TCP_PORT: '8080',
    ONEFILL_PORT_8080_TCP_ADDR: '10.0.0.1',
    ONEFILL_HTTP_SERVICE_HOST: '10.0.0.2',
    ONEFILL_HTTP_PORT: 'tcp://10.0.0.2:8080',
    ONEFILL_NAME: '/web/onefill',
    ONEFILL_ENV_NODE_VERSION: '26',
  }
  const { settings } = readConfig({ environment: generated, flags: {} })
  expect(settings.httpPort).toBe(8080)
  const own = {
    ONEFILL_PORT: '8080',
    ONEFILL_SERVICE: '10.0.0.1',
    ONEFILL_PORT_HTTP: '8080',
    ONEFILL_PORT_8080_TCP_PORTS: '8080',
    ONEFILL_NAME: 'onefill',
  }
  const said = problems({ environment: own })
  expect(said.map((line) => line.split(' ')[0])).toEqual(Object.keys(own))
  for (const line of said) expect(line).toMatch(/ ONEFILL_CONFIG, ONEFILL_ACCOUNT$/)
})

test('what does not go together is said with the rest, where it is known to be so', () => {
  const databaseUrl = /^standby needs databaseUrl/
  const natsUrl = /^standby needs natsUrl/
  const cases = [
    [{ ONEFILL_STANDBY: '1', ONEFILL_WORKERS: 'x' }, [/^workers is "x"/, databaseUrl, natsUrl]],
    [{ ONEFILL_STANDBY: '1', DATABASE_URL: 'x' }, [/^databaseUrl is no such/, natsUrl]],
    [{ ONEFILL_STANDBY: '1', ONEFILL_STDIO: 'x' }, [/^stdio is "x"/, databaseUrl]],
    [{ ONEFILL_STAY: '1', ONEFILL_STDIO: 'x' }, [/^stdio is "x"/]],
    // The file may name both.
    [{ ONEFILL_STANDBY: '1', ONEFILL_CONFIG: join(folder, 'none.json') }, [/none\.json cannot be/]],
  ] as const
  for (const [environment, patterns] of cases) {
    const said = problems({ environment })
    expect([environment, said.length]).toEqual([environment, patterns.length])
    for (const [n, pattern] of patterns.entries()) expect(said[n]).toMatch(pattern)
  }
})

test('onefill config shows what is in force, and reads onefill.config.json where it is', () => {
  file('onefill.config.json', { snapshotEvery: 77 })
  const shown = onefill(['config', '--json', '--nats', 'nats://me:hunter2@h'], {
    ...{ cwd: folder, url: 'postgres://u:hunter2@h/d', env: { ONEFILL_KEEP_JOURNAL: '0.5' } },
  })
  expect([shown.status, shown.stderr]).toEqual([0, ''])
  expect(JSON.parse(shown.stdout)).toMatchObject({
    snapshotEvery: { value: 77, from: 'onefill.config.json' },
    keepJournal: { value: '0.5', from: 'ONEFILL_KEEP_JOURNAL' },
    natsUrl: { value: 'nats://me:***@h', from: '--nats' },
    databaseUrl: { value: 'postgres://u:***@h/d', from: 'DATABASE_URL' },
    workers: { value: 0, from: 'default' },
  })
  expect(Object.keys(JSON.parse(shown.stdout))).toEqual(SETTING_NAMES)
  const table = onefill(['config'], { cwd: folder }).stdout
  expect(table).toMatch(/^snapshotEvery +77 +onefill\.config\.json$/m)
  const wrong = onefill(['serve', '-w', 'x', '--http-port', 'y'], { cwd: folder })
  expect([wrong.status, wrong.stdout]).toEqual([2, ''])
  expect(wrong.stderr).toMatch(/^onefill: workers is "x" .+\.\nonefill: httpPort is "y" .+\.\n$/)
})

test('docs/operations.md has every setting with its flag and its variable', () => {
  const path = join(import.meta.dirname, '../../docs/operations.md')
  const rows = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
  for (const name of SETTING_NAMES) {
    const row = rows.find((line) => line.startsWith(`| \`${name}\` |`)) ?? ''
    expect([name, row.includes(`\`${flagOf(name)}`)]).toEqual([name, true])
    expect([name, row.includes(`\`${variableOf(name)}\``)]).toEqual([name, true])
  }
})
