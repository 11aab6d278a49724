// Orders with a replace on its way to the book: until it is settled, either version may fill.
//
// The order's hold covers the dearest way its versions could fill together (docs/semantics.md,
// "Replace and holds in one round"). It never shrinks in the hold phase.

import * as orderFlags from '../../protocol/order-flags.ts'
import * as marketForms from '../market.ts'
import type { AccountStore } from './account-store.ts'
import { needOf } from './fees.ts'
import * as records from './records.ts'

// V8 folds constants only in the module that declares them: docs/decisions/0007.
const { Flag } = orderFlags
const { TERMS, TM } = marketForms
const { IF, IFF, IN_FLIGHT_WORDS, OR, ORDER_WORDS, ORF } = records

const IN_FLIGHT_DOUBLES = IN_FLIGHT_WORDS >> 1

/** What one more replace would make of an order's hold. One object, overwritten by each call. */
export interface Raised {
  /**
   * What the hold would be: quote units of a buy, lots of a sell; and by how much it is more than
   * now.
   */
  reserved: number
  more: number
  /** The lots that would count as open, and by how many they are more than now. */
  lots: number
  moreLots: number
  lotsMax: number
  ticksMax: number
}
const raised: Raised = { reserved: 0, more: 0, lots: 0, moreLots: 0, lotsMax: 0, ticksMax: 0 }

/**
 * What the hold of `order` must become before a version with `remainder` lots at `ticks` may go to
 * the book.
 */
export function raiseReplace(
  store: AccountStore,
  order: number,
  symbol: number,
  ticks: number,
  remainder: number,
): Raised {
  const { i32, f64 } = store.orders
  const f = order * (ORDER_WORDS >> 1)
  const sell = (i32[order * ORDER_WORDS + OR.flags] & Flag.sell) !== 0
  const leaves = f64[f + ORF.leaves]
  const isFirst = leaves >= 0
  const v = isFirst ? 0 : -leaves * IN_FLIGHT_DOUBLES
  const versions = store.inFlight.f64
  const lotsBefore = isFirst ? leaves : versions[v + IFF.lots]
  const lotsMax = Math.max(remainder, isFirst ? leaves : versions[v + IFF.lotsMax])
  const ticksBefore = f64[f + ORF.priceTicks]
  const ticksMax = Math.max(ticks, isFirst ? ticksBefore : versions[v + IFF.ticksMax])
  raised.lots = Math.max(lotsBefore, remainder)
  raised.moreLots = raised.lots - lotsBefore
  raised.lotsMax = lotsMax
  raised.ticksMax = ticksMax
  if (sell) {
    raised.reserved = raised.lots
    raised.more = raised.moreLots
    return raised
  }
  const { terms } = store.market
  const perLotTick = terms[symbol * TERMS + TM.quotePerTickLot]
  const rate = terms[symbol * TERMS + TM.holdFeeRate]
  const carry = store.carryOf(order)
  const before = isFirst ? store.needOfOrder(order, leaves) : versions[v + IFF.reserved]
  let notional = lotsMax * ticksMax * perLotTick
  if (isFirst) {
    const both = (leaves * ticksBefore + Math.max(0, remainder - leaves) * ticks) * perLotTick
    notional = Math.max(remainder * ticks * perLotTick, both)
  }
  raised.reserved = Math.max(before, needOf(notional, rate, carry))
  raised.more = raised.reserved - before
  return raised
}

/**
 * Counts one more replace of `order` in flight, holding what {@link raiseReplace} said. Returns its
 * record.
 */
export function openReplace(
  store: AccountStore,
  order: number,
  by: Raised,
  lastTicks: number,
  lastQty: number,
): number {
  const of = order * (ORDER_WORDS >> 1) + ORF.leaves
  const leaves = store.orders.f64[of]
  let record = -leaves
  if (leaves >= 0) {
    record = store.inFlight.reuse()
    store.inFlight.f64[record * IN_FLIGHT_DOUBLES + IFF.leaves] = leaves
    store.inFlight.i32[record * IN_FLIGHT_WORDS + IF.order] = order
    store.inFlight.i32[record * IN_FLIGHT_WORDS + IF.count] = 0
    store.orders.f64[of] = -record
  }
  const { i32, f64 } = store.inFlight
  const v = record * IN_FLIGHT_DOUBLES
  i32[record * IN_FLIGHT_WORDS + IF.count] += 1
  f64[v + IFF.reserved] = by.reserved
  f64[v + IFF.lots] = by.lots
  f64[v + IFF.lotsMax] = by.lotsMax
  f64[v + IFF.ticksMax] = by.ticksMax
  f64[v + IFF.lastTicks] = lastTicks
  f64[v + IFF.lastQty] = lastQty
  return record
}
