// Kills a trading process again and again, at labelled points and at random, and looks whether it
// ever said what is not so, or did not say what is so.

import type { RecoveryReport } from '../../src/durable.ts'
import { assert } from '../../src/lib/assert.ts'
import type { WriterTask } from './crash-writer.ts'
import { POINTS, type Point } from './kill-points.ts'
import { Prng } from './prng.ts'
import { Consumer, replayAll, Witness } from './witness.ts'
import { reportsIn, Writer } from './writers.ts'

/** Kills between two replays of the whole history from its first row. */
const WHOLE_EVERY = 25
/** A point that is not reached so long after the start is given up: the kill is one at random. */
const POINT_MS = 2_000
/** Which time it is that a point is reached, at most; those that come once a life: the first. */
const COUNT_MAX: Record<Point, number> = {
  ...{ 'before append': 30, 'in append': 30, 'after commit': 30 },
  ...{ 'before report': 30, 'after report': 30 },
  ...{ 'in snapshot': 2, 'before retention': 2, 'in retention': 2 },
  ...{ 'recovery: snapshot': 1, 'recovery: rows': 8, 'before lease': 1, 'after lease': 1 },
}

const AT_ONCE = { signal: 'SIGKILL', isArmed: true } as const

export const LABELS = ['random', 'random, in recovery', ...POINTS] as const
export type Label = (typeof LABELS)[number]

/** What came of the kills. */
export interface CrashTally {
  /** By where the process was when it was killed. */
  readonly kills: Record<Label, number>
  /** Reports, each counted once; and those heard again. */
  acknowledged: number
  republished: number
  /** Starts that came to their end, and how many of them from a snapshot. */
  recoveries: number
  fromSnapshot: number
  seq: number
  /** Rows that retention has left. */
  firstRoundLeft: number
}

/**
 * Starts, kills, and starts again, `kills` times. Throws where an acknowledged report is not in
 * the journal, word for word; where one of history is said in no life; where a recovery gives
 * another state than the journal.
 */
export async function crashAgainAndAgain(
  url: string,
  kills: number,
  seed: number,
  onKill: (count: number, tally: CrashTally) => void = () => {},
): Promise<CrashTally> {
  const random = new Prng(seed)
  const tally: CrashTally = {
    kills: Object.fromEntries(LABELS.map((label) => [label, 0])) as CrashTally['kills'],
    ...{ acknowledged: 0, republished: 0, recoveries: 0, fromSnapshot: 0, seq: 0 },
    firstRoundLeft: 0,
  }
  const witness = await Witness.open(url)
  const consumer = new Consumer(witness)
  try {
    for (let count = 1; count <= kills; count += 1) {
      // Each label in its turn; the order is the seed's.
      const label = LABELS[(count + seed) % LABELS.length]
      const { lines, killed } = await liveUntilKilled(url, label, random, seed * 10_000 + count)
      tally.kills[killed] += 1
      await check(lines, witness, consumer, tally)
      if (count % WHOLE_EVERY === 0 || count === kills) await checkWhole(url, witness)
      tally.firstRoundLeft = await witness.checkWhatIsLeft()
      tally.acknowledged = consumer.heard
      tally.republished = consumer.repeated
      tally.seq = witness.seq
      onKill(count, tally)
    }
  } finally {
    await witness.close()
  }
  return tally
}

/** What one life has said, against the journal. */
async function check(
  lines: readonly string[],
  witness: Witness,
  consumer: Consumer,
  tally: CrashTally,
): Promise<void> {
  const said = (key: string) => lines.find((line) => line.startsWith(`{"${key}":`))
  const recovered = said('recovered')
  if (recovered !== undefined) {
    const recovery: RecoveryReport = JSON.parse(recovered).recovered
    await witness.advance(recovery.seq)
    assert(recovery.hash === witness.hash(), `what is recovered at ${recovery.seq} is the journal`)
    assert(recovery.skipped.length === 0, `every snapshot is good: ${recovery.skipped}`)
    tally.recoveries += 1
    if (recovery.snapshotSeq > 0) tally.fromSnapshot += 1
  }
  await witness.advance()
  consumer.hear(reportsIn(lines))
  const whole = said('isWhole')
  if (whole === undefined) return
  const { isWhole } = JSON.parse(whole)
  const missing = witness.reportsUpTo(isWhole) - consumer.heard
  assert(missing <= 0, `${missing} reports of commands up to seq ${isWhole} were never said`)
}

/** An engine that begins anew comes to the same as the one that goes along. */
async function checkWhole(url: string, witness: Witness): Promise<void> {
  const again = await replayAll(url)
  await witness.advance()
  assert(again.hash === witness.hash(), 'two replays come to the same state')
  assert(again.history.length === witness.history.length, 'and to as many reports')
  again.history.forEach((digest, at) => {
    assert(digest === witness.history[at], 'and to the same reports')
  })
}

async function liveUntilKilled(
  url: string,
  label: Label,
  random: Prng,
  seed: number,
): Promise<{ lines: string[]; killed: Label }> {
  const task = taskOf(url, label, random, seed)
  const writer = new Writer(task)
  try {
    let killed = label
    if (task.kill !== undefined) {
      await writer.said('recovered').catch(() => {})
      // What is not reached in recovery until then is not reached in this life.
      const isOver = label.startsWith('recovery')
      if (await writer.end(isOver ? random.int(0, 200) : POINT_MS)) killed = 'random'
    } else {
      if (label === 'random') await writer.said('recovered')
      await writer.end(random.int(0, 400))
    }
    const { by, errors } = writer.outcome
    assert(by === 'SIGKILL', `the writer ended by itself: ${by} ${errors}`)
    return { lines: writer.lines(), killed }
  } finally {
    writer.forget()
  }
}

function taskOf(url: string, label: Label, random: Prng, seed: number): WriterTask {
  const point = POINTS.find((each) => each === label)
  const isSnapshots = /snapshot|retention/.test(label) && !label.startsWith('recovery')
  const isStorm = random.chance(0.15)
  return {
    ...{ url, seed, role: 'leader', workers: random.pick([0, 0, 0, 1, 2]) },
    ...(point && { kill: { point, count: random.int(1, COUNT_MAX[point]), ...AT_ONCE } }),
    publishMs: random.pick(isSnapshots ? [0, 150, 300] : [0, 0, 1, 20, 150]),
    snapshotMs: isSnapshots ? 30 : random.pick([0, 0, 100]),
    snapshotHere: isSnapshots || random.chance(0.5),
    ...{ snapshots: random.pick([1, 2]), journalMs: 0 },
    burst: isStorm ? 300 : random.int(1, 12),
  }
}
