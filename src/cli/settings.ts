// The settings as flags of a command, and `onefill config`, which shows what is in force.

import type { Command } from 'commander'
import {
  type Config,
  ConfigProblem,
  flagOf,
  readConfig,
  SETTING_NAMES,
  SETTINGS,
  type Setting,
  type SettingName,
  visible,
} from '../config.ts'
import { EXIT, explain } from './outcome.ts'

/** What commander gives: by the flag's name in camelCase. */
export type FlagValues = Readonly<Record<string, unknown>>

/** Adds `--config` and a flag for each setting, but for `without`. */
export function addSettings(command: Command, without: readonly SettingName[] = []): Command {
  command.option('-c, --config <file>', 'settings; default: onefill.config.json, if it is there')
  for (const name of SETTING_NAMES) {
    if (without.includes(name)) continue
    const setting: Pick<
      Setting<unknown>,
      'help' | 'allowed' | 'short' | 'isSwitch' | 'fallback'
    > = SETTINGS[name]
    const { help, allowed, short, isSwitch = false, fallback } = setting
    const flag = `${short === undefined ? '' : `-${short}, `}${flagOf(name)}`
    const hint = fallback === undefined ? allowed : `${allowed}; default: ${fallback}`
    command.option(isSwitch ? flag : `${flag} <value>`, isSwitch ? help : `${help} (${hint})`)
  }
  return command
}

/** The settings in force for a command that was given these flags. */
export function configOf(flags: FlagValues, url?: string): Config {
  const byName = SETTING_NAMES.map((name) => [name, flags[keyOf(name)]])
  const given: Partial<Record<SettingName, unknown>> = Object.fromEntries(byName)
  if (url !== undefined) given.databaseUrl = url
  const file = flags.config as string | undefined
  return readConfig({ file, environment: process.env, flags: given })
}

const keyOf = (name: SettingName): string =>
  flagOf(name)
    .slice(2)
    .replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())

/** Reads the settings and goes on with them; what is wrong with them is said, a line for each. */
export function withConfig<T>(read: () => Config, goOn: (config: Config) => T): T | number {
  let config: Config
  try {
    config = read()
  } catch (error) {
    if (!(error instanceof ConfigProblem)) throw error
    return explain(error)
  }
  return goOn(config)
}

/** Adds `onefill config`. */
export function registerConfig(program: Command): void {
  const command = program
    .command('config')
    .description('Show the settings in force and where each comes from; secrets are hidden.')
    .option('--json', 'as one object', false)
  addSettings(command)
  command
    .addHelpText('after', '\nExample:\n  $ onefill config --workers 2 --json')
    .action((flags: FlagValues) => {
      process.exitCode = withConfig(
        () => configOf(flags),
        (config) => {
          process.stdout.write(flags.json === true ? asJson(config) : asTable(config))
          return EXIT.done
        },
      )
    })
}

function asJson({ sources }: Config): string {
  const shown = SETTING_NAMES.map((name) => {
    const { raw, from } = sources[name]
    return [name, { value: visible(name, raw) ?? null, from }]
  })
  return `${JSON.stringify(Object.fromEntries(shown), null, 2)}\n`
}

function asTable({ sources }: Config): string {
  const rows = SETTING_NAMES.map((name) => {
    const { raw, from } = sources[name]
    return [name, String(visible(name, raw) ?? '-'), from]
  })
  const widthOf = (column: number) => Math.max(...rows.map((row) => row[column].length))
  const [first, second] = [widthOf(0), widthOf(1)]
  return rows
    .map(([name, value, from]) => `${name.padEnd(first)}  ${value.padEnd(second)}  ${from}\n`)
    .join('')
}
