// Quiet and attacked phases in turn, so that what else the machine does meets both alike; what the
// others' orders took in each, and what the phases cost whom.

import { setTimeout as delay } from 'node:timers/promises'
import type { Histogram } from 'hdr-histogram-js'
import { build } from 'hdr-histogram-js'
import type { Report } from '../../bench/report.ts'
import { median } from '../../bench/rounds.ts'
import { paced } from '../pace.ts'

export interface AttackOptions {
  /** Orders, and over HTTP apart from them requests, that an account may send in a second. */
  readonly accountRate: number
  /** Times its rate that the attacker sends. */
  readonly times: number
  /** Orders a second of all others together, each with its cancel. */
  readonly rate: number
  /** Quiet and attacked phases, so many each, of so many seconds. */
  readonly phases: number
  readonly seconds: number
}

/** What became of an attack. */
export interface Attacked {
  /** Orders that were refused because there were too many of them. */
  readonly refused: number
  readonly inWords: string
}

/** What is attacked, and how. */
export interface Scene {
  /** Begins to send so many a second. */
  attack(rate: number): void
  /** Ends that; what became of it. */
  rest(): Promise<Attacked>
  /** An order of the others and, once `answered` was called, its cancel. */
  order(number: number, answered: () => void): Promise<void>
  /** Processor times so far, by name, in microseconds. */
  cpu(): Record<string, number>
}

/** The others' p99 may be so many times that of the quiet phases. */
const P99_TIMES_MAX = 2
/** Of the orders that were due, so much must be refused: else there was no attack. */
const REFUSED_SHARE_MIN = 0.5
/** Of each phase, so much is not counted: the attack begins and ends, connections open. */
const SETTLE_MS = 500

interface Phase {
  readonly isAttacked: boolean
  /** Microseconds from when an order of the others was due to its answer. */
  readonly latency: Histogram
  /** By the clock here, whatever the attacker says; 0 where the phase is quiet. */
  readonly due: number
  /** What became of the attack; undefined where the phase is quiet. */
  readonly attack: Attacked | undefined
  readonly cpuMicros: Readonly<Record<string, number>>
}

/** Runs the phases; `name` is the report's. */
export async function underAttack(
  name: string,
  scene: Scene,
  options: AttackOptions,
): Promise<Report> {
  const phases: Phase[] = []
  const attackRate = options.accountRate * options.times
  let sent = 0
  // Two phases before all only warm up.
  for (let phase = -2; phase < options.phases * 2; phase += 1) {
    const isAttacked = phase % 2 !== 0
    const startMs = performance.now()
    if (isAttacked) scene.attack(attackRate)
    await delay(SETTLE_MS)
    const before = scene.cpu()
    const latency = build({ numberOfSignificantValueDigits: 3 })
    await paced(options.rate, options.seconds, (_, dueMs) => {
      sent += 1
      return scene.order(sent, () => {
        latency.recordValue(Math.max(1, Math.round((performance.now() - dueMs) * 1_000)))
      })
    })
    const cpuMicros = Object.fromEntries(
      Object.entries(scene.cpu()).map(([of, micros]) => [of, micros - before[of]]),
    )
    const due = isAttacked ? ((performance.now() - startMs) * attackRate) / 1_000 : 0
    const attack = isAttacked ? await scene.rest() : undefined
    if (phase >= 0) phases.push({ isAttacked, latency, due, attack, cpuMicros })
  }
  return reportOf(name, options, phases)
}

function reportOf(name: string, options: AttackOptions, phases: readonly Phase[]): Report {
  const { accountRate, times, seconds } = options
  const msAt = ({ latency }: Phase, percentile: number) =>
    latency.getValueAtPercentile(percentile) / 1_000
  const [quiet, attacked] = [false, true].map((is) =>
    phases.filter(({ isAttacked }) => isAttacked === is),
  )
  const refused = attacked.map(({ attack, due }) => (attack?.refused ?? 0) / due)
  const ratios = quiet.map((phase, n) => msAt(attacked[n], 99) / msAt(phase, 99))
  const rowOf = (of: readonly Phase[]) =>
    [50, 95, 99, 100].map((at) => median(of.map((phase) => msAt(phase, at))).toFixed(1))
  const shareOf = (of: readonly Phase[], process: string) =>
    `${median(of.map(({ cpuMicros }) => cpuMicros[process] / (seconds * 1e4))).toFixed(0)} %`
  const processes = Object.keys(phases[0].cpuMicros)
  return {
    name,
    tables: [
      {
        title: "ms from an other account's due order to its durable answer, medians of phases",
        columns: ['phase', 'p50', 'p95', 'p99', 'max'],
        rows: [
          ['quiet', ...rowOf(quiet)],
          ['attacked', ...rowOf(attacked)],
        ],
      },
      {
        title: 'of one core',
        columns: ['process', 'quiet', 'attacked'],
        rows: processes.map((each) => [each, shareOf(quiet, each), shareOf(attacked, each)]),
      },
    ],
    demands: [
      {
        what: "the others' p99, attacked / quiet, median of the pairs",
        ...{ value: median(ratios), atMost: P99_TIMES_MAX },
      },
      {
        what: "the attacker's orders refused, of those due, the least of the phases",
        ...{ value: Math.min(...refused), atLeast: REFUSED_SHARE_MIN },
      },
    ],
    notes: [
      `attack: ${accountRate * times} orders/s where ${accountRate} are allowed`,
      `pairs: ${ratios.map((each) => each.toFixed(2)).join(', ')}`,
      `refused of those due: ${refused.map((each) => each.toFixed(2)).join(', ')}`,
      `attacker, last phase: ${phases.at(-1)?.attack?.inWords}`,
    ],
  }
}
