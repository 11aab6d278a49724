// `onefill serve` and `onefill start`: their flags and help.

import type { Command } from 'commander'
import { addSettings, configOf, type FlagValues, withConfig } from './settings.ts'

const HELP = `
Starts where the journal ends; no flag is needed after a crash. Ctrl+C or SIGTERM takes nothing more
in, commits and says what is under way, takes a snapshot and stops; a second one stops at once.
Exit codes: 0 stopped; 1 it cannot be done; 2 wrong arguments or settings; 70 an invariant broke;
75 another process has taken over. docs/operations.md has the settings, also for a file and the
environment.

Examples:
  $ onefill serve
  $ onefill serve postgres://user@host/db --nats nats://host:4222 --workers 2 --keep-journal 30
  $ onefill serve postgres://user@host/db --nats nats://host:4222 --standby
  $ onefill serve --stdio < day.ndjson > reports.ndjson`

const START_HELP = `
Runs the exchange as serve does and sends it a live demo flow: market makers and takers, through
NATS, as any publisher. Ctrl+C ends everything; the next start goes on where it was.

Example:
  $ onefill start --data /tmp/onefill`

const URL_HELP = 'the database; without it, DATABASE_URL; without that, a built-in one'

/** Adds the commands. */
export function registerServe(program: Command): void {
  const serveCommand = program
    .command('serve')
    .description('Run the exchange on its journal in Postgres, until it is told to stop.')
    .argument('[url]', URL_HELP)
  addSettings(serveCommand)
    .addHelpText('after', HELP)
    .action((url: string | undefined, flags: FlagValues) => end(configured(flags, url, 'serve')))
  const startCommand = program
    .command('start')
    .description('Run the exchange with a live demo market: what npm start does.')
  addSettings(startCommand, ['standby', 'stdio', 'stay'])
    .addHelpText('after', START_HELP)
    .action((flags: FlagValues) => end(configured(flags, undefined, 'startDemo')))
}

async function end(code: Promise<number>): Promise<void> {
  // A read of standard input that is under way would keep the process.
  process.exit(await code)
}

/** What runs it is loaded only now: other commands need not wait for it. */
async function configured(
  flags: FlagValues,
  url: string | undefined,
  name: 'serve' | 'startDemo',
): Promise<number> {
  const running = await import('./running.ts')
  return withConfig(() => configOf(flags, url), running[name])
}
