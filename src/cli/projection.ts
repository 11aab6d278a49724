// `onefill project` and `onefill reconcile`: the journal's tables for people, and the proof that
// they are the engine's state.

import { performance } from 'node:perf_hooks'
import type { Command } from 'commander'
import { Projector } from '../durable/projector.ts'
import { reconcile } from '../durable/reconcile.ts'
import { Fault } from '../lib/assert.ts'
import { StoreProblem } from '../persistence/problem.ts'

/** Exit codes: done, equal; different, or it could not be done. */
const EXIT = { done: 0, failed: 1 } as const

const PROGRESS_MS = 200

export interface ProjectOptions {
  /** Goes on with the journal until it is ended by a signal. */
  readonly follow: boolean
  /** Drops the projection and makes it anew. */
  readonly rebuild: boolean
}

/** Brings the projection up to date; returns the exit code. */
export function project(url: string, { follow, rebuild }: ProjectOptions): Promise<number> {
  return told(async () => {
    const progress = new Progress('projected')
    const startMs = performance.now()
    const projector = await Projector.open({
      ...{ url, rebuild },
      onProgress: (seq, ofSeq) => progress.show(seq, ofSeq),
      onAway: (problem) => process.stderr.write(`onefill: ${problem?.message ?? 'it goes on.'}\n`),
    })
    const stop = () => projector.stop()
    process.once('SIGINT', stop)
    process.once('SIGTERM', stop)
    try {
      const { seq: before, fromSeq } = projector
      if (fromSeq > 1) process.stderr.write(`onefill: history is there from seq ${fromSeq} on\n`)
      if (follow) await projector.follow()
      else await projector.catchUp()
      progress.end()
      const seconds = ((performance.now() - startMs) / 1_000).toFixed(1)
      const { seq } = projector
      process.stdout.write(
        `projected: ${seq - before} commands in ${seconds} s, up to seq ${seq}\n`,
      )
    } finally {
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
      await projector.close()
    }
    return EXIT.done
  })
}

/** Compares the projection with the engine's state; returns the exit code. */
export function reconcileTables(url: string): Promise<number> {
  return told(async () => {
    const progress = new Progress('replayed')
    const outcome = await reconcile({ url, onProgress: (seq, of) => progress.show(seq, of) })
    progress.end()
    const { seq, fromSeq, compared, differences } = outcome
    for (const line of differences) process.stdout.write(`${line}\n`)
    const counts = compared.map(({ what, count }) => `${count} ${what}`).join(', ')
    const verdict = differences.length === 0 ? 'equal' : `${differences.length} differences`
    const since = fromSeq > 1 ? `, history from seq ${fromSeq} on` : ''
    process.stdout.write(`${verdict} at seq ${seq}${since}: ${counts}\n`)
    return differences.length === 0 ? EXIT.done : EXIT.failed
  })
}

/** `onefill project` and `onefill reconcile`. */
export function registerProjection(program: Command): void {
  program
    .command('project')
    .description('Bring the readable tables in schema onefill_view up to date from the journal.')
    .argument('<url>', 'the database')
    .option('-f, --follow', 'go on with the journal until Ctrl+C', false)
    .option('--rebuild', 'drop the tables first', false)
    .addHelpText('after', '\nExample:\n  $ onefill project postgres://user@host/db --follow')
    .action(async (url: string, options: ProjectOptions) => {
      process.exitCode = await project(url, options)
    })
  program
    .command('reconcile')
    .description("Prove that the readable tables are the engine's state at their mark.")
    .argument('<url>', 'the database')
    .addHelpText(
      'after',
      `
Prints a line for each difference; exit code 1 if there is one.

Example:
  $ onefill reconcile postgres://user@host/db`,
    )
    .action(async (url: string) => {
      process.exitCode = await reconcileTables(url)
    })
}

/** What is wrong with the database or the journal is one line. */
async function told(work: () => Promise<number>): Promise<number> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof StoreProblem || error instanceof Fault)) throw error
    process.stderr.write(`onefill: ${error.message}\n`)
    return EXIT.failed
  }
}

/** One line on a terminal, rewritten; nothing where standard error is no terminal. */
class Progress {
  private readonly verb: string
  private nextMs = 0

  constructor(verb: string) {
    this.verb = verb
  }

  show(seq: number, ofSeq: number): void {
    if (!process.stderr.isTTY) return
    const nowMs = performance.now()
    if (nowMs < this.nextMs) return
    this.nextMs = nowMs + PROGRESS_MS
    process.stderr.write(`\r${this.verb} up to seq ${seq} of ${Math.max(seq, ofSeq)} `)
  }

  end(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  }
}
