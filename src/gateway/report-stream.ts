// Reports by account: into messages that fit, out through the outbox, and kept for who asks again.

import { EXEC_REPORTS_MAX } from './bounds.ts'
import { EncodedReport } from './encoded-report.ts'
import type { FrameFormat } from './frame.ts'
import { type NumberedReport, ReportHistory } from './history.ts'
import type { Outbox } from './outbox.ts'
import { execSubject } from './subjects.ts'

export class ReportStream {
  readonly history = new ReportHistory()
  private readonly outbox: Outbox
  private readonly format: FrameFormat
  /** Reports that are gathered, by account. */
  private gathered = new Map<string, EncodedReport[]>()

  constructor(outbox: Outbox, format: FrameFormat) {
    this.outbox = outbox
    this.format = format
  }

  /** Takes a report, all of them in order; those of no account go nowhere. */
  add(encoded: EncodedReport): void {
    const { account, execSeq } = encoded.report
    if (account === undefined || execSeq === undefined) return
    const of = this.gathered.get(account)
    if (of === undefined) this.gathered.set(account, [encoded])
    else of.push(encoded)
  }

  /** Sends what was gathered. */
  flush(): void {
    const { gathered } = this
    if (gathered.size === 0) return
    this.gathered = new Map()
    for (const [account, reports] of gathered) {
      for (let from = 0; from < reports.length; from += EXEC_REPORTS_MAX) {
        const isWhole = reports.length <= EXEC_REPORTS_MAX
        this.send(account, isWhole ? reports : reports.slice(from, from + EXEC_REPORTS_MAX))
      }
    }
  }

  private send(account: string, reports: readonly EncodedReport[]): void {
    const bytes = EncodedReport.all(reports, this.format)
    const { execSeq } = reports[0].report as NumberedReport
    this.history.add(account, execSeq, reports.length, bytes)
    this.outbox.send(execSubject(account), bytes)
  }
}
