// Signals that ask a running process to stop.

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/**
 * One Ctrl+C may come several times at once: from the terminal, and passed on by npm and by our own
 * wrapper, which had it too.
 */
const SAME_MS = 300

/** Tells the first signal; a later one has its usual effect and ends the process at once. */
export function onStopSignal(tell: () => void): void {
  let firstMs: number | undefined
  const heard = (signal: NodeJS.Signals) => {
    if (firstMs === undefined) {
      firstMs = performance.now()
      return tell()
    }
    if (performance.now() - firstMs < SAME_MS) return
    for (const each of SIGNALS) process.removeListener(each, heard)
    process.kill(process.pid, signal)
  }
  for (const signal of SIGNALS) process.on(signal, heard)
}
