// The machine: Node, what is native, space on the disk, free ports.

import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname, resolve } from 'node:path'
import type { Settings } from '../../config.ts'
import { findNatsServer } from '../../gateway/nats-binary.ts'
import { findBinaries } from '../../persistence/embedded-machine.ts'
import { isFree } from '../stack.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

const NODE_MAJOR = 26
/** Below it Postgres may stop at any time; below the other it is to be watched. */
const SPACE_BYTES_MIN = 256 * 2 ** 20
const SPACE_BYTES_LOW = 2 * 2 ** 30
const NATS_PORT = 4222

/** Looks at what the settings would use. */
export async function checkMachine(settings: Settings): Promise<Finding[]> {
  return [
    checkNode(),
    checkNative(),
    ...(settings.databaseUrl === undefined ? [checkBinaries()] : []),
    ...(settings.natsUrl === undefined ? [await checkServer()] : []),
    checkWorkers(settings),
    checkFolder(settings.data),
    checkSpace(settings.data),
    ...(await checkPorts(settings)),
  ]
}

function checkNode(): Finding {
  const { node } = process.versions
  const isNew = Number(node.split('.')[0]) >= NODE_MAJOR
  const todo = 'start it as npx onefill or with npm, which use the Node of package.json'
  return isNew ? ok('node', node) : fail('node', `${node} is older than ${NODE_MAJOR}`, todo)
}

/** Parts that are built for one platform: those of the lock file must be there for this one. */
function checkNative(): Finding {
  const platform = `${process.platform} ${process.arch}`
  try {
    createRequire(import.meta.url)('msgpackr/index-no-eval')
    // Threads share their memory by it.
    new Int32Array(new SharedArrayBuffer(4))
    return ok('native parts', platform)
  } catch (error) {
    return fail('native parts', `${platform}: ${(error as Error).message}`, 'run npm ci')
  }
}

function checkBinaries(): Finding {
  try {
    const { postgres } = findBinaries()
    accessSync(postgres, constants.X_OK)
    return ok('built-in Postgres', postgres)
  } catch (error) {
    const todo = 'run npm ci, or set DATABASE_URL'
    return fail('built-in Postgres', (error as Error).message.replace(/\.$/, ''), todo)
  }
}

async function checkServer(): Promise<Finding> {
  const found = await findNatsServer()
  if (found !== undefined) return ok('built-in NATS', found)
  const todo = 'the first start fetches one; or set NATS_URL'
  return warn('built-in NATS', 'there is no nats-server here', todo)
}

function checkWorkers({ workers }: Settings): Finding {
  const cores = availableParallelism()
  const wanted = typeof workers === 'number' ? workers : workers.accounts + workers.symbols
  const said = `${wanted} worker threads, ${cores} cores`
  // One core is for the gateway and the journal.
  if (wanted < cores || wanted === 0) return ok('cores', said)
  return warn('cores', said, 'take fewer workers than cores')
}

/** The folder, or where it would be made. */
function existing(folder: string): string {
  let at = resolve(folder)
  while (!existsSync(at)) at = dirname(at)
  return at
}

function checkFolder(folder: string): Finding {
  const path = resolve(folder)
  const todo = 'give another one with --data'
  const at = existing(folder)
  if (!statSync(at).isDirectory()) return fail('data folder', `${at} is no folder`, todo)
  try {
    accessSync(at, constants.W_OK)
    return ok('data folder', path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return fail('data folder', `${path} cannot be written (${code})`, todo)
  }
}

function checkSpace(folder: string): Finding {
  const { bavail, bsize } = statfsSync(existing(folder))
  const bytes = bavail * bsize
  const said = `${(bytes / 2 ** 30).toFixed(1)} GiB free at the data folder`
  if (bytes >= SPACE_BYTES_LOW) return ok('disk', said)
  const todo = 'make room: a full disk stops the journal'
  return bytes < SPACE_BYTES_MIN ? fail('disk', said, todo) : warn('disk', said, todo)
}

async function checkPorts({ httpPort, natsUrl }: Settings): Promise<Finding[]> {
  const findings: Finding[] = []
  if (httpPort !== 'off' && httpPort !== 0) {
    const name = `port ${httpPort}`
    const todo = 'an exchange may be running already; else give another one with --http-port'
    const isThere = await isFree(httpPort)
    findings.push(isThere ? ok(name, 'free, for HTTP') : warn(name, 'taken', todo))
  }
  if (natsUrl === undefined) {
    const name = `port ${NATS_PORT}`
    const todo = 'the built-in NATS server takes a free one; if yours runs there, set NATS_URL'
    const isThere = await isFree(NATS_PORT)
    findings.push(isThere ? ok(name, 'free, for NATS') : warn(name, 'taken', todo))
  }
  return findings
}
