// An exchange on servers of its own in a data folder: a second one there, what it leaves behind,
// and who ends it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { logLines } from '../support/surroundings.ts'
import { endTools, onefill, Served, type ServedOptions } from '../support/tool.ts'

const TOOL = join(import.meta.dirname, '../../bin/onefill.js')

let cwd = ''
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'onefill-ending-'))
})
afterEach(endTools)
afterAll(() => rmSync(cwd, { recursive: true }))

const lastLine = ({ stderr }: { stderr: string }) => logLines(stderr).at(-1)

async function serve(event: string, options: ServedOptions = {}): Promise<Served> {
  const served = new Served(['--http-port', '0'], { cwd, ...options })
  await served.until(() => served.stderr.includes(`"event":"${event}"`))
  return served
}

/** What of it can be found in the folder. */
const left = () => readdirSync(join(cwd, '.onefill')).filter((name) => /url|lock/.test(name))

test('a second one in the folder is told at once; a crash leaves it free', async () => {
  const first = await serve('ready')
  expect(left()).toEqual(['lock', 'nats-url', 'url'])
  const second = onefill(['serve', '--http-port', '0'], { cwd })
  expect(second.status).toBe(1)
  const { pid } = logLines(first.stderr)[0]
  expect(lastLine(second)?.msg).toBe(
    `an exchange runs in .onefill already (process ${pid}): onefill status talks to it; ` +
      'a second one needs another folder: --data FOLDER.',
  )
  expect(onefill(['status'], { cwd }).status).toBe(0)
  await first.kill()
  const third = await serve('ready')
  third.signal('SIGTERM')
  expect(await third.end()).toBe(0)
  expect(left()).toEqual([])
})

test('a signal before it is ready leaves no address behind', async () => {
  const served = await serve('postgres')
  served.signal('SIGINT')
  expect(await served.end()).toBe('SIGINT')
  expect(left().filter((name) => name !== 'lock')).toEqual([])
})

test("it stops with npm's shell, which ends and hands on no signal", async () => {
  const { NATS_URL: _, DATABASE_URL: __, ...env } = process.env
  const script = `"${process.execPath}" "${TOOL}" serve --http-port 0 & wait`
  const shell = spawn('/bin/sh', ['-c', script], {
    ...{ cwd, env: { ...env, npm_lifecycle_event: 'serve' } },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  const isReady = new Promise<void>((resolve) => {
    shell.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
      if (stderr.includes('"event":"ready"')) resolve()
    })
  })
  await isReady
  shell.kill('SIGTERM')
  // The pipe is the exchange's too, so this is its end.
  await once(shell, 'close')
  expect(lastLine({ stderr })?.event).toBe('stopped')
  expect(left()).toEqual([])
})

test('it stops with its wrapper, where another Node has started it', async () => {
  const node = ['/usr/bin/node', '/usr/local/bin/node'].find(
    (path) => existsSync(path) && path !== process.execPath,
  )
  // Where there is no other Node there is no wrapper.
  if (node === undefined) return
  // The tests themselves may run under npm.
  const served = await serve('ready', { node, env: { npm_lifecycle_event: '' } })
  await served.kill()
  expect(lastLine(served)?.event).toBe('stopped')
  expect(left()).toEqual([])
})
