// Arguments and options as they are typed, read and checked; commander says what is wrong with one.

import { InvalidArgumentError } from 'commander'
import { WORKERS_MAX, type Workers } from '../actors/placement.ts'
import { COMMANDS_PER_ROUND_MAX } from '../protocol/bounds.ts'

const DAY_MS = 86_400_000

/** Commands in a round, or that blank lines end them. */
export function roundOf(text: string): number | 'blank' {
  if (text === 'blank') return text
  const size = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0
  if (size >= 1 && size <= COMMANDS_PER_ROUND_MAX) return size
  throw new InvalidArgumentError(
    `Give a whole number from 1 to ${COMMANDS_PER_ROUND_MAX}, or blank.`,
  )
}

/** Worker threads: `0`, `2`, or `2+1`. */
export function workersOf(text: string): Workers {
  const [, first, second] = /^([0-9]{1,3})(?:\+([0-9]{1,3}))?$/.exec(text) ?? []
  const fits = (count: string) => Number(count) >= 1 && Number(count) <= WORKERS_MAX
  if (text === '0') return 0
  if (first === undefined || !fits(first) || (second !== undefined && !fits(second))) {
    throw new InvalidArgumentError(
      `Give 0, a number up to ${WORKERS_MAX}, or two like 2+1: for accounts and for symbols.`,
    )
  }
  if (second === undefined) return Number(first)
  return { accounts: Number(first), symbols: Number(second) }
}

/** A whole number from `min`, and up to `max` if there is one. */
export const wholeFrom =
  (min: number, max?: number) =>
  (text: string): number => {
    const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : -1
    if (value >= min && value <= (max ?? value)) return value
    const range = max === undefined ? `from ${min}` : `from ${min} to ${max}`
    throw new InvalidArgumentError(`Give a whole number ${range}.`)
  }

/** Days, also a part of one, in ms. */
export function daysOf(text: string): number {
  if (!/^[0-9]{1,6}(\.[0-9]{1,6})?$/.test(text)) {
    throw new InvalidArgumentError('Give a number of days, like 30 or 0.5.')
  }
  return Number(text) * DAY_MS
}
