// The command-line tool: each group of commands adds itself; what they do is in cli/.

import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { registerClient } from './cli/client.ts'
import { registerDoctor } from './cli/doctor.ts'
import { registerJournal } from './cli/journal.ts'
import { EXIT, tellMisuse } from './cli/outcome.ts'
import { registerProjection } from './cli/projection.ts'
import { registerReplay } from './cli/replay.ts'
import { registerServe } from './cli/serve.ts'
import { registerConfig } from './cli/settings.ts'
import { registerSnapshot } from './cli/snapshot.ts'

const { version } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { version: string }

const program = new Command('onefill')
  .description('Matching and risk engine: commands in, execution reports out.')
  .version(version)
  .showHelpAfterError('(with --help it says what it takes)')
  .configureOutput({ outputError: tellMisuse })
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? EXIT.done : EXIT.misuse))
  .addHelpText(
    'after',
    `
Examples:
  $ onefill replay examples/day.ndjson --out reports.ndjson --hash
  $ onefill start
  $ onefill serve
  $ onefill help replay

docs/commands.md describes every command and report, docs/cli.md every command of this tool.`,
  )

const groups = [
  registerServe,
  registerClient,
  registerConfig,
  registerDoctor,
  registerReplay,
  registerJournal,
  registerSnapshot,
  registerProjection,
]
for (const register of groups) register(program)

await program.parseAsync()
