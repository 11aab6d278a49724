// Which request waits for which command: one reply a request, once all of its commands are durable.

import { assert } from '../lib/assert.ts'
import type { Report } from '../protocol/report-json.ts'
import { FRAME_BYTES_MAX } from './bounds.ts'
import { EncodedReport } from './encoded-report.ts'
import type { FrameFormat } from './frame.ts'

/** A request under way: a command, or some, each answered by its first report or by a refusal. */
export class Request {
  /** Where the reply goes; empty: nobody waits for one. */
  readonly replyTo: string
  readonly format: FrameFormat
  readonly isBatch: boolean
  private readonly answers: (EncodedReport | undefined)[]
  private left: number

  constructor(
    replyTo: string,
    { format, isBatch, commands }: { format: FrameFormat; isBatch: boolean; commands: number },
  ) {
    this.replyTo = replyTo
    this.format = format
    this.isBatch = isBatch
    this.answers = new Array(commands)
    this.left = commands
  }

  /** Answers its command number `index`; whether all are answered now. */
  answer(index: number, report: EncodedReport): boolean {
    this.answers[index] = report
    this.left -= 1
    return this.left === 0
  }

  /** The reply, once all are answered. */
  encode(): Uint8Array {
    const { isBatch, format } = this
    const answers = this.answers as EncodedReport[]
    if (!isBatch) return answers[0].in(format)
    const bytes = EncodedReport.all(answers, format)
    if (bytes.length <= FRAME_BYTES_MAX) return bytes
    // Long names in a thousand orders: what says what became of each, the rest is on `exec`.
    return EncodedReport.all(answers.map(shortened), format)
  }
}

const shortened = ({ report: { execType, ordStatus, ...report } }: EncodedReport) => {
  const { seq, execId, execSeq, orderId, clOrdId, cmd, code, field, duplicate } = report
  const short = { seq, execId, execSeq, execType, ordStatus, orderId, clOrdId }
  const all = { ...short, cmd, code, field, duplicate }
  const there = Object.entries(all).filter(([, value]) => value !== undefined)
  return new EncodedReport(Object.fromEntries(there) as unknown as Report)
}

/** Commands by `seq`, in order. */
export class Replies {
  private waiting: { seq: number; request: Request; index: number }[] = []
  private head = 0

  /** Requests' commands that are not answered. */
  get count(): number {
    return this.waiting.length - this.head
  }

  /** The command `seq`, above all before, is the request's number `index`. */
  expect(seq: number, request: Request, index: number): void {
    this.waiting.push({ seq, request, index })
  }

  /** Takes a report, in order; the request that is complete by it. */
  settle(encoded: EncodedReport): Request | undefined {
    const next = this.waiting[this.head]
    const { seq } = encoded.report
    if (next === undefined || next.seq !== seq) {
      const isLost = next !== undefined && (seq ?? 0) > next.seq
      assert(!isLost, 'each command has a report, and they come in order')
      return undefined
    }
    this.head += 1
    if (this.head > 1_024 && this.head * 2 > this.waiting.length) {
      this.waiting = this.waiting.slice(this.head)
      this.head = 0
    }
    return next.request.answer(next.index, encoded) ? next.request : undefined
  }
}
