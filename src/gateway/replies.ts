// Which request waits for which command: one reply a request, once all of its commands are durable.

import { assert } from '../lib/assert.ts'
import type { Report } from '../protocol/report-json.ts'
import { FRAME_BYTES_MAX } from './bounds.ts'
import { decodeReport, encodeFrame, type FrameFormat, joinReports } from './frame.ts'

/** A request under way: a command, or some, each answered by its first report or by a refusal. */
export class Answers<A> {
  private readonly answers: (A | undefined)[]
  private left: number

  constructor(commands: number) {
    this.answers = new Array(commands)
    this.left = commands
  }

  /** Answers its command number `index`; whether all are answered now. */
  answer(index: number, answer: A): boolean {
    this.answers[index] = answer
    this.left -= 1
    return this.left === 0
  }

  /** In the order of the commands, once all are answered. */
  get all(): readonly A[] {
    assert(this.left === 0, 'every command of the request is answered')
    return this.answers as A[]
  }
}

/** A request over NATS: its answers are reports in the format that it came in. */
export class Request extends Answers<Uint8Array> {
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

  /** Answers a command that is not taken in; whether all are answered now. */
  refuse(index: number, refusal: Report): boolean {
    return this.answer(index, encodeFrame(refusal, this.format))
  }

  /** The reply, once all are answered. */
  encode(): Uint8Array {
    const { isBatch, format, all } = this
    if (!isBatch) return all[0]
    const bytes = joinReports(all, format)
    if (bytes.length <= FRAME_BYTES_MAX) return bytes
    // Long names in a thousand orders: what says what became of each, the rest is on `exec`.
    return encodeFrame(
      all.map((answer) => shortened(decodeReport(answer, format))),
      format,
    )
  }
}

function shortened({ execType, ordStatus, ...report }: Report): Report {
  const { seq, execId, execSeq, orderId, clOrdId, cmd, code, field, duplicate } = report
  const short = { seq, execId, execSeq, execType, ordStatus, orderId, clOrdId }
  const all = { ...short, cmd, code, field, duplicate }
  const there = Object.entries(all).filter(([, value]) => value !== undefined)
  return Object.fromEntries(there) as unknown as Report
}

/** Commands by `seq`, in order. */
export class Replies<A, R extends Answers<A>> {
  private expected: { seq: number; request: R; index: number }[] = []
  private head = 0

  /** Requests' commands that are not answered. */
  get count(): number {
    return this.expected.length - this.head
  }

  /** The command `seq`, above all before, is the request's number `index`. */
  expect(seq: number, request: R, index: number): void {
    this.expected.push({ seq, request, index })
  }

  /** Who waits for the next report, if that is about `seq`; reports come in order. */
  waiting(seq: number | undefined): R | undefined {
    const next = this.expected[this.head]
    if (next === undefined) return undefined
    if (next.seq === seq) return next.request
    assert((seq ?? 0) <= next.seq, 'each command has a report, and they come in order')
    return undefined
  }

  /** Gives {@link waiting} its answer; the request if it is complete by it. */
  settle(answer: A): R | undefined {
    const { request, index } = this.expected[this.head]
    this.head += 1
    if (this.head > 1_024 && this.head * 2 > this.expected.length) {
      this.expected = this.expected.slice(this.head)
      this.head = 0
    }
    return request.answer(index, answer) ? request : undefined
  }
}
