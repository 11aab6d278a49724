// The HTTP server as the system sees it: many who connect at once are all let in at once.

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { nextTick } from 'node:process'
import { expect, test } from 'vitest'
import { HttpServer } from '../../src/gateway/http/server.ts'

const health = () => ({ isReady: true, status: 'ready', degraded: [] })

/** More than Node lets wait unless it is told, and fewer than any Linux of today allows. */
const CONNECTIONS = 1_000
/** Of `/proc/net/tcp`: somebody has knocked, and nothing has come back. */
const SYN_SENT = '02'

test.skipIf(process.platform !== 'linux')('a thousand who connect at once all get in', async () => {
  const server = await HttpServer.listen({ host: '127.0.0.1', port: 0, health })
  const port = Number(new URL(server.url).port)
  const sockets = Array.from({ length: CONNECTIONS }, () => connect(port, '127.0.0.1'))
  const connected = Promise.all(sockets.map((socket) => once(socket, 'connect')))
  // They have all knocked by then, and this process has had no time to take one.
  await new Promise<void>((resolve) => nextTick(resolve))
  const to = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const states = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , remote]) => remote?.endsWith(to))
    .map(([, , , state]) => state)
  expect(states).toHaveLength(CONNECTIONS)
  expect(states.filter((state) => state === SYN_SENT)).toEqual([])
  await connected
  for (const socket of sockets) socket.destroy()
  await server.close()
})
