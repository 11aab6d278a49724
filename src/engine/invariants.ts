// What must hold between rounds, checked over the whole state: for tests and benchmarks.

import { assert } from '../lib/assert.ts'
import type { Instrument } from '../protocol/instrument.ts'
import { Side } from '../protocol/order-flags.ts'
import { EXTERNAL } from './account/account-store.ts'
import { needOf } from './account/fees.ts'
import {
  BA,
  BAF,
  BALANCE_WORDS,
  OR,
  ORDER_WORDS,
  ORF,
  PO,
  POSITION_WORDS,
} from './account/records.ts'
import type { Engine } from './engine.ts'

/**
 * Checks what must hold between rounds: holds equal what open orders need, books and accounts
 * agree.
 */
export function checkState(engine: Engine): void {
  const { accounts: store } = engine
  const { orders, positions, balances, market } = store
  const held = new Float64Array(balances.top + 1)
  const seen = new Set<number>()
  for (const [symbol, book] of engine.books.entries()) {
    if (book === undefined) continue
    const { bestBidTicks, bestAskTicks } = book
    assert(
      bestBidTicks === 0 || bestAskTicks === 0 || bestBidTicks < bestAskTicks,
      'no crossed book',
    )
    const { quotePerTickLot, basePerLot, holdFeeRate } = market.instruments[symbol] as Instrument
    for (const side of [Side.buy, Side.sell]) {
      const totals = new Map<number, number>()
      for (const order of book.resting(side)) {
        const o = order.tag * ORDER_WORDS
        assert(orders.f64[(o >> 1) + ORF.orderId] === order.orderId, 'the tag is the order')
        assert(
          orders.f64[(o >> 1) + ORF.leaves] === order.leavesLots,
          'book and account agree on leaves',
        )
        assert(store.cumOf(order.tag) === order.cumLots, 'book and account agree on fills')
        assert(
          orders.f64[(o >> 1) + ORF.priceTicks] === order.priceTicks,
          'they agree on the price',
        )
        totals.set(order.priceTicks, (totals.get(order.priceTicks) ?? 0) + order.leavesLots)
        seen.add(order.tag)
        const p = orders.i32[o + OR.position] * POSITION_WORDS
        const notional = order.priceTicks * order.leavesLots * quotePerTickLot
        const carry = store.carryOf(order.tag)
        if (side === Side.buy)
          held[positions.i32[p + PO.quoteBalance]] += needOf(notional, holdFeeRate, carry)
        else held[positions.i32[p + PO.baseBalance]] += order.leavesLots * basePerLot
      }
      for (const level of book.depth(side, Number.POSITIVE_INFINITY)) {
        assert(
          totals.get(level.priceTicks) === level.qtyLots,
          'a level has the total of its orders',
        )
      }
    }
  }
  assert(seen.size === orders.count, 'every open order rests in a book')
  const sums = new Map<number, number>()
  for (let balance = 1; balance <= balances.top; balance += 1) {
    const f = balance * (BALANCE_WORDS >> 1)
    const account = balances.i32[balance * BALANCE_WORDS + BA.account]
    const asset = balances.i32[balance * BALANCE_WORDS + BA.asset]
    const available = balances.f64[f + BAF.available]
    assert(account === EXTERNAL || available >= 0, 'available is never negative')
    assert(balances.f64[f + BAF.held] === held[balance], 'held is what open orders need')
    sums.set(asset, (sums.get(asset) ?? 0) + available + held[balance])
  }
  for (const sum of sums.values()) assert(sum === 0, 'money is conserved')
}
