// The exchange under load: one that runs already, or one of our own that can be killed.

import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '@nats-io/transport-node'
import { SignJWT } from 'jose'
import { type EmbeddedNats, startNats } from '../src/gateway/embedded-nats.ts'
import { connectionOf } from '../src/gateway/nats-address.ts'
import { freePort } from '../src/persistence/child-server.ts'
import { type EmbeddedPostgres, startEmbedded } from '../src/persistence/embedded.ts'

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
  token(account: string): Promise<string>
}

/** The exchange at `NATS_URL`, or one of our own. */
export async function openTarget(): Promise<Target> {
  const { NATS_URL } = process.env
  if (NATS_URL === undefined) return openOwnTarget()
  await served(NATS_URL)
  return { natsUrl: NATS_URL, close: async () => {} }
}

/** An exchange of our own, on its own servers. */
export const openOwnTarget = (): Promise<HttpTarget> => OwnTarget.start()

const [ISSUER, AUDIENCE] = ['onefill-load', 'onefill']

class OwnTarget implements HttpTarget {
  readonly httpUrl: string
  private readonly secret = randomBytes(32).toString('base64url')
  private readonly folder: string
  private readonly postgres: EmbeddedPostgres
  private readonly nats: EmbeddedNats
  private child: ChildProcess | undefined

  private constructor(
    folder: string,
    port: number,
    postgres: EmbeddedPostgres,
    nats: EmbeddedNats,
  ) {
    this.folder = folder
    this.httpUrl = `http://127.0.0.1:${port}`
    const { secret } = this
    const settings = { jwt: { issuer: ISSUER, audience: AUDIENCE, secret } }
    writeFileSync(join(folder, 'auth.json'), JSON.stringify(settings), { mode: 0o600 })
    this.postgres = postgres
    this.nats = nats
  }

  static async start(): Promise<OwnTarget> {
    const folder = mkdtempSync(join(tmpdir(), 'onefill-load-'))
    const postgres = await startEmbedded({ folder: join(folder, 'postgres') })
    const nats = await startNats({ folder: join(folder, 'nats') })
    const target = new OwnTarget(folder, await freePort(), postgres, nats)
    await target.serve()
    return target
  }

  get natsUrl(): string {
    return this.nats.url
  }

  token(account: string): Promise<string> {
    return new SignJWT({ account, scopes: ['trade', 'read'] })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setExpirationTime('1h')
      .sign(Buffer.from(this.secret))
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

  private async serve(): Promise<void> {
    const { postgres, nats, folder } = this
    const log = join(folder, 'exchange.log')
    const out = openSync(log, 'a')
    const { port } = new URL(this.httpUrl)
    const http = ['--http-port', port, '--http-auth', join(folder, 'auth.json')]
    const args = ['serve', '--database', postgres.url, '--nats', nats.url, ...http]
    const { DATABASE_URL: _, REDIS_URL: __, ...env } = process.env
    const child = spawn(process.execPath, [TOOL, ...args, '--log-format', 'json'], {
      ...{ cwd: folder, env, stdio: ['ignore', out, out] },
    })
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
