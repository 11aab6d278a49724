// `npm run experiment:locks [-- --quick]`: money for one and a thousand who want to buy, and one
// account that never rests: by row locks, versions, one statement, Redis, and Onefill, on the same
// machine in turn. Writes docs/experiments/locks.md and its plots.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { CpuClock } from '../../bench/process-time.ts'
import { startNats } from '../../src/gateway/embedded-nats.ts'
import { startEmbedded } from '../../src/persistence/embedded.ts'
import type { Figures } from './document.ts'
import { flow, type Run, rush } from './measure.ts'
import { InProcessWay, NatsWay } from './onefill.ts'
import { RedisLockWay, RedisScriptWay, RedisServer } from './redis.ts'
import { type Found, writeReport } from './report.ts'
import { BatchWay, sqlWays } from './sql.ts'
import type { Way } from './way.ts'

const BUYERS = 1_000
const CLIENTS = 256
const SPREAD = 1_000

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } })
const ROUNDS = values.quick ? 2 : 11
const TURNS = values.quick ? 1 : 3
const SECONDS = values.quick ? 0.5 : 3

const folder = mkdtempSync(join(tmpdir(), 'onefill-locks-'))
const postgres = await startEmbedded({
  folder: join(folder, 'postgres'),
  // Room for every way's own connections at once.
  settings: { max_connections: '500' },
})
const nats = await startNats({ folder: join(folder, 'nats') })
const redis = await RedisServer.start(join(folder, 'redis'))
if (redis === undefined) {
  console.error('redis-server is not on the PATH, so 6 and 7 are left out: apt-get install redis')
}
const ways: Way[] = []
try {
  const url = await database('tables')
  ways.push(...sqlWays(url))
  if (redis !== undefined) {
    ways.push(new RedisLockWay(url, redis), new RedisScriptWay(url, redis))
  }
  ways.push(new BatchWay(url))
  ways.push(await InProcessWay.open(await database('in_process')))
  ways.push(await NatsWay.open(await database('over_nats'), nats.url))
  const found = await measure()
  const lost = redis === undefined ? undefined : await loseSome(url, redis)
  writeReport(found, lost, { isQuick: values.quick, buyers: BUYERS, clients: CLIENTS })
} finally {
  for (const way of ways) await way.close()
  await redis?.stop()
  await nats.stop()
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
}

async function database(name: string): Promise<string> {
  await query(`CREATE DATABASE ${name}`)
  return Object.assign(new URL(postgres.url), { pathname: `/${name}` }).href
}

async function query(text: string): Promise<Record<string, string>[]> {
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

/** All ways in each round, nobody always the first; the first round warms up. */
async function measure(): Promise<Found[]> {
  const found = ways.map((way): Found & { readonly way: Way } => ({
    ...{ way, name: way.name, rushes: [], hot: [], spread: [], costs: [] },
  }))
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const of of turned(found, round)) {
      const run = await rush(of.way, BUYERS, 1)
      if (round > 0) of.rushes.push(run)
    }
    console.error(`a thousand buyers: round ${round} of ${ROUNDS}`)
  }
  for (let turn = 0; turn <= TURNS; turn += 1) {
    for (const of of turned(found, turn)) {
      const seconds = turn === 0 ? 0.3 : SECONDS
      const hot = await counted(() => flow(of.way, { clients: CLIENTS, accounts: 1, seconds }))
      const spread = await flow(of.way, { clients: CLIENTS, accounts: SPREAD, seconds })
      if (turn === 0) continue
      of.hot.push(hot.run)
      of.costs.push(hot.cost)
      of.spread.push(spread)
    }
    console.error(`flows: turn ${turn} of ${TURNS}`)
  }
  return found
}

function turned<T>(all: readonly T[], by: number): T[] {
  return all.map((_, n) => all[(n + by) % all.length])
}

/** What a run cost the database. */
async function counted(work: () => Promise<Run>): Promise<{ run: Run; cost: Found['costs'][0] }> {
  const clock = new CpuClock({ database: CpuClock.family(postgres.pid as number) })
  const [micros, writing] = [clock.read().database, await transactions()]
  const run = await work()
  const microsPerOrder = (clock.read().database - micros) / run.accepted
  const commitsPerOrder = ((await transactions()) - writing) / run.accepted
  return { run, cost: { microsPerOrder, commitsPerOrder } }
}

/** Those that wrote something, so far, in all databases. */
async function transactions(): Promise<number> {
  const [{ number }] = await query('SELECT pg_current_xact_id()::text AS number')
  return Number(number)
}

/** Redis is killed in the middle of a flow: what it had accepted, and what the database has. */
async function loseSome(url: string, server: RedisServer): Promise<NonNullable<Figures['lost']>> {
  const way = new RedisScriptWay(url, server)
  await way.prepare(1, 1e12)
  let accepted = 0
  let isOver = false
  const client = async (number: number) => {
    for (let n = 0; !isOver; n += 1) if (await way.buy(0, `lost-${number}-${n}`)) accepted += 1
  }
  for (let number = 0; number < CLIENTS; number += 1) void client(number).catch(() => {})
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  isOver = true
  await server.kill()
  const acknowledged = accepted
  await server.start()
  const { orders } = await way.audit()
  await way.close()
  return { acknowledged, kept: orders }
}
