// Kills, stops and starves a trading exchange, on a Postgres of its own, and checks each time that
// what it acknowledged is in the journal, once, and that what goes on goes on from there.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startEmbedded } from '../src/persistence/embedded.ts'
import { crashAgainAndAgain } from '../test/support/crash.ts'
import { fillDisk, whyNoDisk } from '../test/support/disk.ts'
import { passGenerations } from '../test/support/generations.ts'
import { killPostgres, killSnapshots, slowPostgres } from '../test/support/outage.ts'
import { pauseAgainAndAgain } from '../test/support/pause.ts'
import { sql, variant } from '../test/support/sql.ts'

const PARTS = ['kills', 'generations', 'pause', 'postgres', 'disk'] as const
type Part = (typeof PARTS)[number]

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    generations: { type: 'string', default: '50' },
    pauses: { type: 'string', default: '10' },
    outages: { type: 'string', default: '6' },
    seed: { type: 'string', default: '1' },
    /** One part alone. */
    only: { type: 'string' },
  },
})
const count = (name: 'kills' | 'generations' | 'pauses' | 'outages' | 'seed') => {
  const number = Number(values[name])
  if (Number.isSafeInteger(number) && number > 0) return number
  throw new Error(`--${name} is a whole number from 1.`)
}
const seed = count('seed')
const folder = mkdtempSync(join(tmpdir(), 'onefill-crash-'))
const postgres = await startEmbedded({ folder })
try {
  const parts = PARTS.filter((part) => values.only === undefined || part === values.only)
  if (parts.length === 0) throw new Error(`--only is one of ${PARTS.join(', ')}.`)
  for (const part of parts) {
    const startMs = performance.now()
    const table = await run(part)
    const seconds = ((performance.now() - startMs) / 1_000).toFixed(1)
    console.log(`\n${part}: all as promised, in ${seconds} s (seed ${seed})`)
    for (const [name, value] of Object.entries(table)) console.log(`  ${name.padEnd(40)}${value}`)
  }
} catch (error) {
  console.error(`crash: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
} finally {
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
  // An exchange that could not be closed keeps nobody.
  if (process.exitCode === 1) process.exit()
}

/** A database of its own for each part. */
async function database(name: string): Promise<string> {
  await sql(postgres.url, `CREATE DATABASE ${name}`)
  return variant(postgres.url, { database: name })
}

async function run(part: Part): Promise<Record<string, unknown>> {
  const url = await database(`crash_${part}`)
  switch (part) {
    case 'kills': {
      const isTold = process.stderr.isTTY
      const { kills, ...rest } = await crashAgainAndAgain(url, count('kills'), seed, (done) => {
        if (isTold) process.stderr.write(`\r${done} kills`)
      })
      const byLabel = Object.entries(kills).map(([label, times]) => [`killed: ${label}`, times])
      return { ...Object.fromEntries(byLabel), ...rest }
    }
    case 'generations':
      return { ...(await passGenerations(url, count('generations'), seed)) }
    case 'pause':
      return { ...(await pauseAgainAndAgain(url, count('pauses'), seed)) }
    case 'postgres': {
      const killed = await killPostgres(postgres, url, count('outages'), seed)
      const slow = await slowPostgres(await database('slow'), 2, seed)
      const besides = await killSnapshots(await database('beside'), 4, seed)
      return {
        ...{ 'killed and restarted': killed.outages, acknowledged: killed.acknowledged },
        ...{ 'refused JOURNAL_UNAVAILABLE': killed.refused, 'made slow': slow.outages },
        ...{ 'acknowledged, slow': slow.acknowledged, 'refused, slow': slow.refused },
        'snapshot processes killed': besides,
      }
    }
    case 'disk': {
      const why = whyNoDisk()
      if (why !== undefined) return { skipped: why }
      const { told, ...rest } = fillDisk()
      return { ...rest, told: told.map((line) => `\n    ${line}`).join('') }
    }
  }
}
