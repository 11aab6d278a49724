// `onefill replay`: its flags and help.

import type { Command } from 'commander'
import type { Workers } from '../actors/placement.ts'
import { asPlaced, databaseOf, type Place } from './addresses.ts'
import { roundOf, wholeFrom, workersOf } from './arguments.ts'
import { replayFile } from './replay-file.ts'
import { replayJournal } from './replay-journal.ts'

interface Options extends Place {
  out?: string
  round: number | 'blank'
  workers: Workers
  /** True: the journal of the settings, or of what runs in the data folder. */
  journal?: string | true
  to?: number
  hash: boolean
  book?: string
  balances?: string
}

const HELP = `
A bad line is refused in its place, with its number and the field; the run goes on and ends with
exit code 1. (2: it could not be done; 70: an invariant broke.) The reports and the hash are the
same on any number of workers.

With --book or --balances, a journal's reports are written only where --out says so.

Examples:
  $ onefill replay day.ndjson --out reports.ndjson --workers 2
  $ onefill replay --journal postgres://user@host/db --to 123456 --hash
  $ onefill replay --journal --to 123456 --book NVDA
  $ zcat day.ndjson.gz | onefill replay - --round 1000 --hash > reports.ndjson
  $ onefill journal export | onefill replay --round blank --hash
  $ echo '{"cmd":"asset","asset":"USD","decimals":2}' | onefill replay`

/** Adds the command. */
export function registerReplay(program: Command): void {
  asPlaced(program.command('replay'))
    .description('Run commands, one JSON object a line, or a journal; write reports, one a line.')
    .argument('[file]', 'NDJSON file, or - for standard input', '-')
    .option('-o, --out <file>', 'where the reports go; default -, standard output')
    .option('-r, --round <n>', 'commands in a round; or blank: a blank line ends one', roundOf, 1)
    .option(
      '-w, --workers <n>',
      'worker threads: 0 for none, n, or a+s for accounts and symbols',
      workersOf,
      0,
    )
    .option('--journal [url]', 'run the history of a journal in Postgres instead of a file')
    .option('--to <seq>', 'of a journal: stop behind the round with this seq', wholeFrom(0))
    .option('--hash', 'print the hash of the state at the end', false)
    .option('--book <symbol>', 'of a journal: print the book at that point')
    .option('--balances <account>', 'of a journal: print what the account has at that point')
    .addHelpText('after', HELP)
    .action(async (file: string, options: Options) => {
      const { journal, out = '-', round, workers, hash } = options
      process.exitCode =
        journal === undefined
          ? await replayFile(file, { out, round, workers, hash })
          : await replayJournal(() => databaseOf(named(journal), options), options)
    })
}

/** The address, if one was given. */
const named = (journal: string | true) => (journal === true ? undefined : journal)
