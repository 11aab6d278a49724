// The tool's commands that are clients, as processes, for tests that hold the exchange themselves.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { type Running, type Servers, serve, startServers } from '../gateway/exchange-support.ts'

const TOOL = join(import.meta.dirname, '../../bin/onefill.js')

export interface StartOptions {
  /** NATS_URL; empty: none; without it, the exchange's. */
  readonly nats?: string
  readonly cwd?: string
  /** More of the environment. */
  readonly more?: Readonly<Record<string, string>>
}

/** An exchange for the tests of a file, and the tool beside it. */
export function useClients() {
  const children = new Set<ChildProcess>()
  const around = {
    /** There once the first test runs. */
    servers: undefined as unknown as Servers,
    running: undefined as unknown as Running,
    start,
    /** Runs it to its end. */
    run: (line: string, options: StartOptions = {}) => start(line.split(' '), options).end,
  }
  beforeAll(async () => {
    around.servers = await startServers()
    around.running = await serve(around.servers, await around.servers.database())
  }, 600_000)
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL')
    await around.running.close()
    await around.servers.end()
    // A Postgres on a slow disk takes its time to stop.
  }, 60_000)

  /** The tool while it runs; the exchange is in this process, so nothing may block it. */
  function start(args: readonly string[], { nats, cwd = '/', more = {} }: StartOptions = {}) {
    const { NATS_URL: _, DATABASE_URL: __, ...rest } = process.env
    const url = nats ?? around.servers.nats.url
    const env = { ...rest, ...(url !== '' && { NATS_URL: url }), ...more }
    const child = spawn(process.execPath, [TOOL, ...args], { env, cwd })
    children.add(child)
    const said = { stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said.stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said.stderr += text
    })
    const end = once(child, 'close').then(() => {
      children.delete(child)
      return { ...said, status: child.exitCode }
    })
    return { child, said, end }
  }
  return around
}
