// `npm run experiment:locks [-- --quick]`: money for one and a thousand who want to buy, and one
// account that never rests: by row locks, versions, one statement, Redis, and Onefill, on the same
// machine in turn. Writes docs/experiments/locks.md and its plots.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import pg from 'pg'
import { startEmbedded } from '../../src/persistence/embedded.ts'
import type { Figures } from './document.ts'
import type { Run } from './measure.ts'
import type { Answer, Start, Task } from './program.ts'
import { RedisScriptWay, RedisServer } from './redis.ts'
import { type Found, writeReport, wrongIn } from './report.ts'
import { NEED_REDIS, WAYS, WRONG } from './ways.ts'

const PROGRAM = join(import.meta.dirname, 'program.ts')
const BUYERS = 1_000
const CLIENTS = 256
const SPREAD = 1_000

const program = new Command('npm run experiment:locks --')
  .description('A thousand buyers and a hot account, by every way there is; docs/experiments.')
  .option('--quick', 'shorter and less exact, to see that it works', false)
  .option('--only <name...>', 'only ways whose names begin with one of these')
  .parse()
const { quick, only } = program.opts<{ quick: boolean; only?: string[] }>()
/** Every way has so many turns, with at least so many rushes that count, for at least so long. */
const [RUSH_TURNS, RUSHES, RUSH_MS] = quick ? [2, 2, 0] : [5, 5, 500]
/** Rushes in each turn that are looked at for what they cost, and not for their time. */
const METERED = 2
const [FLOW_TURNS, SECONDS] = quick ? [1, 0.5] : [3, 3]
const WARM_UP_MS = quick ? 300 : 3_000

const [busy] = loadavg()
const stopped = Promise.withResolvers<never>()
// Looked at where it is waited for.
stopped.promise.catch(() => {})
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => stopped.reject(new Error(`ended by ${signal}`)))
}
const folder = mkdtempSync(join(tmpdir(), 'onefill-locks-'))
const postgres = await startEmbedded({
  folder: join(folder, 'postgres'),
  // Room for every way's own connections at once.
  settings: { max_connections: '600' },
})
const redis = await RedisServer.start(join(folder, 'redis')).catch(async (error) => {
  await postgres.stop()
  throw error
})
if (redis === undefined) {
  console.error('redis-server is not on the PATH, so 6 and 7 are left out: apt-get install redis')
}
const names = Object.keys(WAYS).filter(
  (name) =>
    (only?.some((start) => name.startsWith(start)) ?? true) &&
    (redis !== undefined || !NEED_REDIS.has(name)),
)
const programs = new Map<string, ChildProcess>()
try {
  await Promise.race([run(), stopped.promise])
} catch (error) {
  console.error(error)
  process.exitCode = 1
} finally {
  await end()
  await redis?.stop()
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
}
// What was under way when a signal came would go on.
process.exit()

async function run(): Promise<void> {
  for (const [n, name] of names.entries()) await started(n, name)
  const found = await measure()
  await end()
  const lost = redis === undefined ? undefined : await loseSome(await database('lost'), redis)
  const isWhole = !quick && only === undefined
  writeReport(found, lost, {
    ...{ isWhole, busy, buyers: BUYERS, clients: CLIENTS, seconds: SECONDS },
    ...{ turns: RUSH_TURNS, rushesMin: RUSHES, rushMsMin: RUSH_MS },
  })
  // The first is here because it is wrong.
  const wrong = wrongIn(found).filter((name) => name !== WRONG)
  if (wrong.length > 0) throw new Error(`wrong outcomes: ${wrong.join('; ')}`)
}

async function database(name: string): Promise<string> {
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  await client.query(`CREATE DATABASE ${name}`)
  await client.end()
  return Object.assign(new URL(postgres.url), { pathname: `/${name}` }).href
}

/** Starts the process of a way; resolves when it can be told. */
async function started(number: number, name: string): Promise<void> {
  const own = join(folder, `way-${number}`)
  const servers = {
    ...{ database: await database(`way_${number}`), redisPort: redis?.port ?? 0, folder: own },
  }
  const start: Start = {
    ...{ name, servers, postgres: { url: postgres.url, pid: postgres.pid as number } },
  }
  const env = { ...process.env, LOCKS_PROGRAM: JSON.stringify(start) }
  const child = fork(PROGRAM, [], { env, serialization: 'advanced' })
  // Known before it is ready: if it never is, it is ended too.
  programs.set(name, child)
  await answer(name, child)
}

/** Ends what runs; each ends what it has started. */
async function end(): Promise<void> {
  for (const [name, child] of programs) {
    programs.delete(name)
    if (child.exitCode !== null || child.signalCode !== null) continue
    const ended = once(child, 'exit')
    if (child.connected) child.disconnect()
    await ended
  }
}

/** What a program has found. */
async function told(name: string, task: Task): Promise<Run[]> {
  const child = programs.get(name) as ChildProcess
  child.send(task)
  return answer(name, child)
}

async function answer(name: string, child: ChildProcess): Promise<Run[]> {
  const isAnswered = new AbortController()
  const ended = once(child, 'exit', { signal: isAnswered.signal }).then(([code]) => {
    throw new Error(`the program of "${name}" has ended with ${code}`)
  })
  ended.catch(() => {})
  const [said] = (await Promise.race([once(child, 'message'), ended])) as [Answer]
  isAnswered.abort()
  if ('failed' in said) throw new Error(`${name}: ${said.failed}`)
  return said
}

/** All ways in each turn, nobody always the first. */
async function measure(): Promise<Found[]> {
  const all = names.map(
    (name): Found => ({
      ...{ name, rested: [], rushes: [], metered: [], hot: [], spread: [] },
    }),
  )
  for (const { name } of all) {
    await told(name, { kind: 'warmUp', buyers: BUYERS, ms: WARM_UP_MS })
  }
  for (let turn = 1; turn <= RUSH_TURNS; turn += 1) {
    for (const { name, rested, rushes, metered } of turned(all, turn)) {
      const task = { kind: 'rush', buyers: BUYERS } as const
      // The others had their turn since: the first finds all caches cold.
      const timed = { ...task, times: RUSHES + 1, ms: RUSH_MS, isMetered: false }
      const [first, ...rest] = await told(name, timed)
      rested.push(first)
      rushes.push(...rest)
      metered.push(...(await told(name, { ...task, times: METERED, ms: 0, isMetered: true })))
    }
    console.error(`a thousand buyers: turn ${turn} of ${RUSH_TURNS}`)
  }
  for (let turn = 0; turn <= FLOW_TURNS; turn += 1) {
    for (const { name, hot, spread } of turned(all, turn)) {
      const task = { kind: 'flow', clients: CLIENTS, seconds: turn === 0 ? 0.3 : SECONDS } as const
      const [ofOne] = await told(name, { ...task, accounts: 1 })
      const [ofMany] = await told(name, { ...task, accounts: SPREAD })
      // The first turn warms up.
      if (turn === 0) continue
      hot.push(ofOne)
      spread.push(ofMany)
    }
    console.error(`flows: turn ${turn} of ${FLOW_TURNS}`)
  }
  return all
}

function turned<T>(all: readonly T[], by: number): T[] {
  return all.map((_, n) => all[(n + by) % all.length])
}

/** Redis is killed in the middle of a flow: what it had accepted, and what the database has. */
async function loseSome(url: string, server: RedisServer): Promise<NonNullable<Figures['lost']>> {
  const way = new RedisScriptWay(url, server.port)
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
