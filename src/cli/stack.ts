// The built-in servers that an exchange runs on where no others are named: Postgres from npm, and a
// NATS server.

import { createServer } from 'node:net'
import { join } from 'node:path'
import { portBefore, startNats } from '../gateway/embedded-nats.ts'
import { startEmbedded } from '../persistence/embedded.ts'
import { leaveAddress } from './addresses.ts'
import { lockFolder } from './folder-lock.ts'
import type { Log } from './log.ts'

/** What NATS clients try by themselves. */
const NATS_PORT = 4222

export interface Stack {
  readonly databaseUrl: string
  /** Undefined: without NATS. */
  readonly natsUrl: string | undefined
  /** Stops what was started, NATS first. */
  stop(): Promise<void>
}

export interface StackOptions {
  readonly folder: string
  readonly databaseUrl: string | undefined
  readonly natsUrl: string | undefined
  /** Whether NATS is wanted at all. */
  readonly hasNats: boolean
  readonly log: Log
}

/**
 * Starts what is not named; throws a StoreProblem, a NatsProblem, or an Inability where an exchange
 * runs in the folder, and leaves nothing running.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { folder, log, hasNats } = options
  const stops: (() => Promise<void>)[] = []
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each()
  }
  try {
    let { databaseUrl, natsUrl } = options
    const isOwn = databaseUrl === undefined || (natsUrl === undefined && hasNats)
    const unlock = isOwn ? await lockFolder(folder) : () => {}
    stops.push(async () => unlock())
    if (databaseUrl === undefined) {
      const embedded = await startEmbedded({ folder })
      stops.push(() => embedded.stop())
      databaseUrl = embedded.url
      const forget = leaveAddress(folder, 'databaseUrl', databaseUrl)
      stops.push(async () => forget())
      log.info({ event: 'postgres' }, `built-in Postgres in ${folder}; address in ${folder}/url`)
    }
    if (natsUrl === undefined && hasNats) {
      const say = (sentence: string) => log.info({ event: 'setup' }, sentence)
      const of = join(folder, 'nats')
      const port = await firstFree([NATS_PORT, portBefore(of)])
      const nats = await startNats({ folder: of, say, ...(port !== undefined && { port }) })
      stops.push(() => nats.stop())
      natsUrl = nats.url
      const forget = leaveAddress(folder, 'natsUrl', natsUrl)
      stops.push(async () => forget())
      log.info({ event: 'nats', url: natsUrl }, `built-in NATS server at ${natsUrl}`)
    }
    return { databaseUrl, natsUrl, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The first port that is free; who waits at the one of before finds the exchange there again. */
async function firstFree(ports: readonly (number | undefined)[]): Promise<number | undefined> {
  for (const port of ports) if (port !== undefined && (await isFree(port))) return port
  return undefined
}

/** Whether nobody listens on the port, on this machine or for all the world. */
export async function isFree(port: number): Promise<boolean> {
  for (const host of ['127.0.0.1', '0.0.0.0']) {
    const isTaken = await new Promise<boolean>((done) => {
      const server = createServer()
      server.once('error', () => done(true))
      server.listen(port, host, () => server.close(() => done(false)))
    })
    if (isTaken) return false
  }
  return true
}
