// A small market and good commands for it, for the tests of refusals to spoil.

import { createExchange, type Exchange, type Report } from '../../src/index.ts'

export type Json = Record<string, unknown>

/** Runs one command in a round of its own; all its reports. */
export function run(exchange: Exchange, command: unknown): Report[] {
  exchange.submit(command)
  return exchange.run() as Report[]
}

/** Runs commands that must not be refused. */
export function prepare(exchange: Exchange, commands: Json[]): void {
  for (const command of commands) {
    const refusal = run(exchange, command).find((report) => report.execType === 'rejected')
    if (refusal !== undefined) throw new Error(JSON.stringify({ command, refusal }))
  }
}

export const NEW = {
  cmd: 'new',
  account: 'alice',
  symbol: 'NVDA',
  side: 'buy',
  ordType: 'limit',
  price: '100',
  orderQty: '5',
}
export const MARKET = {
  cmd: 'new',
  account: 'alice',
  symbol: 'NVDA',
  side: 'buy',
  ordType: 'market',
  orderQty: '5',
}
export const SELL = { ...NEW, side: 'sell' }
export const REPLACE = {
  cmd: 'replace',
  account: 'alice',
  symbol: 'NVDA',
  origClOrdId: 'a-1',
  price: '100',
  orderQty: '5',
}
export const DEPOSIT = { cmd: 'deposit', account: 'alice', asset: 'USD', amount: '1' }
export const WITHDRAW = { ...DEPOSIT, cmd: 'withdraw' }
export const INSTRUMENT = {
  cmd: 'instrument',
  symbol: 'NVDA',
  base: 'NVDA',
  quote: 'USD',
  tickSize: '0.01',
  lotSize: '1',
}

/**
 * alice has an order a-1 to buy 5 at 100, of which bob filled 2; BOUNDED is an instrument with
 * bounds.
 */
export function world(): Exchange {
  const exchange = createExchange()
  prepare(exchange, [
    { cmd: 'asset', asset: 'USD', decimals: 2 },
    { cmd: 'asset', asset: 'NVDA', decimals: 0 },
    INSTRUMENT,
    {
      ...INSTRUMENT,
      symbol: 'BOUNDED',
      minQty: '3',
      maxQty: '10',
      minPrice: '50',
      maxPrice: '150',
      minNotional: '300',
      maxNotional: '1000',
    },
    { ...INSTRUMENT, symbol: 'WIDE', maxPrice: '1000', maxNotional: '90000000000000' },
    { cmd: 'account', account: 'alice' },
    { cmd: 'account', account: 'bob' },
    { ...DEPOSIT, amount: '10000', transferId: 'd-1' },
    { ...DEPOSIT, account: 'bob', asset: 'NVDA', amount: '100', transferId: 'd-1' },
    { ...NEW, clOrdId: 'a-1' },
    { ...SELL, account: 'bob', orderQty: '2', clOrdId: 'b-1' },
    { cmd: 'limits', priceDeviation: 'off' },
  ])
  return exchange
}
