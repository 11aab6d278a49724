// Recent reports: whatever is kept is gapless, what is gone is told, and both bounds hold.

import { expect, test } from 'vitest'
import { RESEND_REPORTS_MAX } from '../../src/gateway/bounds.ts'
import { type NumberedReport, ReportHistory } from '../../src/gateway/history.ts'
import { Prng } from '../support/prng.ts'

const report = (account: string, execSeq: number): NumberedReport => ({
  ...{ execType: 'new', account, execSeq, seq: execSeq },
})
const add = (history: ReportHistory, one: NumberedReport, length: number) => {
  const { account, execSeq } = one
  history.add(account, execSeq, 1, Buffer.from(JSON.stringify([one]).padEnd(length)))
}
const numbers = (answer: ReturnType<ReportHistory['range']>) =>
  answer.kind === 'reports' ? answer.reports.map(({ execSeq }) => execSeq) : answer

test('a range, its end cut where there is no more, and what is gone', () => {
  const history = new ReportHistory({ reportsMax: 4 })
  for (const execSeq of [7, 8, 9]) add(history, report('alice', execSeq), 100)
  expect(numbers(history.range('alice', 7, 9))).toEqual([7, 8, 9])
  expect(numbers(history.range('alice', 8, 8))).toEqual([8])
  expect(history.range('alice', 9, 99)).toMatchObject({ newest: 9, reports: [{ execSeq: 9 }] })
  expect(numbers(history.range('alice', 10, 12))).toEqual([])
  expect(numbers(history.range('alice', 9, 8))).toEqual([])
  expect(numbers(history.range('alice', 3, 2))).toEqual([])
  expect(history.range('alice', 6, 9)).toEqual({ kind: 'gone', oldest: 7, newest: 9 })
  expect(history.range('bob', 1, 9)).toEqual({ kind: 'reports', reports: [], newest: 0 })
  for (const execSeq of [1, 2, 3, 4]) add(history, report('bob', execSeq), 100)
  expect(history.range('alice', 9, 9)).toEqual({ kind: 'gone', oldest: 10, newest: 9 })
  expect(numbers(history.range('bob', 1, 4))).toEqual([1, 2, 3, 4])
  add(history, report('alice', 10), 100)
  expect(numbers(history.range('alice', 10, 10))).toEqual([10])
  expect(history.range('bob', 1, 4)).toEqual({ kind: 'gone', oldest: 2, newest: 4 })
})

test('what is published again changes nothing; a gap is a fault', () => {
  const history = new ReportHistory()
  for (const execSeq of [1, 2, 3, 2, 3, 1]) add(history, report('alice', execSeq), 100)
  expect([history.count, history.bytes]).toEqual([3, 300])
  expect(() => add(history, report('alice', 5), 100)).toThrow('no gap')
})

test('one answer has a bound, and goes on where it ended', () => {
  const history = new ReportHistory()
  const count = RESEND_REPORTS_MAX * 2 + 3
  for (let execSeq = 1; execSeq <= count; execSeq += 1) add(history, report('alice', execSeq), 100)
  const got: number[] = []
  while (got.length < count) {
    const answer = history.range('alice', got.length + 1, count)
    expect(answer).toMatchObject({ kind: 'reports', newest: count })
    const more = numbers(answer) as number[]
    expect(more.length).toBeLessThanOrEqual(RESEND_REPORTS_MAX)
    got.push(...more)
  }
  expect(got).toEqual(Array.from({ length: count }, (_, i) => i + 1))
})

test('the newest messages, as many as there is room for, are remembered by another', () => {
  const history = new ReportHistory()
  for (const [account, execSeq] of [
    ['alice', 1],
    ['bob', 7],
    ['alice', 2],
    ['alice', 3],
  ] as const) {
    add(history, report(account, execSeq), 100)
  }
  const kept = (reports: number, bytes: number) =>
    history.newest(reports, bytes).map(({ account, first }) => [account, first])
  expect(kept(9, 999)).toEqual([
    ['alice', 1],
    ['bob', 7],
    ['alice', 2],
    ['alice', 3],
  ])
  expect(kept(3, 999)).toEqual([
    ['bob', 7],
    ['alice', 2],
    ['alice', 3],
  ])
  expect(kept(9, 299)).toEqual([
    ['alice', 2],
    ['alice', 3],
  ])
  const next = new ReportHistory()
  const newestOf = (account: string) => (account === 'carol' ? 5 : 0)
  next.remember({ messages: history.newest(3, 999), reports: [], newestOf })
  // Nothing of hers is kept: what she has missed is told at once.
  expect(next.range('carol', 4, 9)).toEqual({ kind: 'gone', oldest: 6, newest: 5 })
  expect(next.range('carol', 6, 9)).toEqual({ kind: 'reports', reports: [], newest: 5 })
  expect(next.range('carol', 1, 0)).toEqual({ kind: 'reports', reports: [], newest: 5 })
  expect(next.range('alice', 1, 9)).toEqual({ kind: 'gone', oldest: 2, newest: 3 })
  expect(numbers(next.range('bob', 7, 9))).toEqual([7])
  add(next, report('alice', 4), 100)
  expect(numbers(next.range('alice', 2, 9))).toEqual([2, 3, 4])
  expect([next.count, next.bytes]).toEqual([4, 400])
})

test('one report larger than everything is not kept', () => {
  const history = new ReportHistory({ bytesMax: 1_000 })
  add(history, report('alice', 1), 1_001)
  expect([history.count, history.bytes]).toEqual([0, 0])
  expect(history.range('alice', 1, 1)).toEqual({ kind: 'gone', oldest: 2, newest: 1 })
})

test.each([1, 2, 3, 4])('seed %i: as a plain list of the newest would answer', (seed) => {
  const random = new Prng(seed)
  const [reportsMax, bytesMax] = [random.int(1, 3_000), random.int(1_000, 300_000)]
  const history = new ReportHistory({ reportsMax, bytesMax })
  const kept: { report: NumberedReport; bytes: number }[] = []
  const next = new Map<string, number>()
  let total = 0
  for (let i = 0; i < 20_000; i += 1) {
    const account = random.chance(0.7) ? 'alice' : `trader-${random.int(1, 5)}`
    const one = { report: report(account, next.get(account) ?? 1), bytes: random.int(100, 300) }
    next.set(account, one.report.execSeq + 1)
    add(history, one.report, one.bytes)
    kept.push(one)
    total += one.bytes
    while (kept.length > reportsMax || (total > bytesMax && kept.length > 0)) {
      total -= kept.shift()!.bytes
    }
    expect([history.count, history.bytes]).toEqual([kept.length, total])
    if (i % 50 !== 0) continue
    const newest = next.get(account)! - 1
    const from = Math.max(1, newest - random.int(-3, 600))
    const to = from + random.int(0, 40)
    const mine = kept.filter((each) => each.report.account === account)
    const oldest = mine.at(0)?.report.execSeq ?? newest + 1
    expect(numbers(history.range(account, from, to))).toEqual(
      from < oldest
        ? { kind: 'gone', oldest, newest }
        : mine
            .map((each) => each.report.execSeq)
            .filter((execSeq) => execSeq >= from && execSeq <= to),
    )
  }
})
