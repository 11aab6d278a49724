// The built-in Postgres: its settings, its data folder used again, and nothing left behind however
// its owner ends.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEmbedded } from '../../src/persistence/embedded.ts'
import { problem, sql, variant } from './postgres-support.ts'

let parent: string
beforeAll(() => {
  parent = mkdtempSync(join(tmpdir(), 'onefill-embedded-'))
  chmodSync(parent, 0o755)
})
afterAll(() => rmSync(parent, { recursive: true, force: true }))

const isAlive = (pid: number) => existsSync(`/proc/${pid}`)

test('durable, here alone, with a password; its data outlives stop and kill', async () => {
  const folder = join(parent, 'one')
  const postgres = await startEmbedded({ folder })
  const [{ settings }] = await sql(
    postgres.url,
    `SELECT json_object_agg(name, setting) AS settings FROM pg_settings WHERE name IN ('fsync',
      'full_page_writes', 'synchronous_commit', 'data_checksums', 'listen_addresses')`,
  )
  expect(settings).toEqual({
    ...{ fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on', data_checksums: 'on' },
    listen_addresses: '127.0.0.1',
  })
  const wrong = variant(postgres.url, { password: 'wrong' })
  await expect(sql(wrong, 'SELECT')).rejects.toThrow(/password/)
  const { url, port } = postgres
  await sql(url, 'CREATE TABLE kept AS SELECT 1 AS one')
  await postgres.kill()
  expect(postgres.pid).toBeNull()
  await postgres.start()
  expect([postgres.url, postgres.port]).toEqual([url, port])
  expect(await sql(url, 'TABLE kept')).toEqual([{ one: 1 }])
  const start = performance.now()
  await postgres.stop()
  expect(performance.now() - start).toBeLessThan(15_000)
  const again = await startEmbedded({ folder })
  expect(await sql(again.url, 'TABLE kept')).toEqual([{ one: 1 }])
  const { pid } = again
  await Promise.all([again.stop(), again.stop()])
  expect(isAlive(pid!)).toBe(false)
})

test('one clear message when it cannot', async () => {
  const file = join(parent, 'file')
  writeFileSync(file, '')
  expect(await problem(startEmbedded({ folder: file }))).toBe('EMBEDDED_FAILED')
  const folder = join(parent, 'bad')
  const settings = { shared_buffers: 'much' }
  expect(await problem(startEmbedded({ folder, settings }))).toBe('EMBEDDED_FAILED')
  await expect(startEmbedded({ folder, settings })).rejects.toThrow('shared_buffers')
})

test('in a folder that only root may enter', async () => {
  const closed = join(parent, 'closed')
  mkdirSync(closed, { mode: 0o700 })
  const postgres = await startEmbedded({ folder: join(closed, 'data') })
  expect(await sql(postgres.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  await postgres.stop()
})

test.each(['SIGKILL', 'SIGTERM', 'exit'])('it ends when its owner ends by %s', async (how) => {
  const module = new URL('../../src/persistence/embedded.ts', import.meta.url)
  const program = `import { startEmbedded } from '${module}'
    const postgres = await startEmbedded({ folder: '${join(parent, how)}' })
    console.log(postgres.pid)
    ${how === 'exit' ? '' : 'setInterval(() => {}, 1000)'}`
  const flags = ['--input-type=module-typescript', '--disable-warning=ExperimentalWarning']
  const owner = spawn(process.execPath, [...flags, '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = await once(owner.stdout, 'data')
  const pid = Number(said)
  const gone = once(owner, 'exit')
  if (how !== 'exit') {
    expect(isAlive(pid)).toBe(true)
    owner.kill(how as NodeJS.Signals)
  }
  await gone
  const until = performance.now() + 12_000
  while (isAlive(pid) && performance.now() < until) await delay(20)
  expect(isAlive(pid)).toBe(false)
})
