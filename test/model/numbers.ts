// The model's arithmetic: decimal strings to exact integers and back, all in BigInt.

export const SAFE_MAX = 9007199254740991n
export const TEN7 = 10_000_000n
export const MILLION = 1_000_000n

/** An exact decimal: `digits / 10^scale`, with no trailing zero behind the point. */
export type Decimal = { digits: bigint; scale: number }

export function pow10(exponent: number): bigint {
  return 10n ** BigInt(exponent)
}

/** Reads a decimal of the documented form; null when the form is wrong. */
export function parseDecimal(text: unknown, signed = false): Decimal | null {
  if (typeof text !== 'string' || text.length > 40) return null
  if (!(signed ? /^-?\d+(\.\d+)?$/ : /^\d+(\.\d+)?$/).test(text)) return null
  const point = text.indexOf('.')
  let digits = BigInt(text.replace('.', ''))
  let scale = point < 0 ? 0 : text.length - point - 1
  while (scale > 0 && digits % 10n === 0n) {
    digits /= 10n
    scale--
  }
  return { digits, scale }
}

/** How many whole steps the value is; null when it is not a whole number of them. */
export function stepsIn(value: Decimal, step: Decimal): bigint | null {
  const numerator = value.digits * pow10(step.scale)
  const denominator = step.digits * pow10(value.scale)
  return numerator % denominator === 0n ? numerator / denominator : null
}

export function multiply(a: Decimal, b: Decimal): Decimal {
  return { digits: a.digits * b.digits, scale: a.scale + b.scale }
}

export function oneUnit(decimals: number): Decimal {
  return { digits: 1n, scale: decimals }
}

export function floorDiv(a: bigint, b: bigint): bigint {
  const quotient = a / b
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient
}

export function ceilDiv(a: bigint, b: bigint): bigint {
  return -floorDiv(-a, b)
}

/** `a / b` for a >= 0, b > 0, the half goes up. */
export function roundHalfUp(a: bigint, b: bigint): bigint {
  return floorDiv(2n * a + b, 2n * b)
}

export function abs(a: bigint): bigint {
  return a < 0n ? -a : a
}

export function max(...values: bigint[]): bigint {
  let highest = values[0]
  for (const value of values) if (value > highest) highest = value
  return highest
}

export function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

/** `digits / 10^scale` as a canonical string: no trailing zeros, no lone point. */
export function format(digits: bigint, scale: number): string {
  const sign = digits < 0n ? '-' : ''
  let text = abs(digits).toString()
  if (scale === 0) return sign + text
  text = text.padStart(scale + 1, '0')
  const whole = text.slice(0, -scale)
  const fraction = text.slice(-scale).replace(/0+$/, '')
  return sign + (fraction === '' ? whole : `${whole}.${fraction}`)
}

/** `count` steps as a canonical decimal string. */
export function formatSteps(count: bigint, step: Decimal): string {
  return format(count * step.digits, step.scale)
}
