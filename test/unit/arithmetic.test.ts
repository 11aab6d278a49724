// Products and quotients beyond a double's integers, against BigInt.

import { describe, expect, test } from 'vitest'
import { mulDivCeil, mulDivFloor, productExceeds } from '../../src/lib/arithmetic.ts'
import { Prng } from '../../src/lib/prng.ts'

const MAX = Number.MAX_SAFE_INTEGER
const random = new Prng(13)

/** Of any size, often next to an end or a power of two. */
function whole(): number {
  if (random.chance(0.2))
    return [0, 1, 2, MAX, MAX - 1, 2 ** 26, 2 ** 27, 94_906_265][random.int(8)]
  const power = 2 ** random.int(53)
  return Math.min(MAX, Math.floor(power + random.next() * power) + random.int(3))
}

describe('a × b / c', () => {
  test('is BigInt floor and ceil', () => {
    let tried = 0
    while (tried < 100_000) {
      const [a, b, c] = [whole(), whole(), Math.max(1, whole())]
      const product = BigInt(a) * BigInt(b)
      const floor = product / BigInt(c)
      if (floor >= BigInt(MAX)) continue
      tried += 1
      if (mulDivFloor(a, b, c) !== Number(floor))
        expect([a, b, c, mulDivFloor(a, b, c)]).toBe(floor)
      const ceil = floor + (product % BigInt(c) === 0n ? 0n : 1n)
      if (mulDivCeil(a, b, c) !== Number(ceil)) expect([a, b, c, mulDivCeil(a, b, c)]).toBe(ceil)
    }
  })

  test('just below and at a whole number', () => {
    expect(mulDivFloor(MAX, 1, 1)).toBe(MAX)
    expect(mulDivFloor(MAX, MAX, MAX)).toBe(MAX)
    expect(mulDivFloor(MAX - 1, 3, MAX)).toBe(2)
    expect(mulDivFloor(9_007_199_254_740_990, 1, 9_007_199_254_740_991)).toBe(0)
    expect(mulDivFloor(0, MAX, 7)).toBe(0)
    expect(mulDivCeil(MAX, MAX, MAX)).toBe(MAX)
    expect(mulDivCeil(1, 1, MAX)).toBe(1)
    expect(mulDivCeil(0, 5, 7)).toBe(0)
  })
})

describe('a × b > c × d', () => {
  const exceeds = (a: number, b: number, c: number, d: number) =>
    BigInt(a) * BigInt(b) > BigInt(c) * BigInt(d)

  test('is what BigInt says, next to equality too', () => {
    for (let i = 0; i < 100_000; i += 1) {
      const [a, b] = [whole(), whole()]
      const isSame = random.chance(0.3)
      const c = isSame ? b : whole()
      const d = isSame ? Math.min(MAX, Math.max(0, a + random.int(3) - 1)) : whole()
      if (productExceeds(a, b, c, d) !== exceeds(a, b, c, d)) expect([a, b, c, d]).toBe('right')
    }
  })

  test('with infinity on either side', () => {
    const infinite = Number.POSITIVE_INFINITY
    expect(productExceeds(MAX, MAX, infinite, MAX)).toBe(false)
    expect(productExceeds(MAX, MAX, infinite, 1)).toBe(false)
    expect(productExceeds(5, 1, infinite, 1)).toBe(false)
    expect(productExceeds(0, 1, infinite, 5)).toBe(false)
    expect(productExceeds(infinite, 1, 5, 5)).toBe(true)
  })
})
