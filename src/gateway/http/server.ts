// The HTTP side of the exchange: one server, to which each part adds its routes.

import { type FastifyInstance, fastify } from 'fastify'
import { addHealth, type Health } from './health.ts'

export interface HttpOptions {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  readonly health: () => Health
}

/** Bytes of a request's body; longer ones are refused before they are read. */
const BODY_BYTES_MAX = 512 * 1024
/** A request that is not there whole by then is cut off, in ms. */
const REQUEST_MS = 10_000

export class HttpServer {
  readonly url: string
  private readonly server: FastifyInstance

  private constructor(server: FastifyInstance, url: string) {
    this.server = server
    this.url = url
  }

  /** Listens; throws the system's error if it cannot, for instance for a port that is taken. */
  static async listen({ host, port, health }: HttpOptions): Promise<HttpServer> {
    const server = fastify({
      bodyLimit: BODY_BYTES_MAX,
      requestTimeout: REQUEST_MS,
      forceCloseConnections: true,
    })
    addHealth(server, health)
    return new HttpServer(server, await server.listen({ host, port }))
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    await this.server.close()
  }
}
