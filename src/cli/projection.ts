// `onefill project` and `onefill reconcile`: the journal's tables for people, and the proof that
// they are the engine's state.

import { performance } from 'node:perf_hooks'
import type { Command } from 'commander'
import { Projector } from '../durable/projector.ts'
import { reconcile } from '../durable/reconcile.ts'
import { asPlaced, databaseOf, type Place, URL_HELP } from './addresses.ts'
import { EXIT, explain } from './outcome.ts'
import { Progress } from './progress.ts'

export interface ProjectOptions {
  /** Goes on with the journal until it is ended by a signal. */
  readonly follow: boolean
  /** Drops the projection and makes it anew. */
  readonly rebuild: boolean
}

/** Brings the projection up to date; returns the exit code. */
export function project(url: () => string, { follow, rebuild }: ProjectOptions): Promise<number> {
  return told(async () => {
    const progress = new Progress('projecting')
    const startMs = performance.now()
    const projector = await Projector.open({
      ...{ url: url(), rebuild },
      onProgress: (seq, ofSeq) => progress.at(seq, ofSeq),
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
export function reconcileTables(url: () => string): Promise<number> {
  return told(async () => {
    const progress = new Progress('replaying')
    const outcome = await reconcile({ url: url(), onProgress: (seq, of) => progress.at(seq, of) })
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
  asPlaced(program.command('project'))
    .description('Bring the readable tables in schema onefill_view up to date from the journal.')
    .argument('[url]', URL_HELP)
    .option('-f, --follow', 'go on with the journal until Ctrl+C', false)
    .option('--rebuild', 'drop the tables first', false)
    .addHelpText('after', '\nExample:\n  $ onefill project postgres://user@host/db --follow')
    .action(async (url: string | undefined, options: ProjectOptions & Place) => {
      process.exitCode = await project(() => databaseOf(url, options), options)
    })
  asPlaced(program.command('reconcile'))
    .description("Prove that the readable tables are the engine's state at their mark.")
    .argument('[url]', URL_HELP)
    .addHelpText(
      'after',
      `
Prints a line for each difference; exit code 1 if there is one.

Example:
  $ onefill reconcile postgres://user@host/db`,
    )
    .action(async (url: string | undefined, place: Place) => {
      process.exitCode = await reconcileTables(() => databaseOf(url, place))
    })
}

/** What goes wrong is one line. */
async function told(work: () => Promise<number>): Promise<number> {
  try {
    return await work()
  } catch (error) {
    return explain(error)
  }
}
