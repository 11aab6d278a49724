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
} from '../../src/config.ts'
import { onefill } from '../support/tool.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'onefill-config-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

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
  ]
  for (const [text, hidden] of cases) expect(hideSecrets(text)).toBe(hidden)
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
