// Reports packed by hand are what a msgpack library reads back as the very same.

import { isDeepStrictEqual } from 'node:util'
import { Packr } from 'msgpackr/index-no-eval'
import { expect, test } from 'vitest'
import { EncodedReport } from '../../src/gateway/encoded-report.ts'
import { decodeReports, encodeReport } from '../../src/gateway/frame.ts'
import { ReportEncoder } from '../../src/gateway/report-encoder.ts'
import type { Report } from '../../src/protocol/report-json.ts'
import { Prng } from '../support/prng.ts'

const packr = new Packr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' })

const reports: Report[] = [
  { execType: 'new', seq: 1, execId: '1-0', execSeq: 127, leavesQty: '5', aggressor: false },
  { execType: 'trade', seq: 128, execSeq: 2 ** 32 - 1, duplicate: true, clOrdId: 'c'.repeat(36) },
  { execType: 'accepted', seq: 2 ** 32, execSeq: Number.MAX_SAFE_INTEGER, text: 't'.repeat(255) },
  { execType: 'canceled', affected: 0, clOrdId: 'c'.repeat(31), account: 'a'.repeat(32), text: '' },
  // What only a library packs: not of ASCII, too long, below zero.
  { execType: 'rejected', clOrdId: 'é€' },
  { execType: 'rejected', clOrdId: '\u0080' },
  { execType: 'rejected', text: 't'.repeat(256) },
  { execType: 'rejected', line: -1 },
]

test('each report comes back as it was, alone and among others', () => {
  for (const report of reports) {
    expect(packr.unpack(encodeReport(report, 'msgpack'))).toEqual(report)
  }
  for (const format of ['msgpack', 'json'] as const) {
    const encoded = reports.map((report) => new EncodedReport(report))
    // Alone in a reply before, or not: it makes no difference.
    encoded[0].in(format)
    expect(decodeReports(EncodedReport.all(encoded, format))).toEqual(reports)
  }
})

/** A report's bytes, put together in the plainest way; undefined if it is for the library. */
function plainly(report: Report): Uint8Array | undefined {
  const fields = Object.entries(report)
  const parts: Uint8Array[] = [Buffer.from([0xde, 0, fields.length])]
  for (const [name, value] of fields) {
    parts.push(Buffer.from([0xa0 + name.length]), Buffer.from(name))
    const part = plainValue(value)
    if (part === undefined) return undefined
    parts.push(part)
  }
  return Buffer.concat(parts)
}

function plainValue(value: unknown): Uint8Array | undefined {
  if (typeof value === 'boolean') return Buffer.from([value ? 0xc3 : 0xc2])
  if (typeof value === 'string') {
    const isPlain = value.length <= 255 && Buffer.byteLength(value) === value.length
    const head = value.length < 32 ? [0xa0 + value.length] : [0xd9, value.length]
    return isPlain ? Buffer.concat([Buffer.from(head), Buffer.from(value)]) : undefined
  }
  if (!Number.isSafeInteger(value) || (value as number) < 0) return undefined
  const count = value as number
  if (count < 128) return Buffer.from([count])
  const bytes = Buffer.alloc(9)
  bytes.writeBigUInt64BE(BigInt(count), 1)
  bytes[count < 2 ** 32 ? 4 : 0] = count < 2 ** 32 ? 0xce : 0xcf
  return count < 2 ** 32 ? bytes.subarray(4) : bytes
}

const NAMES = [
  ...['seq', 'execId', 'execSeq', 'execType', 'ordStatus', 'cmd', 'orderId', 'clOrdId', 'to'],
  ...['origClOrdId', 'account', 'symbol', 'side', 'timeInForce', 'price', 'leavesQty', 'avgPx'],
  ...['aggressor', 'fee', 'feeAsset', 'text', 'duplicate', 'affected', 'transactTime'],
]
const COUNTS = [7, 8, 16, 31, 32, 33, 40, 53].flatMap((bits) => [2 ** bits - 1, 2 ** bits])

const encodedOf = (reports: readonly Report[]) => reports.map((report) => new EncodedReport(report))

