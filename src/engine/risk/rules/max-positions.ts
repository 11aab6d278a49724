// Symbols in which the account has a position or could get one.

import { Code } from '../../../protocol/codes.ts'
import { Limit } from '../../../protocol/limits.ts'
import type { Rule } from '../check.ts'

const AT = Limit.maxPositions

export const maxPositions: Rule = (check) =>
  !check.isReplace &&
  check.isFirstInSymbol &&
  check.accountActiveSymbols >= check.limits[check.row + AT]
    ? Code.MAX_POSITIONS
    : 0
