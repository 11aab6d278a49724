// The exchange's side of NATS: commands in, one reply each once durable, reports and market data
// out. It decides nothing about money.
//
// Callbacks, not iterators, which buffer without bound; and nothing may throw in one: the client's
// reader would end (docs/decisions/0022-nats-client.md).

import { connect, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node'
import type { QueryAnswer } from '../engine/answers.ts'
import type { CodeName } from '../protocol/codes.ts'
import { refusalOf } from '../protocol/refusal.ts'
import type { Report } from '../protocol/report-json.ts'
import { DEPTH_LEVELS_MAX } from './bounds.ts'
import { decodeFrame, encodeFrame, type FrameFormat } from './frame.ts'
import { type NumberedReport, ReportHistory } from './history.ts'
import { MarketData, type TradeMessage } from './market-data.ts'
import { connectionOf, hostsOf } from './nats-address.ts'
import { NatsProblem } from './nats-problem.ts'
import { Outbox } from './outbox.ts'
import { Replies, Request } from './replies.ts'
import {
  bodyOf,
  execSubject,
  type Inbound,
  marketDataSubject,
  parseSubject,
  STATUS_SUBJECT,
  SUBSCRIPTIONS,
} from './subjects.ts'

/** What the gateway needs of the exchange that leads. */
export interface Desk {
  /** The command's `seq`, or the refusal to give. */
  submit(command: unknown): number | Report
  query(query: unknown): Promise<QueryAnswer | Report>
  readonly seq: number
}

export interface NatsGatewayOptions {
  /** `nats://host:port`, with user and password where they are asked for; see connectionOf. */
  readonly url: string
  /** Shown in the server's list of connections. */
  readonly name?: string
  /** How reports and market data are written. */
  readonly format?: FrameFormat
  /** At least so long between two updates of a symbol's depth, in ms. */
  readonly depthEveryMs?: number
  /** The connection is lost, or there again. */
  readonly onConnection?: (isThere: boolean) => void
  /** The server does not allow what the exchange needs. */
  readonly onDenied?: (problem: NatsProblem) => void
  /** A command was refused, by the gateway or by the exchange, with this code. */
  readonly onRefused?: (code: string) => void
  /** More of how the process is, for whoever asks over NATS; plain values. */
  readonly about?: () => object
}

/** Messages of depth from one whole snapshot in the feed to the next. */
const SNAPSHOT_EVERY = 100
const DEPTH_EVERY_MS = 50
/** Subjects that are remembered taken apart. */
const SUBJECTS_MAX = 100_000

/** Counts since the gateway was made. */
export interface GatewayStats {
  messages: number
  commands: number
  refused: number
  reports: number
}

export class NatsGateway {
  readonly stats: GatewayStats = { messages: 0, commands: 0, refused: 0, reports: 0 }
  private readonly connection: NatsConnection
  private readonly options: NatsGatewayOptions
  private readonly format: FrameFormat
  private readonly outbox: Outbox
  private readonly replies = new Replies()
  private readonly history = new ReportHistory()
  private readonly market: MarketData
  private readonly subjects = new Map<string, ReturnType<typeof parseSubject>>()
  private desk: Desk | undefined
  private subscriptions: Subscription[] = []
  private depthTimer: NodeJS.Timeout | undefined
  private isConnected = true

  private constructor(connection: NatsConnection, options: NatsGatewayOptions) {
    this.connection = connection
    this.options = options
    this.format = options.format ?? 'json'
    this.outbox = new Outbox(connection)
    const intervalMs = options.depthEveryMs ?? DEPTH_EVERY_MS
    this.market = new MarketData({ intervalMs, snapshotEvery: SNAPSHOT_EVERY })
    void this.watch()
  }

  /** Connects, for good: it is tried again for ever once it was there. Throws a NatsProblem. */
  static async connect(options: NatsGatewayOptions): Promise<NatsGateway> {
    try {
      const connection = await connect({
        ...connectionOf(options.url),
        name: options.name ?? 'onefill',
        maxReconnectAttempts: -1,
        reconnectTimeWait: 100,
        reconnectJitter: 50,
        ignoreAuthErrorAbort: true,
      })
      return new NatsGateway(connection, options)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      throw new NatsProblem(
        'NATS_FAILED',
        `No NATS server can be used at ${hostsOf(options.url)}: ${why}.`,
      )
    }
  }

  /** Whether the server is there now. */
  get isThere(): boolean {
    return this.isConnected
  }

  /**
   * Serves whoever leads: from now on commands are taken in. Resolves when the server sends them
   * here; a connection that is lost meanwhile brings its subscriptions along when it is back.
   */
  open(desk: Desk): Promise<void> {
    this.desk = desk
    this.subscriptions = SUBSCRIPTIONS.map((subject) => this.subscribe(subject, this.take))
    this.subscribe(STATUS_SUBJECT, this.tell)
    this.announce('leading')
    return this.connection.flush().catch(() => {})
  }

  private subscribe(subject: string, hear: (this: this, message: Msg) => void): Subscription {
    const callback = (error: Error | null, message: Msg) => {
      if (error === null) return hear.call(this, message)
      const why = `NATS does not let the exchange subscribe to ${subject}: ${error.message}.`
      this.options.onDenied?.(new NatsProblem('NATS_FAILED', why))
    }
    return this.connection.subscribe(subject, { callback })
  }

  /** Takes reports out; resolves when the server has them. Bound to be given as `onReports`. */
  readonly onReports = (reports: readonly Report[]): Promise<void> => {
    const byAccount = new Map<string, NumberedReport[]>()
    const trades = new Map<string, TradeMessage[]>()
    for (const report of reports) {
      this.reply(report)
      if (report.execType === 'rejected' && report.code !== undefined) this.count(report.code)
      const trade = this.market.observe(report)
      if (trade !== undefined) {
        const of = trades.get(trade.symbol)
        if (of === undefined) trades.set(trade.symbol, [trade])
        else of.push(trade)
      }
      if (report.execSeq === undefined) continue
      const numbered = report as NumberedReport
      const of = byAccount.get(numbered.account)
      if (of === undefined) byAccount.set(numbered.account, [numbered])
      else of.push(numbered)
    }
    this.stats.reports += reports.length
    for (const [account, some] of byAccount) this.publishReports(account, some)
    for (const [symbol, some] of trades) this.publish(marketDataSubject(symbol, 'trades'), some)
    this.scheduleDepth()
    return this.outbox.certain()
  }

  /** Stops taking commands in, sends what is to be sent within a bound, and disconnects. */
  async close(msMax = 2_000): Promise<void> {
    if (this.desk !== undefined) this.announce('stopping')
    this.desk = undefined
    clearTimeout(this.depthTimer)
    const timer = setTimeout(() => void this.connection.close(), msMax)
    try {
      if (this.isConnected) await this.connection.drain()
    } catch {
      // Lost in the middle: there is nobody to send to.
    } finally {
      clearTimeout(timer)
      await this.connection.close()
      this.giveUp()
    }
  }

  /** Takes nothing in any more, at once; what was acknowledged still goes out. */
  stopTaking(): void {
    this.desk = undefined
    if (this.connection.isClosed()) return
    for (const subscription of this.subscriptions.splice(0)) subscription.unsubscribe()
  }

  /** Reports that the server is not known to have count as not published, and never will. */
  giveUp(): void {
    const why = 'NATS was away: reports it may not have come again after the next start.'
    this.outbox.close(new NatsProblem('NATS_FAILED', why))
  }

  // --- in ----------------------------------------------------------------------------------------

  /** Nothing that comes may throw: whatever it is, it is answered. */
  private take(message: Msg): void {
    this.stats.messages += 1
    const { desk } = this
    // Another process leads, or nobody: no word from here, so that the one that leads is heard.
    if (desk === undefined) return
    const to = this.parse(message.subject)
    const frame = decodeFrame(message.data)
    const format = frame.format
    if (to.kind === 'refused') return this.refuse(message, format, to)
    switch (to.kind) {
      case 'order':
      case 'admin':
        if (!frame.ok) return this.refuse(message, format, frame)
        return this.takeCommands(message, to, frame, desk)
      case 'query':
        return this.answer(message, format, desk, { cmd: to.verb, account: to.account })
      case 'resend':
        if (!frame.ok) return this.refuse(message, format, frame)
        return this.resend(message, format, to.account, frame.commands[0])
      case 'snapshot':
        return this.giveSnapshot(message, format, desk, to.symbol)
    }
  }

  private parse(subject: string): ReturnType<typeof parseSubject> {
    const known = this.subjects.get(subject)
    if (known !== undefined) return known
    if (this.subjects.size >= SUBJECTS_MAX) this.subjects.clear()
    const parsed = parseSubject(subject)
    this.subjects.set(subject, parsed)
    return parsed
  }

  private takeCommands(
    message: Msg,
    to: Extract<Inbound, { kind: 'order' | 'admin' }>,
    frame: { format: FrameFormat; isBatch: boolean; commands: readonly unknown[] },
    desk: Desk,
  ): void {
    const { format, isBatch, commands } = frame
    const request = new Request(replyTo(message), { format, isBatch, commands: commands.length })
    let isComplete = false
    for (const [index, command] of commands.entries()) {
      const said = bodyOf(to, command)
      const taken = said.kind === 'refused' ? refusalFrom(said, command) : desk.submit(said.body)
      this.stats.commands += 1
      if (typeof taken === 'number') this.replies.expect(taken, request, index)
      else {
        this.stats.refused += 1
        this.count(taken.code)
        isComplete = request.answer(index, taken)
      }
    }
    if (isComplete) this.respond(request)
  }

  private answer(message: Msg, format: FrameFormat, desk: Desk, query: object): void {
    desk.query(query).then(
      (answer) => this.publishTo(message, format, answer),
      // Nothing goes on: whoever leads next is asked again.
      () => {},
    )
  }

  private resend(message: Msg, format: FrameFormat, account: string, body: unknown): void {
    const { from, to } = (body ?? {}) as { from?: unknown; to?: unknown }
    if (!isCount(from)) return this.refuse(message, format, { code: 'MALFORMED', field: 'from' })
    if (!isCount(to)) return this.refuse(message, format, { code: 'MALFORMED', field: 'to' })
    const found = this.history.range(account, from, to)
    if (found.kind === 'reports') return this.publishTo(message, format, found)
    const { oldest, newest } = found
    const refusal = refusalOf({ code: 'HISTORY_GONE', field: 'from' }, { account })
    this.publishTo(message, format, { ...refusal, oldest, newest })
  }

  private giveSnapshot(message: Msg, format: FrameFormat, desk: Desk, symbol: string): void {
    const known = this.market.snapshot(symbol)
    if (known !== undefined) return this.publishTo(message, format, known)
    desk.query({ cmd: 'book', symbol, depth: DEPTH_LEVELS_MAX }).then(
      (answer) => {
        if ('bids' in answer) this.publishBook(answer)
        this.publishTo(message, format, this.market.snapshot(symbol) ?? answer)
      },
      () => {},
    )
  }

  /** How this process is, for whoever asks. */
  private tell(message: Msg): void {
    if (replyTo(message) === '') return
    const { desk, stats } = this
    const status = desk === undefined ? 'not leading' : 'leading'
    const more = this.options.about?.()
    this.publishTo(message, 'json', { status, seq: desk?.seq ?? null, ...stats, ...more })
  }

  // --- out ---------------------------------------------------------------------------------------

  private reply(report: Report): void {
    const request = this.replies.settle(report)
    if (request !== undefined) this.respond(request)
  }

  private respond({ replyTo, format, reply }: Request): void {
    if (replyTo !== '') this.outbox.send(replyTo, encodeFrame(reply, format))
  }

  private refuse(
    message: Msg,
    format: FrameFormat,
    refusal: { code: CodeName; field: string; text?: string; index?: number },
  ): void {
    this.stats.refused += 1
    this.count(refusal.code)
    this.publishTo(message, format, refusalFrom(refusal, undefined))
  }

  private count(code: string | undefined): void {
    if (code !== undefined) this.options.onRefused?.(code)
  }

  /** An answer that may be asked for again: lost with the connection. */
  private publishTo(message: Msg, format: FrameFormat, answer: unknown): void {
    const reply = replyTo(message)
    if (reply === '') return
    this.connection.publish(reply, encodeFrame(answer, format))
  }

  private publishReports(account: string, reports: NumberedReport[]): void {
    const bytes = encodeFrame(reports, this.format)
    const each = bytes.length / reports.length
    for (const report of reports) this.history.add(report, each)
    this.outbox.send(execSubject(account), bytes)
  }

  /** Market data: who misses some asks for a snapshot. */
  private publish(subject: string, message: unknown): void {
    if (this.isConnected) this.connection.publish(subject, encodeFrame(message, this.format))
  }

  private publishBook(answer: Parameters<MarketData['update']>[0]): void {
    const { depth, bbo } = this.market.update(answer)
    if (depth !== undefined) this.publish(marketDataSubject(depth.symbol, 'depth'), depth)
    if (bbo !== undefined) this.publish(marketDataSubject(bbo.symbol, 'bbo'), bbo)
  }

  private scheduleDepth(): void {
    const dueMs = this.market.nextDueMs()
    if (dueMs === undefined || this.depthTimer !== undefined) return
    const waitMs = Math.max(0, dueMs - performance.now())
    this.depthTimer = setTimeout(() => {
      this.depthTimer = undefined
      this.askBooks()
      this.scheduleDepth()
    }, waitMs)
  }

  private askBooks(): void {
    const { desk } = this
    if (desk === undefined) return
    for (const symbol of this.market.due(performance.now())) {
      desk.query({ cmd: 'book', symbol, depth: DEPTH_LEVELS_MAX }).then(
        (answer) => {
          if ('bids' in answer) this.publishBook(answer)
          else this.market.failed(symbol)
          this.scheduleDepth()
        },
        () => this.market.failed(symbol),
      )
    }
  }

  private announce(status: string): void {
    const seq = this.desk?.seq ?? null
    if (this.isConnected)
      this.connection.publish(STATUS_SUBJECT, encodeFrame({ status, seq }, 'json'))
  }

  // --- the connection ----------------------------------------------------------------------------

  private async watch(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type === 'disconnect') {
        this.isConnected = false
        this.outbox.lost()
        this.options.onConnection?.(false)
      } else if (type === 'reconnect') {
        this.isConnected = true
        this.outbox.back()
        if (this.desk !== undefined) this.announce('back')
        this.options.onConnection?.(true)
      }
    }
  }
}

/**
 * Where the reply goes, '' for nowhere. Not to our own subjects: the server does not ask whether
 * the sender may publish there, so a reply could pass for another account's report.
 */
const replyTo = ({ reply = '' }: Msg): string => (reply.startsWith('onefill.') ? '' : reply)

/** A refusal with a sentence of its own, where there is one. */
function refusalFrom(
  { code, field, text, index }: { code: CodeName; field: string; text?: string; index?: number },
  command: unknown,
): Report {
  const report = refusalOf({ code, field }, command)
  if (text !== undefined) report.text = text
  if (index !== undefined) report.line = index + 1
  return report
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 1
