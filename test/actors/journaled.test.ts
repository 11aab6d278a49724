// Nothing comes out before it is durable, and what is durable gives what came out: with a journal
// among the roles, whoever is next, and with an end at any moment.

import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Core } from '../../src/actors/core.ts'
import type { Workers } from '../../src/actors/placement.ts'
import { simulateJournaled } from '../../src/actors/simulation.ts'
import { Engine } from '../../src/engine/engine.ts'
import { COMMAND_WORDS, CommandLog } from '../../src/protocol/command-log.ts'
import { decode } from '../../src/protocol/decode.ts'
import { Directory } from '../../src/protocol/directory.ts'
import { REPORT_WORDS, type ReportLog } from '../../src/protocol/report-log.ts'
import { randomJournal } from '../support/journals.ts'
import { PLACEMENTS } from '../support/placements.ts'
import { Prng } from '../support/prng.ts'

const SEEDS = 120
const COMMANDS = 250

/** The commands of a random journal in binary, round by round. */
function binaryRounds(seed: number): CommandLog[] {
  const names = new Directory()
  return randomJournal(seed, COMMANDS, 40).rounds.map((round) => {
    const log = new CommandLog()
    for (const command of round) decode(command, names, log)
    return log
  })
}

function copyOf(log: CommandLog): CommandLog {
  const copy = new CommandLog(Math.max(1, log.count))
  copy.i32.set(log.i32.subarray(0, log.count * COMMAND_WORDS), copy.appendRun(log.count))
  copy.definitions.push(...log.definitions)
  return copy
}

const wordsOf = ({ i32, count }: ReportLog): string =>
  Buffer.from(i32.slice(0, count * REPORT_WORDS).buffer).toString('base64')

function hashOf(core: Core): string {
  const hash = createHash('sha256')
  for (const section of core.sections()) hash.update(section)
  return hash.digest('hex')
}

/** What an engine that has nothing but these rounds says of each, and where it ends. */
function replay(rounds: readonly CommandLog[]): { reports: string[]; hash: string } {
  const engine = new Engine()
  const reports = rounds.map((round) => {
    engine.round(copyOf(round))
    return wordsOf(engine.reports)
  })
  return { reports, hash: hashOf(engine) }
}

test(`${SEEDS} journals: nothing comes out before it is durable`, () => {
  let early = 0
  let cutOff = 0
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const random = new Prng(seed)
    const rounds = binaryRounds(seed)
    const workers: Exclude<Workers, 0> = random.pick(PLACEMENTS)
    const ringRecords = random.pick([1, 2, 8, 64])
    const { core, journal } = simulateJournaled({ workers, seed, ringRecords })
    const out: string[] = []
    const take = (isPatient: boolean) => {
      const before = journal.durable
      const finished = core.take(isPatient)
      if (finished === undefined) {
        if (before === out.length && before < journal.rounds.length) early += 1
        return false
      }
      // The round that came out is among the durable ones.
      expect(journal.durable).toBeGreaterThan(out.length)
      out.push(wordsOf(finished.reports))
      return true
    }
    // The process ends behind some round; half of the time behind the last.
    const end = random.chance(0.5) ? rounds.length : random.int(1, rounds.length)
    for (const round of rounds.slice(0, end)) {
      while (!core.canStart) take(true)
      core.start(copyOf(round))
      while (random.chance(0.5) && take(false)) {}
      if (random.chance(0.1)) take(true)
    }
    const isWhole = end === rounds.length
    if (isWhole) while (take(true)) {}
    else cutOff += 1
    const recovered = replay(journal.rounds.slice(0, journal.durable))
    expect(recovered.reports.slice(0, out.length)).toEqual(out)
    if (isWhole) expect([out.length, hashOf(core)]).toEqual([rounds.length, recovered.hash])
  }
  // Somebody looked while the oldest round was not durable, and some ended in the middle.
  expect(early).toBeGreaterThan(SEEDS)
  expect(cutOff).toBeGreaterThan(SEEDS / 4)
})
