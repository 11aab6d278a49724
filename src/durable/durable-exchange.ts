// The exchange with its journal in Postgres: what it answers is committed, and a restart or another
// process goes on where the journal ends.

import { performance } from 'node:perf_hooks'
import { JournaledCore } from '../actors/journaled-core.ts'
import { Exchange, type QueryAnswer } from '../exchange.ts'
import { Fault } from '../lib/assert.ts'
import type { Lease } from '../persistence/lease.ts'
import { Fenced, StoreProblem } from '../persistence/problem.ts'
import type { SaidMessage } from '../persistence/said-table.ts'
import type { Store } from '../persistence/store.ts'
import { StoreJournal } from '../persistence/store-journal.ts'
import type { CommandLog } from '../protocol/command-log.ts'
import { isQuery } from '../protocol/decode.ts'
import type { Directory } from '../protocol/directory.ts'
import type { Instrument } from '../protocol/instrument.ts'
import { type InstrumentsAnswer, instrumentFields } from '../protocol/instrument-json.ts'
import { refusalOf } from '../protocol/refusal.ts'
import type { Report } from '../protocol/report-json.ts'
import type { Reports } from '../protocol/reports.ts'
import { type Beside, snapshotBeside } from './beside.ts'
import { Candidate, type Led, makeSure } from './candidate.ts'
import type { Follower } from './follower.ts'
import type { Leader } from './leader.ts'
import { BEAT_MS } from './lease-watch.ts'
import {
  type DurableOptions,
  type Progress,
  type RecoveryReport,
  SNAPSHOT_EVERY,
  silenceOf,
  takerOf,
} from './options.ts'
import { Publication } from './publication.ts'
import { RETENTION, retain, type SnapshotTaken, writeSnapshot } from './snapshots.ts'

/** A commit that takes longer than this is the journal's delay, not the exchange's, in ms. */
const SLOW_MS = 250

/** Reports, and answers to queries; the reports are valid until the exchange makes more. */
interface Made {
  readonly round: number
  readonly reports: Reports
  readonly answers: readonly QueryAnswer[]
}

export class DurableExchange {
  readonly recovery: RecoveryReport
  /** What market it is and which process leads it, as the lease says it. */
  readonly identity: Leader
  private readonly store: Store
  private readonly core: JournaledCore
  private readonly journal: StoreJournal
  private readonly exchange: Exchange
  private readonly follower: Follower
  private readonly publication: Publication
  private readonly options: DurableOptions
  private readonly beats: NodeJS.Timeout
  private isScheduled = false
  private isSnapshotUnderWay = false
  /** What the clock was last set to, ms since 1970. */
  private clockMs = 0
  private beside: Beside | undefined
  /** Where the last snapshot stands, or was tried. */
  private snapshotSeq: number
  private isBeating = false
  /** What the last rounds came to, durable and not given out yet. */
  private made: Made | undefined
  /** When the last sign of life was sent that found the lease ours, in ms. */
  private sureMs: number
  private broken: unknown
  /** Postgres was waited for in vain. */
  private givenUp: StoreProblem | undefined
  /** Queries under way, oldest first. */
  private readonly asked: {
    resolve: (answer: QueryAnswer) => void
    reject: (error: unknown) => void
  }[] = []
  private readonly waiting: { resolve: () => void; reject: (error: unknown) => void }[] = []

  private constructor(
    { store, follower, ms, replayed, hash }: Candidate,
    { term, market, holder, sureMs }: Led,
    options: DurableOptions,
  ) {
    this.store = store
    this.options = options
    this.sureMs = sureMs
    this.identity = { market, holder }
    this.follower = follower
    const { end, snapshot, skipped, seq } = follower
    this.journal = new StoreJournal(store, {
      end,
      term,
      nowMs: Date.now,
      onDurable: () => this.turn(),
      onCommitted: options.onCommitted,
      onBroken: (error) => this.fail(error),
    })
    this.core = new JournaledCore(follower.core, this.journal, () => {
      throw new Fault('nobody waits for the journal but by its events')
    })
    this.exchange = new Exchange(this.core, follower.names)
    const rounds = [...replayed.unpublished(follower.names)]
    this.publication = new Publication((rounds.at(0)?.round ?? end.lastRound + 1) - 1, {
      take: takerOf(options),
      onFailed: (error) => this.fail(error),
      onRoom: () => this.turn(),
    })
    const snapshotSeq = snapshot?.seq ?? 0
    this.snapshotSeq = snapshotSeq
    const republished = rounds.length
    this.recovery = { snapshotSeq, skipped, seq, hash, ms, republished, term }
    for (const { round, reports } of rounds) this.publication.give(round, reports)
    this.beats = setInterval(() => void this.beat(), BEAT_MS)
  }

