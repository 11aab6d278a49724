// `onefill snapshot`: takes one now, or lists those there are.

import { performance } from 'node:perf_hooks'
import type { Command } from 'commander'
import { findSnapshotFault } from '../durable/follower.ts'
import { RETENTION, type Retention, takeSnapshot } from '../durable/snapshots.ts'
import { createCore } from '../exchange.ts'
import { asPlaced, databaseOf, type Place, URL_HELP } from './addresses.ts'
import { daysOf, wholeFrom } from './arguments.ts'
import { Inability, withStore } from './outcome.ts'
import { Output } from './output.ts'
import { Progress } from './progress.ts'

const KEEP_HELP = 'keep the journal that no kept snapshot needs for so long; default: for ever'

type NowOptions = Place & { readonly keep: number; readonly keepJournal?: number }

/** Adds the group of commands. */
export function registerSnapshot(program: Command): void {
  const snapshot = program
    .command('snapshot')
    .description('Take or list snapshots of the state.')
    .addHelpText('after', '\nExample:\n  $ onefill snapshot now postgres://user@host/db')
  asPlaced(snapshot.command('now'))
    .description('Take one of all that was published; the market may run meanwhile, or not.')
    .argument('[url]', URL_HELP)
    .option('--keep <n>', 'how many to keep', wholeFrom(1), RETENTION.snapshots)
    .option('--keep-journal <days>', KEEP_HELP, daysOf)
    .addHelpText('after', '\nExample:\n  $ onefill snapshot now --keep 5 --keep-journal 30')
    .action(async (url: string | undefined, options: NowOptions) => {
      const { keep, keepJournal = Number.POSITIVE_INFINITY } = options
      const retention = { snapshots: keep, journalMs: keepJournal }
      process.exitCode = await snapshotNow(() => databaseOf(url, options), retention)
    })
  asPlaced(snapshot.command('list'))
    .description('Print a line for each, newest first.')
    .argument('[url]', URL_HELP)
    .option('--verify', 'read each and check that it is the state it says', false)
    .addHelpText('after', '\nExample:\n  $ onefill snapshot list --verify')
    .action(async (url: string | undefined, options: Place & { verify: boolean }) => {
      process.exitCode = await listSnapshots(() => databaseOf(url, options), options.verify)
    })
}

function snapshotNow(url: () => string, retention: Retention): Promise<number> {
  return withStore(url, async (store) => {
    const startMs = performance.now()
    const ofSeq = (await store.lastRow())?.lastSeq ?? 0
    const progress = new Progress('replaying')
    const taken = await takeSnapshot(store, {
      retention,
      onProgress: (seq) => progress.at(seq, ofSeq),
    })
    progress.end()
    if (taken === undefined) throw new Inability('another process is taking a snapshot.')
    const { seq, round, hash, isNew, deleted } = taken
    const output = new Output('-')
    const ms = Math.round(performance.now() - startMs)
    const what = isNew ? 'snapshot' : 'there was a snapshot'
    output.add(`${what} at seq ${seq}, round ${round}, state ${hash}, ${ms} ms`)
    const { snapshots, rows } = deleted
    output.add(`deleted: ${snapshots} snapshots, ${rows} rows of the journal`)
    await output.end()
  })
}

function listSnapshots(url: () => string, isVerified: boolean): Promise<number> {
  return withStore(url, async (store) => {
    const output = new Output('-')
    let bad = 0
    for (const snapshot of await store.snapshots.list()) {
      const { seq, round, term, parts, hash, createdAtMs } = snapshot
      const size = ((await store.snapshots.bytesOf(seq)) / 1e6).toFixed(3)
      const when = new Date(createdAtMs).toISOString()
      const where = `seq ${seq}  round ${round}  term ${term}`
      const fault = isVerified ? await findSnapshotFault(store, snapshot, createCore) : undefined
      if (fault !== undefined) bad += 1
      const verdict = !isVerified ? '' : fault === undefined ? '  good' : `  no good: ${fault}`
      output.add(`${when}  ${where}  ${parts} parts  ${size} MB  ${hash}${verdict}`)
      await output.flush()
    }
    await output.end()
    if (bad > 0) throw new Inability(`${bad} snapshots are no good; a start skips them.`)
  })
}
