// The same order again within the window: same account, symbol, side, price and quantity.

import { Code } from '../../../protocol/codes.ts'
import { Limit } from '../../../protocol/limits.ts'
import type { Rule } from '../check.ts'

const AT = Limit.duplicateWindowMs

export const duplicateOrder: Rule = (check) =>
  check.sameAcceptedMs >= 0 && check.nowMs - check.sameAcceptedMs < check.limits[check.row + AT]
    ? Code.DUPLICATE_ORDER
    : 0
