// What is traded at Onefill, by whom, and what is there when all is over.

import { assert } from '../../src/lib/assert.ts'
import { type Audit, PRICE } from './way.ts'

/** The commands that make what is traded. */
export const MARKET = [
  { cmd: 'asset', asset: 'USD', decimals: 0 },
  { cmd: 'asset', asset: 'X', decimals: 0 },
  { cmd: 'instrument', symbol: 'X', base: 'X', quote: 'USD', tickSize: '1', lotSize: '1' },
  // A thousand of the same are meant here.
  { cmd: 'limits', maxOpenOrders: 'off', maxOrdersPerSecond: 'off', duplicateWindowMs: 'off' },
]
/** An order for one, at {@link PRICE}. */
export const orderOf = (clOrdId: string) => ({
  ...{ clOrdId, symbol: 'X', side: 'buy', ordType: 'limit', price: String(PRICE) },
  ...{ orderQty: '1', timeInForce: 'GTC' },
})

/** Accounts of a run, by number; nobody has had the name before. */
export class Accounts {
  private run = 0
  private count = 0

  /** The commands that make them. */
  prepare(accounts: number, money: number): object[] {
    this.run += 1
    this.count = accounts
    const amount = { asset: 'USD', amount: String(money), transferId: 'start' }
    return Array.from({ length: accounts }, (_, n) => this.nameOf(n)).flatMap((account) => [
      { cmd: 'account', account },
      { cmd: 'deposit', account, ...amount },
    ])
  }

  nameOf(account: number): string {
    return `r${this.run}-${account}`
  }

  async audit(balances: (account: string) => Promise<Balance[]>): Promise<Audit> {
    let [available, least, orders] = [0, Number.POSITIVE_INFINITY, 0]
    for (let n = 0; n < this.count; n += 1) {
      const of = (await balances(this.nameOf(n))).find(({ asset }) => asset === 'USD')
      const left = Number(of?.available ?? 0)
      available += left
      least = Math.min(least, left)
      // Orders rest: each holds its price.
      orders += Number(of?.held ?? 0) / PRICE
    }
    return { available, least, orders }
  }
}

export interface Balance {
  readonly asset: string
  readonly available: string
  readonly held: string
}

/** Whether an order rests, by its first report; it may be refused for nothing but money. */
export function isAccepted({ execType, code }: { execType?: string; code?: string }): boolean {
  const isRefused = execType === 'rejected' && code === 'INSUFFICIENT_FUNDS'
  assert(execType === 'new' || isRefused, `it is accepted or lacks the money: ${execType} ${code}`)
  return !isRefused
}
