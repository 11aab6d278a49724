// Which request waits for which command: one reply a request, once all of its commands are durable.

import { assert } from '../lib/assert.ts'
import type { Report } from '../protocol/report-json.ts'
import { FRAME_BYTES_MAX } from './bounds.ts'
import { encodeReport, encodeReports, type FrameFormat } from './frame.ts'

/** A request under way: a command, or some, each answered by its first report or by a refusal. */
export class Answers {
  private readonly answers: (Report | undefined)[]
  private left: number

  constructor(commands: number) {
    this.answers = new Array(commands)
    this.left = commands
  }

  /** Answers its command number `index`; whether all are answered now. */
  answer(index: number, report: Report): boolean {
    this.answers[index] = report
    this.left -= 1
    return this.left === 0
  }

  /** In the order of the commands, once all are answered. */
  get reports(): readonly Report[] {
    assert(this.left === 0, 'every command of the request is answered')
    return this.answers as Report[]
  }
}

/** A request over NATS. */
export class Request extends Answers {
  /** Where the reply goes; empty: nobody waits for one. */
  readonly replyTo: string
  readonly format: FrameFormat
  readonly isBatch: boolean

  constructor(
    replyTo: string,
    { format, isBatch, commands }: { format: FrameFormat; isBatch: boolean; commands: number },
  ) {
    super(commands)
    this.replyTo = replyTo
    this.format = format
    this.isBatch = isBatch
  }

  /** The reply, once all are answered. */
  encode(): Uint8Array {
    const { isBatch, format, reports } = this
    if (!isBatch) return encodeReport(reports[0], format)
    const bytes = encodeReports(reports, format)
    if (bytes.length <= FRAME_BYTES_MAX) return bytes
    // Long names in a thousand orders: what says what became of each, the rest is on `exec`.
    return encodeReports(reports.map(shortened), format)
  }
}

const shortened = ({ execType, ordStatus, ...report }: Report): Report => {
  const { seq, execId, execSeq, orderId, clOrdId, cmd, code, field, duplicate } = report
  const short = { seq, execId, execSeq, execType, ordStatus, orderId, clOrdId }
  const all = { ...short, cmd, code, field, duplicate }
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== undefined),
  ) as unknown as Report
}

/** Commands by `seq`, in order. */
export class Replies<R extends Answers> {
  private waiting: { seq: number; request: R; index: number }[] = []
  private head = 0

  /** Requests' commands that are not answered. */
  get count(): number {
    return this.waiting.length - this.head
  }

  /** The command `seq`, above all before, is the request's number `index`. */
  expect(seq: number, request: R, index: number): void {
    this.waiting.push({ seq, request, index })
  }

  /** Takes a report, in order; the request that is complete by it. */
  settle(report: Report): R | undefined {
    const next = this.waiting[this.head]
    if (next === undefined || next.seq !== report.seq) {
      const isLost = next !== undefined && (report.seq ?? 0) > next.seq
      assert(!isLost, 'each command has a report, and they come in order')
      return undefined
    }
    this.head += 1
    if (this.head > 1_024 && this.head * 2 > this.waiting.length) {
      this.waiting = this.waiting.slice(this.head)
      this.head = 0
    }
    return next.request.answer(next.index, report) ? next.request : undefined
  }
}
