// Decimal strings to integers and back, against decimal.js.

import { Decimal } from 'decimal.js'
import { describe, expect, test } from 'vitest'
import { Prng } from '../../src/lib/prng.ts'
import { DecimalFault, decimalsOf, formatUnits, parseUnits } from '../../src/protocol/decimal.ts'
import type { Instrument } from '../../src/protocol/instrument.ts'
import { averageOf } from '../../src/protocol/report-json.ts'

Decimal.set({ precision: 100, toExpNeg: -100, toExpPos: 100 })

const random = new Prng(20260102)
const digits = (count: number) => Array.from({ length: count }, () => random.int(10)).join('')

/** A well-formed decimal with zeros in front and behind as they come, at most 40 characters. */
function randomText(): string {
  const whole = digits(1 + random.int(random.chance(0.2) ? 30 : 16))
  if (random.chance(0.3)) return whole
  const fraction = digits(1 + random.int(8)) + '0'.repeat(random.int(4))
  return `${whole}.${fraction}`.slice(-40).replace(/^\./, '0.')
}

/** What parseUnits should say: too precise before too large. */
function expected(text: string, decimals: number): number {
  const units = new Decimal(text).times(new Decimal(10).pow(decimals))
  if (!units.isInteger()) return DecimalFault.precision
  return units.greaterThan(Number.MAX_SAFE_INTEGER) ? DecimalFault.overflow : units.toNumber()
}

describe('parseUnits', () => {
  test('is what decimal.js says', () => {
    const outcomes = new Map<string, number>()
    for (let i = 0; i < 50_000; i += 1) {
      const text = randomText()
      const decimals = random.int(13)
      const units = parseUnits(text, decimals)
      expect([text, decimals, units]).toEqual([text, decimals, expected(text, decimals)])
      const outcome = units >= 0 ? 'parsed' : String(units)
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
    expect(Math.min(...outcomes.values())).toBeGreaterThan(1_000)
    expect(outcomes.size).toBe(3)
  })

  test('at the ends of the safe integers', () => {
    expect(parseUnits('9007199254740991', 0)).toBe(Number.MAX_SAFE_INTEGER)
    expect(parseUnits('9007199254740992', 0)).toBe(DecimalFault.overflow)
    expect(parseUnits('9007.199254740991', 12)).toBe(Number.MAX_SAFE_INTEGER)
    expect(parseUnits('9007.199254740992', 12)).toBe(DecimalFault.overflow)
    expect(parseUnits('9007.1992547409911', 12)).toBe(DecimalFault.precision)
    expect(parseUnits('9008', 12)).toBe(DecimalFault.overflow)
    expect(parseUnits('0', 12)).toBe(0)
    expect(parseUnits(`${'0'.repeat(39)}7`, 0)).toBe(7)
    expect(parseUnits('9'.repeat(40), 0)).toBe(DecimalFault.overflow)
    expect(parseUnits(`0.${'0'.repeat(37)}1`, 12)).toBe(DecimalFault.precision)
    expect(parseUnits(`1.${'0'.repeat(38)}`, 0)).toBe(1)
  })

  test('refuses what is no decimal', () => {
    const texts = ['', '.', '.5', '5.', '1.2.3', '-1', '+1', '1e3', ' 1', '1 ', '1,5', '0x1', 'NaN']
    for (const text of [...texts, '١', '1'.repeat(41), '\u00001']) {
      expect([text, parseUnits(text, 4)]).toEqual([text, DecimalFault.malformed])
    }
  })
})

describe('formatUnits', () => {
  test('is what decimal.js says, and reads back', () => {
    for (let i = 0; i < 50_000; i += 1) {
      const size = 10 ** random.int(16)
      const count = Math.min(Number.MAX_SAFE_INTEGER, Math.floor(random.next() * size))
      const decimals = random.int(13)
      const text = formatUnits(count, decimals)
      expect(text).toBe(new Decimal(count).div(new Decimal(10).pow(decimals)).toFixed())
      expect(parseUnits(text, decimals)).toBe(count)
      if (count > 0) expect(formatUnits(-count, decimals)).toBe(`-${text}`)
      expect(formatUnits(BigInt(count), decimals)).toBe(text)
    }
  })

  test('has no zeros at the end and no minus before nothing', () => {
    expect(formatUnits(1_675_200, 4)).toBe('167.52')
    expect(formatUnits(1_000, 3)).toBe('1')
    expect(formatUnits(100, 0)).toBe('100')
    expect(formatUnits(-0, 4)).toBe('0')
    expect(formatUnits(-1, 12)).toBe('-0.000000000001')
    expect(formatUnits(2n ** 100n, 2)).toBe('12676506002282294014967032053.76')
  })
})

test('decimalsOf counts the digits that matter', () => {
  const cases = { '5': 0, '50': 0, '0.0050': 3, '1.0': 0, '1.10': 1, '0.000001': 6, '100.': 0 }
  for (const [text, decimals] of Object.entries(cases)) expect(decimalsOf(text)).toBe(decimals)
  for (let i = 0; i < 5_000; i += 1) {
    const text = randomText()
    expect(decimalsOf(text)).toBe(new Decimal(text).decimalPlaces())
  }
})

test('an average price is exact, however large what it is made of', () => {
  const exact = (notional: number, lots: number, { tickUnits, quotePerTickLot }: Instrument) => {
    const numerator = BigInt(notional) * BigInt(tickUnits) * 10_000n
    const denominator = BigInt(lots) * BigInt(quotePerTickLot)
    return (2n * numerator + denominator) / (2n * denominator)
  }
  for (let n = 0; n < 20_000; n += 1) {
    const units = { tickUnits: 1 + random.int(10 ** random.int(7)) }
    const of = { ...units, quotePerTickLot: 1 + random.int(10 ** random.int(7)) } as Instrument
    const lots = 1 + random.int(10 ** random.int(8))
    const ticks = 1 + random.int(10 ** random.int(8))
    // On a whole number, just beside it, and half-way.
    const notional = lots * ticks + random.int(3) - 1
    expect(BigInt(averageOf(notional, lots, of))).toBe(exact(notional, lots, of))
  }
})
