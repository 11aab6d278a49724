// Rounds of a thousand buys by k6, some with a kill of the exchange in the middle: each with an
// account of its own, each with exactly one success.

import { setTimeout as delay } from 'node:timers/promises'
import { median } from '../../bench/rounds.ts'
import { assert } from '../../src/lib/assert.ts'
import { Acknowledged, type AuditTally } from '../../test/support/acknowledged.ts'
import type { Crowd } from '../nats/crowd.ts'
import type { HttpTarget } from '../target.ts'
import { type K6Outcome, startK6 } from './k6.ts'
import { SCRIPTS } from './scripts.ts'

/** A kill comes while the answers do; so long after the begin at the most, until that is known. */
const KILL_MS_MAX = 300
/** Answers of a round. */
const BUYERS = 1_000

export interface RoundsOptions {
  readonly rounds: number
  /** Rounds in which the exchange is killed; they are spread over all. */
  readonly kills: number
}

export interface RoundsResult {
  /** Each killed round, in words. */
  readonly killed: readonly string[]
  /** Requests of killed rounds that met the outage, and were sent again. */
  readonly outage: number
  /** Answers that were a first outcome again. */
  readonly duplicates: number
  /** Slowest answer of each round without a kill, in ms. */
  readonly slowestMs: readonly number[]
  readonly audit: AuditTally
}

/** Runs them; throws where a threshold does not hold or the journal says otherwise. */
export async function runRounds(
  target: HttpTarget,
  crowd: Crowd,
  { rounds, kills }: RoundsOptions,
): Promise<RoundsResult> {
  const every = kills === 0 ? Number.POSITIVE_INFINITY : Math.floor(rounds / kills)
  const acknowledged = new Acknowledged()
  const [killed, slowestMs]: [string[], number[]] = [[], []]
  let [outage, duplicates] = [0, 0]
  for (let round = 1; round <= rounds; round += 1) {
    const isKilled = round % every === 0 && killed.length < kills
    const killMs = Math.random() * (slowestMs.at(-1) ?? KILL_MS_MAX)
    const outcome = await runRound(target, crowd, round, isKilled ? killMs : undefined)
    const { metrics, output, code, lines } = outcome
    if (code !== 0) console.log(output)
    assert(code === 0, `round ${round}${isKilled ? ', killed,' : ''}: k6 has ended with ${code}`)
    noteLines(acknowledged, lines)
    assert(acknowledged.size === round * BUYERS, `round ${round}: each buyer has an answer`)
    const [met, again] = ['outage_answers', 'duplicates'].map((name) => countOf(outcome, name))
    outage += met
    duplicates += again
    if (isKilled) {
      const said = `round ${round}: killed ${killMs.toFixed(0)} ms after the begin`
      killed.push(`${said}; ${met} answers lost or 503, ${again} first outcomes said again`)
    } else slowestMs.push(metrics.http_req_duration.max)
    if (isKilled) console.error(killed.at(-1))
    else if (round % 10 === 0) console.error(`round ${round} of ${rounds}`)
  }
  const audit = await acknowledged.audit(target.databaseUrl)
  assert(audit.accepted === rounds && audit.untold === 0, 'one order a round is in the journal')
  return { killed, outage, duplicates, slowestMs, audit }
}

async function runRound(
  target: HttpTarget,
  crowd: Crowd,
  round: number,
  killMs: number | undefined,
): Promise<K6Outcome> {
  const RUN = `k6-${process.pid}-${round}`
  const prepared = await SCRIPTS['thousand-buys'](target, crowd, RUN)
  const KILLED = killMs === undefined ? {} : { KILLED: '1' }
  const { httpUrl: BASE_URL } = target
  const run = await startK6('thousand-buys', { ...prepared, BASE_URL, RUN, ACKS: '1', ...KILLED })
  if (killMs !== undefined) {
    await run.begun
    await delay(killMs)
    await target.killAndRestart()
  }
  return run.ended
}

/** Takes what a script has acknowledged: account, clOrdId, and orderId or code. */
export function noteLines(acknowledged: Acknowledged, lines: readonly string[]): void {
  for (const line of lines) {
    const [account, clOrdId, said] = line.split(' ')
    const isId = /^[0-9]+$/.test(said)
    acknowledged.note(account, clOrdId, isId ? { orderId: said } : { code: said })
  }
}

export const countOf = ({ metrics }: K6Outcome, name: string): number => metrics[name]?.count ?? 0

/** For people. */
export function tellRounds({ rounds, kills }: RoundsOptions, result: RoundsResult): string[] {
  const { outage, duplicates, slowestMs, audit } = result
  const { accepted, refused } = audit
  return [
    `${rounds} rounds of 1,000 buys over HTTP, ${kills} with a kill: one success in each`,
    `met the outage and were sent again: ${outage}; first outcomes said again: ${duplicates}`,
    `in the journal: ${accepted} accepted, as acknowledged; refused for lack of money: ${refused}`,
    ...(slowestMs.length === 0
      ? []
      : [`slowest answer, median: ${median(slowestMs).toFixed(0)} ms`]),
  ]
}
