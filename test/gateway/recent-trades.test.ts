// Trades that are kept for who asks: the newest of each symbol, bounded in all.

import { expect, test } from 'vitest'
import { RecentTrades } from '../../src/gateway/http/recent-trades.ts'
import type { TradeMessage } from '../../src/gateway/trade-message.ts'
import { createExchange } from '../../src/index.ts'
import { SCENE } from './exchange-support.ts'

const trade = (symbol: string, id: number): TradeMessage => ({
  ...{ symbol, seq: id, tradeId: String(id), side: 'buy', price: '1', qty: '2' },
})
const ids = (trades: RecentTrades, symbol: string, limit = 1_000) =>
  trades.of(symbol, limit).map(({ tradeId }) => Number(tradeId))

test('one a match, the newest last', () => {
  const exchange = createExchange()
  const trades = new RecentTrades()
  const play = (commands: object[]) => {
    for (const command of commands) expect(exchange.offer(command)).toBeTypeOf('number')
    trades.take(exchange.pumpReports().reports)
  }
  play(SCENE)
  const order = { cmd: 'new', symbol: 'XUSD', ordType: 'limit', price: '1', orderQty: '2' }
  for (const n of [1, 2]) {
    play([
      { ...order, account: 'alice', clOrdId: `a-${n}`, side: 'sell' },
      { ...order, account: 'bob', clOrdId: `b-${n}`, side: 'buy' },
    ])
  }
  expect(trades.of('XUSD', 10)).toMatchObject([
    { symbol: 'XUSD', tradeId: '1', price: '1', qty: '2', side: 'buy' },
    { tradeId: '2' },
  ])
  expect([ids(trades, 'XUSD', 1), ids(trades, 'B')]).toEqual([[2], []])
})

test('so many of a symbol, and of all: who has traded last stays', () => {
  const trades = new RecentTrades(3, 9)
  const counts = () => ['A', 'B', 'C'].map((symbol) => ids(trades, symbol).length)
  for (let id = 1; id <= 20; id += 1) {
    trades.add(trade('A', id))
    expect(ids(trades, 'A')).toEqual([id - 2, id - 1, id].filter((each) => each > 0))
  }
  // Up to twice as many are held of a symbol; with these, nine in all.
  for (const symbol of ['B', 'C']) {
    for (let id = 1; id <= 2; id += 1) trades.add(trade(symbol, id))
  }
  expect(counts()).toEqual([3, 2, 2])
  trades.add(trade('C', 3))
  expect(counts()).toEqual([0, 2, 3])
})
