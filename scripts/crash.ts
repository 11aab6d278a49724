// Kills, stops and starves a trading exchange, on a Postgres of its own, and checks each time that
// what it acknowledged is in the journal, once, and that what goes on goes on from there.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { wholeFrom } from '../src/cli/arguments.ts'
import { startEmbedded } from '../src/persistence/embedded.ts'
import { crashAgainAndAgain } from '../test/support/crash.ts'
import { fillDisk, whyNoDisk } from '../test/support/disk.ts'
import { passGenerations } from '../test/support/generations.ts'
import { killPostgres, killSnapshots, slowPostgres } from '../test/support/outage.ts'
import { pauseAgainAndAgain } from '../test/support/pause.ts'
import { sql, variant } from '../test/support/sql.ts'

const PARTS = ['kills', 'generations', 'pause', 'postgres', 'disk'] as const
type Part = (typeof PARTS)[number]

const program = new Command('npm run crash --')
  .description('Kills, stops and starves what must lose nothing, and looks at what is left.')
  .option('--kills <n>', 'kills of a trading process', wholeFrom(1), 200)
  .option('--generations <n>', 'restarts, one behind the other', wholeFrom(1), 50)
  .option('--pauses <n>', 'leaders that are stopped and go on', wholeFrom(1), 10)
  .option('--outages <n>', 'ends of Postgres', wholeFrom(1), 6)
  .option('--seed <n>', 'others of the same kind', wholeFrom(1), 1)
  .addOption(new Option('--only <part>', 'one part alone').choices(PARTS))
  .parse()
type Counts = Record<'kills' | 'generations' | 'pauses' | 'outages' | 'seed', number>
const { only, ...counts } = program.opts<Counts & { only?: Part }>()
const { seed } = counts
const folder = mkdtempSync(join(tmpdir(), 'onefill-crash-'))
const postgres = await startEmbedded({ folder })
try {
  for (const part of only === undefined ? PARTS : [only]) {
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
      const { kills, ...rest } = await crashAgainAndAgain(url, counts.kills, seed, (done) => {
        if (isTold) process.stderr.write(`\r${done} kills`)
      })
      const byLabel = Object.entries(kills).map(([label, times]) => [`killed: ${label}`, times])
      return { ...Object.fromEntries(byLabel), ...rest }
    }
    case 'generations':
      return { ...(await passGenerations(url, counts.generations, seed)) }
    case 'pause':
      return { ...(await pauseAgainAndAgain(url, counts.pauses, seed)) }
    case 'postgres': {
      const killed = await killPostgres(postgres, url, counts.outages, seed)
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
