// Whole numbers as decimal digits in bytes, without a string in between.

/** Digits of a whole number from 0 to 2^53 - 1; 1 for 0. */
export function digitsOf(value: number): number {
  if (value < 100_000) {
    if (value < 100) return value < 10 ? 1 : 2
    return value < 1_000 ? 3 : value < 10_000 ? 4 : 5
  }
  if (value < 10_000_000) return value < 1_000_000 ? 6 : 7
  let count = 8
  for (let bound = 100_000_000; value >= bound && count < 16; bound *= 10) count += 1
  return count
}

/** What can be divided as a 32-bit integer. */
const PART = 1_000_000_000
const PART_DIGITS = 9

/** Writes a whole number from 0 to 2^53 - 1 as `count` digits, zeros in front, from `at` on. */
export function writeDigits(into: Uint8Array, at: number, value: number, count: number): void {
  let end = at + count
  let rest = value
  // From the right, nine at a time.
  while (rest >= PART) {
    const whole = Math.floor(rest / PART)
    writePart(into, end - PART_DIGITS, (rest - whole * PART) | 0, end)
    end -= PART_DIGITS
    rest = whole
  }
  writePart(into, at, rest | 0, end)
}

function writePart(into: Uint8Array, at: number, value: number, end: number): void {
  let rest = value
  for (let place = end - 1; place >= at; place -= 1) {
    const tenth = (rest / 10) | 0
    into[place] = 0x30 + (rest - tenth * 10)
    rest = tenth
  }
}

const POWERS = Array.from({ length: 16 }, (_, power) => Number(`1e${power}`))

/** Zeros that a whole number from 0 to 2^53 - 1 ends with, `max` at most; 0 has any number. */
export function zerosAtEnd(value: number, max: number): number {
  const part = value < PART ? value : value - Math.floor(value / PART) * PART
  if (part === 0 && value !== 0) {
    return Math.min(max, PART_DIGITS + zerosAtEnd(value / PART, max - PART_DIGITS))
  }
  let rest = part | 0
  let zeros = 0
  while (zeros < max && rest % 10 === 0) {
    rest = (rest / 10) | 0
    zeros += 1
  }
  return zeros
}

/** A whole number from 0 without the last `zeros` digits, which are {@link zerosAtEnd}. */
export const withoutZeros = (value: number, zeros: number): number =>
  value === 0 || zeros === 0 ? value : value / POWERS[zeros]
