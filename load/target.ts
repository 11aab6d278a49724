// The exchange under load: one that runs already, or one of our own that can be killed.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '@nats-io/transport-node'
import { CpuClock } from '../bench/process-time.ts'
import { type EmbeddedNats, startNats } from '../src/gateway/embedded-nats.ts'
import { connectionOf } from '../src/gateway/nats-address.ts'
import { freePort } from '../src/persistence/child-server.ts'
import { type EmbeddedPostgres, startEmbedded } from '../src/persistence/embedded.ts'
import { TokenIssuer } from './tokens.ts'

const TOOL = join(import.meta.dirname, '../bin/onefill.js')
const START_MS = 60_000

export interface Target {
  readonly natsUrl: string
  /** Kills the exchange and starts it again; undefined where it is not ours. */
  readonly killAndRestart?: () => Promise<void>
  close(): Promise<void>
}

/** Of our own: over HTTP too, for whoever has a token that it makes. */
export interface HttpTarget extends Target {
  readonly httpUrl: string
  readonly databaseUrl: string
  readonly killAndRestart: () => Promise<void>
  /** The exchange's process; undefined while it does not run. */
  readonly pid: number | undefined
  /** Sockets and files that the exchange's process has open. */
  openFiles(): number
  /** What the exchange's process has in memory. */
  rssBytes(): number
  /** Processor times so far of the exchange and the servers it uses. */
  cpuClock(): CpuClock
  token(account: string): Promise<string>
  /** What the exchange has logged with this `event`. */
  logged(event: string): { readonly msg: string }[]
}

/** The exchange at `NATS_URL`, or one of our own. */
export async function openTarget(): Promise<Target> {
  const { NATS_URL } = process.env
  if (NATS_URL === undefined) return openOwnTarget()
  await served(NATS_URL)
  return { natsUrl: NATS_URL, close: async () => {} }
}

/** An exchange of our own, on its own servers; `flags` are more of `onefill serve`'s. */
export const openOwnTarget = (flags: readonly string[] = []): Promise<HttpTarget> =>
  OwnTarget.start(flags)

class OwnTarget implements HttpTarget {
  readonly httpUrl: string
  private readonly tokens = new TokenIssuer()
  private readonly folder: string
  private readonly flags: readonly string[]
  private readonly postgres: EmbeddedPostgres
  private readonly nats: EmbeddedNats
  private child: ChildProcess | undefined

  private constructor(
    folder: string,
    flags: readonly string[],
    port: number,
    postgres: EmbeddedPostgres,
    nats: EmbeddedNats,
  ) {
    this.folder = folder
    this.flags = flags
    this.httpUrl = `http://127.0.0.1:${port}`
    writeFileSync(join(folder, 'auth.json'), this.tokens.settings, { mode: 0o600 })
    this.postgres = postgres
    this.nats = nats
  }

  static async start(flags: readonly string[]): Promise<OwnTarget> {
    const folder = mkdtempSync(join(tmpdir(), 'onefill-load-'))
    const postgres = await startEmbedded({ folder: join(folder, 'postgres') })
    const nats = await startNats({ folder: join(folder, 'nats') })
    const target = new OwnTarget(folder, flags, await freePort(), postgres, nats)
    await target.serve()
    return target
  }

  get natsUrl(): string {
    return this.nats.url
  }

  get databaseUrl(): string {
    return this.postgres.url
  }

  get pid(): number | undefined {
    return this.child?.pid
  }

  cpuClock(): CpuClock {
    const { postgres, nats, pid } = this
    return new CpuClock({
      exchange: pid === undefined ? [] : [pid],
      Postgres: postgres.pid === null ? [] : CpuClock.family(postgres.pid),
      'NATS server': nats.pid === null ? [] : [nats.pid],
    })
  }

  openFiles(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length
  }

  rssBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+([0-9]+) kB/m.exec(status)?.[1]) * 1024
  }

  logged(event: string): { readonly msg: string }[] {
    const lines = readFileSync(this.log, 'utf8').split('\n')
    const said = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))
    return said.filter((line) => line.event === event)
  }

  token(account: string): Promise<string> {
    return this.tokens.token(account)
  }

  readonly killAndRestart = async (): Promise<void> => {
    await this.end('SIGKILL')
    await this.serve()
  }

  async close(): Promise<void> {
    await this.end('SIGTERM')
    await this.nats.stop()
    await this.postgres.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  private get log(): string {
    return join(this.folder, 'exchange.log')
  }

  private async serve(): Promise<void> {
    const { postgres, nats, folder, log, flags } = this
    const out = openSync(log, 'a')
    const { port } = new URL(this.httpUrl)
    const http = ['--http-port', port, '--http-auth', join(folder, 'auth.json')]
    const args = ['serve', '--database', postgres.url, '--nats', nats.url, ...http, ...flags]
    const { DATABASE_URL: _, REDIS_URL: __, ...env } = process.env
    const child = spawn(process.execPath, [TOOL, ...args, '--log-format', 'json'], {
      ...{ cwd: folder, env, stdio: ['ignore', out, out] },
    })
    closeSync(out)
    this.child = child
    const ended = once(child, 'exit').then(() => {
      if (this.child === child) throw new Error(`the exchange has ended: ${readFileSync(log)}`)
    })
    await Promise.race([served(nats.url), ended])
    // From now on it may be killed.
    ended.catch(() => {})
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this
    this.child = undefined
    if (child === undefined || child.exitCode !== null) return
    child.kill(signal)
    await once(child, 'exit')
  }
}

/** Resolves when somebody leads there. */
async function served(url: string): Promise<void> {
  const connection = await connect(connectionOf(url))
  try {
    for (const startMs = performance.now(); ; await delay(50)) {
      const asked = connection.request('onefill.v1.status', '', { timeout: 1_000 })
      // Nobody there yet, or nobody who leads.
      const answer = await asked.then(
        (message) => message.json<{ status: string }>(),
        () => undefined,
      )
      if (answer?.status === 'leading') return
      if (performance.now() - startMs > START_MS) throw new Error(`no exchange leads at ${url}`)
    }
  } finally {
    await connection.close()
  }
}
