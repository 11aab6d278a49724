// Decimal strings to integer counts of a smallest unit and back: exact, never rounded.

import { DECIMAL_CHARS_MAX, INTEGER_MAX } from './bounds.ts'

/** What {@link parseUnits} gives instead of a count. Negative, so that one comparison tells. */
export const DecimalFault = { malformed: -1, precision: -2, overflow: -3 } as const

/**
 * Reads an unsigned decimal string as a count of 10^-`decimals`. Returns a {@link DecimalFault} for
 * a string of another form, more digits than `decimals` (zeros at the end aside), or a count beyond
 * 2^53 - 1.
 */
export function parseUnits(text: string, decimals: number): number {
  const length = text.length
  if (length === 0 || length > DECIMAL_CHARS_MAX) return DecimalFault.malformed
  let value = 0
  let digits = 0
  let fraction = -1
  let tooPrecise = false
  for (let i = 0; i < length; i += 1) {
    const char = text.charCodeAt(i)
    if (char === 0x2e) {
      if (fraction >= 0 || digits === 0) return DecimalFault.malformed
      fraction = 0
      continue
    }
    const digit = char - 0x30
    if (digit < 0 || digit > 9) return DecimalFault.malformed
    digits += 1
    if (fraction >= 0) fraction += 1
    if (fraction > decimals) {
      if (digit !== 0) tooPrecise = true
    } else if (value <= INTEGER_MAX) {
      value = value * 10 + digit
    }
  }
  if (fraction === 0) return DecimalFault.malformed
  if (tooPrecise) return DecimalFault.precision
  for (let i = Math.max(fraction, 0); i < decimals && value <= INTEGER_MAX; i += 1) value *= 10
  return value <= INTEGER_MAX ? value : DecimalFault.overflow
}

/**
 * Writes a count of 10^-`decimals` as a decimal string without zeros at the end: `(1675200, 4)` is
 * "167.52".
 */
export function formatUnits(count: number | bigint, decimals: number): string {
  const negative = count < 0
  let digits = (negative ? -count : count).toString()
  if (decimals > 0) {
    if (digits.length <= decimals) digits = digits.padStart(decimals + 1, '0')
    const point = digits.length - decimals
    let end = digits.length
    while (end > point && digits.charCodeAt(end - 1) === 0x30) end -= 1
    digits =
      end === point
        ? digits.slice(0, point)
        : `${digits.slice(0, point)}.${digits.slice(point, end)}`
  }
  return negative && digits !== '0' ? `-${digits}` : digits
}

/** How many decimals a well-formed decimal string needs: "0.0050" needs 3. */
export function decimalsOf(text: string): number {
  const point = text.indexOf('.')
  if (point < 0) return 0
  let end = text.length
  while (text.charCodeAt(end - 1) === 0x30) end -= 1
  return end - point - 1
}
