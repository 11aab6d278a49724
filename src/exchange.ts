// The exchange as a library: JSON commands in, JSON reports out, on any number of threads, no I/O.

import { randomInt } from 'node:crypto'
import type { Core } from './actors/core.ts'
import type { Workers } from './actors/placement.ts'
import { startThreads, WorkerFault } from './actors/threads.ts'
import type { BalancesAnswer, BookAnswer, OrdersAnswer, QueryAnswer } from './engine/answers.ts'
import { Engine, type EngineOptions, type FinishedRound } from './engine/engine.ts'
import { assert, Fault } from './lib/assert.ts'
import type { RecordLog } from './lib/record-log.ts'
import { COMMANDS_PER_ROUND_MAX } from './protocol/bounds.ts'
import { CommandLog } from './protocol/command-log.ts'
import { formatUnits } from './protocol/decimal.ts'
import { decode, type IntakeRefusal, type Query, WHOLE } from './protocol/decode.ts'
import { Directory } from './protocol/directory.ts'
import { refusalOf } from './protocol/refusal.ts'
import { type Report, readReport } from './protocol/report-json.ts'
import { POSTING_WORDS, REPORT_WORDS, ReportLog, RPF } from './protocol/report-log.ts'
import { Reports } from './protocol/reports.ts'
import { type MakeCore, restoreCore } from './restoring.ts'
import { hashSections, sectionHead } from './state-bytes.ts'

export type {
  BalancesAnswer,
  BookAnswer,
  BookLevel,
  OpenOrder,
  OrdersAnswer,
  QueryAnswer,
} from './engine/answers.ts'
export type { Report } from './protocol/report-json.ts'

/** What a round answers: reports in order, then answers to queries. */
export type Answer = Report | QueryAnswer

/** A line of a transaction; the lines of one `tx` sum to zero per asset. */
export interface Posting {
  tx: string
  account: string
  asset: string
  amount: string
}

/** What {@link createExchange} can be told. */
export interface ExchangeOptions {
  /** Write double-entry postings; default false. */
  readonly postings?: boolean
  /** Commands for which a closed submission is remembered; part of the state. */
  readonly submissionsRemembered?: number
  /**
   * Worker threads: 0, the default, runs all in the calling thread; N gives each of N workers
   * accounts and symbols; or so many for accounts and so many for symbols. What the exchange does
   * is the same at any number. With workers, {@link Exchange.close} ends them.
   */
  readonly workers?: Workers
}

/**
 * Makes an empty exchange.
 *
 *     const exchange = createExchange()
 *     exchange.execute({ cmd: 'asset', asset: 'USD', decimals: 2 })
 */
export function createExchange(options: ExchangeOptions = {}): Exchange {
  return new Exchange(createCore(options), new Directory())
}

/**
 * Makes an exchange from what {@link Exchange.serialize} gave, on any number of workers.
 * `submissionsRemembered` is part of that.
 */
export function restoreExchange(
  bytes: Uint8Array,
  options: Pick<ExchangeOptions, 'postings' | 'workers'> = {},
): Exchange {
  return restoreOn(bytes, (of) => createCore({ ...options, ...of }))
}

/** As {@link restoreExchange}, on a core of the caller's making. */
export function restoreOn(bytes: Uint8Array, make: MakeCore): Exchange {
  const { core, names } = restoreCore(bytes, make)
  return new Exchange(core, names)
}

/** The core that the options ask for, empty. */
export function createCore({
  workers = 0,
  ...options
}: ExchangeOptions & Pick<EngineOptions, 'ordersInitial' | 'submissionsInitial'>): Core {
  const engineOptions = { ...options, hashSeed: randomInt(2 ** 31) }
  return workers === 0 ? new Engine(engineOptions) : startThreads(workers, engineOptions)
}

/** {@link Exchange.pump} gives about so many, and the rest the next time. */
const ANSWERS_AT_ONCE = 8_192

/** What goes beside a round's commands: refusals at intake, each before a command, and queries. */
interface Beside {
  refusals: { before: number; report: Report }[]
  queries: Query[]
}

/** Takes what a round came to, if there was one, and what went beside it; answers so far. */
type TakeRound = (finished: FinishedRound | undefined, beside: Beside) => number

