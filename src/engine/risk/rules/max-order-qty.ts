// The order's total quantity.

import { Code } from '../../../protocol/codes.ts'
import { Limit } from '../../../protocol/limits.ts'
import type { Rule } from '../check.ts'

const AT = Limit.maxOrderQty

export const maxOrderQty: Rule = (check) =>
  check.orderLots > check.limits[check.row + AT] ? Code.MAX_ORDER_QTY : 0
