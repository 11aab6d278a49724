// How long a request was with us, in the answer's Server-Timing header: what a client that measures
// needs to tell the exchange's time from the network's and its own.

import type { FastifyInstance } from 'fastify'

/**
 * Answers of this part say `app;dur=`: ms from when a request's head was read until its answer is
 * sent, the commit included. What waits unread in the system is not in it.
 */
export function addServerTiming(server: FastifyInstance): void {
  const startMs = new WeakMap<object, number>()
  server.addHook('onRequest', (request, _, done) => {
    startMs.set(request, performance.now())
    done()
  })
  server.addHook('onSend', (request, reply, payload, done) => {
    const ms = performance.now() - (startMs.get(request) ?? Number.NaN)
    reply.header('server-timing', `app;dur=${ms.toFixed(3)}`)
    done(null, payload)
  })
}
