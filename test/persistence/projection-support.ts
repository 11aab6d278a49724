// Histories for the tests of the projection, and its tables as text.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { DurableExchange, Projector, type ProjectorOptions } from '../../src/durable.ts'
import { STATE_TABLES } from '../../src/persistence/projection/reading.ts'
import { randomJournal } from '../support/journals.ts'
import { sql } from './postgres-support.ts'

const KEYS: Record<string, string> = {
  projection: 'id',
  order_audit: 'seq, exec_index',
  orders: 'order_id',
  fills: 'seq, exec_index',
  ledger_postings: 'seq, line',
  ...Object.fromEntries(STATE_TABLES.slice(0, 2).map(({ name, key }) => [name, key.join(', ')])),
}

/** All tables of the projection. */
export const TABLES = Object.keys(KEYS)

/** Runs a random history, in rows of one round and of several; how many commands it was. */
export async function randomHistory(
  url: string,
  seed: number,
  count: number,
  end: { snapshot?: boolean } = {},
): Promise<number> {
  const exchange = await DurableExchange.open({ url, onReports: () => {}, snapshotEvery: 0 })
  const { rounds } = randomJournal(seed, count, 60)
  for (const [number, round] of rounds.entries()) {
    for (const command of round) exchange.submit(command)
    if (number % 4 === 0) await exchange.settled()
    else await turn()
  }
  await exchange.settled()
  const { seq } = exchange
  await exchange.close(end)
  return seq
}

/** Projects what there is, and ends. */
export async function projectAll(
  url: string,
  options: Partial<ProjectorOptions> = {},
): Promise<{ seq: number; fromSeq: number }> {
  const projector = await Projector.open({ url, ...options })
  try {
    await projector.catchUp()
    return { seq: projector.seq, fromSeq: projector.fromSeq }
  } finally {
    await projector.close()
  }
}

/** Every row of every table, but for when it was written. */
export async function dump(url: string): Promise<Record<string, string[]>> {
  const tables: Record<string, string[]> = {}
  for (const [table, key] of Object.entries(KEYS)) {
    const rows = await sql(
      url,
      `SELECT (to_jsonb(whole) - 'projected_at')::text AS text
        FROM onefill_view.${table} AS whole ORDER BY ${key}`,
    )
    tables[table] = rows.map(({ text }) => String(text))
  }
  return tables
}

/** Rows as a person reads them: columns side by side, as in docs/projection.md. */
export function textOf(rows: readonly Record<string, unknown>[]): string {
  const heads = Object.keys(rows[0])
  const lines = [heads, ...rows.map((row) => heads.map((head) => String(row[head] ?? '')))]
  const widths = heads.map((_, place) => Math.max(...lines.map((line) => line[place].length)))
  return lines
    .map((line) =>
      line
        .map((cell, place) => cell.padEnd(widths[place]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** The day in examples/, each command in a round of its own. */
export async function exampleDay(url: string): Promise<void> {
  const exchange = await DurableExchange.open({ url, onReports: () => {} })
  const day = readFileSync(join(import.meta.dirname, '../../examples/day.ndjson'), 'utf8')
  for (const line of day.trim().split('\n')) {
    exchange.submit(JSON.parse(line))
    await exchange.settled()
  }
  await exchange.close()
}
