// The exchange under load: one that runs already, or one of our own that can be killed.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from '@nats-io/transport-node'
import { type EmbeddedNats, startNats } from '../../src/gateway/embedded-nats.ts'
import { connectionOf } from '../../src/gateway/nats-address.ts'
import { type EmbeddedPostgres, startEmbedded } from '../../src/persistence/embedded.ts'

const TOOL = join(import.meta.dirname, '../../bin/onefill.js')
const START_MS = 60_000

export interface Target {
  readonly natsUrl: string
  /** Kills the exchange and starts it again; undefined where it is not ours. */
  readonly killAndRestart?: () => Promise<void>
  close(): Promise<void>
}

/** The exchange at `NATS_URL`, or one of our own. */
export async function openTarget(): Promise<Target> {
  const { NATS_URL } = process.env
  if (NATS_URL === undefined) return OwnTarget.start()
  await served(NATS_URL)
  return { natsUrl: NATS_URL, close: async () => {} }
}

class OwnTarget implements Target {
  private readonly folder: string
  private readonly postgres: EmbeddedPostgres
  private readonly nats: EmbeddedNats
  private child: ChildProcess | undefined

  private constructor(folder: string, postgres: EmbeddedPostgres, nats: EmbeddedNats) {
    this.folder = folder
    this.postgres = postgres
    this.nats = nats
  }

  static async start(): Promise<OwnTarget> {
    const folder = mkdtempSync(join(tmpdir(), 'onefill-load-'))
    const postgres = await startEmbedded({ folder: join(folder, 'postgres') })
    const nats = await startNats({ folder: join(folder, 'nats') })
    const target = new OwnTarget(folder, postgres, nats)
    await target.serve()
    return target
  }

  get natsUrl(): string {
    return this.nats.url
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
    const args = ['serve', '--database', postgres.url, '--nats', nats.url, '--http-port', 'off']
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
