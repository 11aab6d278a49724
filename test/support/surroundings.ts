// What a running tool needs around it in tests: a real Postgres and a real NATS server, a folder,
// and a client that speaks NATS.

import { join } from 'node:path'
import { type ConnectionOptions, connect, type NatsConnection } from '@nats-io/transport-node'
import { type EmbeddedNats, startNats } from '../../src/gateway/embedded-nats.ts'
import { Databases } from './databases.ts'
import type { Json } from './markets.ts'

export class Surroundings {
  readonly databases: Databases
  readonly nats: EmbeddedNats
  private readonly connections: NatsConnection[] = []

  private constructor(databases: Databases, nats: EmbeddedNats) {
    this.databases = databases
    this.nats = nats
  }

  static async start(): Promise<Surroundings> {
    const databases = await Databases.start()
    const nats = await startNats({ folder: join(databases.folder, 'nats') })
    return new Surroundings(databases, nats)
  }

  /** A client of the server; closed by {@link closeClients}. */
  async client(options: ConnectionOptions = {}): Promise<NatsConnection> {
    const servers = `127.0.0.1:${this.nats.port}`
    const connection = await connect({ servers, maxReconnectAttempts: -1, ...options })
    this.connections.push(connection)
    return connection
  }

  async closeClients(): Promise<void> {
    for (const connection of this.connections.splice(0)) await connection.close()
  }

  async stop(): Promise<void> {
    await this.closeClients()
    await this.nats.stop()
    await this.databases.stop()
  }
}

/** The reply to a request, as JSON. */
export async function ask(
  connection: NatsConnection,
  subject: string,
  body: unknown = {},
): Promise<Said> {
  const reply = await connection.request(subject, JSON.stringify(body), { timeout: 20_000 })
  return reply.json<Said>()
}

// biome-ignore lint/suspicious/noExplicitAny: what comes over the wire is looked at field by field
export type Said = any

/** The lines of a log, and what was said besides. */
export const logLines = (text: string): Json[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Json)
