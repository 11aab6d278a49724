// What every account actor knows of the market: instruments, assets, the clock, halts, last prices.
//
// Each shard of accounts has a copy; all copies apply the same administrative commands in seq order, and
// get the books' last trades at the end of each round.

import type { Asset, Instrument } from '../protocol/instrument.ts'

const DAY_MS = 86_400_000

export class Market {
  /** By handle; 0 is no instrument. */
  readonly instruments: (Instrument | undefined)[] = [undefined]
  readonly assets: (Asset | undefined)[] = [undefined]
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
      halted.set(this.halted)
      referenceTicks.set(this.referenceTicks)
      this.halted = halted
      this.referenceTicks = referenceTicks
    }
    this.referenceTicks[symbol] = instrument.referenceTicks
  }

  instrument(symbol: number): Instrument {
    return this.instruments[symbol] as Instrument
  }

  /** The trading day: days since 1970, starting at 00:00 UTC. */
  get day(): number {
    return Math.floor(this.nowMs / DAY_MS)
  }
}
