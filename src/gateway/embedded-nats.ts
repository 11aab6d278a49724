// A real NATS server of our own: started in a folder, on a free port of this machine alone, and
// never left behind.

import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { connect } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ChildServer, freePort, whyItEnded } from '../persistence/child-server.ts'
import { FRAME_BYTES_MAX } from './bounds.ts'
import { type NatsBinaryOptions, needNatsServer } from './nats-binary.ts'
import { NatsProblem } from './nats-problem.ts'

const CONFIG = 'nats.conf'
const START_TIMEOUT_MS = 20_000
/** A server that was killed a moment ago may still hold its port. */
const BUSY_TIMEOUT_MS = 10_000
const STOP_TIMEOUT_MS = 5_000
/** What waits for a client that does not read; beyond it the client is cut off. */
const CLIENT_PENDING_BYTES_MAX = 32 * 1024 * 1024
/** How long a write to a client may take; beyond it the client is cut off. */
const WRITE_DEADLINE = '2s'

export interface EmbeddedNatsOptions extends NatsBinaryOptions {
  /** Holds `nats.conf` and `nats.log`; made if it is not there. */
  readonly folder: string
  /** The port, if it is to be a certain one; a free one unless given. */
  readonly port?: number
  /** More lines for the server's configuration: users and their permissions, for instance. */
  readonly config?: string
  /** The program, if it is to be a certain one; found or fetched unless given. */
  readonly binary?: string
}

/**
 * Starts NATS; throws {@link NatsProblem}, one sentence: `NATS_MISSING` if there is no server,
 * `NATS_FAILED` if it does not start.
 */
export async function startNats(options: EmbeddedNatsOptions): Promise<EmbeddedNats> {
  const nats = new EmbeddedNats(options)
  await nats.start()
  return nats
}

/** A server of ours; see {@link startNats}. */
export class EmbeddedNats {
  readonly #options: EmbeddedNatsOptions
  readonly #folder: string
  #binary: string | undefined
  readonly #server = new ChildServer()
  #port: number

  constructor(options: EmbeddedNatsOptions) {
    this.#options = options
    this.#folder = resolve(options.folder)
    this.#binary = options.binary
    this.#port = options.port ?? 0
  }

  /** Where to connect; the same after a `kill` and a `start`. */
  get url(): string {
    return `nats://127.0.0.1:${this.#port}`
  }

  get port(): number {
    return this.#port
  }

  /** The server's process, null while it does not run. */
  get pid(): number | null {
    return this.#server.pid
  }

  /** Starts it, again after `kill` or `stop`, at the port it had. */
  async start(): Promise<void> {
    if (this.#server.isRunning) return
    this.#binary ??= await needNatsServer(this.#options)
    try {
      fs.mkdirSync(this.#folder, { recursive: true })
      await this.#run(this.#binary)
    } catch (error) {
      if (error instanceof NatsProblem) throw error
      throw failed(this.#folder, error instanceof Error ? error.message : String(error), error)
    }
  }

  /** Stops it within ten seconds: politely, then by force. */
  stop(): Promise<void> {
    return this.#server.stop([
      ['SIGINT', STOP_TIMEOUT_MS],
      ['SIGKILL', STOP_TIMEOUT_MS],
    ])
  }

  /** Kills it as a crash would; for tests. */
  kill(): Promise<void> {
    return this.#server.kill()
  }

  async #run(binary: string): Promise<void> {
    // A port that we chose can be chosen anew; one that clients know cannot.
    const isFixed = this.#port !== 0
    const busyUntil = performance.now() + BUSY_TIMEOUT_MS
    for (;;) {
      if (this.#port === 0) this.#port = await freePort()
      const said = await this.#launch(binary)
      if (said === null) return
      const isTaken = /address already in use/i.test(said)
      if (!isFixed) this.#port = 0
      if (!isTaken || performance.now() > busyUntil) throw failed(this.#folder, said)
      await delay(100)
    }
  }

  /** Null when it answers, else what it said before it ended. */
  async #launch(binary: string): Promise<string | null> {
    const name = `onefill-${randomBytes(8).toString('hex')}`
    const [config, logFile] = [join(this.#folder, CONFIG), join(this.#folder, 'nats.log')]
    fs.writeFileSync(config, configOf(name, this.#port, this.#options.config ?? ''))
    const launched = await this.#server.launch({
      ...{ command: binary, args: ['-c', config], log: logFile, timeoutMs: START_TIMEOUT_MS },
      isReady: () => answers(this.#port, name),
    })
    if (launched === 'ready') return null
    if (launched === 'ended') return lastLine(logFile)
    await this.stop()
    throw failed(this.#folder, `it does not answer after ${START_TIMEOUT_MS / 1000} s`)
  }
}

/** The port of the server that was started last in the folder; undefined if none was. */
export function portBefore(folder: string): number | undefined {
  const config = join(folder, CONFIG)
  if (!fs.existsSync(config)) return undefined
  const [, port] = /^port: ([0-9]+)$/m.exec(fs.readFileSync(config, 'utf8')) ?? []
  return port === undefined ? undefined : Number(port)
}

function configOf(name: string, port: number, more: string): string {
  return `server_name: "${name}"
host: "127.0.0.1"
port: ${port}
max_payload: ${FRAME_BYTES_MAX}
max_pending: ${CLIENT_PENDING_BYTES_MAX}
write_deadline: "${WRITE_DEADLINE}"
${more}
`
}

/** Whether the server of this name greets whoever connects; another one at the port does not do. */
async function answers(port: number, name: string): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  socket.setTimeout(1_000, () => socket.destroy())
  return new Promise((done) => {
    let said = ''
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      said += text
      if (said.includes('\r\n')) socket.destroy()
    })
    socket.on('error', () => socket.destroy())
    socket.once('close', () => done(said.includes(`"server_name":"${name}"`)))
  })
}

const lastLine = (log: string): string =>
  whyItEnded(log, /\[(ERR|FTL)\]|nats-server: /).replace(/^.*\[(ERR|FTL)\] /, '')

function failed(folder: string, why: string, cause?: unknown): NatsProblem {
  const sentence = `The NATS server cannot run in ${folder}: ${why.replace(/\.$/, '')}.`
  return new NatsProblem('NATS_FAILED', sentence, cause)
}