  /**
   * Finds the newest good snapshot, replays the journal behind it, takes the lease, and is ready.
   * Throws a StoreProblem that says what is wrong with the database, or that another exchange
   * leads and is alive; or a Fault that names the journal's row that is corrupt.
   */
  static async open(options: DurableOptions): Promise<DurableExchange> {
    const candidate = await Candidate.open(options)
    try {
      candidate.computeHash()
      const lease = await candidate.waitForLease()
      return await DurableExchange.lead(candidate, lease, options)
    } catch (error) {
      await candidate.close()
      throw error
    }
  }

  /** Takes the lease, if it is as `seen`, and goes on where its holder ended. */
  static async lead(
    candidate: Candidate,
    seen: Lease,
    options: DurableOptions,
  ): Promise<DurableExchange> {
    const led = await candidate.takeLease(seen)
    options.onPublishedBefore?.(candidate.published())
    return new DurableExchange(candidate, led, options)
  }

  /** The `seq` of the last command handed to a round; it may not be durable yet. */
  get seq(): number {
    return this.exchange.seq
  }

  /** How far it is. */
  get progress(): Progress {
    const { journal, publication, core, seq: taken } = this
    const { durableSeq: durable } = journal
    return { taken, durable, published: publication.seq, rounds: core.taken }
  }

  /**
   * Takes in a command: the `seq` that it has in history, gapless. Its reports come by `onReports`.
   * If it is not taken in, returns the refusal to give: what is wrong with it, or, and then the
   * same may be sent again, JOURNAL_UNAVAILABLE, OVERLOADED or NOT_LEADING.
   */
  submit(command: unknown): number | Report {
    if (isQuery(command) || this.isClocks(command)) {
      return refusalOf({ code: 'MALFORMED', field: 'cmd' }, command)
    }
    if (this.broken === undefined) this.setClock()
    return this.take(command)
  }

  /** Names and handles, as they are by now. */
  get names(): Directory {
    return this.follower.names
  }

  /**
   * As {@link submit}, of commands that are binary already, with {@link names}: the `seq` of the
   * first, the others follow. Undefined if none was taken in: `submit` says why.
   */
  submitAll(commands: CommandLog): number | undefined {
    if (this.broken !== undefined) return undefined
    this.setClock()
    const first = this.exchange.offerAll(commands)
    if (first !== undefined) this.schedule()
    return first
  }

  /**
   * Answers a query as of the end of the next round, once that is durable; or gives the refusal, as
   * {@link submit}. Rejects when nothing goes on any more.
   */
  query(query: unknown): Promise<QueryAnswer | Report> {
    const taken = isQuery(query)
      ? this.take(query)
      : refusalOf({ code: 'MALFORMED', field: 'cmd' }, query)
    if (typeof taken === 'object') return Promise.resolve(taken)
    return new Promise((resolve, reject) => this.asked.push({ resolve, reject }))
  }

  /**
   * Every instrument as its command defines it, in order of definition, as of a round that is
   * durable; refuses and rejects as {@link query}.
   */
  async instruments(): Promise<InstrumentsAnswer | Report> {
    const { names } = this.follower
    const count = names.instruments.length
    // All that is known by now is in rounds up to the one that answers this.
    const answer = await this.query({ cmd: 'balances', account: '$fees' })
    if (!('query' in answer)) return answer
    const known = names.instruments.slice(1, count) as Instrument[]
    const instruments = known.map((each) => instrumentFields(each, names))
    return { query: 'instruments', seq: answer.seq, instruments }
  }

