// Commands of a small market that trades: orders that rest and cross, cancels, money in and out,
// submissions sent twice. Any number may come; the books stay small.

import type { Prng } from './prng.ts'

const ACCOUNTS = ['alice', 'bob', 'carol']
const SYMBOL = 'XUSD'

export class Load {
  private readonly random: Prng
  /** Makes the ids of one life other than those of the next. */
  private readonly prefix: string
  private number = 0

  constructor(random: Prng, prefix: string) {
    this.random = random
    this.prefix = prefix
  }

  /** What the market begins with. */
  static scene(): object[] {
    const units = { base: 'X', quote: 'USD', tickSize: '0.01', lotSize: '1', takerFeeRate: '0.001' }
    const scene: object[] = [
      { cmd: 'asset', asset: 'USD', decimals: 2 },
      { cmd: 'asset', asset: 'X', decimals: 0 },
      { cmd: 'instrument', symbol: SYMBOL, ...units },
    ]
    for (const account of ACCOUNTS) {
      const transferId = 'first'
      scene.push({ cmd: 'account', account })
      scene.push({ cmd: 'deposit', account, asset: 'USD', amount: '1000000', transferId })
      scene.push({ cmd: 'deposit', account, asset: 'X', amount: '1000000', transferId: 'x' })
    }
    return scene
  }

  command(): object {
    const { random } = this
    this.number += 1
    const account = random.pick(ACCOUNTS)
    const kind = random.weighted({ order: 70, again: 3, cancel: 15, sweep: 2, move: 10 })
    switch (kind) {
      case 'order':
        return this.order(account, this.number)
      case 'again':
        // The id was used, by this account or another, most often with other content.
        return this.order(account, random.int(1, this.number))
      case 'cancel':
        return { cmd: 'cancel', account, symbol: SYMBOL, origClOrdId: this.id(this.number - 1) }
      case 'sweep':
        return { cmd: 'massCancel', account }
      case 'move':
        return {
          ...{ cmd: 'transfer', account, to: random.pick(ACCOUNTS), asset: 'USD' },
          ...{ amount: `${random.int(1, 5)}.25`, transferId: this.id(this.number) },
        }
    }
  }

  /** One that is refused and costs next to nothing, for filling what has a bound. */
  cheapCommand(): object {
    this.number += 1
    return { cmd: 'cancel', account: ACCOUNTS[0], symbol: SYMBOL, origClOrdId: 'none' }
  }

  private order(account: string, number: number): object {
    const { random } = this
    return {
      ...{ cmd: 'new', account, clOrdId: this.id(number), symbol: SYMBOL, ordType: 'limit' },
      ...{ side: random.pick(['buy', 'sell']), timeInForce: random.pick(['GTC', 'IOC', 'FOK']) },
      ...{ price: `1.0${random.int(0, 9)}`, orderQty: `${random.int(1, 9)}` },
    }
  }

  private id(number: number): string {
    return `${this.prefix}-${number}`
  }
}
