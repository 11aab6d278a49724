// Reports by account: into messages that fit, out through the outbox, and kept for who asks again.

import type { SaidMessage } from '../persistence/said-table.ts'
import type { Reports } from '../protocol/reports.ts'
import { EXEC_REPORTS_MAX } from './bounds.ts'
import { runsByAccount } from './by-account.ts'
import type { FrameFormat } from './frame.ts'
import { ReportHistory } from './history.ts'
import { JsonReportWriter } from './json-report-writer.ts'
import { MsgpackReportWriter } from './msgpack-report-writer.ts'
import type { Outbox } from './outbox.ts'
import { Pieces } from './pieces.ts'
import { REPORT_BYTES_MAX, type ReportWriter } from './report-writer.ts'
import { execSubject } from './subjects.ts'

/** The largest message; what is around its reports is a few bytes. */
const MESSAGE_BYTES_MAX = (EXEC_REPORTS_MAX + 1) * REPORT_BYTES_MAX

export class ReportStream {
  readonly history = new ReportHistory()
  private readonly outbox: Pick<Outbox, 'send'>
  private readonly format: FrameFormat
  private readonly writers: Readonly<Record<FrameFormat, ReportWriter>> = {
    json: new JsonReportWriter(MESSAGE_BYTES_MAX),
    msgpack: new MsgpackReportWriter(MESSAGE_BYTES_MAX),
  }
  private readonly pieces = new Pieces()
  /** What was taken and not sent. */
  private messages: SaidMessage[] = []
  /** Of the reports taken last, the message that each is in; none if it is in none. */
  private holders: (Uint8Array | undefined)[] = []
  /** Where it starts and ends there. */
  private readonly starts: number[] = []
  private readonly ends: number[] = []

  constructor(outbox: Pick<Outbox, 'send'>, format: FrameFormat) {
    this.outbox = outbox
    this.format = format
  }

  /** Takes reports, all of them in order, into messages; those of no account go nowhere. */
  take(reports: Reports): void {
    this.holders = []
    for (const { account, first, numbers } of runsByAccount(reports)) {
      const bytes = this.encode(reports, numbers)
      this.messages.push({ account, first, count: numbers.length, bytes })
    }
  }

  /** Sends what was taken. */
  flush(): void {
    const { messages } = this
    if (messages.length === 0) return
    this.messages = []
    for (const { account, first, count, bytes } of messages) {
      this.history.add(account, first, count, bytes)
      this.outbox.send(execSubject(account), bytes)
    }
  }

  /** Report `number` of those taken last by itself: a piece of its message, if that is `format`. */
  bytesOf(reports: Reports, number: number, format: FrameFormat): Uint8Array {
    const holder = format === this.format ? this.holders[number] : undefined
    if (holder !== undefined) return holder.subarray(this.starts[number], this.ends[number])
    const writer = this.writers[format]
    writer.at = 0
    writer.write(reports.log, number, reports.names)
    // Not out of a piece, which is kept for long: this is over once it is sent.
    return Buffer.from(writer.bytes.subarray(0, writer.at))
  }

  private encode(reports: Reports, numbers: readonly number[]): Uint8Array {
    const { starts, ends, holders } = this
    const writer = this.writers[this.format]
    writer.at = 0
    writer.openMessage(numbers.length)
    for (let i = 0; i < numbers.length; i += 1) {
      const number = numbers[i]
      if (i > 0) writer.between()
      starts[number] = writer.at
      writer.write(reports.log, number, reports.names)
      ends[number] = writer.at
    }
    writer.closeMessage()
    const bytes = this.pieces.copy(writer.bytes, 0, writer.at)
    for (const number of numbers) holders[number] = bytes
    return bytes
  }
}
