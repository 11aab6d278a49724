// Rate limits in the process: what passes, what does not, when it may come again.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type LimitOptions, Limits } from '../../src/gateway/http/limits/limits.ts'
import { retryAfterHeader } from '../../src/gateway/http/problem.ts'

beforeEach(() => {
  const toFake = ['Date', 'performance', 'setTimeout', 'clearTimeout'] as const
  vi.useFakeTimers({ toFake: [...toFake], now: 1_795_000_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

const PASSES = undefined
const perAccount = (points: number, seconds = 1): LimitOptions => ({
  orders: { perAccount: { points, seconds } },
})

test('so many a window, each account by itself', async () => {
  const limits = new Limits(perAccount(3))
  for (let n = 0; n < 3; n += 1) expect(await limits.orders('alice', 1)).toBe(PASSES)
  vi.advanceTimersByTime(400)
  expect(await limits.orders('alice', 1)).toEqual({ retryAfterMs: 600 })
  expect(await limits.orders('bob', 1)).toBe(PASSES)
  // What is refused makes the wait no longer.
  vi.advanceTimersByTime(599)
  expect(await limits.orders('alice', 1)).toEqual({ retryAfterMs: 1 })
  vi.advanceTimersByTime(1)
  expect(await limits.orders('alice', 1)).toBe(PASSES)
  expect(limits.isDegraded).toBe(false)
})

test('a thousand at once: as many as there are points', async () => {
  const limits = new Limits(perAccount(10))
  const answers = await Promise.all(Array.from({ length: 1_000 }, () => limits.orders('alice', 1)))
  expect(answers.filter((answer) => answer === PASSES)).toHaveLength(10)
})

test('a batch costs its orders; one that does not fit takes nothing', async () => {
  const limits = new Limits(perAccount(10))
  expect(await limits.orders('alice', 7)).toBe(PASSES)
  expect(await limits.orders('alice', 4)).toEqual({ retryAfterMs: 1_000 })
  expect(await limits.orders('alice', 3)).toBe(PASSES)
  expect(await limits.orders('alice', 1)).toEqual({ retryAfterMs: 1_000 })
  // Nothing to charge for: a batch of cancels.
  expect(await limits.orders('alice', 0)).toBe(PASSES)
})

test('a batch above the points: alone in its window, which lasts as long as due', async () => {
  const limits = new Limits(perAccount(10))
  expect(await limits.orders('alice', 1)).toBe(PASSES)
  expect(await limits.orders('alice', 25)).toEqual({ retryAfterMs: 1_000 })
  vi.advanceTimersByTime(1_000)
  expect(await limits.orders('alice', 25)).toBe(PASSES)
  expect(await limits.orders('alice', 1)).toEqual({ retryAfterMs: 3_000 })
  vi.advanceTimersByTime(2_999)
  expect(await limits.orders('alice', 1)).toEqual({ retryAfterMs: 1 })
  vi.advanceTimersByTime(1)
  expect(await limits.orders('alice', 1)).toBe(PASSES)
})

test('all together: who asks too much takes nothing from the others', async () => {
  const total = { points: 12, seconds: 10 }
  const limits = new Limits({ orders: { perAccount: { points: 5, seconds: 1 }, total } })
  for (let n = 0; n < 5; n += 1) expect(await limits.orders('eve', 1)).toBe(PASSES)
  for (let n = 0; n < 500; n += 1) {
    expect(await limits.orders('eve', 1)).toEqual({ retryAfterMs: 1_000 })
  }
  expect(await limits.orders('alice', 5)).toBe(PASSES)
  // Two are left of all; what all refuse, the account keeps.
  expect(await limits.orders('bob', 4)).toEqual({ retryAfterMs: 10_000 })
  expect(await limits.orders('bob', 2)).toBe(PASSES)
  expect(await limits.orders('carol', 1)).toEqual({ retryAfterMs: 10_000 })
  vi.advanceTimersByTime(10_000)
  expect(await limits.orders('bob', 5)).toBe(PASSES)
})

test('orders and requests are counted apart; what has no limit passes', async () => {
  const requests = { perAccount: { points: 1, seconds: 60 } }
  const limits = new Limits({ ...perAccount(2), requests })
  expect(await limits.requests('alice', 1)).toBe(PASSES)
  expect(await limits.requests('alice', 1)).toEqual({ retryAfterMs: 60_000 })
  expect(await limits.orders('alice', 2)).toBe(PASSES)
  const none = new Limits({})
  for (let n = 0; n < 100; n += 1) expect(await none.orders('alice', 1_000)).toBe(PASSES)
})

test('windows that are over leave nothing behind', async () => {
  const limits = new Limits(perAccount(1))
  for (let n = 0; n < 1_000; n += 1) await limits.orders(`a${n}`, 1)
  expect(vi.getTimerCount()).toBe(1_000)
  vi.advanceTimersByTime(1_000)
  expect(vi.getTimerCount()).toBe(0)
})

test('Retry-After is in whole seconds, never too soon', () => {
  expect([0, 1, 999, 1_000, 1_001, 59_001].map(retryAfterHeader)).toEqual([
    ...['1', '1', '1', '1', '2', '60'],
  ])
})

test('what cannot be is a fault', async () => {
  for (const cost of [-1, 0.5, Number.NaN, 1_001]) {
    await expect(new Limits(perAccount(1)).orders('alice', cost)).rejects.toThrow('a cost is 1 to')
  }
  for (const points of [0, 1.5, 2e9]) expect(() => new Limits(perAccount(points))).toThrow('points')
  for (const seconds of [0, 0.5, 61])
    expect(() => new Limits(perAccount(1, seconds))).toThrow('sec')
})
