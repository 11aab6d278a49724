// How the process is, over HTTP: /livez says that it answers, /readyz whether it serves.

import type { FastifyInstance } from 'fastify'

/** What a probe, or a person, wants to know. */
export interface Health {
  /** Whether it leads, the journal can be written, and NATS is there. */
  readonly isReady: boolean
  /** `ready`, `degraded`, or what it is doing instead of serving. */
  readonly status: string
  /** The parts that do not work now. */
  readonly degraded: readonly string[]
  /** More to read: version, seq, uptime. */
  readonly [name: string]: unknown
}

/** Adds the routes; `health` is asked each time. */
export function addHealth(server: FastifyInstance, health: () => Health): void {
  server.get('/livez', () => ({ status: 'alive' }))
  server.get('/readyz', (_, reply) => {
    const { isReady, ...body } = health()
    reply.code(isReady ? 200 : 503).header('cache-control', 'no-store')
    return body
  })
}
