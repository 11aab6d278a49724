// The order's price times its total quantity, without fee.

import { Code } from '../../../protocol/codes.ts'
import { Limit } from '../../../protocol/limits.ts'
import type { Rule } from '../check.ts'

const AT = Limit.maxOrderValue

export const maxOrderValue: Rule = (check) =>
  check.notional > check.limits[check.row + AT] ? Code.MAX_ORDER_VALUE : 0
