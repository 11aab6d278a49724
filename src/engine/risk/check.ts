// What a risk rule looks at: one order about to be accepted, and the limits and account around it.

/** Filled in by the account before the chain runs; rules only read it. */
export class Check {
  /** Limits in force: `limits[row + Limit.name]`. */
  limits = new Float64Array(0)
  row = 0
  /** A replace; else a new order. */
  isReplace = false
  isSell = false
  /** The order's own reduce-only flag. */
  isReduceOnly = false
  /** The symbol has no position and no open order of the account yet. */
  isFirstInSymbol = false
  priceTicks = 0
  /** The order's total quantity. */
  orderLots = 0
  /** Of price × total quantity, without fee. */
  notional = 0
  quotePerTickLot = 0
  /** Last trade of an earlier round, else the configured price, else 0. */
  referenceTicks = 0
  /** Signed position in lots. */
  positionLots = 0
  /** Open lots of the order's side, without and with this order. */
  openLotsBefore = 0
  openLotsAfter = 0
  accountOpenOrders = 0
  accountActiveSymbols = 0
  /** Orders accepted in this second of the clock. */
  ordersThisSecond = 0
  /** Realised profit of the trading day in the quote asset, smallest units. */
  realisedToday = 0
  /** The clock in ms since 1970, 0 if it was never set. */
  nowMs = 0
  /** When the same order was last accepted, in ms; -1 if it was not, or not long ago. */
  sameAcceptedMs = -1
}

/** A rule: a code number that refuses the order, or 0. */
export type Rule = (check: Check) => number
