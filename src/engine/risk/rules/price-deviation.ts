// The price's distance from the reference price; rests without one.

import { productExceeds } from '../../../lib/arithmetic.ts'
import { Code } from '../../../protocol/codes.ts'
import { Limit, MILLIONTHS } from '../../../protocol/limits.ts'
import type { Rule } from '../check.ts'

const AT = Limit.priceDeviation

export const priceDeviation: Rule = (check) => {
  const { referenceTicks } = check
  if (referenceTicks === 0) return 0
  const distance = Math.abs(check.priceTicks - referenceTicks)
  const allowed = check.limits[check.row + AT]
  return productExceeds(distance, MILLIONTHS, allowed, referenceTicks) ? Code.PRICE_DEVIATION : 0
}