  private take(command: unknown): number | Report {
    if (this.broken !== undefined) return refusalOf({ code: 'NOT_LEADING' }, command)
    this.schedule()
    if (!this.exchange.isFull) return this.exchange.offer(command)
    const isJournals = this.store.state !== 'ready' || this.journal.waitingMs > SLOW_MS
    return refusalOf({ code: isJournals ? 'JOURNAL_UNAVAILABLE' : 'OVERLOADED' }, command)
  }

  /** Resolves when all that was taken in is committed, answered and published. */
  settled(): Promise<void> {
    if (this.broken !== undefined) return Promise.reject(this.broken)
    if (this.isSettled) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject })
      this.schedule()
    })
  }

  /** The state's hash, and its `seq`; settles first. */
  async stateHash(): Promise<{ seq: number; hash: string }> {
    await this.settled()
    return { seq: this.seq, hash: this.exchange.stateHash() }
  }

  /**
   * Takes a snapshot in a process of its own, of what has been published; the market goes on.
   * Undefined if another one is being taken or nothing was published. Rejects with a Fault that
   * says why it could not be.
   */
  async snapshot(): Promise<SnapshotTaken | undefined> {
    if (this.isSnapshotUnderWay || this.broken !== undefined) return undefined
    this.isSnapshotUnderWay = true
    this.snapshotSeq = this.seq
    const { url, retention = RETENTION } = this.options
    try {
      await this.store.beat(this.publication.round)
      if (this.broken !== undefined) return undefined
      this.beside = snapshotBeside(url, retention)
      return await this.beside.done
    } finally {
      this.isSnapshotUnderWay = false
      this.beside = undefined
    }
  }

  /**
   * Settles, and ends threads and connections; gives the lease back. With `snapshot`, writes one
   * first, so that the next start has nothing to replay; with `said`, keeps these messages, the
   * newest that went out, for {@link DurableOptions.onPublishedBefore} of the next start.
   */
  async close(keep: { snapshot?: boolean; said?: readonly SaidMessage[] } = {}): Promise<void> {
    const { snapshot = false, said } = keep
    try {
      if (this.broken === undefined) await this.settled()
      const wasBroken = this.broken !== undefined
      this.broken ??= new Fault('the exchange is closed')
      if (wasBroken) return
      // First the mark: a snapshot stands nowhere that was not published.
      await this.store.beat(this.publication.round)
      if (said !== undefined) await this.keepSaid(said)
      // What fails there is told once the next may lead.
      const written = snapshot ? this.writeSnapshot() : Promise.resolve()
      await written.catch(() => {})
      // Until here it lives: nobody takes a lease that is about to be given back.
      clearInterval(this.beats)
      await this.store.release()
      await written
    } catch (error) {
      throw this.givenUp ?? error
    } finally {
      clearInterval(this.beats)
      this.beside?.end()
      await this.exchange.close()
      await this.store.close()
    }
  }

  /**
   * Waits for Postgres no longer: nothing goes on from here, and whatever waits is rejected. Nobody
   * was told of what is not committed by now; it may be or not.
   */
  giveUp(): void {
    const todo = 'what was taken in and not answered may be committed or not: send the same again'
    const problem = new StoreProblem('CONNECTION_LOST', `Postgres was away for too long; ${todo}.`)
    this.givenUp = problem
    this.fail(problem)
    // What is asked of a server that does not answer ends with the connection.
    this.store.close(0).catch(() => {})
  }

  private async keepSaid(messages: readonly SaidMessage[]): Promise<void> {
    const { end } = this.journal
    if (end.lastRound === 0) return
    try {
      await this.store.said.put(end, messages)
    } catch (error) {
      // What matters more follows: the snapshot, and the lease.
      this.options.onForgotten?.(error)
    }
  }

  /** The state as it is: nothing may be under way. */
  private async writeSnapshot(): Promise<void> {
    const { core, names } = this.follower
    const { retention = RETENTION } = this.options
    const { end } = this.journal
    if (end.lastRound === 0) return
    await this.store.alone(async () => {
      await writeSnapshot(this.store, { core, names, end })
      await retain(this.store, retention, Date.now())
    })
  }

  /** Whether it sets the time, which the exchange does by itself: there is no way back from it. */
  private isClocks(command: unknown): boolean {
    const { clockEveryMs = 0 } = this.options
    return clockEveryMs > 0 && (command as { cmd?: unknown } | null)?.cmd === 'time'
  }

  /** Time is in the journal like everything else: the engine has no clock. */
  private setClock(): void {
    const { clockEveryMs = 0 } = this.options
    if (clockEveryMs === 0) return
    const nowMs = Date.now()
    if (nowMs < this.clockMs + clockEveryMs || this.exchange.isFull) return
    this.clockMs = nowMs
    this.exchange.offer({ cmd: 'time', now: new Date(nowMs).toISOString() })
  }

  /**
   * Whether nobody can have taken the lease yet. A process that was stopped may find its last rows
   * committed when it goes on, and another leading: it has to ask before it says anything.
   */
  get isSure(): boolean {
    return performance.now() - this.sureMs < silenceOf(this.options) / 2
  }

  private get isSettled(): boolean {
    return !this.exchange.isBusy && this.made === undefined && this.publication.isIdle
  }

  /** Once the caller's own turn is over: what it submits meanwhile is one round. */
  private schedule(): void {
    if (this.isScheduled) return
    this.isScheduled = true
    setImmediate(() => {
      this.isScheduled = false
      this.turn()
    })
  }

  private turn(): void {
    if (this.broken !== undefined) return
    const { publication, core } = this
    try {
      // Whoever takes answers out sets the pace.
      if (publication.hasRoom && this.made === undefined) {
        const before = core.taken
        const { reports, answers } = this.exchange.pumpReports()
        const round = this.follower.round + core.taken
        if (core.taken > before || answers.length > 0) this.made = { round, reports, answers }
      }
      this.giveOut()
    } catch (error) {
      return this.fail(error)
    }
    this.keepSnapshots()
    // The journal's event brings the next turn; only actors have to be asked again.
    if (core.isOwed && publication.hasRoom && this.made === undefined) this.schedule()
    if (!this.isSettled) return
    for (const { resolve } of this.waiting.splice(0)) resolve()
  }

  /** While the lease is ours for certain; else it is looked at, which brings the next turn. */
  private giveOut(): void {
    if (this.made === undefined) return
    if (!this.isSure) return void this.beat()
    const { round, reports, answers } = this.made
    this.made = undefined
    for (const answer of answers) this.asked.shift()?.resolve(answer)
    this.publication.give(round, reports)
  }

  private keepSnapshots(): void {
    const { snapshotEvery = SNAPSHOT_EVERY, onSnapshot = () => {} } = this.options
    if (snapshotEvery === 0 || this.seq - this.snapshotSeq < snapshotEvery) return
    if (this.isSnapshotUnderWay) return
    this.snapshot().then(
      (taken) => taken && onSnapshot(taken),
      (error) => this.broken === undefined && onSnapshot(error),
    )
  }

  private async beat(): Promise<void> {
    if (this.isBeating) return
    this.isBeating = true
    try {
      this.sureMs = await makeSure(this.store, this.publication.round, silenceOf(this.options))
    } catch (error) {
      // Away for now: appends wait too. But a lease that has moved on does not come back.
      if (error instanceof Fenced) this.fail(error)
    } finally {
      this.isBeating = false
    }
    // What waited for it; while the database is away, the next beat asks again.
    if (this.isSure) this.turn()
  }

  private fail(error: unknown): void {
    if (this.broken !== undefined) return
    this.broken = error
    clearInterval(this.beats)
    for (const { reject } of this.waiting.splice(0)) reject(error)
    for (const { reject } of this.asked.splice(0)) reject(error)
    this.options.onBroken?.(error)
  }
}
