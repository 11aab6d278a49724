// One limit: so many points each window, by key; counted in Redis while it is there, so that
// several gateways share it, and in this process while it is not.
//
// rate-limiter-flexible can fall back by itself (its insuranceLimiter), but then it keeps to itself
// that it did: it would ask a Redis that hangs for every order, and /readyz could say nothing.

import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { assert } from '../../../lib/assert.ts'
import { BATCH_COMMANDS_MAX } from '../../bounds.ts'
import type { RedisLink } from './redis-link.ts'
import { CHARGE_SCRIPT, isFull } from './redis-script.ts'

/** So many points each so many seconds. */
export interface Rate {
  /** 1 to 1,000,000,000. */
  readonly points: number
  /** 1 to 60; whole, as Redis counts them here. */
  readonly seconds: number
}

/** What came of a charge: taken, with a way to give it back; or how long to wait, in ms. */
export type Charge =
  | { readonly kind: 'taken'; readonly giveBack: () => Promise<void> }
  | { readonly kind: 'refused'; readonly retryAfterMs: number }

/** Keys whose windows are known to be used up. One more: all are forgotten, and asked for again. */
const FULL_KEYS_MAX = 100_000

export class Window {
  private readonly rate: Rate
  private readonly link: RedisLink | undefined
  private readonly shared: RateLimiterRedis | undefined
  private readonly own: RateLimiterMemory
  /** Until when, by the clock that no one sets: nothing passes before, so Redis is not asked. */
  private readonly fullUntil = new Map<string, number>()

  constructor(name: string, rate: Rate, link: RedisLink | undefined) {
    const { points, seconds } = rate
    assert(Number.isInteger(points) && points >= 1 && points <= 1e9, `${name}: points of a limit`)
    assert(
      Number.isInteger(seconds) && seconds >= 1 && seconds <= 60,
      `${name}: seconds of a limit`,
    )
    const options = { points, duration: seconds, keyPrefix: `onefill:limit:${name}` }
    this.rate = rate
    this.link = link
    this.own = new RateLimiterMemory(options)
    this.shared =
      link &&
      new RateLimiterRedis({
        ...options,
        storeClient: link.client,
        customIncrTtlLuaScript: CHARGE_SCRIPT,
      })
  }

  /**
   * Takes `cost` points, 1 to 1,000, or none of them. A cost above the rate's points needs a window
   * of its own, which then lasts as many times longer: in the mean the rate holds.
   */
  async charge(key: string, cost: number): Promise<Charge> {
    const isCost = Number.isInteger(cost) && cost >= 1 && cost <= BATCH_COMMANDS_MAX
    assert(isCost, `a cost is 1 to ${BATCH_COMMANDS_MAX}`)
    const fullMs = (this.fullUntil.get(key) ?? 0) - performance.now()
    if (fullMs > 0) return { kind: 'refused', retryAfterMs: fullMs }
    this.fullUntil.delete(key)
    const { points, seconds } = this.rate
    const taken = Math.min(cost, points)
    const customDuration = seconds * Math.ceil(cost / points)
    const { shared, link } = this
    if (shared !== undefined && link?.isUsable) {
      try {
        await shared.consume(key, taken, { customDuration })
        link.noteSuccess()
        return { kind: 'taken', giveBack: () => this.giveBackShared(shared, link, key, taken) }
      } catch (result) {
        if (result instanceof RateLimiterRes) {
          link.noteSuccess()
          return this.refused(key, result)
        }
        // Redis is away, not the limit reached: counted here instead.
        link.noteFailure(result as Error)
      }
    }
    return await this.chargeOwn(key, taken, customDuration)
  }

  private async chargeOwn(key: string, cost: number, customDuration: number): Promise<Charge> {
    const { points } = this.rate
    // Looked at first: `consume` would count what it refuses.
    const before = await this.own.get(key)
    const count = before === null || before.msBeforeNext <= 0 ? 0 : before.consumedPoints
    if (before !== null && count + cost > points) {
      return { kind: 'refused', retryAfterMs: before.msBeforeNext }
    }
    try {
      await this.own.consume(key, cost, { customDuration })
      return { kind: 'taken', giveBack: () => this.giveBackOwn(key, cost) }
    } catch (result) {
      // Others came in between.
      if (!(result instanceof RateLimiterRes)) throw result
      return { kind: 'refused', retryAfterMs: result.msBeforeNext }
    }
  }

  private refused(key: string, { consumedPoints, msBeforeNext }: RateLimiterRes): Charge {
    if (isFull(consumedPoints, this.rate.points)) {
      if (this.fullUntil.size >= FULL_KEYS_MAX) this.fullUntil.clear()
      this.fullUntil.set(key, performance.now() + msBeforeNext)
    }
    return { kind: 'refused', retryAfterMs: msBeforeNext }
  }

  private async giveBackShared(
    shared: RateLimiterRedis,
    link: RedisLink,
    key: string,
    cost: number,
  ): Promise<void> {
    // Lost, at worst, with the Redis that counted it.
    await shared.reward(key, cost).catch((error: Error) => link.noteFailure(error))
  }

  private async giveBackOwn(key: string, cost: number): Promise<void> {
    // Of a window that is over there is nothing to give back to.
    const now = await this.own.get(key)
    if (now !== null && now.msBeforeNext > 0) await this.own.reward(key, cost)
  }
}