function anyReport(random: Prng): Report {
  const isOdd = random.chance(0.05)
  const fields = NAMES.filter(() => random.chance(0.7)).map((name): [string, unknown] => {
    const kind = random.int(0, 9)
    if (kind === 0) return [name, random.chance(0.5)]
    if (kind <= 2) return [name, random.pick([0, 1, ...COUNTS.slice(0, -1)])]
    const length = random.pick([random.int(0, 12), random.int(0, 40), random.int(24, 36)])
    const from = isOdd ? random.int(33, 300) : 33
    return [name, String.fromCharCode(...Array.from({ length }, () => from + random.int(0, 90)))]
  })
  // A field that came first may be one that mostly comes last.
  if (random.chance(0.3)) fields.reverse()
  return Object.fromEntries(fields) as unknown as Report
}

test.each([1, 2, 3])('seed %i: the bytes are those of the plainest encoder', (seed) => {
  const random = new Prng(seed)
  const encoder = new ReportEncoder()
  let left = 0
  for (let i = 0; i < 4_000; i += 1) {
    const batch = Array.from({ length: random.pick([1, 2, random.int(0, 30)]) }, () =>
      anyReport(random),
    )
    const plain = batch.map(plainly)
    const isLeft = plain.includes(undefined)
    if (isLeft) left += 1
    const packed = batch.map((report) => encoder.encode(report))
    if (!isDeepStrictEqual(packed, plain)) {
      throw new Error(`not the same: ${JSON.stringify(batch)}`)
    }
    if (isLeft) continue
    const head = Buffer.from([0xdc, 0, batch.length])
    const all = EncodedReport.all(encodedOf(batch), 'msgpack')
    expect(Buffer.compare(all, Buffer.concat([head, ...(plain as Uint8Array[])]))).toBe(0)
  }
  expect(left).toBeGreaterThan(100)
})

test('reports that need more than a piece of memory are one array all the same', () => {
  const encoder = new ReportEncoder()
  const report = { execType: 'new', text: 't'.repeat(255), account: 'a'.repeat(255) } as const
  for (const count of [1, 400, 500, 1_000, 1_000]) {
    const all = Array.from({ length: count }, (_, seq): Report => ({ seq, ...report }))
    expect(packr.unpack(EncodedReport.all(encodedOf(all), 'msgpack'))).toEqual(all)
    const first = encoder.encode(all[0]) as Uint8Array
    expect(packr.unpack(first)).toEqual(all[0])
  }
})

test('a report longer than any of the exchange is left to a library, wherever it comes', () => {
  const encoder = new ReportEncoder()
  const fields = Array.from({ length: 17 }, (_, i) => [`text${i}`, 't'.repeat(255)])
  const long = Object.fromEntries(fields) as unknown as Report
  const short: Report = { execType: 'new' }
  for (let i = 0; i < 200; i += 1) {
    expect(encoder.encode(long)).toBeUndefined()
    expect(packr.unpack(encoder.encode(short) as Uint8Array)).toEqual(short)
  }
  const both = EncodedReport.all(encodedOf([short, long]), 'msgpack')
  expect(decodeReports(both)).toEqual([short, long])
})

test('what is left to a library takes nothing of the memory that reports share', () => {
  const encoder = new ReportEncoder()
  const report: Report = { execType: 'new', seq: 1 }
  const first = encoder.encode(report) as Uint8Array
  encoder.encode({ execType: 'new', text: 'é' })
  const second = encoder.encode(report) as Uint8Array
  expect(second.buffer).toBe(first.buffer)
  expect(second.byteOffset).toBe(first.byteOffset + first.length)
})

test('bytes once given stay as they are, however many come after them', () => {
  const encoder = new ReportEncoder()
  const all = Array.from({ length: 20_000 }, (_, seq): Report => ({ execType: 'new', seq }))
  const bytes = all.map((report) => encoder.encode(report) as Uint8Array)
  expect(bytes.map((each) => packr.unpack(each))).toEqual(all)
})
