// Subjects: each is for one thing, an account is bound to its own, and nothing throws.

import { describe, expect, test } from 'vitest'
import {
  adminSubject,
  bodyOf,
  execSubject,
  FEEDS,
  marketDataSubject,
  ORDER_VERBS,
  orderSubject,
  parseSubject,
  QUERIES,
  querySubject,
  resendSubject,
  SUBSCRIPTIONS,
} from '../../src/gateway/subjects.ts'
import { COMMAND_FORMS } from '../../src/protocol/command-schema.ts'
import { Prng } from '../support/prng.ts'

/** As NATS matches: a `*` is one token. */
const matches = (pattern: string, subject: string) =>
  new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^.]+')}$`).test(subject)

describe('subjects', () => {
  test('put together and taken apart again', () => {
    for (const verb of ORDER_VERBS) {
      const to = { kind: 'order', account: 'al-ice_1', verb }
      expect(parseSubject(orderSubject('al-ice_1', verb))).toEqual(to)
    }
    for (const verb of QUERIES) {
      const to = { kind: 'query', account: 'alice', verb }
      expect(parseSubject(querySubject('alice', verb))).toEqual(to)
    }
    expect(parseSubject(resendSubject('alice'))).toEqual({ kind: 'resend', account: 'alice' })
    expect(parseSubject(marketDataSubject('BTC-USD', 'snapshot'))).toEqual({
      ...{ kind: 'snapshot', symbol: 'BTC-USD' },
    })
    expect(parseSubject(adminSubject('halt'))).toEqual({ kind: 'admin', verb: 'halt' })
    expect(parseSubject(querySubject('$fees', 'balances'))).toMatchObject({ account: '$fees' })
    expect(execSubject('alice')).toBe('onefill.v1.exec.alice')
  })

  test('what is published is not what is subscribed to', () => {
    const published = [execSubject('alice'), ...FEEDS.map((feed) => marketDataSubject('A', feed))]
    for (const subject of published) {
      expect(SUBSCRIPTIONS.filter((pattern) => matches(pattern, subject))).toEqual([])
      expect(parseSubject(subject)).toMatchObject({ kind: 'refused' })
    }
    const asked = [
      ...[orderSubject('a', 'new'), resendSubject('a'), marketDataSubject('A', 'snapshot')],
      ...[querySubject('a', 'orders'), adminSubject('time')],
    ]
    for (const subject of asked) {
      expect(SUBSCRIPTIONS.filter((pattern) => matches(pattern, subject))).toHaveLength(1)
    }
  })

  test.each([
    ['', 'subject'],
    ['onefill.v1', 'subject'],
    ['onefill.v2.order.alice.new', 'subject'],
    ['onefill.v1.order.alice', 'subject'],
    ['onefill.v1.order.alice.new.more', 'subject'],
    ['onefill.v1.other.alice.new', 'subject'],
    ['onefill.v1.order..new', 'account'],
    ['onefill.v1.order.*.new', 'account'],
    ['onefill.v1.order.>.new', 'account'],
    ['onefill.v1.order.$fees.new', 'account'],
    ['onefill.v1.order.al ice.new', 'account'],
    [`onefill.v1.order.${'a'.repeat(37)}.new`, 'account'],
    ['onefill.v1.order.alice.deposit', 'verb'],
    ['onefill.v1.order.alice.constructor', 'verb'],
    ['onefill.v1.exec.alice.other', 'verb'],
    ['onefill.v1.exec.*.resend', 'account'],
    ['onefill.v1.md.A.trades', 'verb'],
    ['onefill.v1.md.é.snapshot', 'symbol'],
    ['onefill.v1.query.alice.book', 'verb'],
    ['onefill.v1.query.$other.balances', 'account'],
    ['onefill.v1.admin.new', 'verb'],
    ['onefill.v1.admin.halt.more', 'verb'],
    ['onefill.v1.admin', 'verb'],
  ])('%j is refused for its %s', (subject, field) => {
    expect(parseSubject(subject)).toMatchObject({ kind: 'refused', code: 'MALFORMED', field })
  })

  test('no name with a dot, space or wildcard gets into a subject', () => {
    for (const name of ['a.b', '*', '>', 'a b', '', 'a\r\nPUB x']) {
      expect(() => orderSubject(name, 'new')).toThrow('made of names')
      expect(() => marketDataSubject(name, 'bbo')).toThrow('made of names')
    }
  })

  test('nothing throws, whatever comes', () => {
    const random = new Prng(1)
    const parts = [
      'onefill',
      'v1',
      'order',
      'exec',
      'admin',
      'md',
      'query',
      'a',
      '*',
      '',
      'new',
      '\0',
    ]
    for (let i = 0; i < 5_000; i += 1) {
      const subject = Array.from({ length: random.int(0, 7) }, () => random.pick(parts)).join('.')
      expect(typeof parseSubject(subject).kind).toBe('string')
    }
  })
})

