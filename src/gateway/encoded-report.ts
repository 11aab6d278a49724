// A report on its way out, written once however many messages it is in: the reply to its command
// and its account's stream.

import type { Report } from '../protocol/report-json.ts'
import { encodeFrame, encodeReport, type FrameFormat, joinReports } from './frame.ts'

export class EncodedReport {
  readonly report: Report
  private packed: Uint8Array | undefined

  constructor(report: Report) {
    this.report = report
  }

  /** As one message. */
  in(format: FrameFormat): Uint8Array {
    return format === 'json' ? encodeFrame(this.report, format) : this.pack()
  }

  /** Several in a message, as an array. JSON is quicker written anew, all of it at once. */
  static all(reports: readonly EncodedReport[], format: FrameFormat): Uint8Array {
    if (format === 'json') {
      return encodeFrame(
        reports.map(({ report }) => report),
        format,
      )
    }
    return joinReports(reports.map((each) => each.pack()))
  }

  private pack(): Uint8Array {
    this.packed ??= encodeReport(this.report, 'msgpack')
    return this.packed
  }
}
