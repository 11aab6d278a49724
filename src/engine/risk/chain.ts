// The risk rules in their order, which is the order of their refusals: a rule is one file and one
// line here (and its limit and its code one line each in protocol/limits.ts and protocol/codes.ts).

import type { Check, Rule } from './check.ts'
import { dailyLoss } from './rules/daily-loss.ts'
import { duplicateOrder } from './rules/duplicate-order.ts'
import { maxExposure } from './rules/max-exposure.ts'
import { maxOpenOrders } from './rules/max-open-orders.ts'
import { maxOrderQty } from './rules/max-order-qty.ts'
import { maxOrderValue } from './rules/max-order-value.ts'
import { maxPositions } from './rules/max-positions.ts'
import { orderRate } from './rules/order-rate.ts'
import { priceDeviation } from './rules/price-deviation.ts'
import { reduceOnly } from './rules/reduce-only.ts'
import { tradingAllowed } from './rules/trading-allowed.ts'
import { tradingHours } from './rules/trading-hours.ts'

/**
 * As {@link firstRefusal} where a row's `USUAL` (limit-table.ts) is set and the order is not
 * reduce-only: no other rule can refuse there.
 */
export const firstUsualRefusal: Rule = (check: Check): number =>
  duplicateOrder(check) || priceDeviation(check) || maxOpenOrders(check)

/** The code of the first rule that refuses, or 0. Written out, so that each call can be inlined. */
export const firstRefusal: Rule = (check: Check): number =>
  tradingAllowed(check) ||
  tradingHours(check) ||
  reduceOnly(check) ||
  orderRate(check) ||
  duplicateOrder(check) ||
  maxOrderQty(check) ||
  maxOrderValue(check) ||
  priceDeviation(check) ||
  maxOpenOrders(check) ||
  maxPositions(check) ||
  maxExposure(check) ||
  dailyLoss(check)
