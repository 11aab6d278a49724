// A running exchange for the gateway's tests: a real Postgres, a real NATS server, and the exchange
// between them, each in a folder of its own.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { DurableExchange, type DurableOptions } from '../../src/durable.ts'
import { type EmbeddedNats, startNats } from '../../src/gateway/embedded-nats.ts'
import { NatsGateway, type NatsGatewayOptions } from '../../src/gateway/nats-gateway.ts'
import type { EmbeddedPostgres } from '../../src/persistence/embedded.ts'
import { Databases } from '../support/databases.ts'

export interface Servers {
  readonly postgres: EmbeddedPostgres
  readonly nats: EmbeddedNats
  /** The address of a new empty database. */
  database(): Promise<string>
  end(): Promise<void>
}

export async function startServers(): Promise<Servers> {
  const folder = mkdtempSync(join(tmpdir(), 'onefill-gateway-'))
  const [databases, nats] = await Promise.all([Databases.start(), startNats({ folder })])
  return {
    postgres: databases.postgres,
    nats,
    database: () => databases.create(),
    async end() {
      await nats.stop()
      await databases.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export interface Running {
  readonly exchange: DurableExchange
  readonly gateway: NatsGateway
  close(): Promise<void>
}

/** An exchange that serves NATS. */
export async function serve(
  { nats }: Servers,
  url: string,
  options: { gateway?: Partial<NatsGatewayOptions>; exchange?: Partial<DurableOptions> } = {},
): Promise<Running> {
  const gateway = await NatsGateway.connect({ url: nats.url, ...options.gateway })
  const exchange = await DurableExchange.open({
    ...{ url, takeReports: gateway.takeReports, onBroken: () => gateway.stopTaking() },
    onPublishedBefore: (before) => gateway.history.remember(before),
    ...options.exchange,
  })
  gateway.open(exchange)
  return {
    exchange,
    gateway,
    async close() {
      gateway.stopTaking()
      await exchange.close()
      await gateway.close()
    },
  }
}

/** A client of the server, and what it says as JSON. */
export async function client({ nats }: Servers) {
  const connection: NatsConnection = await connect({ servers: nats.url })
  return {
    connection,
    async ask(subject: string, body: unknown): Promise<Said> {
      const reply = await connection.request(subject, JSON.stringify(body), { timeout: 10_000 })
      return reply.json<Said>()
    },
    /** All that comes on a subject from now on. */
    async listen(subject: string): Promise<Said[]> {
      const heard: Said[] = []
      connection.subscribe(subject, {
        callback: (_, message) => {
          const said = message.json<Said | Said[]>()
          heard.push(...(Array.isArray(said) ? said : [said]))
        },
      })
      await connection.flush()
      return heard
    },
  }
}

/**
 * Servers for the tests of a file, and exchanges with a client each, all ended behind the test that
 * started them.
 */
export function useExchanges() {
  const running: Running[] = []
  const closing: (() => Promise<void>)[] = []
  const around = {
    /** There once the first test runs. */
    servers: undefined as unknown as Servers,
    running,
    closing,
    /** Serves a database, a new one unless it is said. */
    async start(url?: string, options: Parameters<typeof serve>[2] = {}) {
      const at = url ?? (await around.servers.database())
      const each = await serve(around.servers, at, options)
      running.push(each)
      const of = await client(around.servers)
      closing.push(() => of.connection.close())
      return { ...each, ...of, url: at }
    },
  }
  beforeAll(async () => {
    around.servers = await startServers()
  }, 600_000)
  afterAll(() => around.servers.end(), 60_000)
  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
    for (const each of running.splice(0)) await each.close()
  })
  return around
}

// biome-ignore lint/suspicious/noExplicitAny: what comes over the wire is looked at field by field
export type Said = any

/** Assets, an instrument, and two accounts with money and shares. */
export const SCENE = [
  { cmd: 'asset', asset: 'USD', decimals: 2 },
  { cmd: 'asset', asset: 'X', decimals: 0 },
  { cmd: 'instrument', symbol: 'XUSD', base: 'X', quote: 'USD', tickSize: '0.01', lotSize: '1' },
  ...['alice', 'bob'].flatMap((account) => [
    { cmd: 'account', account },
    { cmd: 'deposit', account, asset: 'USD', amount: '1000000', transferId: 'usd' },
    { cmd: 'deposit', account, asset: 'X', amount: '1000000', transferId: 'x' },
  ]),
]
