// How much and how many may ask over NATS.

import { expect, test } from 'vitest'
import {
  QUESTIONS_MS_PER_S,
  QUESTIONS_OF_ACCOUNT_MS_PER_S,
  QUESTIONS_WAITING_MAX,
} from '../../src/gateway/bounds.ts'
import { type Asked, QuestionGuard } from '../../src/gateway/question-guard.ts'

const orders = (account: string) => ({ kind: 'query', account, verb: 'orders' }) as const
const resend = (account: string) => ({ kind: 'resend', account }) as const
const snapshot = { kind: 'snapshot', symbol: 'XUSD' } as const
/** A page of a thousand open orders, in ms. */
const DEAREST_MS = 2.05

/** Asks until it is refused, each answered at once with so many lines; how often that was. */
function askAll(guard: QuestionGuard, account: string, nowMs: number, lines: number): number {
  for (let count = 0; ; count += 1) {
    const asked = guard.begin(orders(account), nowMs)
    if ('code' in asked) return count
    guard.end(asked, lines)
  }
}

test('an account has a part of the time, and what its answers cost counts', () => {
  const guard = new QuestionGuard()
  const dear = Math.floor(QUESTIONS_OF_ACCOUNT_MS_PER_S / DEAREST_MS)
  expect(askAll(guard, 'alice', 5_000, 1_000)).toBe(dear)
  expect(guard.begin(resend('alice'), 5_999)).toMatchObject({ code: 'OVERLOADED', field: 'frame' })
  expect(guard.begin(resend('bob'), 5_999)).toMatchObject({ account: 'bob' })
  expect(guard.begin(snapshot, 5_999)).toMatchObject({ account: '' })
  // In the next second anew; short answers are cheap.
  expect(askAll(guard, 'alice', 6_000, 0)).toBeGreaterThan(dear * 20)
})

test('until they are answered, many at once count for the most they can cost', () => {
  const guard = new QuestionGuard()
  const asked: Asked[] = []
  for (;;) {
    const each = guard.begin(orders('alice'), 5_000)
    if ('code' in each) break
    asked.push(each)
  }
  expect(asked.length).toBe(Math.floor(QUESTIONS_OF_ACCOUNT_MS_PER_S / DEAREST_MS))
  // Answered in a later second, they are no credit there.
  expect(askAll(guard, 'alice', 6_000, 1_000)).toBe(asked.length)
  for (const each of asked) guard.end(each, 0)
  expect(guard.begin(orders('alice'), 6_001)).toMatchObject({ code: 'OVERLOADED' })
})

test('all accounts together have a part of the time too', () => {
  const guard = new QuestionGuard()
  let answered = 0
  for (let account = 0; account < 100; account += 1) {
    answered += askAll(guard, `account-${account}`, 5_000, 1_000)
  }
  expect(answered).toBe(Math.floor(QUESTIONS_MS_PER_S / DEAREST_MS))
  expect(guard.begin(snapshot, 5_500)).toMatchObject({ ms: 0.05 })
  expect(guard.begin(orders('another'), 5_500)).toMatchObject({ code: 'OVERLOADED' })
})

test('who asks for books alone leaves accounts their part', () => {
  const guard = new QuestionGuard()
  let snapshots = 0
  for (;;) {
    const asked = guard.begin(snapshot, 5_000)
    if ('code' in asked) break
    guard.end(asked, 0)
    snapshots += 1
  }
  expect(snapshots).toBe(2_000)
  const dear = Math.floor(QUESTIONS_OF_ACCOUNT_MS_PER_S / DEAREST_MS)
  expect(askAll(guard, 'alice', 5_001, 1_000)).toBe(dear)
  expect(guard.begin(resend('bob'), 5_001)).toMatchObject({ account: 'bob' })
})

test('so many wait at once, and no more', () => {
  const guard = new QuestionGuard()
  const asked: Asked[] = []
  for (let nowMs = 0; asked.length < QUESTIONS_WAITING_MAX; nowMs += 1_000) {
    for (let n = 0; n < 1_000; n += 1) asked.push(guard.begin(snapshot, nowMs) as Asked)
  }
  expect(guard.begin(snapshot, 1e9)).toMatchObject({ code: 'OVERLOADED' })
  guard.end(asked[0], 0)
  expect(guard.begin(snapshot, 1e9)).toMatchObject({ account: '' })
})
