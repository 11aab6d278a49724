// The rate limits of the HTTP gateway: how many orders, and how many requests, an account may send,
// and all of them together.

import type { Throttle } from '../principal.ts'
import { RedisLink } from './redis-link.ts'
import { type Rate, Window } from './window.ts'

export type { Rate } from './window.ts'

/** One kind of limit: for each account, and for all together; what is left out has none. */
export interface Rates {
  readonly perAccount?: Rate
  readonly total?: Rate
}

export interface LimitOptions {
  /** Shared by all gateways that name the same one; without it, each counts for itself. */
  readonly redisUrl?: string | undefined
  /** New and replaced orders; a batch costs as many as it has. Cancels are not charged. */
  readonly orders?: Rates
  /** Requests of any kind but cancels. */
  readonly requests?: Rates
  /** Hears when Redis comes and goes, and why, for the log. */
  readonly onRedis?: (isThere: boolean, why: string) => void
}

export class Limits {
  /** Charges orders. */
  readonly orders: Throttle
  /** Charges requests. */
  readonly requests: Throttle
  private readonly link: RedisLink | undefined

  /** Begins to connect, and does not wait: until Redis is there, this process counts alone. */
  constructor({ redisUrl, orders = {}, requests = {}, onRedis = () => {} }: LimitOptions) {
    this.link = redisUrl === undefined ? undefined : new RedisLink(redisUrl, onRedis)
    this.orders = throttle('orders', orders, this.link)
    this.requests = throttle('requests', requests, this.link)
  }

  /** Whether a Redis was named that is not there: the limits hold in each process by itself. */
  get isDegraded(): boolean {
    return this.link !== undefined && !this.link.isThere
  }

  /** Ends the connection to Redis; the limits go on in the process. */
  close(): void {
    this.link?.close()
  }
}

function throttle(name: string, rates: Rates, link: RedisLink | undefined): Throttle {
  const window = (of: string, rate: Rate | undefined) =>
    rate && new Window(`${name}:${of}`, rate, link)
  const perAccount = window('account', rates.perAccount)
  const total = window('total', rates.total)
  return async (account, cost) => {
    if (cost === 0) return undefined
    // The account first: one that asks too much takes nothing from what all have together.
    const own = await perAccount?.charge(account, cost)
    if (own?.kind === 'refused') return { retryAfterMs: own.retryAfterMs }
    const all = await total?.charge('all', cost)
    if (all?.kind !== 'refused') return undefined
    await own?.giveBack()
    return { retryAfterMs: all.retryAfterMs }
  }
}
