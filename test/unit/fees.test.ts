// Fees: exact, rounded up once over an order's life; and holds that always suffice. Against
// decimal.js.

import { Decimal } from 'decimal.js'
import { describe, expect, test } from 'vitest'
import { carryAfter, feeOf, needOf } from '../../src/engine/account/fees.ts'
import { Prng } from '../../src/lib/prng.ts'
import { FEE_SCALE } from '../../src/protocol/instrument.ts'

Decimal.set({ precision: 60 })

const MAX = Number.MAX_SAFE_INTEGER
const random = new Prng(11)

/** A rate in ten-millionths; common ones, small ones, and any, up to just below 1. */
function randomRate(): number {
  const size = random.chance(0.5) ? 10_000 : FEE_SCALE
  return random.int(size)
}

/** Of any size: as many small ones as large ones. */
const randomNotional = (max: number) =>
  Math.max(1, Math.min(max, Math.floor(random.next() * 10 ** random.int(17))))

const exactFee = (notional: number, rate: number) =>
  new Decimal(notional).times(rate).div(FEE_SCALE)

describe('the fees of an order', () => {
  test('are always the exact total so far, rounded up', () => {
    for (let order = 0; order < 3_000; order += 1) {
      const taker = randomRate()
      const maker = random.int(2 * taker + 1) - taker
      let left = Math.floor(MAX / 2)
      let carry = 0
      let paid = 0
      let exact = new Decimal(0)
      for (let fill = 0; fill < 20 && left > 0; fill += 1) {
        const rate = random.chance(0.5) ? taker : maker
        const notional = randomNotional(left)
        left -= notional
        paid += feeOf(notional, rate, carry)
        carry = carryAfter(notional, rate, carry)
        exact = exact.plus(exactFee(notional, rate))
        expect(exact.ceil().eq(paid)).toBe(true)
        expect(new Decimal(carry).div(FEE_SCALE).eq(new Decimal(paid).minus(exact))).toBe(true)
        expect(carry).toBeGreaterThanOrEqual(0)
        expect(carry).toBeLessThan(FEE_SCALE)
      }
    }
  })

  test('of one fill', () => {
    expect(feeOf(10_001, 10_000, 0)).toBe(11) // 10.001
    expect(carryAfter(10_001, 10_000, 0)).toBe(9_990_000)
    expect(feeOf(10_001, 10_000, 9_990_000)).toBe(10) // 10.001 - 0.999 = 9.002
    expect(feeOf(10_001, -5_000, 0)).toBe(-5) // -5.0005
    expect(feeOf(1, -1, 0) === 0).toBe(true)
    expect(feeOf(5, 0, 0) === 0).toBe(true)
    expect(feeOf(MAX, FEE_SCALE - 1, 0)).toBe(
      exactFee(MAX, FEE_SCALE - 1)
        .ceil()
        .toNumber(),
    )
    expect(feeOf(MAX, 1 - FEE_SCALE, 0)).toBe(
      exactFee(MAX, 1 - FEE_SCALE)
        .ceil()
        .toNumber(),
    )
  })
})

describe('the hold of a buy', () => {
  test('is the notional and the exact fee rounded up', () => {
    for (let i = 0; i < 20_000; i += 1) {
      const rate = randomRate()
      const notional = randomNotional(Math.floor(MAX / 2))
      const carry = random.int(FEE_SCALE)
      const fee = exactFee(notional, rate).minus(new Decimal(carry).div(FEE_SCALE))
      expect(needOf(notional, rate, carry)).toBe(fee.ceil().plus(notional).toNumber())
    }
  })

  test('always suffices: after every fill what is left covers what is open', () => {
    for (let order = 0; order < 3_000; order += 1) {
      const taker = randomRate()
      const maker = random.int(2 * taker + 1) - taker
      const holdRate = Math.max(taker, maker, 0)
      const ticks = 1 + random.int(1_000_000)
      let lots = 1 + random.int(1_000_000)
      let carry = 0
      let held = needOf(ticks * lots, holdRate, 0)
      while (lots > 0) {
        const rate = random.chance(0.5) ? taker : maker
        const filled = 1 + random.int(lots)
        const at = random.chance(0.5) ? ticks : 1 + random.int(ticks)
        const notional = at * filled
        held -= notional + feeOf(notional, rate, carry)
        carry = carryAfter(notional, rate, carry)
        lots -= filled
        const need = lots === 0 ? 0 : needOf(ticks * lots, holdRate, carry)
        expect(held).toBeGreaterThanOrEqual(need)
        held = need
      }
    }
  })
})
