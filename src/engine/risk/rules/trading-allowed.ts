// The account may trade the symbol at all.

import { Code } from '../../../protocol/codes.ts'
import { Limit } from '../../../protocol/limits.ts'
import type { Rule } from '../check.ts'

export const tradingAllowed: Rule = (check) =>
  check.limits[check.row + Limit.tradingAllowed] === 0 ? Code.SYMBOL_NOT_ALLOWED : 0
