// The exchange's side of NATS: commands in, one reply each once durable, reports and market data
// out. It decides nothing about money.
//
// Two connections: a subscriber of a stream that does not read holds up whoever publishes on the
// same one, and replies must not wait for that. Callbacks, not iterators, which buffer without
// bound; and nothing may throw in one: the client's reader would end
// (docs/decisions/0022-nats-client.md).

import type { Msg, Subscription } from '@nats-io/transport-node'
import { CODE_NAMES } from '../protocol/codes.ts'
import { refusalOf } from '../protocol/refusal.ts'
import type { Reports } from '../protocol/reports.ts'
import { ANSWERED_MAX, EXEC_REPORTS_MAX, FRAME_BYTES_MAX, SUBJECTS_MAX } from './bounds.ts'
import { CommandIntake, type CommandsTo } from './command-intake.ts'
import type { BinaryDesk } from './desk.ts'
import { decodeFrame, encodeFrame, type FrameFormat } from './frame.ts'
import { type GatewayRefusal, refusalFrom } from './gateway-refusal.ts'
import type { ReportHistory } from './history.ts'
import { MarketFeed } from './market-feed.ts'
import { MarketStream } from './market-stream.ts'
import { NatsLink } from './nats-link.ts'
import { NatsProblem } from './nats-problem.ts'
import { type Asked, QuestionGuard } from './question-guard.ts'
import { questionOf, rangeOf } from './questions.ts'
import { replyTo } from './reply-subject.ts'
import { ReportStream } from './report-stream.ts'
import { type Metadata, newCounts, ServiceInfo, type ServiceVerb } from './service.ts'
import { exchangesAt, type ServingExchange } from './serving-exchanges.ts'
import {
  alikeOf,
  type Inbound,
  parseSubject,
  STATUS_SUBJECT,
  SUBSCRIPTIONS,
  type SubjectRefusal,
} from './subjects.ts'

export interface NatsGatewayOptions {
  /** `nats://host:port`, with user and password where the server asks for them. */
  readonly url: string
  /** Shown in the server's list of connections. */
  readonly name?: string
  /** Of this program, as the services protocol tells it. */
  readonly version?: string
  /** How reports and market data are written. */
  readonly format?: FrameFormat
  /** At least so long between two updates of a symbol's depth, in ms. */
  readonly depthEveryMs?: number
  /** The server is lost, or there again. */
  readonly onConnection?: (isThere: boolean) => void
  /** The server does not allow what the exchange needs. */
  readonly onDenied?: (problem: NatsProblem) => void
  /** A command was refused, by the gateway or by the exchange, with this code. */
  readonly onRefused?: (code: string) => void
  /** More of how the process is, for whoever asks over NATS; plain values. */
  readonly about?: () => object
  /**
   * Something broke that cannot; nothing is taken in any more, and the exchange learns it by its
   * next reports. Without it, the process ends.
   */
  readonly onFault?: (error: unknown) => void
}

/** Counts since the gateway was made. */
export interface GatewayStats {
  readonly messages: number
  readonly commands: number
  readonly refused: number
  readonly reports: number
}

type Parsed = Inbound | SubjectRefusal

export class NatsGateway {
  private messages = 0
  private reported = 0
  /** Commands and replies. */
  private readonly main: NatsLink
  /** Reports and market data. */
  private readonly streams: NatsLink
  private readonly options: NatsGatewayOptions
  private readonly intake: CommandIntake
  private readonly reports: ReportStream
  /** Market data, for whoever else takes it out. */
  readonly market: MarketFeed
  private readonly marketStream: MarketStream
  private readonly subjects = new Map<string, Parsed>()
  private readonly subscriptions: Subscription[] = []
  private readonly counts = {
    ...{ order: newCounts(), query: newCounts(), resend: newCounts() },
    ...{ snapshot: newCounts(), admin: newCounts(), refused: newCounts() },
  }
  private readonly service: ServiceInfo
  /** Takes commands in. */
  private desk: BinaryDesk | undefined
  /** Asked for books: at a stop, for longer than commands are taken in. */
  private books: BinaryDesk | undefined
  private fault: unknown
  /** What was told last. */
  private wasThere = true
  private readonly guard = new QuestionGuard()
  private readonly bytesOf: ReportStream['bytesOf'] = (...of) => this.reports.bytesOf(...of)

