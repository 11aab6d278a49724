// Real order flow through the whole engine: criteria C1 to C4 on a NASDAQ session, if its files are
// there, and the harness itself on a few hand-made messages, always.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { judge, type Verdict } from '../scripts/lobster/criteria.ts'
import { findRecording, recordingDirectory } from '../scripts/lobster/locate.ts'
import { openStack } from '../scripts/lobster/nats-stack.ts'
import { dayOverNats } from '../scripts/lobster/over-nats.ts'
import { type Recording, readRecording } from '../scripts/lobster/reader.ts'
import { reportLines } from '../scripts/lobster/report.ts'
import { createExchange, restoreExchange } from '../src/index.ts'

const engine = { create: () => createExchange({}), restore: restoreExchange }
const judgeMsMax = 600_000

/** What a replay of each recording gives; data and rules are fixed, so the counts are exact. */
const sessions = [
  {
    ticker: 'AMZN_2012-06-21',
    levels: 5,
    rows: 155_934,
    window: { rowsRevealed: 33_840, restored: 23_198, adopted: 10_642 },
    points: 153_532,
    runs: {
      runs: 6_591,
      executions: 8_974,
      qtyPerPriceEqual: 6_588,
      beyondWindow: 3,
      knownRuns: 5_432,
      knownRunsEqual: 5_403,
    },
    exceptions: 29,
  },
]

for (const session of sessions) {
  const { ticker, levels } = session
  const files = findRecording(levels, ticker)
  const title = `${ticker}, ${levels} levels`
  if (files === undefined)
    console.warn(`skipped: no ${title} in ${recordingDirectory()}; set ONEFILL_LOBSTER_DIR`)

  describe.skipIf(files === undefined)(title, () => {
    let verdict: Verdict
    beforeAll(() => {
      const recording = readRecording(files!.messages, files!.orderbook, levels)
      verdict = judge(recording, engine)
      console.log(reportLines(verdict).join('\n'))
    }, judgeMsMax)

    it.each(['C1 book', 'C2 matching', 'C3 invariants', 'C4 determinism'])('%s', (name) => {
      expect(verdict.criteria.find((criterion) => criterion.name === name)).toMatchObject({
        pass: true,
        wrongs: [],
      })
    })

    it('gives the counts this recording always gave', () => {
      const { book, matching } = verdict
      expect(book.rows).toMatchObject({ checked: session.rows, wrong: 0 })
      expect(book.windowCounts).toMatchObject(session.window)
      expect(book.messageCounts).toMatchObject({ misfits: 0, unplaced: 0 })
      expect(matching.rows).toMatchObject({ checked: session.points, wrong: 0 })
      expect(matching.runCounts).toMatchObject(session.runs)
      expect(matching.runCounts.exceptions).toHaveLength(session.exceptions)
    })
  })
}

/** time,type,orderId,size,price,direction | askPrice1,askSize1,bidPrice1,bidSize1, level 2 */
const madeUp = `
  1.000000001,5,0,1,100150,-1     | 100200,100,100100,80, 100300,50,100000,60
  2.000000001,1,11,30,100100,1    | 100200,100,100100,110,100300,50,100000,60
  2.000000002,1,12,40,100100,1    | 100200,100,100100,150,100300,50,100000,60
  2.000000003,2,11,10,100100,1    | 100200,100,100100,140,100300,50,100000,60
  2.000000004,1,21,20,100200,-1   | 100200,120,100100,140,100300,50,100000,60
  3.000000001,4,901,80,100100,1   | 100200,120,100100,60, 100300,50,100000,60
  3.000000001,5,0,5,100150,1      | 100200,120,100100,60, 100300,50,100000,60
  3.000000001,4,11,20,100100,1    | 100200,120,100100,40, 100300,50,100000,60
  3.000000001,4,12,15,100100,1    | 100200,120,100100,25, 100300,50,100000,60
  4.000000001,3,12,25,100100,1    | 100200,120,100000,60, 100300,50,99900,70
  4.000000002,1,13,5,100100,1     | 100200,120,100100,5,  100300,50,100000,60
  4.000000003,3,13,5,100100,1     | 100200,120,100000,60, 100300,50,99900,70
  5.000000001,4,902,100,100200,-1 | 100200,20, 100000,60, 100300,50,99900,70
  5.000000001,4,21,20,100200,-1   | 100300,50, 100000,60, 100500,10,99900,70
  5.000000001,4,903,30,100300,-1  | 100300,20, 100000,60, 100500,10,99900,70
  6.000000001,1,22,10,100300,-1   | 100300,30, 100000,60, 100500,10,99900,70
  6.000000002,3,903,20,100300,-1  | 100300,10, 100000,60, 100500,10,99900,70
  6.000000003,1,23,10,100300,-1   | 100300,20, 100000,60, 100500,10,99900,70
  7.000000001,4,22,10,100300,-1   | 100300,10, 100000,60, 100500,10,99900,70
  7.000000001,4,23,4,100300,-1    | 100300,6,  100000,60, 100500,10,99900,70
`

