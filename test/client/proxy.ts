// A wire between a client and the NATS server that can be cut and mended while the server goes on.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Wire {
  readonly url: string
  /** Lets nothing through to the client any more; what it sends arrives. */
  deafen(): void
  /** Ends the connections there are and lets none through. */
  cut(): void
  mend(): void
  close(): Promise<void>
}

export async function wireTo(port: number): Promise<Wire> {
  const sockets = new Set<Socket>()
  const answering = new Set<Socket>()
  let isCut = false
  const server = createServer((near) => {
    if (isCut) {
      near.destroy()
      return
    }
    const far = connect(port, '127.0.0.1')
    answering.add(far)
    far.on('close', () => answering.delete(far))
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      sockets.add(one)
      // Either end may be reset: then both are over.
      one
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(one)
          other.destroy()
        })
      one.pipe(other)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    isCut = true
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    deafen() {
      for (const far of answering) far.unpipe().pause()
    },
    mend() {
      isCut = false
    },
    async close() {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}
