// Reports packed by hand are what a msgpack library reads back as the very same.

import { Packr } from 'msgpackr/index-no-eval'
import { expect, test } from 'vitest'
import { EncodedReport } from '../../src/gateway/encoded-report.ts'
import { decodeReports, encodeReport } from '../../src/gateway/frame.ts'
import { ReportEncoder } from '../../src/gateway/report-encoder.ts'
import type { Report } from '../../src/protocol/report-json.ts'

const packr = new Packr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' })

const reports: Report[] = [
  { execType: 'new', seq: 1, execId: '1-0', execSeq: 127, leavesQty: '5', aggressor: false },
  { execType: 'trade', seq: 128, execSeq: 2 ** 32 - 1, duplicate: true, clOrdId: 'c'.repeat(36) },
  { execType: 'accepted', seq: 2 ** 32, execSeq: Number.MAX_SAFE_INTEGER, text: 't'.repeat(255) },
  { execType: 'canceled', affected: 0, clOrdId: 'c'.repeat(31), account: 'a'.repeat(32), text: '' },
  // What only a library packs: not of ASCII, too long, below zero.
  { execType: 'rejected', clOrdId: 'é€' },
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

test('bytes once given stay as they are, however many come after them', () => {
  const encoder = new ReportEncoder()
  const all = Array.from({ length: 20_000 }, (_, seq): Report => ({ execType: 'new', seq }))
  const bytes = all.map((report) => encoder.encode(report) as Uint8Array)
  expect(bytes.map((each) => packr.unpack(each))).toEqual(all)
})
