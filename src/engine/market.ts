// What every account actor knows of the market: instruments, assets, the clock, halts, last prices.
//
// Each shard of accounts has a copy; all copies apply the same administrative commands in seq
// order, and get the books' last trades at the end of each round.

import type { Asset, Instrument } from '../protocol/instrument.ts'

const DAY_MS = 86_400_000

/** Doubles of an instrument's terms: what each order needs of it, side by side in memory. */
export const TERMS = 16
export const TM = {
  base: 0,
  quote: 1,
  quotePerTickLot: 2,
  basePerLot: 3,
  makerFeeRate: 4,
  takerFeeRate: 5,
  holdFeeRate: 6,
  minQtyLots: 7,
  maxQtyLots: 8,
  minNotional: 9,
  maxNotional: 10,
  minPriceTicks: 11,
  maxPriceTicks: 12,
} as const

export class Market {
  /** By handle; 0 is no instrument. */
  readonly instruments: (Instrument | undefined)[] = [undefined]
  readonly assets: (Asset | undefined)[] = [undefined]
  /** By symbol, {@link TERMS} doubles each: the instruments' numbers, by {@link TM}. */
  terms = new Float64Array(64 * TERMS)
  /** By symbol: 1 while halted. */
  halted = new Uint8Array(64)
  /** By symbol: last trade of an earlier round, else the configured price, else 0. */
  referenceTicks = new Float64Array(64)
  /** The clock in ms since 1970; 0 until it is first set. */
  nowMs = 0
  /** The kill switch for all accounts. */
  killed = false

  /** Adds an instrument under its handle. */
  addInstrument(symbol: number, instrument: Instrument): void {
    this.instruments[symbol] = instrument
    if (symbol >= this.halted.length) {
      const halted = new Uint8Array(this.halted.length * 2)
      const referenceTicks = new Float64Array(halted.length)
      const terms = new Float64Array(halted.length * TERMS)
      terms.set(this.terms)
      this.terms = terms
      halted.set(this.halted)
      referenceTicks.set(this.referenceTicks)
      this.halted = halted
      this.referenceTicks = referenceTicks
    }
    this.referenceTicks[symbol] = instrument.referenceTicks
    for (const [name, at] of Object.entries(TM) as [keyof typeof TM, number][]) {
      this.terms[symbol * TERMS + at] = instrument[name]
    }
  }

  /** The trading day: days since 1970, starting at 00:00 UTC. */
  get day(): number {
    return Math.floor(this.nowMs / DAY_MS)
  }
}
