// The four criteria a replay of real order flow has to meet, each with its counts.
import type { Engine } from './exchange-port.ts'
import { Findings } from './findings.ts'
import type { Recording } from './reader.ts'
import { Mode, type Replay, replay } from './replay.ts'

/** The rest the visible data cannot explain: hidden priority, levels that changed out of sight. */
const qtyEqualShareMin = 0.999
const fillsEqualShareMin = 0.994

const wrongsMax = 10
const restoresPerReplay = 10

export type Criterion = {
  readonly name: string
  readonly pass: boolean
  /** One line a count. */
  readonly counts: readonly string[]
  /** What was wrong, the first few. */
  readonly wrongs: readonly string[]
}

export type Verdict = {
  readonly criteria: readonly Criterion[]
  readonly book: Replay
  readonly matching: Replay
}

export function judge(
  recording: Recording,
  engine: Engine,
  progress: (text: string) => void = () => {},
): Verdict {
  const pass = (title: string, mode: Mode, restoreEvery?: number): Replay => {
    const result = replay(recording, engine, mode, restoreEvery)
    const rate = Math.round(result.commandCount / result.seconds)
    progress(
      `${title}: ${count(result.commandCount)} commands, ${seconds(result)}, ${count(rate)}/s`,
    )
    return result
  }
  const restoreEvery = Math.ceil(recording.messages.length / (restoresPerReplay + 1))
  const book = pass('book', Mode.book)
  const matching = pass('matching', Mode.matching)
  const again = [pass('book again', Mode.book), pass('matching again', Mode.matching)]
  const restored = [
    pass('book, restored on the way', Mode.book, restoreEvery),
    pass('matching, restored on the way', Mode.matching, restoreEvery),
  ]
  return {
    criteria: [
      judgeBook(book, recording),
      judgeMatching(matching),
      judgeInvariants([book, matching, ...again, ...restored]),
      judgeDeterminism([book, matching], again, restored),
    ],
    book,
    matching,
  }
}

function judgeBook(result: Replay, recording: Recording): Criterion {
  const { rows, messageCounts, windowCounts } = result
  const { trades } = messageCounts
  const wanted = recording.messages.length - 1
  return {
    name: 'C1 book',
    pass: rows.wrong === 0 && rows.checked === wanted && trades.wrong === 0,
    counts: [
      `${count(rows.checked - rows.wrong)} of ${count(wanted)} rows exact ` +
        `at ${levelsOf(recording)}`,
      `${count(windowCounts.rowsRevealed)} rows with a reveal: ` +
        `${count(windowCounts.restored)} levels restored, ${count(windowCounts.adopted)} adopted`,
      `${count(trades.checked - trades.wrong)} of ${count(trades.checked)} executions met the ` +
        `named order as a trade, ${count(messageCounts.takenOut)} were not next and taken out`,
      `${count(messageCounts.fromAnon)} messages named an unseen order, ` +
        `${count(messageCounts.misfits)} a known one of another size, ` +
        `${count(messageCounts.unplaced)} more than the level holds`,
    ],
    wrongs: [...rows.shown, ...trades.shown],
  }
}

function judgeMatching(result: Replay): Criterion {
  const { rows, runCounts } = result
  const { runs, qtyPerPriceEqual, knownRuns, knownRunsEqual } = runCounts
  return {
    name: 'C2 matching',
    pass:
      rows.wrong === 0 &&
      rows.checked > 0 &&
      qtyPerPriceEqual >= runs * qtyEqualShareMin &&
      knownRunsEqual >= knownRuns * fillsEqualShareMin,
    counts: [
      `${count(runs)} runs of ${count(runCounts.executions)} executions, ` +
        `${count(runCounts.beyondWindow)} deeper than the window`,
      `${count(rows.checked - rows.wrong)} of ${count(rows.checked)} compare points exact`,
      `${share(qtyPerPriceEqual, runs)} runs fill the file's quantity at every price`,
      `${share(knownRunsEqual, knownRuns)} runs that met named orders only fill exactly the file's`,
    ],
    wrongs: rows.shown,
  }
}

function judgeInvariants(results: readonly Replay[]): Criterion {
  const checked = results.reduce((sum, { invariants }) => sum + invariants.checked, 0)
  const wrong = results.reduce((sum, { invariants }) => sum + invariants.wrong, 0)
  const tallies = results.slice(0, 2).map(({ mode, tally }) => {
    const { submitted, resting, executed, canceled } = tally
    return (
      `${mode}: ${count(submitted)} shares submitted = ${count(resting)} resting + ` +
      `${count(executed)} executed + ${count(canceled)} canceled`
    )
  })
  return {
    name: 'C3 invariants',
    pass: wrong === 0 && checked > 0,
    counts: [`${count(checked - wrong)} of ${count(checked)} checks hold`, ...tallies],
    wrongs: results.flatMap(({ invariants }) => invariants.shown).slice(0, wrongsMax),
  }
}

function judgeDeterminism(
  first: readonly Replay[],
  again: readonly Replay[],
  restored: readonly Replay[],
): Criterion {
  const found = new Findings()
  const compare = (title: string, others: readonly Replay[]): void =>
    others.forEach((other, i) => {
      const { mode, reportHash, stateHash } = first[i]
      found.check(other.reportHash === reportHash, () => `${mode}, ${title}: other reports`)
      found.check(other.stateHash === stateHash, () => `${mode}, ${title}: another state`)
    })
  compare('again', again)
  compare('restored on the way', restored)
  return {
    name: 'C4 determinism',
    pass: found.wrong === 0,
    counts: [
      `${found.checked - found.wrong} of ${found.checked} hashes equal after a second replay and ` +
        `after one restored from snapshots ${restoresPerReplay} times`,
      ...first.map(
        ({ mode, reportCount, reportHash, stateHash }) =>
          `${mode}: ${count(reportCount)} reports ${reportHash.slice(0, 16)}, ` +
          `state ${stateHash.slice(0, 16)}`,
      ),
    ],
    wrongs: found.shown,
  }
}

function levelsOf({ levels }: Recording): string {
  return levels === 1 ? '1 level' : `all ${levels} levels`
}

function share(part: number, whole: number): string {
  return `${count(part)} of ${count(whole)} (${((100 * part) / whole).toFixed(3)} %)`
}

function seconds(result: Replay): string {
  return `${result.seconds.toFixed(1)} s`
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}
