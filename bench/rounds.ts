// Times variants against each other: every round runs each once, so that what slows the machine
// slows them all alike. A run's result is checked before its time counts.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { assert } from '../src/lib/assert.ts'

/** One timed run. */
export interface Outcome {
  ops: number
  seconds: number
  /** What the run came to; must be the variant's `expected`. */
  result: string
}

export interface Variant {
  readonly name: string
  /** The result that other means have proven right. */
  readonly expected: string
  run(): Outcome
}

export interface Measured {
  readonly name: string
  /** Operations per second, by round. */
  readonly rates: number[]
}

/** Runs all variants in `rounds` rounds after one that only warms up. */
export function measure(variants: readonly Variant[], rounds: number): Measured[] {
  const measured = variants.map(({ name }) => ({ name, rates: [] as number[] }))
  for (let round = 0; round <= rounds; round += 1) {
    for (let turn = 0; turn < variants.length; turn += 1) {
      const at = (turn + round) % variants.length // nobody is always the first
      const variant = variants[at]
      collectGarbage()
      const { ops, seconds, result } = variant.run()
      assert(result === variant.expected, `${variant.name}: the result is right in round ${round}`)
      if (round > 0) measured[at].rates.push(ops / seconds)
    }
  }
  return measured
}

/** The median rate, operations per second. */
export const rate = (measured: Measured): number => median(measured.rates)

/** How many times as fast `a` was as `b`: the median of the rounds' ratios. */
export const ratio = (a: Measured, b: Measured): number =>
  median(a.rates.map((value, round) => value / b.rates[round]))

/** The slowest and the fastest by median rate. */
export function extremes(measured: readonly Measured[]): { slowest: Measured; fastest: Measured } {
  const sorted = measured.toSorted((a, b) => rate(a) - rate(b))
  return { slowest: sorted[0], fastest: sorted[sorted.length - 1] }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

setFlagsFromString('--expose-gc')
/** So that no variant pays for what another has left behind. */
const collectGarbage: () => void = runInNewContext('gc')