  private constructor(main: NatsLink, streams: NatsLink, options: NatsGatewayOptions) {
    this.main = main
    this.streams = streams
    this.options = options
    const format = options.format ?? 'json'
    this.reports = new ReportStream(streams.outbox, format)
    this.intake = new CommandIntake({
      sendReply: (subject, bytes) => main.outbox.send(subject, bytes),
      sendLoose: (subject, bytes) => main.loose.send(subject, bytes),
      sendRefused: (subject, bytes) => streams.loose.send(subject, bytes),
      onRefused: (code) => this.count(code),
    })
    this.market = new MarketFeed({
      depthEveryMs: options.depthEveryMs,
      query: (query) => this.books?.query(query),
      onFault: (error) => this.break(error),
    })
    this.marketStream = new MarketStream(this.market, streams.loose, format)
    const { counts } = this
    this.service = new ServiceInfo(options.version ?? '0.0.0', [
      { name: 'order', subject: SUBSCRIPTIONS[0], counts: counts.order },
      { name: 'resend', subject: SUBSCRIPTIONS[1], counts: counts.resend },
      { name: 'snapshot', subject: SUBSCRIPTIONS[2], counts: counts.snapshot },
      { name: 'query', subject: SUBSCRIPTIONS[3], counts: counts.query },
      { name: 'admin', subject: SUBSCRIPTIONS[4], counts: counts.admin },
    ])
  }

  /** Connects, for good: it is tried again for ever once it was there. Throws a NatsProblem. */
  static async connect(options: NatsGatewayOptions): Promise<NatsGateway> {
    const { url, name = 'onefill' } = options
    let gateway: NatsGateway | undefined
    const events = {
      onState: () => gateway?.turned(),
      onRoom: () => gateway?.catchUp(),
      onBroken: (error: unknown) => gateway?.break(error),
      onDenied: (subject: string) => gateway?.mayNotPublish(subject),
    }
    const main = await NatsLink.open(url, name, events)
    try {
      gateway = new NatsGateway(main, await NatsLink.open(url, `${name} streams`, events), options)
      return gateway
    } catch (error) {
      await main.close(0)
      throw error
    }
  }

  get stats(): GatewayStats {
    const { messages, reported: reports } = this
    const { commands, refused } = this.intake
    return { messages, commands, refused, reports }
  }

  /** Reports that went out, by account; as much as memory keeps. */
  get history(): ReportHistory {
    return this.reports.history
  }

  /** Other exchanges that serve there; undefined where the server does not let us ask. */
  async others(): Promise<readonly ServingExchange[] | undefined> {
    const all = await exchangesAt(this.main.connection)
    return all?.filter(({ id }) => id !== this.service.id)
  }

  /** Whether the server is there now. */
  get isThere(): boolean {
    return this.main.isThere && this.streams.isThere
  }

  /**
   * Serves whoever leads: from now on commands are taken in. Resolves when the server sends them
   * here; a connection that is lost meanwhile brings its subscriptions along when it is back.
   * `metadata`: what it says about itself to whoever looks for services.
   */
  open(desk: BinaryDesk, metadata: Metadata = {}): Promise<void> {
    this.desk = desk
    this.books = desk
    this.service.metadata = metadata
    this.market.open()
    for (const subject of SUBSCRIPTIONS) this.listen(subject, (message) => this.take(message))
    this.listen(STATUS_SUBJECT, (message) => this.tell(message))
    for (const { subject, verb } of this.service.subjects) {
      this.listen(subject, (message) => this.introduce(message, verb))
    }
    this.announce('leading')
    return this.main.connection.flush().catch(() => {})
  }

  /** Takes reports out; resolves when the server has them. Bound to be given as it is. */
  readonly takeReports = async (reports: Reports): Promise<void> => {
    if (this.fault !== undefined) throw this.fault
    // Written first of all: a reply in the same format is a piece of its account's message.
    this.reports.take(reports)
    this.intake.reply(reports, this.bytesOf)
    const replied = this.main.outbox.certain()
    this.market.take(reports)
    this.reported += reports.length
    for (let number = 0; number < reports.length; number += 1) {
      const refusal = reports.refusalAt(number)
      if (refusal !== 0) this.count(CODE_NAMES[refusal])
    }
    // The client writes replies in a microtask, which is before this one: they do not wait for the
    // rest, of which nothing needs the reports any more.
    await undefined
    this.reports.flush()
    this.market.flush()
    await Promise.all([replied, this.streams.outbox.certain()])
  }

  /**
   * Ends the intake in order: what was sent before is still taken in. Settle the exchange then, and
   * {@link finishSaying}.
   */
  async finishTaking(): Promise<void> {
    this.announce('stopping')
    // What the server has sent by then is still taken in; nothing more can come behind its answer.
    const drained = this.subscriptions.splice(0).map((each) => each.drain().catch(() => {}))
    if (this.main.isThere) await Promise.all(drained)
    this.desk = undefined
  }