/** Commands in, reports out; `submit` and `run` for streams, `execute` for a round at once. */
export class Exchange {
  private readonly core: Core
  private readonly names: Directory
  private readonly commands = new CommandLog()
  private beside: Beside = { refusals: [], queries: [] }
  /** Of the rounds under way, oldest first. */
  private readonly underWay: Beside[] = []
  private lastPostings: Posting[] = []
  /** What {@link pumpReports} gave last. */
  private readonly pumped = new ReportLog()
  /** What broke, or that it is closed: every call from then on throws it. */
  private broken: unknown

  constructor(core: Core, names: Directory) {
    this.core = core
    this.names = names
  }

  /** The `seq` of the last command that was handed to a round; 0 before the first. */
  get seq(): number {
    return this.core.seq
  }

  /** Commands waiting for the next round. */
  get waiting(): number {
    return this.commands.count
  }

  /** Whether anything waits for a round, or is under way in one. */
  get isBusy(): boolean {
    return this.hasWork || this.underWay.length > 0
  }

  private get hasWork(): boolean {
    const { refusals, queries } = this.beside
    return this.waiting > 0 || refusals.length > 0 || queries.length > 0
  }

  /** Whether the next round is full, refusals and queries included: run it before one more. */
  get isFull(): boolean {
    const { refusals, queries } = this.beside
    return this.waiting + refusals.length + queries.length >= COMMANDS_PER_ROUND_MAX
  }

  /**
   * Runs one round of these commands; returns their reports and the answers to queries among them.
   */
  execute(commands: unknown): Answer[] {
    const answers = this.begin()
    for (const command of Array.isArray(commands) ? commands : [commands]) {
      if (this.isFull) this.startInto(answers)
      this.submit(command)
    }
    this.startInto(answers)
    this.takeInto(answers, true)
    return answers
  }

  /**
   * Adds a command to the next round. A bad one is refused there, in its place, with the number of
   * its `line` if one is given. False if nothing was taken in: the round is full ({@link isFull}),
   * or the exchange is broken or closed, which the next call of another method says. Never throws.
   */
  submit(command: unknown, line?: number): boolean {
    if (this.isFull || this.broken !== undefined) return false
    const offered = this.offer(command)
    if (typeof offered === 'object') this.refuseHere(offered, line)
    return true
  }

  /**
   * As {@link submit}, for a caller that answers by itself: the `seq` that the command will have, 0
   * for a query, which is answered in its turn, or the refusal of a bad one. Only while there is
   * room: not {@link isFull}.
   */
  offer(command: unknown): number | Report {
    assert(!this.isFull && this.broken === undefined, 'the exchange can take one more in')
    const decoded = decode(command, this.names, this.commands)
    if (decoded === undefined) return this.core.seq + this.commands.count
    if (!('query' in decoded)) return refusalOf(decoded, command)
    this.beside.queries.push(decoded)
    return 0
  }

  /**
   * As {@link offer}, of commands that are binary already: the `seq` of the first, undefined if
   * there is no room for all. Their names must be of this exchange's directory.
   */
  offerAll(commands: CommandLog): number | undefined {
    const { refusals, queries } = this.beside
    const count = this.waiting + refusals.length + queries.length + commands.count
    assert(commands.definitions.length === 0, 'definitions come by offer')
    if (this.broken !== undefined || count > COMMANDS_PER_ROUND_MAX) return undefined
    const first = this.core.seq + this.commands.count + 1
    this.commands.addAll(commands)
    return first
  }

  /** Adds the refusal of a line that is not even JSON to the next round; false as `submit`. */
  refuse(refusal: IntakeRefusal, command: unknown, line?: number): boolean {
    if (this.isFull || this.broken !== undefined) return false
    this.refuseHere(refusalOf(refusal, command), line)
    return true
  }

  private refuseHere(report: Report, line: number | undefined): void {
    if (line !== undefined) report.line = line
    this.beside.refusals.push({ before: this.commands.count, report })
  }

  /** Runs a round of what is waiting; returns its reports in order, then the answers to queries. */
  run(): Answer[] {
    const answers = this.start()
    this.takeInto(answers, true)
    return answers
  }

  /**
   * As {@link run}, but does not wait where workers run the round: returns what earlier rounds have
   * come to, in their order. {@link finish} gives the rest.
   */
  start(): Answer[] {
    const answers = this.begin()
    this.startInto(answers)
    return answers
  }

