// A server that we start ourselves: its process, a guard that ends it when we die, a free port.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** What is run, and when it counts as started. */
export interface Launch {
  readonly command: string
  readonly args: readonly string[]
  /** The file that gets what it says. */
  readonly log: string
  /** Whose it is to be, where not ours. */
  readonly ids?: { readonly uid?: number; readonly gid?: number }
  /** Whether it can be used, asked again and again. */
  readonly isReady: (pid: number | undefined) => boolean | Promise<boolean>
  readonly timeoutMs: number
}

/** How it went: it runs; it has ended; or it runs, and was not ready in time. */
export type Launched = 'ready' | 'ended' | 'silent'

/** The process of a server, one at a time. */
export class ChildServer {
  #child: ChildProcess | null = null
  #guard: ChildProcess | null = null

  /** Null while none runs. */
  get pid(): number | null {
    return this.#child?.pid ?? null
  }

  get isRunning(): boolean {
    return this.#child !== null
  }

  /** Starts it, and waits until it is ready. */
  async launch({ command, args, log, ids, isReady, timeoutMs }: Launch): Promise<Launched> {
    const out = fs.openSync(log, 'w')
    // Apart from our terminal: it is for us to end it, in its turn, not for Ctrl+C.
    const child = spawn(command, args, {
      ...{ cwd: '/', stdio: ['ignore', out, out], detached: true },
      ...ids,
    })
    fs.closeSync(out)
    let isGone = false
    const gone = () => {
      isGone = true
      if (this.#child === child) this.#child = null
      this.#guard?.kill('SIGKILL')
      this.#guard = null
    }
    child.once('exit', gone).once('error', gone)
    child.unref()
    this.#child = child
    this.#guard = child.pid === undefined ? null : startGuard(child.pid)
    const until = performance.now() + timeoutMs
    while (!isGone && performance.now() < until) {
      if (await isReady(child.pid)) return 'ready'
      await delay(10)
    }
    return isGone ? 'ended' : 'silent'
  }

  /** Sends the signals in turn, each once the one before has had its time, until it has ended. */
  async stop(signals: readonly (readonly [NodeJS.Signals, number])[]): Promise<void> {
    const child = this.#child
    if (child === null) return
    const gone = once(child, 'exit')
    for (const [signal, waitMs] of signals) {
      child.kill(signal)
      if (await Promise.race([gone, delay(waitMs, null, { ref: true })])) return
    }
  }

  /** Kills it as a crash would; for tests. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
}

/** What a server said before it ended: the first line that tells why, else the last. */
export function whyItEnded(log: string, telling: RegExp): string {
  const lines = fs.readFileSync(log, 'utf8').trim().split('\n')
  const line = lines.find((each) => telling.test(each)) ?? lines.at(-1) ?? ''
  return line.trim() || 'it said nothing'
}

/**
 * Ends the server when we die, however we do: our end of its standard input closes then. In a
 * session of its own, so that whoever ends our group does not end the guard with us.
 */
function startGuard(pid: number): ChildProcess | null {
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
