// The clock is inside the trading hours; rests while the clock was never set.

import { Code } from '../../../protocol/codes.ts'
import { Limit } from '../../../protocol/limits.ts'
import type { Rule } from '../check.ts'

const AT = Limit.tradingHours

const MINUTE_MS = 60_000
const DAY_MINUTES = 1_440

export const tradingHours: Rule = (check) => {
  const hours = check.limits[check.row + AT]
  if (hours < 0 || check.nowMs === 0) return 0
  const start = Math.floor(hours / DAY_MINUTES)
  const end = hours % DAY_MINUTES
  const minute = Math.floor(check.nowMs / MINUTE_MS) % DAY_MINUTES
  const open = start <= end ? minute >= start && minute < end : minute >= start || minute < end
  return open ? 0 : Code.OUTSIDE_TRADING_HOURS
}
