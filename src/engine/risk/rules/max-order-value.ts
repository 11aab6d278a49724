// The order's price times its total quantity, without fee.

import { Code } from '../../../protocol/codes.ts'
import { Limit } from '../../../protocol/limits.ts'
import type { Rule } from '../check.ts'

export const maxOrderValue: Rule = (check) =>
  check.notional > check.limits[check.row + Limit.maxOrderValue] ? Code.MAX_ORDER_VALUE : 0
