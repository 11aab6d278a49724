// Orders accepted per second of the clock; rests while the clock was never set.

import { Code } from '../../../protocol/codes.ts'
import { Limit } from '../../../protocol/limits.ts'
import type { Rule } from '../check.ts'

const AT = Limit.maxOrdersPerSecond

export const orderRate: Rule = (check) =>
  check.nowMs !== 0 && check.ordersThisSecond >= check.limits[check.row + AT] ? Code.ORDER_RATE : 0
