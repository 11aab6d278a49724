// An instrument as the command that defines it: integers back to decimals.

import { INTEGER_MAX } from './bounds.ts'
import { formatUnits } from './decimal.ts'
import type { Directory } from './directory.ts'
import { FEE_DECIMALS, type Instrument } from './instrument.ts'
import { formatPrice, formatQty } from './report-json.ts'

/** The fields of an `instrument` command; bounds that were not given are left out. */
export interface InstrumentFields {
  symbol: string
  base: string
  quote: string
  tickSize: string
  lotSize: string
  makerFeeRate: string
  takerFeeRate: string
  minQty?: string
  maxQty?: string
  minNotional?: string
  maxNotional?: string
  minPrice?: string
  maxPrice?: string
  referencePrice?: string
}

/** All instruments there are at `seq`. */
export interface InstrumentsAnswer {
  query: 'instruments'
  seq: number
  instruments: InstrumentFields[]
}

/** What would define the instrument; `names` must know its assets. */
export function instrumentFields(of: Instrument, names: Directory): InstrumentFields {
  const quote = names.assetOf(of.quote)
  const notional = (units: number) => formatUnits(units, quote.decimals)
  const price = (ticks: number) => formatPrice(ticks, of)
  const qty = (lots: number) => formatQty(lots, of)
  /** A bound that was given: one that was not is `absent`. */
  const bound = (field: string, value: number, absent: number, format: typeof notional) =>
    value === absent ? {} : { [field]: format(value) }
  return {
    symbol: of.symbol,
    base: names.assetOf(of.base).asset,
    quote: quote.asset,
    tickSize: formatUnits(of.tickUnits, of.tickDecimals),
    lotSize: formatUnits(of.lotUnits, of.lotDecimals),
    makerFeeRate: formatUnits(of.makerFeeRate, FEE_DECIMALS),
    takerFeeRate: formatUnits(of.takerFeeRate, FEE_DECIMALS),
    ...bound('minQty', of.minQtyLots, 0, qty),
    ...bound('maxQty', of.maxQtyLots, INTEGER_MAX, qty),
    ...bound('minNotional', of.minNotional, 0, notional),
    ...bound('maxNotional', of.maxNotional, INTEGER_MAX, notional),
    ...bound('minPrice', of.minPriceTicks, 0, price),
    ...bound('maxPrice', of.maxPriceTicks, INTEGER_MAX, price),
    ...bound('referencePrice', of.referenceTicks, 0, price),
  }
}
