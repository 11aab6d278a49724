// Short journals on tiny rings by the million: each run another interleaving, compared with inline.

import { type Journal, joined, randomJournal, runJournal, runPipelined } from './journals.ts'
import { inline, nameOf, PLACEMENTS, simulated, simulatedJournaled } from './placements.ts'
import { Prng } from './prng.ts'

/** Interleavings of one journal, each at a random placement. */
export const RUNS_PER_JOURNAL = 20
const COMMANDS = 200

/** What the journal of a seed comes to, wherever it runs. */
interface Expected {
  readonly journal: Journal
  readonly answers: string
  readonly hash: string
}

/** Runs number 0, 1, 2 and so on after a seed; each alone gives what it gives in the row. */
export class ShortRuns {
  private expected: Expected | undefined

  /** What is wrong with a run, in words that repeat it; undefined if nothing is. */
  run(number: number): string | undefined {
    const journalSeed = Math.floor(number / RUNS_PER_JOURNAL)
    if (this.expected?.journal.seed !== journalSeed) this.expected = expectedOf(journalSeed)
    const { journal, answers, hash } = this.expected
    const random = new Prng(number)
    const workers = random.pick(PLACEMENTS)
    const ringRecords = random.pick([1, 1, 2, 4, 8])
    const hasJournal = random.chance(0.5)
    const where =
      `run ${number} (${nameOf(workers)}, rings of ${ringRecords}` +
      `${hasJournal ? ', with a journal' : ''})`
    const make = hasJournal ? simulatedJournaled : simulated
    try {
      const outcome = runPipelined(make(random, workers, ringRecords), journal)
      if (outcome.answers !== answers) return `${where}: other answers`
      if (outcome.hash !== hash) return `${where}: another state`
    } catch (error) {
      return `${where}: ${(error as Error).stack}`
    }
    return undefined
  }
}

function expectedOf(seed: number): Expected {
  const journal = randomJournal(seed, COMMANDS, 60)
  const last = journal.rounds.length - 1
  const outcome = runJournal(inline, journal, new Set([last]))
  return { journal, answers: joined(outcome), hash: outcome.hashes.get(last) as string }
}
