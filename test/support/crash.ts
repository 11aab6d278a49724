// Kills a trading process again and again, and looks whether it ever said what is not so.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Engine } from '../../src/engine/engine.ts'
import { Exchange } from '../../src/exchange.ts'
import { assert } from '../../src/lib/assert.ts'
import { followRows, readRounds } from '../../src/persistence/row.ts'
import { openStore } from '../../src/persistence/store.ts'
import { Directory } from '../../src/protocol/directory.ts'
import { learn } from '../../src/protocol/learn.ts'
import { readReport } from '../../src/protocol/report-json.ts'
import { REPORT_WORDS } from '../../src/protocol/report-log.ts'
import { Prng } from './prng.ts'

const WRITER = join(import.meta.dirname, 'crash-writer.ts')

/** What a journal says, replayed by an engine in one thread that knows nothing else. */
export interface Replay {
  readonly seq: number
  readonly hash: string
  /** By execId: the report as JSON. */
  readonly reports: ReadonlyMap<string, string>
}

/** Replays the whole journal, from its first row, without snapshots. */
export async function replayAll(url: string): Promise<Replay> {
  const store = await openStore(url)
  const engine = new Engine()
  const names = new Directory()
  const reports = new Map<string, string>()
  for await (const row of followRows(store.readRows(0))) {
    for (const { commands } of readRounds(row)) {
      learn(names, commands)
      engine.round(commands)
      for (let number = 0; number < engine.reports.count; number += 1) {
        const report = readReport(engine.reports, number * REPORT_WORDS, names)
        const { execId } = report
        assert(execId !== undefined && !reports.has(execId), `${execId} happens once`)
        reports.set(execId, JSON.stringify(report))
      }
    }
  }
  await store.close()
  return { seq: engine.seq, hash: new Exchange(engine, names).stateHash(), reports }
}

/** How many processes were killed, and what they had acknowledged by then. */
export interface CrashTally {
  kills: number
  acknowledged: number
  seq: number
}

/**
 * Starts, kills at a random moment, and starts again, `kills` times. Throws where an acknowledged
 * report is not in the journal, word for word, or a recovery gives another state than the journal.
 */
export async function crashAgainAndAgain(
  url: string,
  kills: number,
  seed: number,
): Promise<CrashTally> {
  const random = new Prng(seed)
  const tally = { kills: 0, acknowledged: 0, seq: 0 }
  for (; tally.kills < kills; tally.kills += 1) {
    const before = await replayAll(url)
    const lines = await runUntilKilled(url, random, seed * 1_000 + tally.kills)
    const after = await replayAll(url)
    for (const line of lines) {
      const { recovered, execId } = JSON.parse(line)
      if (recovered !== undefined) {
        assert(recovered.seq === before.seq, `recovered seq ${recovered.seq} of ${before.seq}`)
        assert(recovered.hash === before.hash, 'recovered what the journal says')
        assert(recovered.skipped.length === 0, 'every snapshot is good')
      } else if (execId !== undefined) {
        assert(after.reports.get(execId) === line, `acknowledged ${line}, journal says otherwise`)
        tally.acknowledged += 1
      }
    }
    tally.seq = after.seq
  }
  return tally
}

/** The whole lines that the process had written when it was killed. */
async function runUntilKilled(url: string, random: Prng, seed: number): Promise<string[]> {
  const workers = String(random.pick([0, 0, 1, 2]))
  const args = ['--disable-warning=ExperimentalWarning', WRITER, url, workers, String(seed)]
  // Into a file: what is written there is whole and stays, whatever becomes of the writer.
  const folder = mkdtempSync(join(tmpdir(), 'onefill-said-'))
  const file = join(folder, 'lines')
  const out = openSync(file, 'w')
  const child = spawn(process.execPath, args, { stdio: ['ignore', out, 'pipe'] })
  let errors = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk
  })
  const ended = once(child, 'close')
  // Sometimes while it recovers, mostly while it trades.
  if (random.chance(0.8)) {
    while (statSync(file).size === 0 && child.exitCode === null) await sleep(5)
  }
  await sleep(random.int(0, 400))
  child.kill('SIGKILL')
  await ended
  closeSync(out)
  assert(child.signalCode === 'SIGKILL', `the writer ended by itself: ${errors}`)
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  rmSync(folder, { recursive: true })
  return lines
}
