// Where a `nats-server` comes from: the machine's own, else one fetched into `.tools/` by what the
// machine has.

import { type SpawnOptions, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { NatsProblem } from './nats-problem.ts'

/** Oldest server that is used; what Debian 12 packs. */
const VERSION_MIN = [2, 9] as const
/** What `go install` builds. */
const GO_MODULE = 'github.com/nats-io/nats-server/v2@v2.12.1'
const ENDING = process.platform === 'win32' ? '.exe' : ''
const NAME = `nats-server${ENDING}`
/** Beside the repository's files, not under version control. */
const TOOLS = resolve(import.meta.dirname, '../../.tools')
/** Where installers put it although a PATH may not say so. */
const USUAL_FOLDERS = [
  '/usr/sbin',
  '/usr/local/bin',
  '/opt/homebrew/bin',
  join(homedir(), 'go', 'bin'),
]
/** Fetching a package is quick, building from source takes about a minute of both cores. */
const FETCH_TIMEOUT_MS = 120_000
const BUILD_TIMEOUT_MS = 900_000
const LOCK_LOOK_MS = 100
const LOCK_EMPTY_MS = 2_000

export interface NatsBinaryOptions {
  /** Folder for a fetched server; `.tools/` of the repository unless given. */
  readonly tools?: string
  /** Told in one sentence what is being done when it takes a while. */
  readonly say?: (sentence: string) => void
}

/** The path of a usable `nats-server`, or undefined. Looks, and installs nothing. */
export async function findNatsServer(tools = TOOLS): Promise<string | undefined> {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...USUAL_FOLDERS, tools]
  for (const folder of folders) {
    if (folder === '') continue
    const path = join(folder, NAME)
    if (fs.existsSync(path) && (await isUsable(path))) return path
  }
  return undefined
}

/**
 * The path of a usable `nats-server`, fetched if there is none. Processes that ask at once wait for
 * the first one. Throws {@link NatsProblem} `NATS_MISSING`, with what to do, if there is no way.
 */
export async function needNatsServer(options: NatsBinaryOptions = {}): Promise<string> {
  const tools = resolve(options.tools ?? TOOLS)
  return (await findNatsServer(tools)) ?? (await fetchOnce(tools, options.say ?? (() => {})))
}

/** Fetches a server into `tools`, whether or not there is one elsewhere; see needNatsServer. */
export async function fetchOnce(tools: string, say: (sentence: string) => void): Promise<string> {
  const wanted = join(tools, NAME)
  const lock = join(tools, 'nats-server.lock')
  try {
    fs.mkdirSync(tools, { recursive: true })
    while (!takeLock(lock)) await delay(LOCK_LOOK_MS)
  } catch (error) {
    throw missing([`${tools} cannot be written (${(error as NodeJS.ErrnoException).code})`], error)
  }
  const half = join(tools, `nats-server.${process.pid}`)
  try {
    if (fs.existsSync(wanted) && (await isUsable(wanted))) return wanted
    fs.mkdirSync(half, { recursive: true })
    return await fetchInto(half, wanted, say)
  } finally {
    fs.rmSync(half, { recursive: true, force: true })
    fs.rmSync(lock, { force: true })
  }
}

/**
 * Whether the lock is ours now. One whose owner is gone is taken away; two waiters may both see
 * that and both go on, which costs a second fetch and nothing else: the binary appears by a rename.
 */
