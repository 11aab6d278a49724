// What the account has lost today in the symbol's quote asset, fees included.

import { Code } from '../../../protocol/codes.ts'
import { Limit } from '../../../protocol/limits.ts'
import type { Rule } from '../check.ts'

const AT = Limit.maxDailyLoss

export const dailyLoss: Rule = (check) =>
  -check.realisedToday >= check.limits[check.row + AT] ? Code.DAILY_LOSS : 0
