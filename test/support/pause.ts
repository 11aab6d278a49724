// Stops a leader in the middle of its work, lets the standby take over, lets the old leader go on,
// and looks whether it still says or writes anything.

import { setTimeout as sleep } from 'node:timers/promises'
import { assert } from '../../src/lib/assert.ts'
import type { WriterTask } from './crash-writer.ts'
import { ARM, type KillPoint, type Point } from './kill-points.ts'
import { Prng } from './prng.ts'
import { Consumer, Witness } from './witness.ts'
import { reportsIn, Writer } from './writers.ts'

/**
 * Where a leader stops; undefined: anywhere. Not between being given reports and saying them, as
 * what has been given out is out.
 */
const STOPS: readonly (Point | undefined)[] = [
  ...(['before append', 'in append', 'after commit', 'after report'] as const),
  undefined,
]
/** The standby has said so many reports of its own before the old leader goes on. */
const REPORTS = 20

export interface PauseTally {
  pauses: number
  acknowledged: number
  republished: number
  seq: number
  /** The longest from the stop until the new leader led and had said what was left, in ms. */
  takeoverMsMax: number
}

/**
 * Stops the leader `pauses` times, each time with a new standby, which becomes the next leader.
 * Throws where an old leader says a report or writes a row after it was stopped, or does not end
 * as FENCED, and where consumers do not get each report.
 */
export async function pauseAgainAndAgain(
  url: string,
  pauses: number,
  seed: number,
): Promise<PauseTally> {
  const random = new Prng(seed)
  const witness = await Witness.open(url)
  const consumer = new Consumer(witness)
  const tally = { pauses: 0, acknowledged: 0, republished: 0, seq: 0, takeoverMsMax: 0 }
  let kill = stopAt(0, random)
  let leader = new Writer(taskOf(url, 'leader', random, kill))
  try {
    await leader.said('isWhole')
    for (; tally.pauses < pauses; tally.pauses += 1) {
      const next = stopAt(tally.pauses + 1, random)
      const standby = new Writer(taskOf(url, 'standby', random, next))
      try {
        await standby.said('follows')
        const { ms, lines } = await passOn(leader, kill, standby, random)
        tally.takeoverMsMax = Math.max(tally.takeoverMsMax, ms)
        await witness.advance()
        consumer.hear(reportsIn(lines))
      } finally {
        leader.forget()
        leader = standby
        kill = next
      }
    }
    await leader.end(0)
    await witness.advance()
    consumer.hear(reportsIn(leader.lines()))
    // A row of an older term behind one of a newer is no row that follows, and was refused.
    const terms = await witness.terms()
    assert(terms.length === new Set(terms).size, `each term's rows are together: ${terms}`)
  } finally {
    leader.forget()
    await witness.close()
  }
  return {
    ...tally,
    acknowledged: consumer.heard,
    republished: consumer.repeated,
    seq: witness.seq,
  }
}

/** From the one to the other; what the old one has said in all. */
async function passOn(old: Writer, kill: KillPoint | undefined, standby: Writer, random: Prng) {
  await sleep(random.int(0, 150))
  old.signal(kill === undefined ? 'SIGSTOP' : ARM)
  while (!(await old.isStopped())) await sleep(5)
  const startMs = performance.now()
  const saidBefore = old.bytes
  await standby.said('isWhole')
  const ms = performance.now() - startMs
  const from = standby.bytes
  await standby.until(() => reportsIn(standby.lines(from)).length >= REPORTS)
  assert(old.bytes === saidBefore, 'who is stopped says nothing')
  old.signal('SIGCONT')
  assert(!(await old.end(10_000)), 'who has lost the lease ends by itself')
  const late = old.lines(saidBefore)
  assert(reportsIn(late).length === 0, `said after it had lost the lease: ${late[0]}`)
  assert(late.join() === '{"broken":"FENCED"}', `it says that it is fenced: ${late}`)
  return { ms, lines: old.lines() }
}

/** A leader stops itself where it is told to, once it is told when. */
function stopAt(count: number, random: Prng): KillPoint | undefined {
  const point = STOPS[count % STOPS.length]
  if (point === undefined) return undefined
  return { point, count: random.int(1, 40), signal: 'SIGSTOP', isArmed: false }
}

function taskOf(
  url: string,
  role: WriterTask['role'],
  random: Prng,
  kill: KillPoint | undefined,
): WriterTask {
  return {
    ...{ url, role, seed: random.int(1, 2 ** 30), workers: random.pick([0, 0, 1]) },
    ...(kill && { kill }),
    ...{ publishMs: 0, burst: random.pick([2, 5, 20]) },
    ...{ snapshotMs: random.pick([0, 200]), snapshotHere: true },
    ...{ snapshots: 2, journalMs: 60_000 },
  }
}
