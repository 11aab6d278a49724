// How a command ends: its exit code, and one line where something could not be done; with `--json`
// one object too.

import { ClientProblem, Unanswered } from '../client/problem.ts'
import { ConfigProblem } from '../config.ts'
import { NatsProblem } from '../gateway/nats-problem.ts'
import { Fault } from '../lib/assert.ts'
import { StoreProblem } from '../persistence/problem.ts'
import { openStore, type Store } from '../persistence/store.ts'

/** Exit codes of every command; docs/cli.md has them for people. */
export const EXIT = {
  done: 0,
  /** Refused, or it cannot be done. */
  failed: 1,
  /** The command line or the settings are wrong: nothing was begun. */
  misuse: 2,
  /** No answer: whether it took effect is unknown. */
  unknown: 3,
  /** No server, or nobody there who takes it in: it certainly had no effect. */
  absent: 4,
  /** An invariant broke (EX_SOFTWARE of sysexits.h). */
  fault: 70,
  /** Another exchange has taken over (EX_TEMPFAIL). */
  fenced: 75,
} as const

/** The exit codes in the help of a command that talks to a running exchange. */
export const EXIT_HELP = `
Exit codes: 0 accepted; 1 refused, or it cannot be; 2 wrong arguments or settings; 3 no answer, so
whether it took effect is unknown; 4 nobody there, so it had no effect.
`

/** What was asked for cannot be done; the message says why. */
export class Inability extends Error {
  override name = 'Inability'
}

/** What was typed cannot be meant; the message says what to type. */
export class Misuse extends Error {
  override name = 'Misuse'
}

/** How something that could not be done ends. */
export interface Outcome {
  /** The exit code. */
  readonly code: number
  /** A stable name, for programs. */
  readonly name: string
  /** A sentence for people; of settings, one a line. */
  readonly message: string
}

/** One line on standard error. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** With `--json`, as it was typed: where the arguments are wrong, nobody has read them yet. */
const isJson = (): boolean => process.argv.includes('--json')

/** With `--json`, one object on standard output that says what the line for people says. */
export function sayToMachines({ code: exit, name: code, message: text }: Outcome, more = {}): void {
  if (!isJson()) return
  process.stdout.write(`${JSON.stringify({ code, text, exit, ...more })}\n`)
}

/**
 * What went wrong, in one line, and the exit code. `isTrading`: an exchange was running, so a Fault
 * is a broken invariant; else it is something that was read and is corrupt.
 */
export function outcomeOf(error: unknown, { isTrading = false } = {}): Outcome {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof Misuse) return { code: EXIT.misuse, name: 'MISUSE', message }
  if (error instanceof ConfigProblem) {
    const lines = error.lines.map((line) => `${line}.`)
    return { code: EXIT.misuse, name: 'SETTINGS', message: lines.join('\n') }
  }
  if (error instanceof ClientProblem) {
    return { code: exitOfClient(error), name: error.code, message: inFlags(message) }
  }
  if (error instanceof StoreProblem) {
    const code = error.code === 'FENCED' ? EXIT.fenced : EXIT.failed
    return { code, name: error.code, message }
  }
  if (error instanceof NatsProblem) return { code: EXIT.failed, name: error.code, message }
  if (error instanceof Inability) return { code: EXIT.failed, name: 'NOT_POSSIBLE', message }
  if (error instanceof Error && 'syscall' in error) {
    return { code: EXIT.failed, name: String((error as NodeJS.ErrnoException).code), message }
  }
  if (error instanceof Fault && !isTrading) return { code: EXIT.failed, name: 'CORRUPT', message }
  return { code: EXIT.fault, name: 'FAULT', message: `fault: ${message}` }
}

/** The library names its option; here that is a flag. */
const inFlags = (message: string): string =>
  message.replace('another inboxPrefix', 'another --inbox-prefix')

function exitOfClient(problem: ClientProblem): number {
  const { code } = problem
  if (problem instanceof Unanswered) return problem.mayHaveTakenEffect ? EXIT.unknown : EXIT.absent
  if (code === 'NOT_SENDABLE' || code === 'BAD_CREDENTIALS') return EXIT.misuse
  return code === 'CANNOT_CONNECT' || code === 'NOT_CONNECTED' ? EXIT.absent : EXIT.failed
}

/** What commander says of the arguments, to people as it is; with `--json`, to machines too. */
export function tellMisuse(text: string, write: (text: string) => void): void {
  write(text)
  const message = text
    .replace(/^error: /, '')
    .trim()
    .replaceAll('\n', ' ')
  sayToMachines({ code: EXIT.misuse, name: 'MISUSE', message })
}

/** What a program wants to know of it besides. */
function moreOf(error: unknown): object {
  if (error instanceof ClientProblem && error.code === 'REFUSED') return { refusal: error.cause }
  if (!(error instanceof Unanswered)) return {}
  const { mayHaveTakenEffect, clOrdIds, refusal } = error
  return { mayHaveTakenEffect, clOrdIds, ...(refusal && { refusal }) }
}

/** Says what went wrong, in one line, and gives the exit code; see outcomeOf. */
export function explain(error: unknown, options: { isTrading?: boolean } = {}): number {
  // Whoever read our output has had enough: no failure.
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') return EXIT.done
  const outcome = outcomeOf(error, options)
  for (const line of outcome.message.split('\n')) say(`onefill: ${line}`)
  sayToMachines(outcome, moreOf(error))
  return outcome.code
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
    return explain(error)
  }
}
