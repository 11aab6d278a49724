// Trades as market data: one message a match, out of its taker's fill.

import { Side, sideOf } from '../protocol/order-flags.ts'
import { formatPrice, formatQty } from '../protocol/report-json.ts'
import { REPORT_WORDS, RP, RPF } from '../protocol/report-log.ts'
import type { Reports } from '../protocol/reports.ts'

/** One match, told once. */
export interface TradeMessage {
  readonly symbol: string
  /** Counts the symbol's trades without a gap: the feed's sequence number. */
  readonly tradeId: string
  readonly seq: number
  readonly price: string
  readonly qty: string
  /** The taker's side. */
  readonly side: 'buy' | 'sell'
  readonly transactTime?: string
}

/** The match that report `number`, a taker's fill, tells of. */
export function tradeAt({ log, names }: Reports, number: number): TradeMessage {
  const { i32, f64 } = log
  const word = number * REPORT_WORDS
  const f = word >> 1
  const instrument = names.instrumentOf(i32[word + RP.symbol])
  const nowMs = f64[f + RPF.nowMs]
  return {
    symbol: instrument.symbol,
    tradeId: String(f64[f + RPF.tradeId]),
    seq: f64[f + RPF.seq],
    price: formatPrice(f64[f + RPF.lastTicks], instrument),
    qty: formatQty(f64[f + RPF.lastLots], instrument),
    side: sideOf(i32[word + RP.flags]) === Side.buy ? 'buy' : 'sell',
    ...(nowMs !== 0 && { transactTime: new Date(nowMs).toISOString() }),
  }
}
