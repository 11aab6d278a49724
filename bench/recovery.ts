// How long a restart takes: a snapshot and what is behind it, in a new process each time.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { withHugePages } from '../bin/huge-pages.js'
import { takeSnapshot } from '../src/durable.ts'
import { assert } from '../src/lib/assert.ts'
import { startEmbedded } from '../src/persistence/embedded.ts'
import { GENESIS } from '../src/persistence/row.ts'
import { openStore } from '../src/persistence/store.ts'
import { JournalFlow } from './journal-flow.ts'
import type { LiveOptions } from './live-flow.ts'
import type { BenchOptions, Report } from './report.ts'
import { median } from './rounds.ts'

const PROGRAM = join(import.meta.dirname, 'recovery-process.ts')
const RUNS = 3
const MILLION = 1_000_000
const BUSY = { accounts: 1_000, symbols: 16, resting: 16_000, round: 500, seed: 1 }
const FULL = { accounts: 100_000, symbols: 1_000, resting: MILLION, round: 500, seed: 1 }

interface Recovered {
  readonly hash: string
  readonly seq: number
  readonly snapshotSeq: number
  readonly openMs: number
  readonly startMs: number
  /** Of the whole process, its start included. */
  readonly cpuMs: number
}

export async function run({ quick }: BenchOptions): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'onefill-bench-recovery-'))
  const postgres = await startEmbedded({ folder })
  const shrink = quick ? 20 : 1
  const runs = quick ? 1 : RUNS
  try {
    const busy = await prepare(postgres.url, 'bench_busy', BUSY, shrink)
    await busy.more(MILLION)
    const one = await measure(busy.url, runs)
    await busy.more(9 * MILLION)
    const ten = await measure(busy.url, Math.ceil(runs / 2))
    const full = await prepare(postgres.url, 'bench_full', FULL, shrink)
    const orders = await measure(full.url, runs)
    const bytes = await sizeOf(full.url)
    return report(one, ten, orders, bytes)
  } finally {
    await postgres.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A database with a snapshot behind the filling, and a flow to go on with. */
async function prepare(base: string, name: string, options: LiveOptions, shrink: number) {
  await query(base, `CREATE DATABASE ${name}`)
  const url = Object.assign(new URL(base), { pathname: `/${name}` }).href
  const of = { ...options, resting: options.resting / shrink, accounts: options.accounts / shrink }
  const commandsMax = (12 * MILLION) / shrink + of.resting * 2
  const journal = new JournalFlow(GENESIS, { ...of, commandsMax })
  await journal.run(url, 1)
  const store = await openStore(url)
  assert((await takeSnapshot(store)) !== undefined, 'a snapshot is taken')
  await store.close()
  return { url, more: (commands: number) => journal.run(url, commands / shrink) }
}

async function query(url: string, text: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

async function sizeOf(url: string): Promise<number> {
  const text = 'SELECT sum(octet_length(bytes))::bigint AS bytes FROM onefill.snapshot_part'
  return Number((await query(url, text))[0].bytes)
}

/**
 * By number of workers: the runs, in turns. What preparing them has left to be written is written
 * before.
 */
async function measure(url: string, runs: number): Promise<Map<number, Recovered[]>> {
  await query(url, 'CHECKPOINT')
  const found = new Map<number, Recovered[]>([
    [0, []],
    [2, []],
  ])
  for (let number = 0; number < runs; number += 1) {
    for (const [workers, into] of found) {
      const child = spawnSync(process.execPath, [PROGRAM, url, String(workers)], {
        encoding: 'utf8',
        env: withHugePages(process.env),
      })
      assert(child.status === 0, `a recovery went well: ${child.stderr}`)
      into.push(JSON.parse(child.stdout) as Recovered)
    }
  }
  const all = [...found.values()].flat()
  assert(new Set(all.map(({ hash }) => hash)).size === 1, 'every recovery comes to the same hash')
  return found
}

function report(
  one: Map<number, Recovered[]>,
  ten: Map<number, Recovered[]>,
  orders: Map<number, Recovered[]>,
  bytes: number,
): Report {
  const seconds = (of: Recovered[]) => median(of.map(({ openMs }) => openMs)) / 1_000
  const rows = [
    ['snapshot + 1,000,000 commands', one] as const,
    ['snapshot + 10,000,000 commands', ten] as const,
    ['snapshot of 1,000,000 resting orders', orders] as const,
  ].flatMap(([name, by]) =>
    [...by].map(([workers, of]) => [
      `${name}, ${workers === 0 ? 'inline' : `${workers} workers`}`,
      of[0].seq - of[0].snapshotSeq,
      seconds(of),
      Math.max(...of.map(({ openMs }) => openMs)) / 1_000,
      median(of.map(({ cpuMs }) => cpuMs)) / 1_000,
    ]),
  )
  const best = (by: Map<number, Recovered[]>) => Math.min(...[...by.values()].map(seconds))
  return {
    name: 'recovery',
    tables: [
      {
        title: 'A restart, from connecting to Postgres until it leads, state hash included',
        columns: ['', 'replayed', 'median s', 'worst s', 'processor s'],
        rows,
      },
    ],
    demands: [
      { what: 'snapshot + 1,000,000 commands, s', value: best(one), atMost: 2 },
      { what: 'snapshot + 10,000,000 commands, s', value: best(ten), atMost: 15 },
      { what: '1,000,000 resting orders, s', value: best(orders), atMost: 2 },
    ],
    notes: [
      'every recovery of a journal came to the same state hash, on any number of workers',
      `the snapshot of the resting orders has ${(bytes / 2 ** 20).toFixed(0)} MiB`,
    ],
  }
}
