// How a command ends: its exit code, and one line for people where something could not be done.

import { NatsProblem } from '../gateway/nats-problem.ts'
import { Fault } from '../lib/assert.ts'
import { StoreProblem } from '../persistence/problem.ts'
import { openStore, type Store } from '../persistence/store.ts'

/**
 * Exit codes: done; it cannot be done; an invariant broke (EX_SOFTWARE of sysexits.h); another
 * exchange has taken over (EX_TEMPFAIL).
 */
export const EXIT = { done: 0, failed: 1, fault: 70, fenced: 75 } as const

/** What was asked for cannot be done; the message says why. */
export class Inability extends Error {
  override name = 'Inability'
}

/** One line on standard error. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

/**
 * What went wrong, in one line, and the exit code. `isTrading`: an exchange was running, so a Fault
 * is a broken invariant; else it is something that was read and is corrupt.
 */
export function outcomeOf(
  error: unknown,
  { isTrading = false } = {},
): { readonly code: number; readonly message: string } {
  const message = error instanceof Error ? error.message : String(error)
  const isKnown = [StoreProblem, NatsProblem, Inability].some((kind) => error instanceof kind)
  const isFaultOfData = error instanceof Fault && !isTrading
  const isSystems = error instanceof Error && 'syscall' in error
  if (!isKnown && !isFaultOfData && !isSystems) {
    return { code: EXIT.fault, message: `fault: ${message}` }
  }
  const isFenced = error instanceof StoreProblem && error.code === 'FENCED'
  return { code: isFenced ? EXIT.fenced : EXIT.failed, message }
}

/** Says what went wrong, in one line, and gives the exit code; see outcomeOf. */
export function explain(error: unknown, options: { isTrading?: boolean } = {}): number {
  const { code, message } = outcomeOf(error, options)
  say(`onefill: ${message}`)
  return code
}

/** Opens a store for a while; what goes wrong is one line. Returns the exit code. */
export async function withStore(
  url: () => string,
  work: (store: Store) => Promise<void>,
): Promise<number> {
  try {
    const store = await openStore(url())
    try {
      await work(store)
    } finally {
      await store.close()
    }
    return EXIT.done
  } catch (error) {
    // Whoever read our output has had enough: no failure.
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return EXIT.done
    return explain(error)
  }
}
