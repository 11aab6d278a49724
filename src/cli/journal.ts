// `onefill journal` and `onefill replay --journal`: what is in a journal, whether it is whole, and
// what it comes to.

import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { Engine } from '../engine/engine.ts'
import { Exchange } from '../exchange.ts'
import { Fault } from '../lib/assert.ts'
import { StoreProblem } from '../persistence/problem.ts'
import { followRows, GENESIS, type Row, type RowEnd, readRounds } from '../persistence/row.ts'
import { openStore } from '../persistence/store.ts'
import { Directory } from '../protocol/directory.ts'
import { learn } from '../protocol/learn.ts'
import { readReport } from '../protocol/report-json.ts'
import { REPORT_WORDS } from '../protocol/report-log.ts'
import { CHUNK_CHARS, write } from './output.ts'

/** Exit codes: it is whole; it is not, or the database cannot be used. */
const EXIT = { done: 0, failed: 1 } as const

/** Prints a line for each row. */
export function listJournal(url: string): Promise<number> {
  return withRows(url, async (rows) => {
    for await (const row of rows) {
      const { firstRound, lastRound, firstSeq, lastSeq, term, timeMs, payload } = row
      const when = new Date(timeMs).toISOString()
      const what = `seq ${firstSeq} to ${lastSeq}  rounds ${firstRound} to ${lastRound}`
      process.stdout.write(`${when}  term ${term}  ${what}  ${payload.length} bytes\n`)
    }
  })
}

/** Checks every row and every round in it. */
export function verifyJournal(url: string): Promise<number> {
  return withRows(url, async (rows) => {
    let commands = 0
    let end: RowEnd = GENESIS
    for await (const row of rows) {
      for (const round of readRounds(row)) commands += round.commands.count
      end = row
    }
    process.stdout.write(
      `whole: ${commands} commands in ${end.lastRound} rounds, up to seq ${end.lastSeq}, ` +
        `term ${end.term}\n`,
    )
  })
}

export interface JournalReplayOptions {
  readonly out: string
  readonly hash: boolean
  /** The last seq wanted; the round that holds it is run to its end. */
  readonly to: number
}

/** Runs the journal's history again, and writes its reports. */
export function replayJournal(url: string, options: JournalReplayOptions): Promise<number> {
  return withRows(url, async (rows) => {
    const output = options.out === '-' ? process.stdout : createWriteStream(options.out)
    const engine = new Engine()
    const names = new Directory()
    let text = ''
    for await (const row of rows) {
      for (const { commands } of readRounds(row)) {
        if (engine.seq >= options.to) break
        learn(names, commands)
        engine.round(commands)
        for (let number = 0; number < engine.reports.count; number += 1) {
          const report = readReport(engine.reports, number * REPORT_WORDS, names)
          text += `${JSON.stringify(report)}\n`
        }
        if (text.length < CHUNK_CHARS) continue
        await write(output, text)
        text = ''
      }
    }
    await write(output, text)
    if (output !== process.stdout) {
      output.end()
      await finished(output)
    }
    const state = options.hash ? `state ${new Exchange(engine, names).stateHash()} at ` : ''
    process.stderr.write(`${state}seq ${engine.seq}\n`)
  })
}

/** Opens the store for a while, to go along its checked rows; a problem is one line. */
async function withRows(
  url: string,
  work: (rows: AsyncIterable<Row>) => Promise<void>,
): Promise<number> {
  try {
    const store = await openStore(url)
    try {
      await work(followRows(store.readRows(0)))
    } finally {
      await store.close()
    }
    return EXIT.done
  } catch (error) {
    if (!(error instanceof StoreProblem || error instanceof Fault)) throw error
    process.stderr.write(`onefill: ${error.message}\n`)
    return EXIT.failed
  }
}