  /** Says what books have come to by now, the exchange being settled; {@link close} then. */
  async finishSaying(): Promise<void> {
    await this.market.finish()
    this.stopTaking()
  }

  /** Takes nothing in any more, at once; what was acknowledged still goes out. */
  stopTaking(): void {
    this.desk = undefined
    this.books = undefined
    this.unsubscribe()
    this.market.close()
  }

  /** Reports that the server is not known to have count as not published, and never will. */
  giveUp(): void {
    this.main.outbox.end()
    this.streams.outbox.end()
  }

  /** Stops taking commands in, sends what is to be sent within a bound, and disconnects. */
  async close(msMax = 2_000): Promise<void> {
    this.announce('stopping')
    this.stopTaking()
    await Promise.all([this.main.close(msMax), this.streams.close(msMax)])
  }

  // --- in ----------------------------------------------------------------------------------------

  /** Whatever a callback throws is a fault, and not the end of the client's reader. */
  private listen(subject: string, take: (message: Msg) => void): void {
    const callback = (error: Error | null, message: Msg) => {
      try {
        // The server does not give us the subject; there is no message then.
        if (error === null) take(message)
        else this.denied(subject, error)
      } catch (thrown) {
        this.break(thrown)
      }
    }
    this.subscriptions.push(this.main.connection.subscribe(subject, { callback }))
  }

  private denied(subject: string, error: Error): void {
    const { onDenied } = this.options
    // Discovery is a convenience: where the server does not allow it, nobody discovers us.
    if (subject.startsWith('$')) return
    if (onDenied === undefined) throw error
    const why = `NATS does not let the exchange subscribe to ${subject}: ${error.message}.`
    onDenied(new NatsProblem('NATS_FAILED', why))
  }

  private mayNotPublish(subject: string): void {
    const why = `NATS does not let the exchange publish to ${alikeOf(subject)}.`
    this.options.onDenied?.(new NatsProblem('NATS_FAILED', why))
  }

  /** Nobody is told that we serve; whoever asks learns at once that nobody does. */
  private unsubscribe(): void {
    const isOpen = !this.main.connection.isClosed() && !this.main.connection.isDraining()
    for (const subscription of this.subscriptions.splice(0)) {
      if (isOpen) subscription.unsubscribe()
    }
  }

  /** Whatever comes is answered. */
  private take(message: Msg): void {
    this.messages += 1
    const { desk } = this
    // Another process leads, or nobody: no word from here, so that the one that leads is heard.
    if (desk === undefined) return
    const to = this.parse(message.subject)
    const counts = this.counts[to.kind]
    const startMs = performance.now()
    counts.requests += 1
    const refusal = this.takeTo(message, to, desk)
    if (refusal !== undefined) {
      counts.errors += 1
      counts.lastError = `${refusal.code} ${refusal.field}`
    }
    counts.processingMs += performance.now() - startMs
  }

  /** Why all of it is refused, if it is. */
  private takeTo(message: Msg, to: Parsed, desk: BinaryDesk): GatewayRefusal | undefined {
    const { data } = message
    if (to.kind === 'order' && this.intake.takeOrders(data, replyTo(message), to, desk)) {
      return undefined
    }
    const frame = decodeFrame(data)
    const { format } = frame
    if (to.kind === 'refused') return this.refuse(message, format, to, to)
    if (to.kind === 'order' || to.kind === 'admin') {
      if (!frame.ok) return this.refuse(message, format, frame, accountOf(to))
      this.intake.take(frame, replyTo(message), to, desk)
      return undefined
    }
    const question = questionOf(to, frame, data.length === 0)
    if (!('body' in question)) return this.refuse(message, format, question)
    const { body } = question
    const asked = this.guard.begin(to, performance.now())
    if ('code' in asked) return this.refuse(message, format, asked)
    switch (to.kind) {
      case 'query': {
        const { verb: cmd, account } = to
        const question = { limit: ANSWERED_MAX, ...body, cmd, account }
        // Nothing goes on: whoever leads next is asked again.
        const said = desk.query(question).catch(() => undefined)
        return this.answer(replyTo(message), { format, asked, said })
      }
      case 'resend':
        return this.resend(message, { format, asked, account: to.account, body })
      case 'snapshot':
        return this.answer(replyTo(message), {
          ...{ format, asked, said: this.market.snapshot(to.symbol) },
        })
    }
  }

  private parse(subject: string): Parsed {
    const known = this.subjects.get(subject)
    if (known !== undefined) return known
    if (this.subjects.size >= SUBJECTS_MAX) this.subjects.clear()
    const parsed = parseSubject(subject)
    // A refused one may be long, and of any number of kinds.
    if (parsed.kind !== 'refused') this.subjects.set(subject, parsed)
    return parsed
  }

