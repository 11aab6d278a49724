// In reduce-only mode, or with the order's own flag, only orders that shrink the position pass.

import { Code } from '../../../protocol/codes.ts'
import { Limit } from '../../../protocol/limits.ts'
import type { Rule } from '../check.ts'

const AT = Limit.reduceOnly

export const reduceOnly: Rule = (check) => {
  if (!check.isReduceOnly && check.limits[check.row + AT] === 0) return 0
  const reducible = check.isSell ? check.positionLots : -check.positionLots
  return check.openLotsAfter <= Math.max(0, reducible) ? 0 : Code.REDUCE_ONLY
}
