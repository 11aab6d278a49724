// `onefill replay --journal`: history again, up to any point, and what the state was there.

import type { Workers } from '../actors/placement.ts'
import type { FinishedRound } from '../engine/engine.ts'
import { Exchange } from '../exchange.ts'
import { assert } from '../lib/assert.ts'
import { BOOK_DEPTH_MAX } from '../protocol/bounds.ts'
import type { Directory } from '../protocol/directory.ts'
import { learn } from '../protocol/learn.ts'
import { readReport } from '../protocol/report-json.ts'
import { REPORT_WORDS } from '../protocol/report-log.ts'
import { followHistory, roundsBehind } from './history.ts'
import { Inability, say, withStore } from './outcome.ts'
import { Output } from './output.ts'
import { Progress } from './progress.ts'

export interface JournalReplayOptions {
  /** Where reports go; without it, to standard output unless something is asked for. */
  readonly out?: string
  readonly workers: Workers
  readonly hash: boolean
  /** The last seq wanted; the round that holds it is run to its end. Default: all. */
  readonly to?: number
  /** A symbol whose book is wanted, an account whose balances are. */
  readonly book?: string
  readonly balances?: string
}

/** Runs the journal's history again; writes its reports, or answers what is asked at its end. */
export function replayJournal(url: () => string, options: JournalReplayOptions): Promise<number> {
  const { to = Number.POSITIVE_INFINITY, workers, book, balances } = options
  const isAsked = book !== undefined || balances !== undefined
  const out = options.out ?? (isAsked ? undefined : '-')
  return withStore(url, async (store) => {
    const isQuick = out === undefined
    const follower = await followHistory(store, to, { isQuick, workers })
    const { core, names, snapshot, end } = follower
    try {
      if (snapshot !== undefined && !isQuick) {
        say(`begins with the snapshot at seq ${snapshot.seq}: the reports up to it are deleted`)
      }
      const reports = out === undefined ? undefined : new Output(out)
      const progress = new Progress('replaying')
      const ofSeq = Math.min((await store.lastRow())?.lastSeq ?? 0, to)
      for await (const { commands } of roundsBehind(store, end)) {
        if (core.seq >= to) break
        learn(names, commands)
        core.start(commands)
        const finished = core.take(true)
        assert(finished !== undefined, 'a round that was started is finished')
        // A bar among reports would be read by nobody.
        if (process.stderr.isTTY && out !== '-') progress.at(core.seq, ofSeq)
        if (reports === undefined) continue
        addReports(reports, finished, names)
        if (reports.isFull) await reports.flush()
      }
      progress.end()
      await reports?.end()
      const exchange = new Exchange(core, names)
      await answer(exchange, names, book, balances)
      say(`${options.hash ? `state ${exchange.stateHash()} at ` : ''}seq ${exchange.seq}`)
    } finally {
      await follower.close()
    }
  })
}

function addReports(to: Output, { reports }: FinishedRound, names: Directory): void {
  for (let number = 0; number < reports.count; number += 1) {
    to.add(JSON.stringify(readReport(reports, number * REPORT_WORDS, names)))
  }
}

/** What is asked about the state, as answers to queries have it. */
async function answer(
  exchange: Exchange,
  names: Directory,
  symbol: string | undefined,
  account: string | undefined,
): Promise<void> {
  const at = `at seq ${exchange.seq}`
  if (symbol !== undefined && names.symbol(symbol) === 0) {
    throw new Inability(`there is no instrument ${symbol} ${at}.`)
  }
  if (account !== undefined && names.account(account) === 0) {
    throw new Inability(`there is no account ${account} ${at}.`)
  }
  const output = new Output('-')
  if (symbol !== undefined) output.add(JSON.stringify(exchange.book(symbol, BOOK_DEPTH_MAX)))
  if (account !== undefined) output.add(JSON.stringify(exchange.balances(account)))
  await output.end()
}