describe('the replay harness', () => {
  const directory = mkdtempSync(join(tmpdir(), 'onefill-lobster-'))
  afterAll(() => rmSync(directory, { recursive: true }))

  function record(text: string, name: string, pack = false): Recording {
    const rows = text.replaceAll(' ', '').trim().split('\n')
    const write = (kind: string, column: number): string => {
      const body = `${rows.map((row) => row.split('|')[column]).join('\n')}\n`
      const file = join(directory, `${name}_${kind}_2.csv${pack ? '.gz' : ''}`)
      writeFileSync(file, pack ? gzipSync(body) : body)
      return file
    }
    return readRecording(write('message', 0), write('orderbook', 1), 2)
  }

  function outcome(recording: Recording): [string, boolean][] {
    return judge(recording, engine).criteria.map(({ name, pass }) => [name, pass])
  }

  it('follows window, queue and sweeps exactly', () => {
    const { criteria, book, matching } = judge(record(madeUp, 'MADE-UP'), engine)
    expect(criteria.filter(({ pass }) => !pass)).toEqual([])
    expect(book.rows.checked).toBe(19)
    expect(book.windowCounts).toMatchObject({ rowsRevealed: 3, restored: 1, adopted: 2 })
    expect(matching.rows.checked).toBe(13)
    expect(matching.runCounts).toEqual({
      runs: 3,
      executions: 8,
      qtyPerPriceEqual: 3,
      beyondWindow: 0,
      knownRuns: 1,
      knownRunsEqual: 1,
      exceptions: [],
    })
  })

  it('reads .csv and .csv.gz alike', () => {
    const plain = record(madeUp, 'PLAIN')
    const packed = record(madeUp, 'PACKED', true)
    expect(packed.messages).toEqual(plain.messages)
    expect(packed.messages.map((_, i) => packed.row(i))).toEqual(
      plain.messages.map((_, i) => plain.row(i)),
    )
  })

  it('refuses files that do not belong together', () => {
    const { messages } = record(madeUp, 'SHORT')
    expect(messages).toHaveLength(20)
    const message = join(directory, 'SHORT_message_2.csv')
    const orderbook = join(directory, 'SHORT_orderbook_2.csv')
    expect(() => readRecording(message, orderbook, 5)).toThrow('has 2 levels, not 5')
    writeFileSync(message, '1.000000001,5,0,1,100150,-1\n')
    expect(() => readRecording(message, orderbook, 2)).toThrow('has 1 rows')
  })

  it('sees a fill out of queue order', () => {
    const tampered = madeUp.replace(',4,22,10,', ',4,23,10,').replace(',4,23,4,', ',4,22,4,')
    const verdict = judge(record(tampered, 'QUEUE'), engine)
    expect(verdict.matching.runCounts).toMatchObject({ knownRuns: 1, knownRunsEqual: 0 })
    expect(verdict.criteria[1]).toMatchObject({ name: 'C2 matching', pass: false })
    expect(reportLines(verdict).at(-1)).toBe(
      '  rows 18-19 at 7.000000001, other orders: ' +
        'file 10 23@10.03, 4 22@10.03; engine 10 22@10.03, 4 23@10.03',
    )
  })

  it('sees one share too many in one row', () => {
    const tampered = madeUp.replace(
      '100200,120,100000,60, 100300,50',
      '100200,121,100000,60, 100300,50',
    )
    expect(outcome(record(tampered, 'SHARE'))).toEqual([
      ['C1 book', false],
      ['C2 matching', false],
      ['C3 invariants', true],
      ['C4 determinism', true],
    ])
  })

  it('comes over NATS to the same reports and state, on an exchange with a past too', async () => {
    const { NATS_URL: _, DATABASE_URL: __, ...environment } = process.env
    const stack = await openStack(environment)
    try {
      const recording = record(madeUp, 'NATS')
      const first = await dayOverNats(stack.connection, recording, engine, stack.isFresh)
      expect([stack.isFresh, first.reportsOther]).toEqual([true, []])
      expect(first.reportsEqual).toBeGreaterThan(30)
      expect(await stack.stateHash()).toBe(first.plain.stateHash)
      const second = await dayOverNats(stack.connection, recording, engine, false)
      expect([second.reportsOther, second.reportsEqual]).toEqual([[], first.reportsEqual])
    } finally {
      await stack.end()
    }
  }, 120_000)

  it('says in a sentence which server cannot be used', async () => {
    const nobody = openStack({ ...process.env, NATS_URL: 'nats://user:secret@127.0.0.1:1' })
    await expect(nobody).rejects.toThrow(
      /^No NATS server can be used at 127\.0\.0\.1:1: connection refused\.$/,
    )
  })
})
