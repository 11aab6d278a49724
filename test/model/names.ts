// What has been defined: assets, instruments and accounts, in the order they came.

import type { Decimal } from './numbers.ts'

export type Asset = { name: string; decimals: number }

export type Instrument = {
  symbol: string
  base: Asset
  quote: Asset
  tickSize: Decimal
  lotSize: Decimal
  /** Rates in ten-millionths. */
  makerRate: bigint
  takerRate: bigint
  minQty: bigint | null
  maxQty: bigint | null
  minNotional: bigint | null
  maxNotional: bigint | null
  minPrice: bigint | null
  maxPrice: bigint | null
  referencePrice: bigint | null
  /** One tick times one lot in the quote's smallest unit. */
  M: bigint
  /** One lot in the base's smallest unit. */
  B: bigint
}

export class Names {
  readonly assets = new Map<string, Asset>()
  readonly instruments = new Map<string, Instrument>()
  readonly accounts = new Set<string>()
}

/** The same content gives the same text, whatever the notation it came in. */
export function definitionText(instrument: Instrument): string {
  return JSON.stringify(instrument, (_key, value) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
}