  /**
   * For a caller with a loop of its own: cuts a round of all that waits, if something does and one
   * more round may be under way, so a round is what has gathered meanwhile; returns what earlier
   * ones have come to, so many at a time that the caller's loop goes round. Waits for nothing but
   * the answer to a query.
   */
  pump(): Answer[] {
    const answers = this.begin()
    this.turn((finished, beside) => {
      this.readInto(answers, finished, beside)
      return answers.length
    })
    return answers
  }

  /**
   * As {@link pump}, for a caller that uses only {@link offer}: the reports as they are in binary,
   * valid until the next call, and apart from them the answers to queries.
   */
  pumpReports(): { readonly reports: Reports; readonly answers: QueryAnswer[] } {
    const { pumped } = this
    pumped.trim()
    const answers: QueryAnswer[] = []
    this.turn((finished, { refusals, queries }) => {
      assert(refusals.length === 0, 'who uses offer answers refusals by itself')
      if (finished !== undefined) pumped.addAll(finished.reports)
      for (const query of queries) answers.push(this.answer(query))
      return pumped.count + answers.length
    })
    return { reports: new Reports(pumped, this.names), answers }
  }

  private turn(take: TakeRound): void {
    this.guard(() => {
      this.takeSome(take)
      // Behind a query's round none is cut before it is answered: it is answered as of its round.
      if (!this.hasWork || this.isAsked || !this.core.canStart) return
      if (this.waiting > 0) {
        this.cut()
        this.takeSome(take)
      } else if (this.underWay.length === 0) {
        // No round for questions alone: they are answered behind the one under way.
        take(undefined, this.newBeside())
      }
    })
  }

  private takeSome(take: TakeRound): void {
    for (let count = 0; count < ANSWERS_AT_ONCE; ) {
      const finished = this.core.take(false)
      if (finished === undefined) return
      count = take(finished, this.underWay.shift() as Beside)
    }
  }

  private startInto(answers: Answer[]): void {
    this.guard(() => {
      while (this.isAsked) this.takeOne(answers, true)
      if (!this.core.canStart) this.takeOne(answers, true)
      // A query is answered as of its round.
      const isPatient = this.beside.queries.length > 0
      this.cut()
      while (this.takeOne(answers, isPatient)) {}
    })
  }

  /** A call that gives rounds: its answers and its postings are new. */
  private begin(): Answer[] {
    this.lastPostings = []
    return []
  }

  /** Whether the youngest round under way has queries, which are answered before the next. */
  private get isAsked(): boolean {
    return (this.underWay.at(-1)?.queries.length ?? 0) > 0
  }

  private cut(): void {
    this.core.start(this.commands)
    this.commands.clear()
    this.underWay.push(this.newBeside())
  }

  /** What has gathered beside commands; from now on it gathers anew. */
  private newBeside(): Beside {
    const { beside } = this
    this.beside = { refusals: [], queries: [] }
    return beside
  }

  /** Waits for all rounds under way; returns what they came to, in their order. */
  finish(): Answer[] {
    const answers = this.begin()
    this.takeInto(answers, true)
    return answers
  }

  private takeInto(answers: Answer[], isPatient: boolean): void {
    this.guard(() => {
      while (this.takeOne(answers, isPatient)) {}
    })
  }

  /** Asks the core between rounds. */
  private ask<T>(question: () => T): T {
    if (this.broken === undefined) {
      assert(this.underWay.length === 0, 'the rounds under way are finished before a question')
    }
    return this.guard(question)
  }

  /** What breaks is remembered, not survived: whoever goes on all the same gets it once more. */
  private guard<T>(work: () => T): T {
    if (this.broken !== undefined) throw this.broken
    try {
      return work()
    } catch (error) {
      this.broken = error
      throw error
    }
  }

  private takeOne(answers: Answer[], isPatient: boolean): boolean {
    const finished = this.core.take(isPatient)
    if (finished === undefined) return false
    this.readInto(answers, finished, this.underWay.shift() as Beside)
    return true
  }

  private readInto(answers: Answer[], finished: FinishedRound | undefined, beside: Beside): void {
    const { refusals, queries } = beside
    if (finished === undefined) for (const { report } of refusals) answers.push(report)
    else this.readRound(answers, finished, refusals)
    for (const query of queries) answers.push(this.answer(query))
  }