describe('bodies', () => {
  const to = { kind: 'order', account: 'alice', verb: 'new' } as const

  test('account and verb come from the subject where the body leaves them out', () => {
    expect(bodyOf(to, { price: '1' })).toEqual({
      ...{ kind: 'body', body: { price: '1', account: 'alice', cmd: 'new' } },
    })
    const whole = { cmd: 'new', account: 'alice' }
    expect(bodyOf(to, whole)).toEqual({ kind: 'body', body: whole })
  })

  test('another account is refused, and so is what is no account', () => {
    expect(bodyOf(to, { account: 'bob' })).toMatchObject({
      code: 'WRONG_ACCOUNT',
      field: 'account',
    })
    expect(bodyOf(to, { account: 'Alice' })).toMatchObject({ code: 'WRONG_ACCOUNT' })
    for (const account of [null, 7, ['alice'], { toString: 'alice' }, '', 'a.b', 'alice ']) {
      expect(bodyOf(to, { account })).toMatchObject({ code: 'MALFORMED', field: 'account' })
    }
    const query = { kind: 'query', account: 'alice', verb: 'orders' } as const
    expect(bodyOf(query, { account: 'bob' })).toMatchObject({ code: 'WRONG_ACCOUNT' })
    const admin = { kind: 'admin', verb: 'deposit' } as const
    expect(bodyOf(admin, { account: 'bob' })).toMatchObject({ kind: 'body' })
  })

  test('only what the subject is for', () => {
    const wrong = { code: 'MALFORMED', field: 'cmd' }
    expect(bodyOf(to, { cmd: 'cancel' })).toMatchObject(wrong)
    expect(bodyOf(to, { cmd: ['new'] })).toMatchObject(wrong)
    const batch = { ...to, verb: 'batch' } as const
    for (const cmd of Object.keys(COMMAND_FORMS)) {
      const isOrder = ['new', 'cancel', 'replace', 'massCancel'].includes(cmd)
      expect(bodyOf(batch, { cmd })).toMatchObject(isOrder ? { kind: 'body' } : wrong)
    }
    for (const cmd of ['batch', undefined, 7]) expect(bodyOf(batch, { cmd })).toMatchObject(wrong)
    const admin = { kind: 'admin', verb: 'batch' } as const
    expect(bodyOf(admin, { cmd: 'new' })).toMatchObject(wrong)
    expect(bodyOf(admin, { cmd: 'halt' })).toMatchObject({ kind: 'body' })
  })

  test('every command has a subject', () => {
    const orders: readonly string[] = ORDER_VERBS
    for (const cmd of Object.keys(COMMAND_FORMS)) {
      const isAsked = cmd === 'book' || QUERIES.some((query) => query === cmd)
      const isAdmin = parseSubject(`onefill.v1.admin.${cmd}`).kind === 'admin'
      expect([cmd, [isAsked, isAdmin, orders.includes(cmd)].filter(Boolean).length]).toEqual([
        cmd,
        1,
      ])
    }
  })

  test('what is no object is left to the exchange to refuse', () => {
    for (const body of [null, 7, 'new', [], true]) {
      expect(bodyOf(to, body)).toEqual({ kind: 'body', body })
    }
  })
})
