// Where the exchange is that a command is about: as the settings say, else where the one that runs
// in the data folder has left its addresses.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { CONFIG_FILE, readSettings, SETTINGS } from '../config.ts'
import { Inability } from './outcome.ts'
import { beforeSudden } from './signals.ts'

/** The file of each address in the data folder, while what it is about runs. */
const FILES = { databaseUrl: 'url', natsUrl: 'nats-url' } as const

export type AddressName = keyof typeof FILES

/** Which exchange, as flags say. */
export interface Place {
  readonly data?: string
  readonly config?: string
}

/** What the argument that names the database is called in every help text. */
export const URL_HELP = 'the database; without it, as the settings say, or of what runs in --data'

/** Adds the flags that say which exchange. */
export function asPlaced(command: Command): Command {
  const data = `the folder of an exchange that runs (default: ${SETTINGS.data.fallback})`
  return command
    .option('--data <folder>', data)
    .option('-c, --config <file>', `settings; default: ${CONFIG_FILE}, if it is there`)
}

/**
 * The address that was given, or that the environment or the file of settings names, or that a
 * running exchange has left; undefined if nobody says. Throws a ConfigProblem.
 */
export function findAddress(
  name: AddressName,
  given: string | undefined,
  { data, config: file }: Place,
): string | undefined {
  const flags = { data, [name]: given }
  const settings = readSettings(['data', name], { file, environment: process.env, flags })
  return settings[name] ?? leftAddress(settings.data, name)
}

/** The data folder, if one was named: commands go to no exchange but the one that runs there. */
export function namedFolder({ data, config: file }: Place): string | undefined {
  const settings = readSettings(['data'], { file, environment: process.env, flags: { data } })
  const isNamed = data !== undefined || settings.data !== SETTINGS.data.fallback
  return isNamed ? settings.data : undefined
}

/** The database of {@link findAddress}; throws an Inability where there is none. */
export function databaseOf(given: string | undefined, place: Place): string {
  const found = findAddress('databaseUrl', given, place)
  if (found !== undefined) return found
  const shape = SETTINGS.databaseUrl.allowed
  throw new Inability(
    `which database? No exchange runs here (--data); give ${shape} or set DATABASE_URL.`,
  )
}

/** The address that a running exchange has left, if there is one. */
export function leftAddress(folder: string, name: AddressName): string | undefined {
  try {
    return readFileSync(join(folder, FILES[name]), 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Leaves an address where other commands find it; the result, or a signal, takes it away. */
export function leaveAddress(folder: string, name: AddressName, url: string): () => void {
  const file = join(folder, FILES[name])
  mkdirSync(folder, { recursive: true })
  // Made anew: the mode of a file that is there would stay as it is.
  rmSync(file, { force: true })
  writeFileSync(file, `${url}\n`, { mode: 0o600 })
  const remove = () => rmSync(file, { force: true })
  const forget = beforeSudden(remove)
  return () => {
    forget()
    remove()
  }
}
