// `onefill doctor`: whether what the exchange needs is there, and what to do where it is not.

import type { Command } from 'commander'
import { type Config, hideSecrets } from '../config.ts'
import type { Finding } from './doctor/finding.ts'
import { EXIT } from './outcome.ts'
import { addSettings, configOf, type FlagValues, withConfig } from './settings.ts'

const HELP = `
Looks only: it changes nothing, and may run beside a running exchange.
Exit codes: 0 all is well, or has warnings; 1 something is wrong.

Examples:
  $ onefill doctor
  $ onefill doctor postgres://user@host/db --nats nats://host:4222 --json`

/** Adds the command. */
export function registerDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .description('Check the machine, Postgres and NATS; say what to do where something is wrong.')
    .argument('[url]', 'the database; without it, the one of the settings')
    .option('--json', 'as an array of objects', false)
  addSettings(command, ['standby', 'stdio', 'stay'])
    .addHelpText('after', HELP)
    .action(async (url: string | undefined, flags: FlagValues) => {
      const read = () => configOf(flags, url)
      process.exitCode = await withConfig(read, (config) => examine(config, flags.json === true))
    })
}

async function examine({ settings }: Config, isJson: boolean): Promise<number> {
  // Loaded only now: other commands need not wait for it.
  const { checkAccess } = await import('./doctor/access.ts')
  const { checkMachine } = await import('./doctor/machine.ts')
  const { checkPostgres } = await import('./doctor/postgres.ts')
  const { checkNats } = await import('./doctor/nats.ts')
  const findings: Finding[] = [
    ...(await checkMachine(settings)),
    ...checkAccess(settings),
    ...(await checkPostgres(settings)),
    ...(await checkNats(settings)),
  ].map((finding) => ({
    ...finding,
    said: hideSecrets(finding.said),
    ...(finding.todo === undefined ? {} : { todo: hideSecrets(finding.todo) }),
  }))
  const text = isJson ? `${JSON.stringify(findings, null, 2)}\n` : findings.map(lineOf).join('')
  process.stdout.write(text)
  return findings.some(({ level }) => level === 'fail') ? EXIT.failed : EXIT.done
}

const lineOf = ({ level, name, said, todo }: Finding): string =>
  `${level.padEnd(4)}  ${name.padEnd(20)}  ${said}${todo === undefined ? '' : `; ${todo}`}\n`
