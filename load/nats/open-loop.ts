// Orders by a timetable, whether answers come or not, over many connections; each is timed from
// when it should have been sent.

import { setTimeout as delay } from 'node:timers/promises'
import type { Histogram } from 'hdr-histogram-js'
import { build } from 'hdr-histogram-js'
import { scene, singles } from '../../bench/nats-flow.ts'
import { assert } from '../../src/lib/assert.ts'
import type { Crowd } from './crowd.ts'

/** Orders a second at each second of a run. */
export type Timetable = (second: number) => number

export const steady =
  (rate: number): Timetable =>
  () =>
    rate

/** Ten times the rate in the middle third. */
export const spike =
  (rate: number, seconds: number): Timetable =>
  (second) =>
    second >= seconds / 3 && second < (2 * seconds) / 3 ? rate * 10 : rate

export interface LoopResult {
  readonly sent: number
  /** Orders that were answered with what they must be answered with. */
  readonly right: number
  /** By code: other answers. */
  readonly refused: ReadonlyMap<string, number>
  /** Nanoseconds from the time to send to the answer. */
  readonly latency: Histogram
  /** The most that waited for an answer at once. */
  readonly openMost: number
}

/** Assets, instruments and traders; the same again changes nothing. */
export async function prepare(crowd: Crowd): Promise<void> {
  const off = { duplicateWindowMs: 'off', maxOrdersPerSecond: 'off', maxOpenOrders: 'off' }
  await crowd.ask(0, 'onefill.v1.admin.batch', [...scene(), { cmd: 'limits', ...off }])
}

/** Sends by the timetable; resolves when all is answered. */
export async function openLoop(
  crowd: Crowd,
  seconds: number,
  timetable: Timetable,
): Promise<LoopResult> {
  // Orders of one pair of traders go over one connection: they have an order among them.
  assert(32 % crowd.size === 0, 'connections divide the 32 pairs of traders')
  const flow = singles(`l${process.pid}-${Date.now().toString(36)}`)
  const latency = build({ numberOfSignificantValueDigits: 3 })
  const refused = new Map<string, number>()
  let [sent, right, openMost] = [0, 0, 0]
  const answers: Promise<void>[] = []
  const send = (dueMs: number) => {
    const { subject, body, answers: expected } = flow(sent)
    const connection = (sent >> 2) % crowd.size
    sent += 1
    const answered = crowd.ask(connection, subject, body).then(({ execType, code }) => {
      latency.recordValue(Math.max(1, Math.round((performance.now() - dueMs) * 1e6)))
      if (execType === expected[0]) right += 1
      else refused.set(code ?? String(execType), (refused.get(code ?? String(execType)) ?? 0) + 1)
    })
    answers.push(answered)
  }
  const startMs = performance.now()
  for (let second = 0; second < seconds; second += 1) {
    const rate = timetable(second)
    const dueAt = (number: number) => startMs + second * 1_000 + (number * 1_000) / rate
    for (let number = 0; number < rate; ) {
      const nowMs = performance.now()
      while (number < rate && dueAt(number) <= nowMs) {
        send(dueAt(number))
        number += 1
      }
      openMost = Math.max(openMost, crowd.open)
      await delay(1)
    }
  }
  await Promise.all(answers)
  return { sent, right, refused, latency, openMost }
}