function takeLock(lock: string): boolean {
  try {
    fs.writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  if (isLeft(lock)) fs.rmSync(lock, { force: true })
  return false
}

/** Whether the lock's owner is gone; one that has not written its id yet gets a moment for it. */
function isLeft(lock: string): boolean {
  const stat = fs.statSync(lock, { throwIfNoEntry: false })
  if (stat === undefined) return false
  if (stat.size === 0) return Date.now() - stat.mtimeMs > LOCK_EMPTY_MS
  try {
    return !isAlive(Number(fs.readFileSync(lock, 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

// --- the ways to get one -----------------------------------------------------------------------

/** A way to get the server: why it does not work here, or where the binary is. */
interface Way {
  readonly tool: string
  readonly sentence: string
  readonly run: (folder: string) => Promise<string>
}

/** Quickest first: 1 s for the package, a minute for the build. */
const WAYS: readonly Way[] = [
  {
    tool: 'apt-get',
    sentence: 'Fetching nats-server with apt-get into .tools ...',
    run: unpackDebian,
  },
  {
    tool: 'go',
    sentence: 'Building nats-server with go install into .tools (about a minute) ...',
    run: buildWithGo,
  },
  {
    tool: 'brew',
    sentence: 'Installing nats-server with brew ...',
    run: installWithBrew,
  },
]

async function fetchInto(
  half: string,
  wanted: string,
  say: (sentence: string) => void,
): Promise<string> {
  const reasons: string[] = []
  for (const { tool, sentence, run } of WAYS) {
    if (!isOnPath(tool)) {
      reasons.push(`there is no ${tool}`)
      continue
    }
    say(sentence)
    try {
      const binary = await run(half)
      if (!(await isUsable(binary))) throw new Error(`its server is older than ${VERSION_TEXT}`)
      if (!binary.startsWith(half)) return binary
      fs.renameSync(binary, wanted)
      return wanted
    } catch (error) {
      reasons.push(`${tool}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  throw missing(reasons)
}

/**
 * The package is unpacked, not installed: installed it would start a service of its own, open to
 * the network at port 4222, and need root.
 */
async function unpackDebian(folder: string): Promise<string> {
  const options = { cwd: folder, timeoutMs: FETCH_TIMEOUT_MS }
  const download = () => run('apt-get', ['-q', 'download', 'nats-server'], options)
  try {
    await download()
  } catch (error) {
    // A fresh container has no lists of packages.
    if (process.getuid?.() !== 0) throw error
    await run('apt-get', ['-q', 'update'], options)
    await download()
  }
  const file = fs.readdirSync(folder).find((name) => name.endsWith('.deb'))
  if (file === undefined) throw new Error('it has fetched nothing')
  await run('dpkg-deb', ['-x', file, 'unpacked'], options)
  return join(folder, 'unpacked', 'usr', 'sbin', NAME)
}

async function buildWithGo(folder: string): Promise<string> {
  const env = { ...process.env, GOBIN: folder, CGO_ENABLED: '0' }
  await run('go', ['install', GO_MODULE], { cwd: folder, env, timeoutMs: BUILD_TIMEOUT_MS })
  return join(folder, NAME)
}

async function installWithBrew(folder: string): Promise<string> {
  await run('brew', ['install', 'nats-server'], { cwd: folder, timeoutMs: BUILD_TIMEOUT_MS })
  const found = await findNatsServer(folder)
  if (found === undefined) throw new Error('it is installed, but not on the PATH')
  return found
}

function isOnPath(tool: string): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  return folders.some((folder) => fs.existsSync(join(folder, tool + ENDING)))
}

const VERSION_TEXT = VERSION_MIN.join('.')

async function isUsable(path: string): Promise<boolean> {
  try {
    const said = await run(path, ['--version'], { timeoutMs: 10_000 })
    const [, major, minor] = /v(\d+)\.(\d+)\./.exec(said) ?? []
    const [majorMin, minorMin] = VERSION_MIN
    return Number(major) > majorMin || (Number(major) === majorMin && Number(minor) >= minorMin)
  } catch {
    // For another machine, or no program at all: as good as none.
    return false
  }
}

/** What a program said; an Error with its last line if it fails or takes too long. */
function run(
  command: string,
  args: string[],
  { timeoutMs, ...options }: SpawnOptions & { timeoutMs: number },
): Promise<string> {
  return new Promise((done, fail) => {
    const child = spawn(command, args, {
      ...{ ...options, timeout: timeoutMs, killSignal: 'SIGKILL' as const },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    const hear = (text: string) => {
      said = (said + text).slice(-10_000)
    }
    child.stdout.setEncoding('utf8').on('data', hear)
    child.stderr.setEncoding('utf8').on('data', hear)
    child.once('error', fail)
    child.once('close', (status, signal) => {
      if (status === 0) return done(said)
      const last = said.trim().split('\n').at(-1)?.trim() ?? ''
      const isLate = signal === 'SIGKILL'
      fail(new Error(isLate ? `not done after ${timeoutMs / 1000} s` : last || `status ${status}`))
    })
  })
}

function missing(reasons: readonly string[], cause?: unknown): NatsProblem {
  const go = `go install ${GO_MODULE}`
  const by =
    process.platform === 'darwin'
      ? 'run "brew install nats-server"'
      : process.platform === 'linux' && isOnPath('apt-get')
        ? 'run "sudo apt-get update && sudo apt-get install nats-server"'
        : isOnPath('go')
          ? `run "${go}"`
          : `install Go (https://go.dev/dl) and run "${go}"`
  const why = reasons.join('; ').replace(/\.$/, '')
  return new NatsProblem(
    'NATS_MISSING',
    `There is no nats-server (${why}): ${by}, or set NATS_URL, or run "docker compose up --build".`,
    cause,
  )
}
