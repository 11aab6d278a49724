// A Redis server of our own: on a free port, in a temporary folder.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { freePort } from '../../src/persistence/child-server.ts'

/** Whether there is one to start. */
export const hasRedis = (): boolean => spawnSync('redis-server', ['--version']).status === 0

export class RedisServer {
  readonly port: number
  private readonly folder: string
  private readonly options: readonly string[]
  private process: ChildProcess | undefined

  private constructor(port: number, options: readonly string[]) {
    this.port = port
    this.options = options
    this.folder = mkdtempSync(join(tmpdir(), 'onefill-redis-'))
  }

  /** Takes a port and starts; the server keeps nothing on disk. */
  static async start(...options: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), options)
    await server.start()
    return server
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Starts where it was, empty. */
  async start(): Promise<void> {
    const address = ['--port', String(this.port), '--bind', '127.0.0.1']
    const kept = ['--save', '', '--appendonly', 'no', '--dir', this.folder]
    this.process = spawn('redis-server', [...address, ...kept, ...this.options], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    for await (const chunk of this.process.stdout!.iterator({ destroyOnReturn: false })) {
      said += chunk
      if (said.includes('Ready to accept connections')) break
    }
    this.process.stdout!.resume()
    if (!said.includes('Ready to accept connections')) throw new Error(`no Redis: ${said}`)
  }

  signal(signal: NodeJS.Signals): void {
    this.process!.kill(signal)
  }

  /** Ends at once, as in a crash. */
  async kill(): Promise<void> {
    const ended = once(this.process!, 'exit')
    this.signal('SIGKILL')
    await ended
    this.process = undefined
  }

  /** Sends one command, as an operator would. */
  async command(name: string, ...args: string[]): Promise<unknown> {
    const client = new Redis(this.url)
    try {
      return await client.call(name, ...args)
    } finally {
      client.disconnect()
    }
  }

  async end(): Promise<void> {
    if (this.process !== undefined) await this.kill()
    rmSync(this.folder, { recursive: true })
  }
}