  /**
   * Answers later, and keeps nothing of the message until then; nobody who asks again gets a wrong
   * answer if this one gets lost. Undefined is no answer; what it rejects with is a fault.
   */
  private answer(
    to: string,
    { format, asked, said }: { format: FrameFormat; asked: Asked; said: Promise<unknown> },
  ): undefined {
    said
      .then((answer) => {
        this.guard.end(asked, linesOf(answer))
        if (answer !== undefined) this.publishTo(to, format, answer)
      })
      .catch((error) => this.break(error))
  }

  private resend(
    message: Msg,
    {
      format,
      asked,
      account,
      body,
    }: {
      format: FrameFormat
      asked: Asked
      account: string
      body: Readonly<Record<string, unknown>>
    },
  ): GatewayRefusal | undefined {
    const range = rangeOf(body)
    if (range.kind === 'refused') {
      this.guard.end(asked, 0)
      return this.refuse(message, format, range)
    }
    const found = this.history.range(account, range.from, range.to)
    // One report is looked for in a message of many.
    const isFound = found.kind === 'reports' && found.reports.length > 0
    this.guard.end(asked, isFound ? EXEC_REPORTS_MAX : 0)
    if (found.kind === 'reports') {
      this.publishTo(replyTo(message), format, found)
      return undefined
    }
    const { oldest, newest } = found
    const refusal = refusalOf({ code: 'HISTORY_GONE', field: 'from' }, { account })
    this.publishTo(replyTo(message), format, { ...refusal, oldest, newest })
    return { code: 'HISTORY_GONE', field: 'from' }
  }

  /** How this process is, for whoever asks. */
  private tell(message: Msg): void {
    const { desk, stats } = this
    const status = desk === undefined ? 'not leading' : 'leading'
    const more = this.options.about?.()
    this.publishTo(replyTo(message), 'json', { status, seq: desk?.seq ?? null, ...stats, ...more })
  }

  private introduce(message: Msg, verb: ServiceVerb): void {
    this.publishTo(replyTo(message), 'json', this.service.answer(verb))
  }

  // --- out ---------------------------------------------------------------------------------------

  private refuse(
    message: Msg,
    format: FrameFormat,
    refusal: GatewayRefusal,
    { account }: { readonly account?: string } = {},
  ): GatewayRefusal {
    this.intake.refused += 1
    this.count(refusal.code)
    const report = refusalFrom(refusal, undefined)
    const to = replyTo(message)
    if (to === '') this.intake.refuse([report], format, account)
    else this.publishTo(to, format, report)
    return refusal
  }

  private count(code: string | undefined): void {
    if (code !== undefined) this.options.onRefused?.(code)
  }

  /** An answer that may be asked for again: lost with the connection. */
  private publishTo(to: string, format: FrameFormat, answer: unknown): void {
    if (to === '') return
    const bytes = encodeFrame(answer, format)
    const isLong = bytes.length > FRAME_BYTES_MAX
    const refusal = { code: 'LIMIT_REACHED', field: 'frame', text: TOO_LONG } as const
    this.main.loose.send(to, isLong ? encodeFrame(refusalFrom(refusal, {}), format) : bytes)
  }

  private announce(status: string): void {
    if (this.desk === undefined) return
    this.main.loose.send(STATUS_SUBJECT, encodeFrame({ status, seq: this.desk.seq }, 'json'))
  }

  // --- the connections ---------------------------------------------------------------------------

  /** One of them is lost, or there again. */
  private turned(): void {
    const { isThere } = this
    if (isThere === this.wasThere) return
    this.wasThere = isThere
    if (isThere) this.catchUp()
    this.options.onConnection?.(isThere)
  }

  /** Something could not be sent: who misses it asks, and has whole books. */
  private catchUp(): void {
    if (this.books === undefined) return
    this.announce('back')
    this.marketStream.catchUp()
  }

  private break(error: unknown): void {
    if (this.fault !== undefined) return
    this.fault = error
    this.stopTaking()
    const { onFault } = this.options
    if (onFault !== undefined) return onFault(error)
    // Nobody is told: it must not go on in silence.
    setImmediate(() => {
      throw error
    })
  }
}

/** What makes an answer long. */
function linesOf(answer: unknown): number {
  const { orders, balances, positions } = Object(answer) as { [list: string]: unknown[] }
  return [orders, balances, positions].reduce((sum, list) => sum + (list?.length ?? 0), 0)
}

/** Whose commands they are; an operator's are nobody's. */
const accountOf = (to: CommandsTo) => (to.kind === 'order' ? { account: to.account } : {})

const TOO_LONG = 'the answer is longer than a message may be'
