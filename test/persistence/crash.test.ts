// A slice of what `npm run crash` does: `kill -9` at every labelled point and at random, restarts,
// a stopped leader, Postgres killed, slow, and out of space.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { crashAgainAndAgain, LABELS } from '../support/crash.ts'
import { fillDisk, whyNoDisk } from '../support/disk.ts'
import { passGenerations } from '../support/generations.ts'
import { killPostgres, killSnapshots, slowPostgres } from '../support/outage.ts'
import { pauseAgainAndAgain } from '../support/pause.ts'
import { startServer, type TestServer } from './postgres-support.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.end())

test('kills at every point: nothing acknowledged is lost, doubled or invented', async () => {
  const tally = await crashAgainAndAgain(await server.database(), LABELS.length, 1)
  expect(tally.acknowledged).toBeGreaterThan(1_000)
  // A first life has nothing to replay, so that some points cannot be reached in it.
  expect(Object.values(tally.kills).filter((times) => times > 0).length).toBeGreaterThan(8)
})

test('eight generations with retention: one unbroken history', async () => {
  const tally = await passGenerations(await server.database(), 8, 1)
  expect(tally).toMatchObject({ fromSnapshot: 7 })
  expect(tally.rowsDeleted).toBeGreaterThan(0)
})

test('a leader that was stopped says and writes nothing when it goes on', async () => {
  const tally = await pauseAgainAndAgain(await server.database(), 3, 1)
  expect(tally.pauses).toBe(3)
})

test('Postgres killed under load: no acknowledgement until it is back', async () => {
  const tally = await killPostgres(server.postgres, await server.database(), 3, 1)
  expect(tally.refused).toBeGreaterThan(0)
})

test('Postgres slow: refused with JOURNAL_UNAVAILABLE, and it goes on', async () => {
  const tally = await slowPostgres(await server.database(), 1, 1)
  expect(tally.refused).toBeGreaterThan(0)
})

test('the process that takes a snapshot dies: the market goes on, the next is taken', async () => {
  expect(await killSnapshots(await server.database(), 2, 1)).toBeGreaterThan(0)
})

const why = whyNoDisk()
test.skipIf(why !== undefined)(`a full disk${why === undefined ? '' : `: ${why}`}`, () => {
  const tally = fillDisk()
  expect(tally.refused).toBeGreaterThan(0)
  expect(tally.told.join('\n')).toContain('The disk of the database is full')
})
