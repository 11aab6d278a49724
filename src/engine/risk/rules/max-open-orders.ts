// Open orders of the account; only a new order adds one.

import { Code } from '../../../protocol/codes.ts'
import { Limit } from '../../../protocol/limits.ts'
import type { Rule } from '../check.ts'

const AT = Limit.maxOpenOrders

export const maxOpenOrders: Rule = (check) =>
  !check.isReplace && check.accountOpenOrders >= check.limits[check.row + AT]
    ? Code.MAX_OPEN_ORDERS
    : 0
