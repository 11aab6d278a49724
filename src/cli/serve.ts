// `onefill serve`: its flags and help, and the database it runs on.

import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { Workers } from '../actors/placement.ts'
import { SNAPSHOT_EVERY } from '../durable/options.ts'
import { RETENTION } from '../durable/snapshots.ts'
import { type EmbeddedPostgres, startEmbedded } from '../persistence/embedded.ts'
import { databaseOfEnvironment, daysOf, wholeFrom, workersOf } from './arguments.ts'
import { explain, say } from './outcome.ts'
import { run, type ServeOptions } from './serving.ts'

const DATA = '.onefill'

interface Options {
  data: string
  workers: Workers
  standby: boolean
  stdio: boolean
  stay: boolean
  snapshotEvery: number
  keepSnapshots: number
  keepJournal?: number
}

const HELP = `
Starts where the journal ends; no flag is needed after a crash. Ctrl+C or SIGTERM settles, takes a
snapshot and stops; a second one stops at once.
Exit codes: 0 stopped; 1 it cannot be done; 70 an invariant broke; 75 another process has taken
over.

Examples:
  $ onefill serve
  $ onefill serve postgres://user@host/db --workers 2 --keep-journal 30
  $ onefill serve postgres://user@host/db --standby
  $ onefill serve --stdio < day.ndjson > reports.ndjson`

/** Adds the command. */
export function registerServe(program: Command): void {
  program
    .command('serve')
    .description('Run the exchange on its journal in Postgres, until it is told to stop.')
    .argument('[url]', 'the database; without it, DATABASE_URL; without that, a built-in one')
    .option('--data <dir>', 'where the built-in database lives', DATA)
    .option(
      '-w, --workers <n>',
      'worker threads: 0 for none, n, or a+s for accounts and symbols',
      workersOf,
      0,
    )
    .option('--standby', 'follow the journal; lead when the leader is silent', false)
    .option('--stdio', 'commands on standard input, reports on standard output', false)
    .option('--stay', 'with --stdio: do not stop at the end of input', false)
    .option('--snapshot-every <n>', 'commands; 0: never', wholeFrom(0), SNAPSHOT_EVERY)
    .option('--keep-snapshots <n>', 'how many', wholeFrom(1), RETENTION.snapshots)
    .option('--keep-journal <days>', 'what no kept snapshot needs; default: for ever', daysOf)
    .addHelpText('after', HELP)
    .action(async (url: string | undefined, options: Options) => {
      const code = await serve(url ?? databaseOfEnvironment(), options)
      // A read of standard input that is under way would keep the process.
      process.exit(code)
    })
}

async function serve(url: string | undefined, options: Options): Promise<number> {
  const { keepSnapshots, keepJournal = Number.POSITIVE_INFINITY, ...rest } = options
  const retention = { snapshots: keepSnapshots, journalMs: keepJournal }
  let embedded: EmbeddedPostgres | undefined
  try {
    embedded = url === undefined ? await startOwn(options.data) : undefined
    const serving: ServeOptions = { ...rest, retention, url: url ?? embedded?.url ?? '' }
    return await run(serving)
  } catch (error) {
    return explain(error)
  } finally {
    if (embedded !== undefined) {
      rmSync(addressFile(options.data), { force: true })
      await embedded.stop()
    }
  }
}

/** Starts the built-in Postgres, and leaves its address where other commands find it. */
async function startOwn(folder: string): Promise<EmbeddedPostgres> {
  const embedded = await startEmbedded({ folder })
  const file = addressFile(folder)
  writeFileSync(file, `${embedded.url}\n`, { mode: 0o600 })
  say(`built-in Postgres in ${folder}; its address is in ${file}`)
  return embedded
}

const addressFile = (folder: string): string => join(folder, 'url')
