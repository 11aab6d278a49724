// A Postgres whose connections others have taken: `onefill serve` does not start, and says why in a
// line; one that runs goes on with those it has, and when it loses them takes nothing in, loses
// nothing, and goes on by itself.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type EmbeddedPostgres, startEmbedded } from '../../src/persistence/embedded.ts'
import { Acknowledged } from '../support/acknowledged.ts'
import { ConnectionHog } from '../support/connection-hog.ts'
import type { Json } from '../support/markets.ts'
import { logLines } from '../support/surroundings.ts'
import { endTools, Served } from '../support/tool.ts'

const SCENE = [
  { cmd: 'asset', asset: 'USD', decimals: 2 },
  { cmd: 'asset', asset: 'X', decimals: 0 },
  {
    ...{ cmd: 'instrument', symbol: 'XUSD', base: 'X', quote: 'USD' },
    ...{ tickSize: '0.01', lotSize: '1' },
  },
  { cmd: 'account', account: 'alice' },
  { cmd: 'limits', account: 'alice', duplicateWindowMs: 'off' },
  { cmd: 'deposit', account: 'alice', asset: 'USD', amount: '1000000', transferId: 'd-1' },
]
const buys = (name: string, count: number) =>
  Array.from({ length: count }, (_, n) => ({
    ...{ cmd: 'new', account: 'alice', clOrdId: `${name}-${n}`, symbol: 'XUSD', side: 'buy' },
    ...{ ordType: 'limit', price: '1', orderQty: '1' },
  }))
/** A Postgres on a slow disk takes its time to start and to stop. */
const HOOK_MS = 60_000

let folder = ''
let postgres: EmbeddedPostgres
let hog: ConnectionHog
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'onefill-test-'))
  // As few as an exchange and a few others need.
  postgres = await startEmbedded({ folder, settings: { max_connections: '12' } })
  hog = new ConnectionHog(postgres.url)
}, HOOK_MS)
afterEach(async () => {
  endTools()
  await hog.release()
})
afterAll(async () => {
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
}, HOOK_MS)

const events = (served: Served, event: string) =>
  logLines(served.stderr).filter((line) => line.event === event)

const note = (acknowledged: Acknowledged, report: Json): void => {
  const { account, clOrdId, orderId, execType } = report
  if (execType !== 'new') return
  acknowledged.note(String(account), String(clOrdId), { orderId: String(orderId) })
}

test('at the start: one line, and exit code 1; then, with room, it starts', async () => {
  expect(await hog.takeAll()).toBeGreaterThan(0)
  const served = new Served(['--stdio', '--stay'], { url: postgres.url })
  expect(await served.end()).toBe(1)
  const lines = logLines(served.stderr).filter(({ level }) => level === 'fatal')
  expect(lines.map(({ msg }) => msg)).toEqual([
    expect.stringMatching(/^Postgres has no connection left: .*\(53300\)\.$/),
  ])
  expect(served.stderr).not.toMatch(/^\s+at /m)
  await hog.release()
  const again = new Served(['--stdio', '--stay'], { url: postgres.url })
  await again.until(() => events(again, 'ready').length > 0)
})

test('while it runs: it goes on with those it has, and waits for those it has lost', async () => {
  const args = ['--stdio', '--stay', '--http-port', '0']
  const served = new Served(args, { url: postgres.url })
  await served.until(() => events(served, 'ready').length > 0)
  const health = async () => {
    const response = await fetch(`${events(served, 'http')[0].url}/readyz`)
    return [response.status, ((await response.json()) as { degraded: string[] }).degraded]
  }
  served.say(SCENE)
  await served.until(() => served.lines.length === SCENE.length)
  served.say(buys('a', 200))
  await served.until(() => served.lines.length === SCENE.length + 200)
  await hog.takeAll()
  served.say(buys('b', 200))
  await served.until(() => served.lines.length === SCENE.length + 400)
  expect(await health()).toEqual([200, []])
  await hog.rob()
  served.say(buys('c', 200))
  await vi.waitFor(async () => expect(await health()).toEqual([503, ['journal']]), HOOK_MS)
  const away = events(served, 'journal-away').at(-1)
  expect(served.lines).toHaveLength(SCENE.length + 400)
  await hog.release()
  await served.until(() => served.lines.length === SCENE.length + 600)
  await vi.waitFor(async () => expect(await health()).toEqual([200, []]), HOOK_MS)
  expect(away).toBeDefined()
  const acknowledged = new Acknowledged()
  for (const report of served.reports) note(acknowledged, report)
  expect(await acknowledged.audit(postgres.url)).toMatchObject({ accepted: 600, untold: 0 })
  served.signal('SIGTERM')
  expect(await served.end()).toBe(0)
})

test('a stop with no connection left: in order, nothing lost', async () => {
  const served = new Served(['--stdio', '--stay'], { url: postgres.url })
  await served.until(() => events(served, 'ready').length > 0)
  served.say(buys('d', 100))
  await served.until(() => served.lines.length === 100)
  await hog.takeAll()
  served.signal('SIGTERM')
  expect(await served.end()).toBe(0)
  await hog.release()
  const acknowledged = new Acknowledged()
  for (const report of served.reports) note(acknowledged, report)
  expect(await acknowledged.audit(postgres.url)).toMatchObject({ accepted: 100 })
})
