// Reports written straight from the engine's binary log are, field by field and in the same order,
// the objects that everybody else is given.

import { Packr } from 'msgpackr/index-no-eval'
import { expect, test } from 'vitest'
import { EXEC_REPORTS_MAX } from '../../src/gateway/bounds.ts'
import { decodeReports } from '../../src/gateway/frame.ts'
import { JsonReportWriter } from '../../src/gateway/json-report-writer.ts'
import { MsgpackReportWriter } from '../../src/gateway/msgpack-report-writer.ts'
import { ReportStream } from '../../src/gateway/report-stream.ts'
import { REPORT_BYTES_MAX, type ReportWriter } from '../../src/gateway/report-writer.ts'
import { packId } from '../../src/protocol/client-id.ts'
import { CODE_NAMES } from '../../src/protocol/codes.ts'
import { COMMAND_NAMES } from '../../src/protocol/command-log.ts'
import { Directory } from '../../src/protocol/directory.ts'
import { readReport } from '../../src/protocol/report-json.ts'
import {
  ExecType,
  OrdStatus,
  REPORT_WORDS,
  ReportLog,
  RP,
  RPF,
} from '../../src/protocol/report-log.ts'
import { Reports } from '../../src/protocol/reports.ts'
import { randomJournal } from '../support/journals.ts'
import { inline, newExchange } from '../support/placements.ts'
import { Prng } from '../support/prng.ts'

const packr = new Packr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' })

/** Each writes every report; what it has written is read back as JSON text. */
class Writers {
  private readonly all = [
    { writer: new MsgpackReportWriter(REPORT_BYTES_MAX), read: packed },
    { writer: new JsonReportWriter(REPORT_BYTES_MAX), read: String },
  ]

  /** Checks every report of a log; how many there were. */
  check(reports: Reports): number {
    for (let number = 0; number < reports.length; number += 1) {
      // As text: the order of the fields counts too.
      const meant = JSON.stringify(readReport(reports.log, number * REPORT_WORDS, reports.names))
      for (const { writer, read } of this.all) {
        writer.at = 0
        writer.write(reports.log, number, reports.names)
        expect(writer.at).toBeLessThanOrEqual(REPORT_BYTES_MAX)
        expect(read(writer.bytes.subarray(0, writer.at))).toBe(meant)
      }
    }
    return reports.length
  }
}

const packed = (bytes: Buffer) => JSON.stringify(packr.unpack(bytes))

test.each([1, 2, 3, 4])('seed %i: every report of a random journal', (seed) => {
  const writers = new Writers()
  const { rounds, submissionsRemembered } = randomJournal(seed, 4_000, 300)
  const exchange = newExchange(inline, { submissionsRemembered })
  const kinds = new Set<string>()
  let count = 0
  for (const round of rounds) {
    for (const command of round) exchange.offer(command)
    const { reports } = exchange.pumpReports()
    count += writers.check(reports)
    for (const { execType, cmd, code } of reports) kinds.add(`${execType} ${cmd} ${code}`)
  }
  expect(count).toBeGreaterThan(2_000)
  expect(kinds.size).toBeGreaterThan(30)
})

const BOUNDS = [7, 8, 16, 31, 32, 33, 40, 52, 53].flatMap((bits) => [2 ** bits - 1, 2 ** bits])
const TENS = Array.from({ length: 16 }, (_, digits) => [10 ** digits - 1, 10 ** digits]).flat()
const NUMBERS = [...BOUNDS, ...TENS].filter(Number.isSafeInteger)

/** Names of every length, and units of every size. */
function directory(random: Prng): Directory {
  const names = new Directory()
  const name = () => 'n'.repeat(random.int(1, 36))
  for (let n = 0; n < 8; n += 1) {
    names.addAccount(`a${n}`.padEnd(random.int(2, 36), '-'))
    names.addAsset({ asset: name(), decimals: random.int(0, 12) })
  }
  for (let n = 0; n < 8; n += 1) {
    const units = () => random.pick([1, 5, 25, random.int(1, 10 ** 9)])
    names.addInstrument({
      ...{ symbol: name(), base: random.int(1, 8), quote: random.int(1, 8) },
      ...{ tickUnits: units(), tickDecimals: random.int(0, 12) },
      ...{ lotUnits: units(), lotDecimals: random.int(0, 12) },
      ...{ quotePerTickLot: random.int(1, 10 ** 6), basePerLot: 1 },
      ...{ makerFeeRate: 0, takerFeeRate: 0, holdFeeRate: 0, minQtyLots: 0, maxQtyLots: 0 },
      ...{ minNotional: 0, maxNotional: 0, minPriceTicks: 0, maxPriceTicks: 0, referenceTicks: 0 },
    })
  }
  return names
}

