// What position and open orders of one side would be worth at this price; shrinking always passes.

import { Code } from '../../../protocol/codes.ts'
import { Limit } from '../../../protocol/limits.ts'
import type { Rule } from '../check.ts'

const AT = Limit.maxExposure

export const maxExposure: Rule = (check) => {
  const limit = check.limits[check.row + AT]
  if (limit === Number.POSITIVE_INFINITY) return 0
  const direction = check.isSell ? -1 : 1
  const before = Math.abs(check.positionLots + direction * check.openLotsBefore)
  const after = Math.abs(check.positionLots + direction * check.openLotsAfter)
  const exposure = after * check.priceTicks * check.quotePerTickLot
  return after > before && exposure > limit ? Code.MAX_EXPOSURE : 0
}
