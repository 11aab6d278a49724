// The last trades of each symbol, for who asks: bounded, the symbols longest without one out first.

import type { Reports } from '../../protocol/reports.ts'
import { TRADES_KEPT_ALL_MAX, TRADES_KEPT_MAX } from '../bounds.ts'
import { type TradeMessage, tradeAt } from '../trade-message.ts'

export class RecentTrades {
  /** Oldest trade first; symbols in the order of their newest. */
  private readonly bySymbol = new Map<string, TradeMessage[]>()
  private readonly ofSymbolMax: number
  private readonly ofAllMax: number
  private count = 0

  constructor(ofSymbolMax = TRADES_KEPT_MAX, ofAllMax = TRADES_KEPT_ALL_MAX) {
    this.ofSymbolMax = ofSymbolMax
    this.ofAllMax = ofAllMax
  }

  /** Looks at reports, all of them in order. */
  take(reports: Reports): void {
    for (let number = 0; number < reports.length; number += 1) {
      if (reports.isTakersFill(number)) this.add(tradeAt(reports, number))
    }
  }

  /** Keeps a trade, the symbol's newest. */
  add(trade: TradeMessage): void {
    const { symbol } = trade
    const known = this.bySymbol.get(symbol) ?? []
    this.bySymbol.delete(symbol)
    this.bySymbol.set(symbol, known)
    known.push(trade)
    this.count += 1
    // Now and then, so that a trade does not move all the others.
    if (known.length >= this.ofSymbolMax * 2) {
      known.splice(0, known.length - this.ofSymbolMax)
      this.count -= this.ofSymbolMax
    }
    while (this.count > this.ofAllMax) this.forgetOne()
  }

  /** The newest trades of a symbol, at most `limit` of them, oldest first. */
  of(symbol: string, limit: number): readonly TradeMessage[] {
    return (this.bySymbol.get(symbol) ?? []).slice(-Math.min(limit, this.ofSymbolMax))
  }

  private forgetOne(): void {
    const [[symbol, trades]] = this.bySymbol
    this.bySymbol.delete(symbol)
    this.count -= trades.length
  }
}