/** A report of any kind, with what no engine would put together. */
function fill(log: ReportLog, random: Prng): void {
  const at = log.appendZeroed()
  const { i32, f64 } = log
  const number = () => random.pick([0, 1, random.int(0, 10 ** 6), random.pick(NUMBERS)])
  const id = () => String.fromCharCode(...Array.from({ length: random.int(1, 36) }, character))
  const character = () => random.int(0x21, 0x7e)
  const kind = random.chance(0.5) ? 0 : random.int(1, COMMAND_NAMES.length - 1)
  const code = random.chance(0.3) ? random.int(1, CODE_NAMES.length - 1) : 0
  i32[at] = random.int(1, Object.keys(ExecType).length - 1) | (code << 8)
  const status = random.int(0, Object.keys(OrdStatus).length - 1)
  const marks = random.int(0, 3)
  const terms = random.int(0, 255) & ~(random.chance(0.5) ? 8 : 4)
  i32[at + RP.flags] = terms | (status << 8) | (kind << 16) | (marks << 24)
  i32[at + RP.account] = random.int(1, 10)
  i32[at + RP.symbol] = random.int(1, 8)
  i32[at + RP.index] = random.pick([-1, 0, random.int(0, 100_000)])
  i32[at + RP.affected] = random.int(0, 10)
  if (random.chance(0.9)) packId(id(), i32, at + RP.id)
  if (random.chance(0.4)) packId(id(), i32, at + RP.orig)
  for (const field of Object.values(RPF)) f64[(at >> 1) + field] = number()
  if (random.chance(0.2)) f64[(at >> 1) + RPF.amount] *= -1
  f64[(at >> 1) + RPF.nowMs] = random.pick([0, random.int(1, 2 ** 41)])
}

test.each([1, 2, 3])('seed %i: reports of every kind, with the largest values', (seed) => {
  const random = new Prng(seed)
  const writers = new Writers()
  for (let turn = 0; turn < 20; turn += 1) {
    const names = directory(random)
    const log = new ReportLog()
    for (let n = 0; n < 200; n += 1) fill(log, random)
    expect(writers.check(new Reports(log, names))).toBe(200)
  }
})

const make: [string, (bytes: number) => ReportWriter][] = [
  ['msgpack', (bytes) => new MsgpackReportWriter(bytes)],
  ['json', (bytes) => new JsonReportWriter(bytes)],
]
test.each(make)('%s: beyond its memory nothing is written', (_, of) => {
  const random = new Prng(1)
  const log = new ReportLog()
  fill(log, random)
  const writer = of(REPORT_BYTES_MAX + 10)
  const names = directory(random)
  writer.write(log, 0, names)
  expect(writer.hasRoom).toBe(false)
  expect(() => writer.write(log, 0, names)).toThrow('room')
})

/** Many reports of few accounts, numbered; some are nobody's. */
function numbered(random: Prng, count: number, next: number[]): Reports {
  const names = directory(random)
  const log = new ReportLog()
  for (let n = 0; n < count; n += 1) {
    fill(log, random)
    const at = n * REPORT_WORDS
    const account = 3 + random.int(0, 3)
    const isNobodys = random.chance(0.1)
    log.i32[at + RP.account] = account
    next[account] = (next[account] ?? 1) + (isNobodys ? 0 : 1)
    log.f64[(at >> 1) + RPF.execSeq] = isNobodys ? 0 : next[account] - 1
  }
  return new Reports(log, names)
}

test.each(['msgpack', 'json'] as const)('%s: messages by account, in order, kept', (format) => {
  const random = new Prng(5)
  const sent: [string, Uint8Array][] = []
  const stream = new ReportStream({ send: (...message) => void sent.push(message) }, format)
  const next: number[] = []
  for (const count of [1, 3, 400, 5_000]) {
    sent.length = 0
    const reports = numbered(random, count, next)
    stream.take(reports)
    for (let number = 0; number < count; number += 1) {
      const meant = reports.at(number)
      expect(packr.unpack(stream.bytesOf(reports, number, 'msgpack'))).toEqual(meant)
      expect(String(stream.bytesOf(reports, number, 'json'))).toBe(JSON.stringify(meant))
    }
    expect(sent).toEqual([])
    stream.flush()
    const all = [...reports].filter(({ execSeq }) => execSeq !== undefined)
    const byAccount = Map.groupBy(all, ({ account }) => account as string)
    for (const [account, meant] of byAccount) {
      const messages = sent.filter(([subject]) => subject === `onefill.v1.exec.${account}`)
      const parts = messages.map(([, bytes]) => decodeReports(bytes))
      expect(parts.flat()).toEqual(meant)
      expect(parts.every(({ length }) => length <= EXEC_REPORTS_MAX)).toBe(true)
      expect(parts.length).toBe(Math.ceil(meant.length / EXEC_REPORTS_MAX))
    }
    expect(sent.length).toBeGreaterThan(0)
    next.length = 0
    stream.flush()
  }
})
