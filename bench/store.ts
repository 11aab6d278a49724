// Commits of the journal's store against bare INSERTs of the same bytes, on a real Postgres in a
// folder that is removed again.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Histogram } from 'hdr-histogram-js'
import pg from 'pg'
import { assert } from '../src/lib/assert.ts'
import { startEmbedded } from '../src/persistence/embedded.ts'
import type { Row } from '../src/persistence/row.ts'
import { openStore, type Store } from '../src/persistence/store.ts'
import { histogramOf } from './histogram.ts'
import type { BenchOptions, Report } from './report.ts'
import { median } from './rounds.ts'

const ROUNDS = 5
const COMMITS = 1_500
const SIZES = [64, 65_536]
const DEPTHS = [1, 8]

interface Writer {
  readonly name: string
  write(bytes: number): Promise<void>
  /** Rows written so far, by the database's own count. */
  count(): Promise<number>
}

interface Measured {
  readonly name: string
  readonly bytes: number
  readonly depth: number
  readonly rates: number[]
  readonly nanos: number[]
  histogram?: Histogram
}

export async function run({ quick }: BenchOptions): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'onefill-bench-store-'))
  const postgres = await startEmbedded({ folder })
  const store = await openStore(postgres.url)
  const client = new pg.Client({ connectionString: postgres.url, pipeline: true })
  try {
    await store.takeLease('bench')
    await client.connect()
    const writers = [await bareWriter(client), storeWriter(store, client)]
    const measured = await measureAll(writers, quick ? 100 : COMMITS, quick ? 1 : ROUNDS)
    return report(measured)
  } finally {
    await client.end()
    await store.close()
    await postgres.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function bareWriter(client: pg.Client): Promise<Writer> {
  await client.query('CREATE TABLE bare (id bigint PRIMARY KEY, payload bytea NOT NULL)')
  await client.query('ALTER TABLE bare ALTER COLUMN payload SET STORAGE EXTERNAL')
  let id = 0
  const text = 'INSERT INTO bare VALUES ($1, $2)'
  return {
    name: 'bare INSERT',
    async write(bytes) {
      id += 1
      await client.query({ name: 'bare', text, values: [id, payloadOf(id, bytes)] })
    },
    count: () => countOf(client, 'bare'),
  }
}

function storeWriter(store: Store, client: pg.Client): Writer {
  let round = 0
  return {
    name: 'append',
    write(bytes) {
      round += 1
      const row: Row = {
        ...{ firstRound: round, lastRound: round, firstSeq: round, lastSeq: round },
        ...{ term: store.term, timeMs: round, version: 1 },
        checksum: payloadOf(round, 32),
        payload: payloadOf(round, bytes),
      }
      return store.append(row)
    },
    count: () => countOf(client, 'onefill.journal'),
  }
}

function payloadOf(number: number, bytes: number): Buffer {
  const payload = Buffer.alloc(bytes, number & 0xff)
  payload.writeUInt32LE(number)
  return payload
}

async function countOf(client: pg.Client, table: string): Promise<number> {
  const { rows } = await client.query(`SELECT count(*) FROM ${table}`)
  return Number(rows[0].count)
}

/** Every round runs each once, after one that only warms up; nobody is always the first. */
async function measureAll(writers: Writer[], commits: number, rounds: number) {
  const cases = SIZES.flatMap((bytes) => DEPTHS.map((depth) => ({ bytes, depth })))
  const measured = cases.flatMap((each) =>
    writers.map(({ name }): Measured => ({ ...each, name, rates: [], nanos: [] })),
  )
  for (let round = 0; round <= rounds; round += 1) {
    for (let turn = 0; turn < measured.length; turn += 1) {
      // The two of one size and depth run next to each other, in turns the one first.
      const at = round % 2 === 0 ? turn : turn ^ 1
      const writer = writers[at % writers.length]
      const before = await writer.count()
      const { rate, nanos } = await write(writer, measured[at], commits)
      assert((await writer.count()) === before + commits, 'every commit is there')
      if (round === 0) continue
      measured[at].rates.push(rate)
      measured[at].nanos.push(...nanos)
    }
  }
  for (const each of measured) {
    each.histogram = histogramOf(Float64Array.from(each.nanos), 0, each.nanos.length)
  }
  return measured
}

async function write(writer: Writer, { bytes, depth }: Measured, commits: number) {
  const nanos: number[] = []
  let left = commits
  const start = performance.now()
  const loop = async () => {
    while (left > 0) {
      left -= 1
      const from = performance.now()
      await writer.write(bytes)
      nanos.push((performance.now() - from) * 1e6)
    }
  }
  await Promise.all(Array.from({ length: depth }, loop))
  return { rate: commits / ((performance.now() - start) / 1000), nanos }
}

function report(measured: Measured[]): Report {
  const micros = ({ histogram }: Measured, percentile: number) =>
    (histogram?.getValueAtPercentile(percentile) ?? 0) / 1000
  const rows = measured.map((each) => [
    `${each.name}, ${each.bytes} B, ${each.depth === 1 ? 'one by one' : `${each.depth} at once`}`,
    Math.round(median(each.rates)),
    ...[50, 99].map((percentile) => micros(each, percentile)),
  ])
  const demands = [0, 4].map((at) => ({
    what: `p50 of an append / of a bare INSERT, ${measured[at].bytes} B`,
    value: micros(measured[at + 1], 50) / micros(measured[at], 50),
    atMost: 1.5,
  }))
  const title = 'Commits to Postgres on this machine, medians of interleaved rounds'
  const columns = ['what', 'commits/s', 'p50 us', 'p99 us']
  const notes = ['both use one connection in pg’s pipeline mode and prepared statements']
  return { name: 'store', tables: [{ title, columns, rows }], demands, notes }
}
