// The command-line tool: names, flags and help of each command; what they do is in cli/.

import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import { WORKERS_MAX, type Workers } from './actors/placement.ts'
import { listJournal, replayJournal, verifyJournal } from './cli/journal.ts'
import { addProjectionCommands } from './cli/projection.ts'
import { type ReplayOptions, replay } from './cli/replay.ts'
import { COMMANDS_PER_ROUND_MAX } from './protocol/bounds.ts'

const { version } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { version: string }

function roundSize(text: string): number {
  const size = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0
  if (size < 1 || size > COMMANDS_PER_ROUND_MAX) {
    throw new InvalidArgumentError(`Give a whole number from 1 to ${COMMANDS_PER_ROUND_MAX}.`)
  }
  return size
}

function workersOf(text: string): Workers {
  const [, first, second] = /^([0-9]{1,3})(?:\+([0-9]{1,3}))?$/.exec(text) ?? []
  const fits = (count: string) => Number(count) >= 1 && Number(count) <= WORKERS_MAX
  if (text === '0') return 0
  if (first === undefined || !fits(first) || (second !== undefined && !fits(second))) {
    throw new InvalidArgumentError(
      `Give 0, a number up to ${WORKERS_MAX}, or two like 2+1: for accounts and for symbols.`,
    )
  }
  if (second === undefined) return Number(first)
  return { accounts: Number(first), symbols: Number(second) }
}

function seqOf(text: string): number {
  if (!/^[0-9]{1,15}$/.test(text)) throw new InvalidArgumentError('Give a whole number.')
  return Number(text)
}

const program = new Command('onefill')
  .description('Matching and risk engine: commands in, execution reports out.')
  .version(version)
  .showHelpAfterError('(onefill --help shows the commands)')
  .addHelpText(
    'after',
    `
Examples:
  $ onefill replay examples/day.ndjson --out reports.ndjson --hash
  $ onefill help replay

docs/commands.md describes every command and report.`,
  )

program
  .command('replay')
  .description('Run a file of commands, one JSON object a line; write one execution report a line.')
  .argument('[file]', 'NDJSON file, or - for standard input', '-')
  .option('-o, --out <file>', 'where the reports go, or - for standard output', '-')
  .option('-r, --round <n>', 'commands in a round; 1 is plain sequential execution', roundSize, 1)
  .option(
    '-w, --workers <n>',
    'worker threads: 0 for none, n, or a+s for accounts and symbols',
    workersOf,
    0,
  )
  .option('--journal <url>', 'run the history of a journal in Postgres instead of a file')
  .option('--to <seq>', 'of a journal: stop behind the round with this seq', seqOf)
  .option('--hash', 'print the hash of the state at the end', false)
  .addHelpText(
    'after',
    `
A bad line is refused in its place, with its number and the field; the run goes on and ends with
exit code 1. (2: it could not be done; 70: an invariant broke.) The reports and the hash are the
same on any number of workers.

Examples:
  $ onefill replay day.ndjson --out reports.ndjson --workers 2
  $ onefill replay --journal postgres://user@host/db --to 123456 --hash
  $ zcat day.ndjson.gz | onefill replay - --round 1000 --hash > reports.ndjson
  $ echo '{"cmd":"asset","asset":"USD","decimals":2}' | onefill replay`,
  )
  .action(async (file: string, options: ReplayOptions & { journal?: string; to?: number }) => {
    const { journal, to = Number.POSITIVE_INFINITY, out, hash } = options
    process.exitCode =
      journal === undefined
        ? await replay(file, options)
        : await replayJournal(journal, { out, hash, to })
  })

const journal = program
  .command('journal')
  .description('Look into a journal in Postgres.')
  .addHelpText('after', '\nExample:\n  $ onefill journal verify postgres://user@host/db')
journal
  .command('verify')
  .description('Check the chain of checksums and every round.')
  .argument('<url>', 'the database')
  .action(async (url: string) => {
    process.exitCode = await verifyJournal(url)
  })
journal
  .command('list')
  .description('Print a line for each row.')
  .argument('<url>', 'the database')
  .action(async (url: string) => {
    process.exitCode = await listJournal(url)
  })

addProjectionCommands(program)

await program.parseAsync()
