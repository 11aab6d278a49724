// The HTTP side of the exchange: one server, to which each part adds its routes.

import { type FastifyInstance, fastify } from 'fastify'
import { CONNECTIONS_WAITING_MAX, FRAME_BYTES_MAX } from '../bounds.ts'
import { problemOfError, sendProblem } from './front.ts'
import type { HttpGateway } from './gateway.ts'
import { addHealth, type Health } from './health.ts'
import { addMetrics, type MetricsPage } from './metrics.ts'

export interface HttpOptions {
  readonly host: string
  /** 0: a free one. */
  readonly port: number
  readonly health: () => Health
  /** Serves /metrics; without it, there is no such route. */
  readonly metrics?: (() => Promise<MetricsPage>) | undefined
  /** Serves orders and accounts; without it, there is nothing but health and metrics. */
  readonly gateway?: HttpGateway | undefined
}

/** A request that is not there whole by then is cut off, in ms. */
const REQUEST_MS = 10_000
/** Of a part of a path as it is decoded, and more: each character of an id may be escaped. */
const PARAM_CHARS_MAX = 256

export class HttpServer {
  readonly url: string
  private readonly server: FastifyInstance

  private constructor(server: FastifyInstance, url: string) {
    this.server = server
    this.url = url
  }

  /** Listens; throws the system's error if it cannot, for instance for a port that is taken. */
  static async listen(options: HttpOptions): Promise<HttpServer> {
    const { host, port, health, metrics, gateway } = options
    const server = fastify({
      // Longer bodies are refused before they are read.
      bodyLimit: FRAME_BYTES_MAX,
      requestTimeout: REQUEST_MS,
      forceCloseConnections: true,
      routerOptions: { maxParamLength: PARAM_CHARS_MAX },
      frameworkErrors: (error, _, reply) => {
        sendProblem(reply, problemOfError(error))
      },
    })
    addHealth(server, health)
    if (metrics !== undefined) addMetrics(server, metrics)
    if (gateway !== undefined) {
      server.register(async (part) => gateway.addTo(part), { prefix: '/v1' })
    }
    const backlog = CONNECTIONS_WAITING_MAX
    return new HttpServer(server, await server.listen({ host, port, backlog }))
  }

  /** Connections that are open, streams among them. */
  connections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.server.getConnections((error, count) => {
        if (error === null) resolve(count)
        else reject(error)
      })
    })
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    await this.server.close()
  }
}
