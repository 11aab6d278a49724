// Signals that ask a running process to stop.

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/**
 * One Ctrl+C may come several times at once: from the terminal, and passed on by npm and by our own
 * wrapper, which had it too.
 */
const SAME_MS = 300

/** What stops it in order; undefined: a signal ends the process at once. */
let stopInOrder: (() => void) | undefined
let firstMs: number | undefined
/** What is done before a signal ends the process. */
const lastActs = new Set<() => void>()

/** Tells the first signal; a later one has its usual effect and ends the process at once. */
export function onStopSignal(tell: () => void): void {
  stopInOrder = tell
  listen()
}

/** `act` is done before a signal ends the process at once; the result takes it back. */
export function beforeSudden(act: () => void): () => void {
  lastActs.add(act)
  listen()
  return () => lastActs.delete(act)
}

function listen(): void {
  for (const each of SIGNALS) {
    process.removeListener(each, heard)
    process.on(each, heard)
  }
}

function heard(signal: NodeJS.Signals): void {
  if (firstMs !== undefined && performance.now() - firstMs < SAME_MS) return
  if (firstMs === undefined && stopInOrder !== undefined) {
    firstMs = performance.now()
    return stopInOrder()
  }
  for (const act of lastActs) act()
  for (const each of SIGNALS) process.removeListener(each, heard)
  process.kill(process.pid, signal)
}
