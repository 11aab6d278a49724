// The order of reports, where messages come late, twice, or not at all, on a history of our own.

import { expect, test } from 'vitest'
import { AHEAD_MAX, ReportStream } from '../../src/client/report-stream.ts'
import { encodeFrame } from '../../src/gateway/frame.ts'
import { type NumberedReport, ReportHistory } from '../../src/gateway/history.ts'

const report = (execSeq: number): NumberedReport => ({
  ...{ account: 'alice', execSeq, execType: 'new', clOrdId: `n-${execSeq}` },
})
const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n)

/** A stream, what it gave out, and the exchange's memory that it asks. */
function scene(fromExecSeq?: number) {
  const seen: number[] = []
  const gone: [number, number][] = []
  const of = { history: new ReportHistory(), asked: 0 }
  const stream = new ReportStream({
    fromExecSeq,
    onReport: ({ execSeq }) => seen.push(execSeq),
    onGone: ({ from, to }) => gone.push([from, to]),
    ask: async (from, to) => {
      of.asked += 1
      return of.history.range('alice', from, to)
    },
    pause: () => Promise.resolve(),
  })
  const publish = (numbers: number[]) => {
    for (const number of numbers) {
      of.history.add('alice', number, 1, encodeFrame([report(number)], 'json'))
    }
  }
  const take = (numbers: number[]) => stream.take(numbers.map(report))
  return { stream, seen, gone, of, publish, take }
}

test('repeats are dropped, what is ahead waits, the gap is asked for', async () => {
  const { stream, seen, publish, take } = scene(1)
  publish(range(1, 9))
  take([1, 2, 1, 5, 6, 2])
  expect([seen, stream.hasGap]).toEqual([[1, 2], true])
  await stream.catchUp()
  expect(seen).toEqual(range(1, 9))
  take([3, 10])
  expect(seen).toEqual(range(1, 10))
})

test('a report that was ahead and comes in an answer too stops nothing later', async () => {
  const { stream, seen, of, publish, take } = scene(1)
  publish([1, 2, 3])
  const { history } = of
  // While the question is under way, the last one comes by itself.
  of.history = {
    range: (account: string, from: number, to: number) => {
      of.history = history
      take([3])
      return history.range(account, from, to)
    },
  } as ReportHistory
  await stream.catchUp()
  expect(seen).toEqual([1, 2, 3])
  publish([4, 5])
  take([5])
  await stream.catchUp()
  expect(seen).toEqual(range(1, 5))
})

test('a long gap comes page by page, and more ahead than is held is asked for again', async () => {
  const { stream, seen, of, publish, take } = scene(1)
  const count = 3 * AHEAD_MAX
  publish(range(1, count))
  take(range(501, count))
  await stream.catchUp()
  expect(seen).toEqual(range(1, count))
  expect(of.asked).toBeGreaterThan((count - 500 - AHEAD_MAX) / 500)
})

test('from now on: behind the newest, and nothing that came while asking is lost', async () => {
  const { stream, seen, publish, take } = scene()
  publish(range(1, 20))
  const asking = stream.catchUp()
  take([20])
  await asking
  take([21])
  expect(seen).toEqual([20, 21])
})

test('an exchange without memory: from its first report on, if missed or not', async () => {
  const { stream, seen, gone, publish, take } = scene()
  await stream.catchUp()
  publish([41, 42, 43])
  take([43])
  await stream.catchUp()
  expect([seen, gone]).toEqual([[41, 42, 43], []])
})

test('a new leader remembers less: what is missing is told once, what is held comes', async () => {
  const { stream, seen, gone, of, publish, take } = scene(1)
  take([1, 5])
  of.history = new ReportHistory()
  publish([8, 9])
  await stream.catchUp()
  expect([seen, gone]).toEqual([
    [1, 5, 8, 9],
    [
      [2, 4],
      [6, 7],
    ],
  ])
})

test('who answers knows less than was seen: asked a few times, then told', async () => {
  const { stream, seen, gone, of, take } = scene(1)
  take([1, 4])
  await stream.catchUp()
  expect([seen, gone]).toEqual([[1, 4], [[2, 3]]])
  expect(of.asked).toBeGreaterThan(3)
})

test('where to begin is no number: the exchange is asked, and refuses', async () => {
  const { stream, of } = scene(Number.NaN)
  of.history = {
    range: (_: string, from: number) => {
      throw new Error(`no report ${from}`)
    },
  } as unknown as ReportHistory
  await expect(stream.catchUp()).rejects.toThrow('no report NaN')
})

test('nothing comes after the stop, not even in the middle', async () => {
  const seen: number[] = []
  const stream: ReportStream = new ReportStream({
    fromExecSeq: 1,
    onReport: ({ execSeq }) => {
      seen.push(execSeq)
      if (execSeq === 2) stream.stop()
    },
    onGone: () => {},
    ask: () => Promise.reject(new Error('nobody asks')),
    pause: () => Promise.resolve(),
  })
  stream.take([1, 3, 4, 2].map(report))
  stream.take([5].map(report))
  await stream.catchUp()
  expect(seen).toEqual([1, 2])
})
