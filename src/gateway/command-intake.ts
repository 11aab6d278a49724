// Commands over NATS in, and out what each came to: one reply a request, once durable. Who asks for
// no reply learns what became of a command by its account's reports, and of one that was not taken
// in by its account's refusals.

import type { Report } from '../protocol/report-json.ts'
import { REPORT_WORDS, RPF } from '../protocol/report-log.ts'
import type { Reports } from '../protocol/reports.ts'
import { FRAME_BYTES_MAX } from './bounds.ts'
import { type BinaryDesk, sureOf } from './desk.ts'
import { encodeFrame, type Frame } from './frame.ts'
import { refusalFrom } from './gateway-refusal.ts'
import { OrderReader } from './order-reader.ts'
import { Replies, Request } from './replies.ts'
import type { ReportStream } from './report-stream.ts'
import { bodyOf, type Inbound, refusedSubject } from './subjects.ts'

/** Where it goes; false if it could not be sent. */
type Send = (subject: string, bytes: Uint8Array) => unknown

/** What commands come to goes out there. */
export interface IntakeOutlets {
  /** Durable answers: must arrive. */
  readonly sendReply: Send
  /** Replies that may be lost with the connection: refusals of what left no trace. */
  readonly sendLoose: Send
  /** The same to subjects that anybody may be slow to read, as reports are. */
  readonly sendRefused: Send
  /** A command was refused, with this code. */
  readonly onRefused: (code: string | undefined) => void
}

/** What subjects that commands come by say. */
export type CommandsTo = Extract<Inbound, { kind: 'order' | 'admin' }>

export class CommandIntake {
  /** Commands that came, and those of them that were not taken in. */
  commands = 0
  refused = 0
  private readonly outlets: IntakeOutlets
  private readonly orders = new OrderReader()
  private readonly replies = new Replies<Uint8Array, Request>()

  constructor(outlets: IntakeOutlets) {
    this.outlets = outlets
  }

  /** Takes in a frame of orders of which nothing has to be said; false: nothing was taken in. */
  takeOrders(data: Uint8Array, replyTo: string, to: CommandsTo, desk: BinaryDesk): boolean {
    const { orders, replies } = this
    if (to.kind !== 'order' || !orders.read(data, to, desk.names)) return false
    const { isBatch, log } = orders
    const { count: commands } = log
    const first = desk.submitAll(log)
    if (first === undefined) return false
    this.commands += commands
    if (replyTo === '') return true
    const request = new Request(replyTo, { format: 'msgpack', isBatch, commands })
    for (let index = 0; index < commands; index += 1) replies.expect(first + index, request, index)
    return true
  }

  /** Takes in a frame's commands, one by one; says what is wrong with those it does not take. */
  take(
    { format, isBatch, commands }: Frame,
    replyTo: string,
    to: CommandsTo,
    desk: BinaryDesk,
  ): void {
    const request = new Request(replyTo, { format, isBatch, commands: commands.length })
    const refusals: Report[] = []
    let isComplete = false
    for (const [index, command] of commands.entries()) {
      const said = bodyOf(to, command)
      const got = said.kind === 'refused' ? refusalFrom(said, command) : desk.submit(said.body)
      if (typeof got === 'number') {
        if (replyTo !== '') this.replies.expect(got, request, index)
        continue
      }
      const refusal = sureOf(desk, got, command)
      refusals.push(refusal)
      this.outlets.onRefused(refusal.code)
      isComplete = request.refuse(index, refusal)
    }
    this.commands += commands.length
    this.refused += refusals.length
    // Nothing of it is in history: who loses the reply sends the same again.
    if (replyTo === '') this.refuse(refusals, format, to.kind === 'order' ? to.account : undefined)
    else if (isComplete) this.outlets.sendLoose(replyTo, request.encode())
  }

  /** Tells an account, if it is one's, what was not taken in of what wanted no reply. */
  refuse(refusals: readonly Report[], format: Frame['format'], account: string | undefined): void {
    if (account === undefined || refusals.length === 0) return
    const bytes = encodeFrame(refusals, format)
    if (bytes.length <= FRAME_BYTES_MAX) {
      return void this.outlets.sendRefused(refusedSubject(account), bytes)
    }
    // Long names in a thousand orders: in two messages.
    const half = refusals.length >> 1
    this.refuse(refusals.slice(0, half), format, account)
    this.refuse(refusals.slice(half), format, account)
  }

  /** Gives each command that is waited for its first report, as `bytesOf` writes it. */
  reply(reports: Reports, bytesOf: ReportStream['bytesOf']): void {
    const { replies } = this
    const { f64, count } = reports.log
    for (let number = 0; number < count && replies.count > 0; number += 1) {
      const waiting = replies.waiting(f64[((number * REPORT_WORDS) >> 1) + RPF.seq])
      if (waiting === undefined) continue
      const complete = replies.settle(bytesOf(reports, number, waiting.format))
      if (complete !== undefined) this.outlets.sendReply(complete.replyTo, complete.encode())
    }
  }
}
