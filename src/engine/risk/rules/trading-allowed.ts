// The account may trade the symbol at all.

import { Code } from '../../../protocol/codes.ts'
import { Limit } from '../../../protocol/limits.ts'
import type { Rule } from '../check.ts'

const AT = Limit.tradingAllowed

export const tradingAllowed: Rule = (check) =>
  check.limits[check.row + AT] === 0 ? Code.SYMBOL_NOT_ALLOWED : 0
