// How the process is in numbers, over HTTP, for Prometheus: open to whoever reaches the port, as
// health is. It names no account and no symbol.

import type { FastifyInstance } from 'fastify'

/** The numbers as text, and of which type it is. */
export interface MetricsPage {
  readonly type: string
  readonly text: string
}

/** Adds the route; `metrics` is asked each time. */
export function addMetrics(server: FastifyInstance, metrics: () => Promise<MetricsPage>): void {
  server.get('/metrics', async (_, reply) => {
    const { type, text } = await metrics()
    return reply.type(type).header('cache-control', 'no-store').send(text)
  })
}
