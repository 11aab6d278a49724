// Who trades in the scenarios of trouble.

import type { HttpTrader } from '../../test/support/http-traders.ts'
import type { HttpTarget } from '../target.ts'

/** Symbols of the market that is traded in, `S0` on. */
const SYMBOLS = 8

/** So many of the market's traders, from the first on, or the one of that name. */
export function tradersOf(target: HttpTarget, count: number, name?: string): Promise<HttpTrader[]> {
  const traders = Array.from({ length: count }, async (_, n) => {
    const account = name ?? `trader-${n * 2}`
    const number = Number(account.slice('trader-'.length)) >> 1
    const token = await target.token(account)
    return { account, token, symbol: `S${number % SYMBOLS}` }
  })
  return Promise.all(traders)
}
