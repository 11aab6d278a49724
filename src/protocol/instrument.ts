// What an instrument is: its units, fees and bounds, as integers.

import type { LimitName, LimitSetting } from './limits.ts'

/** Fee rates are counts of one ten-millionth: "0.00015" is 1,500. */
export const FEE_DECIMALS = 7
export const FEE_SCALE = 10 ** FEE_DECIMALS

/** An asset: its name and the decimals of its smallest unit. */
export interface Asset {
  readonly asset: string
  readonly decimals: number
}

/** An instrument. All bounds are inclusive; absent ones are 0 or the largest safe integer. */
export interface Instrument {
  readonly symbol: string
  /** Handles of the assets. */
  readonly base: number
  readonly quote: number
  /** One tick is `tickUnits` × 10^-`tickDecimals` quote units of price. */
  readonly tickUnits: number
  readonly tickDecimals: number
  /** One lot is `lotUnits` × 10^-`lotDecimals` base units. */
  readonly lotUnits: number
  readonly lotDecimals: number
  /** Quote smallest units of one tick times one lot: notional = priceTicks × qtyLots × this. */
  readonly quotePerTickLot: number
  /** Base smallest units of one lot. */
  readonly basePerLot: number
  /** In ten-millionths; the maker's may be negative (a rebate). */
  readonly makerFeeRate: number
  readonly takerFeeRate: number
  /** The rate a buy holds for: the higher of both, at least 0. */
  readonly holdFeeRate: number
  readonly minQtyLots: number
  readonly maxQtyLots: number
  /** In quote smallest units. */
  readonly minNotional: number
  readonly maxNotional: number
  readonly minPriceTicks: number
  readonly maxPriceTicks: number
  /** 0: none configured. */
  readonly referenceTicks: number
}

/** What a limits command sets: 0 in a scope means "all". */
export interface LimitsChange {
  readonly account: number
  readonly symbol: number
  readonly settings: { readonly [name in LimitName]?: LimitSetting }
}
