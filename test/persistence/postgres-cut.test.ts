// The connection cut at every byte of the exchange that appends two rows, in both directions: every
// row exactly once.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import {
  type Direction,
  expectEachOnce,
  proxied,
  rowAt,
  startServer,
  type TestServer,
} from './postgres-support.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.end())

/** Two rows in flight at once, the connection cut after each count of bytes of their exchange. */
async function cutEverywhere(direction: Direction, shard: number, shards: number) {
  const { url, proxy, store, end } = await proxied(server)
  let round = 0
  const appendTwo = () => {
    round += 2
    return Promise.all([round - 1, round].map((each) => store.append(rowAt(each, 1))))
  }
  // The whole exchange of a new connection, which also prepares the statement.
  proxy.cutNow()
  await until(() => store.state === 'unavailable')
  await until(() => store.state === 'ready')
  const before = { ...proxy.passed }
  await appendTwo()
  const bytes = proxy.passed[direction] - before[direction]
  let cuts = 0
  for (let at = shard; at <= bytes; at += shards) {
    proxy.cutAfter(direction, at)
    await appendTwo()
    // The last byte may be cut only after both are acknowledged.
    if (!proxy.isArmed) cuts += 1
    proxy.cutNow()
    await until(() => store.state === 'ready')
  }
  await end()
  await expectEachOnce(url, round)
  return { bytes, cuts }
}

test.each(['up', 'down'] as const)('cut at every byte, %s', async (direction) => {
  const shards = direction === 'up' ? 4 : 1
  const runs = Array.from({ length: shards }, (_, shard) => cutEverywhere(direction, shard, shards))
  const done = await Promise.all(runs)
  const cuts = done.reduce((sum, each) => sum + each.cuts, 0)
  expect(done[0].bytes).toBeGreaterThan(direction === 'up' ? 1_000 : 50)
  expect(cuts).toBeGreaterThanOrEqual(done[0].bytes)
})