  private readRound(
    answers: Answer[],
    { firstSeq, reports, postings }: FinishedRound,
    refusals: Beside['refusals'],
  ): void {
    const { names } = this
    let refusal = 0
    for (let number = 0; number < reports.count; number += 1) {
      const at = number * REPORT_WORDS
      const command = reports.f64[(at >> 1) + RPF.seq] - firstSeq
      while (refusal < refusals.length && refusals[refusal].before <= command) {
        answers.push(refusals[refusal].report)
        refusal += 1
      }
      answers.push(readReport(reports, at, names))
    }
    for (; refusal < refusals.length; refusal += 1) answers.push(refusals[refusal].report)
    this.readPostings(postings)
  }

  /**
   * Balances and positions of an account (`$fees` and `$external` too). Throws for an unknown one.
   */
  balances(account: string): BalancesAnswer {
    const handle = this.names.account(account)
    assert(handle !== 0, `an account named ${account} exists`)
    return this.ask(() => this.answer({ query: 'balances', handle, page: WHOLE })) as BalancesAnswer
  }

  /** Aggregated levels of a symbol's book from the best prices. Throws for an unknown symbol. */
  book(symbol: string, depth = 10): BookAnswer {
    const handle = this.names.symbol(symbol)
    assert(handle !== 0, `an instrument named ${symbol} exists`)
    const page = { ...WHOLE, limit: depth }
    return this.ask(() => this.answer({ query: 'book', handle, page })) as BookAnswer
  }

  /** Open orders of an account by ascending `orderId`. Throws for an unknown one. */
  orders(account: string): OrdersAnswer {
    const handle = this.names.account(account)
    assert(handle !== 0, `an account named ${account} exists`)
    return this.ask(() => this.answer({ query: 'orders', handle, page: WHOLE })) as OrdersAnswer
  }

  /**
   * Postings of the rounds whose reports the last call gave; none unless the exchange was made with
   * `postings: true`.
   */
  postings(): Posting[] {
    return this.lastPostings
  }

  /**
   * SHA-256 over the digests of all actors: equal states have equal hashes, whatever their history.
   */
  stateHash(): string {
    return this.ask(() => hashSections(this.sections()))
  }

  /**
   * The whole state in canonical bytes, for {@link restoreExchange}. Commands that wait are not in
   * it.
   */
  serialize(): Uint8Array {
    const parts: Uint8Array[] = []
    this.ask(() => {
      for (const section of this.sections()) parts.push(sectionHead(section), section.slice())
    })
    return Buffer.concat(parts)
  }

  /** Checks every invariant of the state; throws a Fault at the first that does not hold. Slow. */
  check(): void {
    this.ask(() => this.core.check())
  }

  /**
   * Ends the worker threads, if there are any, once they have run the rounds under way, whose
   * answers are lost: {@link finish} first. It never takes long: a thread that does not end is
   * ended by force. Nothing else may be called then.
   */
  async close(): Promise<void> {
    this.broken ??= new Fault('the exchange is not closed')
    await this.core.close?.()
  }

  /** What broke, with the actor's name where it is known, for whoever has to look into it. */
  describeFault(fault: Error): string {
    const actor = fault instanceof WorkerFault ? fault.report.actor : undefined
    if (actor === undefined) return fault.message
    const { names } = this
    const name =
      actor.kind === 'account'
        ? names.accounts[actor.handle]
        : names.instruments[actor.handle]?.symbol
    return name === undefined ? fault.message : `${fault.message}, ${name}`
  }

  /** The state's canonical sections, one at a time, each valid until the next. */
  *sections(): Generator<Uint8Array> {
    yield new TextEncoder().encode(JSON.stringify(this.names.accounts.slice(1)))
    yield* this.core.sections()
  }

  private answer({ query, handle, page }: Query): QueryAnswer {
    const { core, names, seq } = this
    if (query === 'book') {
      const instrument = names.instrumentOf(handle)
      const { symbol } = instrument
      return { query, seq, symbol, ...core.levels(handle, instrument, page.limit) }
    }
    const account = names.accountOf(handle)
    if (query === 'orders') return { query, seq, account, ...core.openOrders(handle, page) }
    return { query, seq, account, ...core.holdings(handle, page) }
  }

  private readPostings({ i32, f64, count }: RecordLog): void {
    for (let number = 0; number < count; number += 1) {
      const at = number * POSTING_WORDS
      const { asset, decimals } = this.names.assetOf(i32[at + 1])
      this.lastPostings.push({
        tx: `${f64[(at >> 1) + 2]}-${i32[at + 2]}`,
        account: this.names.accountOf(i32[at]),
        asset,
        amount: formatUnits(f64[(at >> 1) + 3], decimals),
      })
    }
  }
}
