// How often and how many may ask over NATS.

import { expect, test } from 'vitest'
import { QUESTIONS_OF_ACCOUNT_PER_S, QUESTIONS_WAITING_MAX } from '../../src/gateway/bounds.ts'
import { QuestionGuard } from '../../src/gateway/question-guard.ts'

const query = (account: string) => ({ kind: 'query', account, verb: 'balances' }) as const
const resend = (account: string) => ({ kind: 'resend', account }) as const
const snapshot = { kind: 'snapshot', symbol: 'XUSD' } as const

test('an account asks so often in a second, whatever others do', () => {
  const guard = new QuestionGuard()
  const asked = (of: Parameters<QuestionGuard['refusalOf']>[0], nowMs: number) =>
    guard.refusalOf(of, nowMs)?.code
  for (let n = 0; n < QUESTIONS_OF_ACCOUNT_PER_S; n += 1) {
    expect(asked(n % 2 === 0 ? query('alice') : resend('alice'), 5_000 + n)).toBe(undefined)
  }
  expect(asked(query('alice'), 5_998)).toBe('OVERLOADED')
  expect(asked(resend('alice'), 5_999)).toBe('OVERLOADED')
  expect([asked(query('bob'), 5_999), asked(snapshot, 5_999)]).toEqual([undefined, undefined])
  expect(asked(query('alice'), 6_000)).toBe(undefined)
})

test('so many wait at once, and no more', async () => {
  const guard = new QuestionGuard()
  const answers = Promise.withResolvers<string>()
  const waiting = Array.from({ length: QUESTIONS_WAITING_MAX }, () => guard.held(answers.promise))
  expect(guard.refusalOf(snapshot, 0)).toMatchObject({ code: 'OVERLOADED' })
  answers.resolve('answered')
  expect(await Promise.all(waiting)).toContain('answered')
  expect(guard.refusalOf(snapshot, 0)).toBe(undefined)
  await expect(guard.held(Promise.reject(new Error('gone')))).rejects.toThrow('gone')
  expect(guard.refusalOf(snapshot, 0)).toBe(undefined)
})
