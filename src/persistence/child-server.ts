// What every server that we start ourselves needs: a free port, and a guard that ends it when we
// die.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Ends the server when we die, however we do: our end of its standard input closes then. In a
 * session of its own, so that whoever ends our group does not end the guard with us.
 */
export function startGuard(pid: number): ChildProcess | null {
  if (process.platform === 'win32') return null
  const script = `read -r _; kill -INT ${pid} 2>/dev/null
    for _ in 1 2 3 4 5 6 7 8 9 10; do sleep 1; kill -0 ${pid} 2>/dev/null || exit 0; done
    kill -QUIT ${pid} 2>/dev/null`
  const guard = spawn('/bin/sh', ['-c', script], {
    ...{ cwd: '/', stdio: ['pipe', 'ignore', 'ignore'], detached: true },
  })
  guard.on('error', () => {})
  guard.unref()
  const { stdin } = guard
  // A pipe's `unref` is not in the type of a plain stream.
  if (stdin !== null && 'unref' in stdin) (stdin.unref as () => void)()
  return guard
}

/** A port of this machine that nobody listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
