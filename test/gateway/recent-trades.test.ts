// Trades that are kept for who asks: the newest of each symbol, bounded in all.

import { expect, test } from 'vitest'
import { RecentTrades } from '../../src/gateway/http/recent-trades.ts'
import type { Report } from '../../src/protocol/report-json.ts'

const fill = (symbol: string, id: number, more: Partial<Report> = {}): Report => ({
  ...{ execType: 'trade', symbol, seq: id, tradeId: String(id), side: 'buy', aggressor: true },
  ...{ lastPx: '1', lastQty: '2' },
  ...more,
})
const ids = (trades: RecentTrades, symbol: string, limit = 1_000) =>
  trades.of(symbol, limit).map(({ tradeId }) => Number(tradeId))

test('one a match, the newest last', () => {
  const trades = new RecentTrades()
  trades.observe(fill('A', 1))
  trades.observe(fill('A', 1, { aggressor: false }))
  trades.observe(fill('A', 2, { execType: 'canceled' }))
  trades.observe({ execType: 'accepted', cmd: 'deposit' })
  trades.observe(fill('A', 2))
  expect(trades.of('A', 10)).toMatchObject([
    { symbol: 'A', tradeId: '1', seq: 1, price: '1', qty: '2', side: 'buy' },
    { tradeId: '2' },
  ])
  expect([ids(trades, 'A', 1), ids(trades, 'B')]).toEqual([[2], []])
})

test('so many of a symbol, and of all: who has traded last stays', () => {
  const trades = new RecentTrades(3, 9)
  const counts = () => ['A', 'B', 'C'].map((symbol) => ids(trades, symbol).length)
  for (let id = 1; id <= 20; id += 1) {
    trades.observe(fill('A', id))
    expect(ids(trades, 'A')).toEqual([id - 2, id - 1, id].filter((each) => each > 0))
  }
  // Up to twice as many are held of a symbol; with these, nine in all.
  for (const symbol of ['B', 'C']) {
    for (let id = 1; id <= 2; id += 1) trades.observe(fill(symbol, id))
  }
  expect(counts()).toEqual([3, 2, 2])
  trades.observe(fill('C', 3))
  expect(counts()).toEqual([0, 2, 3])
})
