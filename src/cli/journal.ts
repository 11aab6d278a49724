// `onefill journal`: what is in a journal, whether it is whole, and what it did.

import type { Command } from 'commander'
import { Fault } from '../lib/assert.ts'
import { GENESIS, type RowEnd, readRounds } from '../persistence/row.ts'
import type { SnapshotInfo } from '../persistence/snapshot-table.ts'
import { asPlaced, databaseOf, type Place, URL_HELP } from './addresses.ts'
import { wholeFrom } from './arguments.ts'
import { diffState } from './diff-state.ts'
import { exportJournal } from './export-journal.ts'
import { remainingRows } from './history.ts'
import { withStore } from './outcome.ts'
import { Output } from './output.ts'

/** Adds the group of commands. */
export function registerJournal(program: Command): void {
  const journal = program
    .command('journal')
    .description('Look into a journal in Postgres.')
    .addHelpText('after', '\nExample:\n  $ onefill journal verify postgres://user@host/db')
  asPlaced(journal.command('verify'))
    .description('Check the chain of checksums and every round.')
    .argument('[url]', URL_HELP)
    .addHelpText('after', '\nExample:\n  $ onefill journal verify postgres://user@host/db')
    .action(async (url: string | undefined, place: Place) => {
      process.exitCode = await verifyJournal(() => databaseOf(url, place))
    })
  asPlaced(journal.command('list'))
    .description('Print a line for each row.')
    .argument('[url]', URL_HELP)
    .addHelpText('after', '\nExample:\n  $ onefill journal list | tail')
    .action(async (url: string | undefined, place: Place) => {
      process.exitCode = await listJournal(() => databaseOf(url, place))
    })
  asPlaced(journal.command('export'))
    .description('Write history as commands, one a line, for `onefill replay --round blank`.')
    .argument('[url]', URL_HELP)
    .option('--from <seq>', 'begin with the round that holds this seq', wholeFrom(1), 1)
    .option('--to <seq>', 'end with the round that holds this seq', wholeFrom(1))
    .addHelpText('after', EXPORT_HELP)
    .action(async (url: string | undefined, options: Place & { from: number; to?: number }) => {
      process.exitCode = await exportJournal(() => databaseOf(url, options), options)
    })
  asPlaced(journal.command('diff-state'))
    .description('Print what the round that holds a seq changed, a line for each change.')
    .argument('<seq>', 'a command of the round', wholeFrom(1))
    .argument('[url]', URL_HELP)
    .option('--json', 'as JSON, one object a line', false)
    .addHelpText('after', '\nExample:\n  $ onefill journal diff-state 123456')
    .action(async (seq: number, url: string | undefined, options: Place & { json: boolean }) => {
      process.exitCode = await diffState(() => databaseOf(url, options), seq, options.json)
    })
}

const EXPORT_HELP = `
A blank line stands behind each round. From the beginning on, replaying gives the same rounds,
reports and hash; a later part needs what was defined before it.

Examples:
  $ onefill journal export > history.ndjson && onefill replay history.ndjson --round blank --hash
  $ onefill journal export --from 123456 --to 123456`

/** Prints a line for each row. */
function listJournal(url: () => string): Promise<number> {
  return withStore(url, async (store) => {
    const output = new Output('-')
    for await (const row of remainingRows(store)) {
      const { firstRound, lastRound, firstSeq, lastSeq, term, timeMs, payload } = row
      const when = new Date(timeMs).toISOString()
      const what = `seq ${firstSeq} to ${lastSeq}  rounds ${firstRound} to ${lastRound}`
      output.add(`${when}  term ${term}  ${what}  ${payload.length} bytes`)
      if (output.isFull) await output.flush()
    }
    await output.end()
  })
}

/** Checks every row and every round in it, and that a snapshot stands for what was deleted. */
function verifyJournal(url: () => string): Promise<number> {
  return withStore(url, async (store) => {
    const snapshots = await store.snapshots.list()
    let commands = 0
    let first = 1
    let end: RowEnd = GENESIS
    let oldest: SnapshotInfo | undefined
    for await (const row of remainingRows(store)) {
      for (const round of readRounds(row)) commands += round.commands.count
      if (end === GENESIS) first = row.firstRound
      oldest ??= snapshots.find((snapshot) => standsBehind(snapshot, row))
      end = row
    }
    const output = new Output('-')
    const until = `up to seq ${end.lastSeq}, term ${end.term}`
    const rounds = end.lastRound - first + 1
    output.add(`whole: ${commands} commands in ${rounds} rounds, ${until}`)
    if (first > 1) {
      const missing = `rounds 1 to ${first - 1} of the journal are missing`
      if (oldest === undefined) throw new Fault(`${missing}, and no snapshot stands for them`)
      const { round, seq } = oldest
      output.add(`history begins with round ${round + 1}, behind the snapshot at seq ${seq}`)
    }
    await output.end()
  })
}

/** Whether the snapshot stands behind this very row, by its checksum. */
function standsBehind({ round, rowChecksum }: SnapshotInfo, { lastRound, checksum }: RowEnd) {
  return round === lastRound && (rowChecksum === null || rowChecksum.equals(checksum))
}
