// Reports by account: into messages that fit, out through the outbox, and kept for who asks again.

import { REPORT_WORDS, RP, RPF } from '../protocol/report-log.ts'
import type { Reports } from '../protocol/reports.ts'
import { EXEC_REPORTS_MAX } from './bounds.ts'
import { encodeFrame, type FrameFormat } from './frame.ts'
import { ReportHistory } from './history.ts'
import type { Outbox } from './outbox.ts'
import { Pieces } from './pieces.ts'
import { REPORT_BYTES_MAX, ReportWriter } from './report-writer.ts'
import { execSubject } from './subjects.ts'

/** An array of up to 65,535, and how many. */
const HEAD_BYTES = 3

interface Message {
  readonly account: string
  /** The `execSeq` of its first report. */
  readonly first: number
  readonly count: number
  readonly bytes: Uint8Array
}

export class ReportStream {
  readonly history = new ReportHistory()
  private readonly outbox: Pick<Outbox, 'send'>
  private readonly format: FrameFormat
  private readonly writer = new ReportWriter(HEAD_BYTES + EXEC_REPORTS_MAX * REPORT_BYTES_MAX)
  private readonly pieces = new Pieces()
  /** What was taken and not sent. */
  private messages: Message[] = []
  /** Of the reports taken last, where each is in its message's bytes; none if it is in none. */
  private packed: (Uint8Array | undefined)[] = []
  private readonly starts: number[] = []

  constructor(outbox: Pick<Outbox, 'send'>, format: FrameFormat) {
    this.outbox = outbox
    this.format = format
  }

  /** Takes reports, all of them in order, into messages; those of no account go nowhere. */
  take(reports: Reports): void {
    const { i32, f64, count } = reports.log
    this.packed = []
    const byAccount = new Map<number, number[]>()
    for (let number = 0; number < count; number += 1) {
      const word = number * REPORT_WORDS
      if (f64[(word >> 1) + RPF.execSeq] === 0) continue
      const account = i32[word + RP.account]
      const numbers = byAccount.get(account)
      if (numbers === undefined) byAccount.set(account, [number])
      else numbers.push(number)
    }
    for (const [handle, numbers] of byAccount) {
      const account = reports.names.accountOf(handle)
      for (let from = 0; from < numbers.length; from += EXEC_REPORTS_MAX) {
        const some =
          numbers.length <= EXEC_REPORTS_MAX
            ? numbers
            : numbers.slice(from, from + EXEC_REPORTS_MAX)
        const first = f64[((some[0] * REPORT_WORDS) >> 1) + RPF.execSeq]
        this.messages.push({
          account,
          first,
          count: some.length,
          bytes: this.encode(reports, some),
        })
      }
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

  /** Report `number` of those taken last, as a message of its own in msgpack. */
  packedOf(reports: Reports, number: number): Uint8Array {
    const known = this.packed[number]
    if (known !== undefined) return known
    this.writer.at = 0
    this.writer.write(reports.log, number, reports.names)
    return this.pieces.copy(this.writer.bytes, 0, this.writer.at)
  }

  private encode(reports: Reports, numbers: readonly number[]): Uint8Array {
    if (this.format === 'json') {
      return encodeFrame(
        numbers.map((number) => reports.at(number)),
        'json',
      )
    }
    const { writer, starts, pieces, packed } = this
    const { length } = numbers
    writer.bytes[0] = 0xdc
    writer.bytes[1] = length >> 8
    writer.bytes[2] = length & 255
    writer.at = HEAD_BYTES
    for (let i = 0; i < length; i += 1) {
      starts[i] = writer.at
      writer.write(reports.log, numbers[i], reports.names)
    }
    starts[length] = writer.at
    const bytes = pieces.copy(writer.bytes, 0, writer.at)
    for (let i = 0; i < length; i += 1)
      packed[numbers[i]] = bytes.subarray(starts[i], starts[i + 1])
    return bytes
  }
}
