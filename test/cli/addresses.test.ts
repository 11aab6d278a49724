// Addresses and folders as people write them, with what a shell, a URL or JSON takes for something
// else: what a command shows of them, and how it refuses them.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type EmbeddedNats, startNats } from '../../src/gateway/embedded-nats.ts'
import { logLines } from '../support/surroundings.ts'
import { endTools, onefill, Served } from '../support/tool.ts'

let cwd = ''
let nats: EmbeddedNats
beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'onefill-addresses-'))
  nats = await startNats({ folder: join(cwd, 'nats') })
}, 60_000)
afterEach(endTools)
afterAll(async () => {
  await nats.stop()
  rmSync(cwd, { recursive: true })
})

test('config shows no password, whatever stands in it', () => {
  const args = ['config', '--nats', `nats://to'ken-secret@h:4222,nats://u:a,b secret@h2`]
  const env = { REDIS_URL: `redis://:it's "a", secret@h` }
  const url = `postgres://u:it's-secret@h:5432/db?sslpassword=it's-secret`
  for (const more of [[], ['--json']]) {
    const { status, stdout, stderr } = onefill([...args, ...more], { cwd, url, env })
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).not.toContain('secret')
    expect(stdout).toContain('nats://***@h:4222,nats://u:***@h2')
    expect(stdout).toContain('postgres://u:***@h:5432/db?sslpassword=***')
    expect(stdout).toContain('redis://:***@h')
  }
})

test('a % that is no escape is wrong settings to every command, and said how to write it', () => {
  const at = '127.0.0.1:1'
  const cases = [
    ['serve', '--http-port', 'off', '--nats', `nats://u:100%secret@${at}`],
    ['serve', '--http-port', 'off', '--redis', `redis://:1%secret@${at}`],
    ['serve', `postgres://u:1%secret@${at}/d`],
    ['doctor', '--nats', `nats://u:100%secret@${at}`],
    ['status', '--nats', `nats://100%secret@${at}`],
    ['journal', 'verify', `postgres://u:1%secret@${at}/d`],
  ]
  for (const args of cases) {
    const { status, stdout, stderr } = onefill(args, { cwd })
    expect([args, status, stdout]).toEqual([args, 2, ''])
    expect(stderr).toMatch(/^onefill: \w+ is no such address: a % in user or password is .* %25 /)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).not.toContain('secret')
  }
})

test('a file of httpAuth that is not there is told once, before anything is made', () => {
  const file = join(cwd, 'none.json')
  const args = ['serve', '--http-port', '0', '--data', 'unmade', '--http-auth', file]
  const { status, stderr } = onefill(args, { cwd })
  const lines = logLines(stderr)
  expect([status, lines.map(({ event }) => event)]).toEqual([2, ['start', 'end']])
  expect(lines[1]).toMatchObject({
    ...{ level: 'fatal', exit: 2, msg: `httpAuth: ${file} cannot be read: ENOENT.` },
  })
})

test('what start prints to try can be pasted, and has no password', async () => {
  const data = `it's here`
  const at = nats.url.replace('nats://', '')
  const list = `nats://u:secret1@${at},nats://u:se@cret2@${at}`
  const args = ['--http-port', 'off', '--data', data, '--nats', list]
  const served = new Served(args, { command: 'start', cwd })
  await served.until(() => served.lines.some((line) => line.includes('docs/nats.md')))
  served.signal('SIGTERM')
  expect(await served.end()).toBe(0)
  const flags = `--data 'it'\\''s here' --nats 'nats://u:***@${at},nats://u:***@${at}'`
  const printed = served.lines.filter((line) => /^ {2}(npx|nats) /.test(line))
  expect(printed).toEqual([
    `  npx onefill book NVDA --watch ${flags}`,
    `  npx onefill order buy NVDA 5 --price 170 --account alice ${flags}`,
    expect.stringMatching(new RegExp(`^ {2}nats -s ${at},${at} sub `)),
    expect.stringMatching(new RegExp(`^ {2}nats -s ${at},${at} req `)),
  ])
  expect(served.lines.join() + served.stderr).not.toContain('cret')
})
