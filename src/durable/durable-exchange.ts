// The exchange with its journal in Postgres: what it answers is committed, and a restart or another
// process goes on where the journal ends.

import { hostname } from 'node:os'
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { JournaledCore } from '../actors/journaled-core.ts'
import type { Workers } from '../actors/placement.ts'
import { type Answer, createCore, Exchange, type QueryAnswer } from '../exchange.ts'
import { Fault } from '../lib/assert.ts'
import { Fenced, StoreProblem } from '../persistence/problem.ts'
import { heldBy, openStore, type Store } from '../persistence/store.ts'
import { StoreJournal } from '../persistence/store-journal.ts'
import { isQuery } from '../protocol/decode.ts'
import { refusalOf } from '../protocol/refusal.ts'
import type { Report } from '../protocol/report-json.ts'
import { type Beside, snapshotBeside } from './beside.ts'
import { Follower } from './follower.ts'
import { BEAT_MS, LeaseWatch, LOOK_MS, SILENCE_MS } from './lease-watch.ts'
import { type OnReports, Publication } from './publication.ts'
import {
  RETENTION,
  type Retention,
  retain,
  type SnapshotTaken,
  writeSnapshot,
} from './snapshots.ts'
import { Unpublished } from './unpublished.ts'

/** Commands from one snapshot to the next, which is what a recovery has to replay at most. */
export const SNAPSHOT_EVERY = 5_000_000
/** Between two tries while Postgres is away, in ms. */
export const AWAY_MS = 100
/** A commit that takes longer than this is the journal's delay, not the exchange's, in ms. */
const SLOW_MS = 250

export interface DurableOptions {
  /** The Postgres database: `postgres://user:password@host:port/database`. */
  readonly url: string
  /** As of {@link createExchange}. */
  readonly workers?: Workers
  /**
   * Reports, in order, once what caused them is committed. If it returns a promise, they count as
   * published when that resolves. After a crash, reports that were not published come again first,
   * with the same `execId`.
   */
  readonly onReports: OnReports
  /** Nothing goes on: an actor broke, or another process has taken the lease. */
  readonly onBroken?: (error: unknown) => void
  /** While recovering: the last `seq` replayed, and the journal's last. */
  readonly onProgress?: (seq: number, ofSeq: number) => void
  /** The journal can be written, or for now not, and why. */
  readonly onJournal?: (problem: StoreProblem | null) => void
  /** Takes a snapshot by itself after so many commands; 0: never. Default: see SNAPSHOT_EVERY. */
  readonly snapshotEvery?: number
  /** What is kept when a snapshot is taken; default: three snapshots, and the whole journal. */
  readonly retention?: Retention
  /**
   * Sets the exchange's clock before a command, if so many ms have passed since it was last set; 0,
   * the default: never. Without it nothing has a time, and rules that count by time do not.
   */
  readonly clockEveryMs?: number
  /** A snapshot was taken, or could not be. */
  readonly onSnapshot?: (outcome: SnapshotTaken | Error) => void
  /** Without a sign of life for so long, another leader is taken for dead, in ms. */
  readonly silenceMs?: number
}

/** How a start went. */
export interface RecoveryReport {
  /** The snapshot's seq, 0 without one, and those that were no good. */
  readonly snapshotSeq: number
  readonly skipped: readonly string[]
  /** The last command recovered. */
  readonly seq: number
  /** The state's hash there; a standby that takes over does not take the time. */
  readonly hash: string | undefined
  /** Until the state was there; waiting for the lease is not in it. */
  readonly ms: number
  /** Rounds whose reports were given out again. */
  readonly republished: number
  /** The lease's term from now on. */
  readonly term: number
}

/** A follower that is to lead: what goes along the journal, and what may have to go out again. */
export interface Candidate {
  readonly store: Store
  readonly follower: Follower
  readonly unpublished: Unpublished
  /** What it took to get there. */
  readonly ms: number
  /** The state's hash, if somebody wants to know and can wait for it. */
  hash?: { readonly seq: number; readonly hash: string }
}

/** Opens the store and goes along the journal to its end. */
export async function prepare(options: DurableOptions): Promise<Candidate> {
  const { url, workers = 0, onProgress, onJournal } = options
  const store = await openStore(url, { onState: (_, problem) => onJournal?.(problem) })
  try {
    const startMs = performance.now()
    const { publishedRound } = await store.lease()
    const last = await store.lastRow()
    const unpublished = new Unpublished(publishedRound)
    const follower = await Follower.open(store, {
      make: (of) => createCore({ workers, ...of }),
      fromRoundMax: publishedRound,
      onRound: (round, finished) => unpublished.add(round, finished),
      onProgress: (seq) => onProgress?.(seq, last?.lastSeq ?? 0),
    })
    try {
      await follower.advance()
      reaches(follower, publishedRound)
    } catch (error) {
      await follower.close()
      throw error
    }
    return { store, follower, unpublished, ms: performance.now() - startMs }
  } catch (error) {
    await store.close()
    throw error
  }
}

/** What was published was in the journal: if it is not there now, rows are missing at the end. */
function reaches(follower: Follower, publishedRound: number): void {
  if (follower.round >= publishedRound) return
  throw new Fault(
    `the journal ends with round ${follower.round}, but round ${publishedRound} was published: ` +
      'rows are missing at its end',
  )
}

/** Who this is, for people who look at the lease. */
export const holderName = (): string => `${hostname()} ${process.pid}`

export class DurableExchange {
  readonly recovery: RecoveryReport
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
  private made: { readonly round: number; readonly answers: Answer[] } | undefined
  /** When the last sign of life was sent that found the lease ours, in ms. */
  private sureMs: number
  private broken: unknown
  /** Queries under way, oldest first. */
  private readonly asked: {
    resolve: (answer: QueryAnswer) => void
    reject: (error: unknown) => void
  }[] = []
  private readonly waiting: { resolve: () => void; reject: (error: unknown) => void }[] = []

  private constructor(
    { store, follower, ms, unpublished, hash }: Candidate,
    { term, sureMs }: { term: number; sureMs: number },
    options: DurableOptions,
  ) {
    this.store = store
    this.options = options
    this.sureMs = sureMs
    this.follower = follower
    const { end, snapshot, skipped, seq } = follower
    this.journal = new StoreJournal(store, {
      end,
      term,
      nowMs: Date.now,
      onDurable: () => this.turn(),
      onBroken: (error) => this.fail(error),
    })
    this.core = new JournaledCore(follower.core, this.journal, () => {
      throw new Fault('nobody waits for the journal but by its events')
    })
    this.exchange = new Exchange(this.core, follower.names)
    const rounds = [...unpublished.reports(follower.names)]
    this.publication = new Publication((rounds.at(0)?.round ?? end.lastRound + 1) - 1, {
      onReports: options.onReports,
      onFailed: (error) => this.fail(error),
      onRoom: () => this.turn(),
    })
    const snapshotSeq = snapshot?.seq ?? 0
    this.snapshotSeq = snapshotSeq
    const republished = rounds.length
    this.recovery = { snapshotSeq, skipped, seq, hash: hash?.hash, ms, republished, term }
    for (const { round, reports } of rounds) this.publication.give(round, reports)
    this.beats = setInterval(() => void this.beat(), BEAT_MS)
  }

  /**
   * Finds the newest good snapshot, replays the journal behind it, takes the lease, and is ready.
   * Throws a StoreProblem that says what is wrong with the database, or that another exchange
   * leads and is alive; or a Fault that names the journal's row that is corrupt.
   */
  static async open(options: DurableOptions): Promise<DurableExchange> {
    const candidate = await prepare(options)
    try {
      const { follower } = candidate
      candidate.hash = { seq: follower.seq, hash: follower.stateHash() }
      const term = await waitForLease(candidate.store, silenceOf(options))
      return await DurableExchange.lead(candidate, term, options)
    } catch (error) {
      await candidate.follower.close()
      await candidate.store.close()
      throw error
    }
  }

  /** Takes the lease of `term` and goes on where its holder ended. */
  static async lead(
    candidate: Candidate,
    term: number,
    options: DurableOptions,
  ): Promise<DurableExchange> {
    const { store, follower, unpublished } = candidate
    const next = await store.takeLease(holderName(), term)
    // From here on the journal is ours alone; what the other one wrote last is still to be read.
    const { publishedRound } = await patiently(() => store.lease())
    await patiently(() => follower.advance())
    reaches(follower, publishedRound)
    unpublished.forget(publishedRound)
    if (candidate.hash !== undefined && candidate.hash.seq !== follower.seq) {
      candidate.hash = { seq: follower.seq, hash: follower.stateHash() }
    }
    const sureMs = await patiently(() => makeSure(store, publishedRound, silenceOf(options)))
    return new DurableExchange(candidate, { term: next, sureMs }, options)
  }

  /** The `seq` of the last command handed to a round; it may not be durable yet. */
  get seq(): number {
    return this.exchange.seq
  }

  /**
   * Takes in a command: the `seq` that it has in history, gapless. Its reports come by `onReports`.
   * If it is not taken in, returns the refusal to give: what is wrong with it, or, and then the
   * same may be sent again, JOURNAL_UNAVAILABLE, OVERLOADED or NOT_LEADING.
   */
  submit(command: unknown): number | Report {
    if (isQuery(command)) return refusalOf({ code: 'MALFORMED', field: 'cmd' }, command)
    return this.take(command)
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

  private take(command: unknown): number | Report {
    if (this.broken !== undefined) return refusalOf({ code: 'NOT_LEADING' }, command)
    this.schedule()
    this.setClock()
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
   * first, so that the next start has nothing to replay.
   */
  async close({ snapshot = false } = {}): Promise<void> {
    try {
      if (this.broken === undefined) await this.settled()
      const wasBroken = this.broken !== undefined
      this.broken ??= new Fault('the exchange is closed')
      clearInterval(this.beats)
      if (wasBroken) return
      // First the mark: a snapshot stands nowhere that was not published.
      await this.store.beat(this.publication.round)
      if (snapshot) await this.writeSnapshot()
      await this.store.release()
    } finally {
      clearInterval(this.beats)
      this.beside?.end()
      await this.exchange.close()
      await this.store.close()
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

  /** Time is in the journal like everything else: the engine has no clock. */
  private setClock(): void {
    const { clockEveryMs = 0 } = this.options
    const nowMs = Date.now()
    if (clockEveryMs === 0 || nowMs < this.clockMs + clockEveryMs || this.exchange.isFull) return
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
        const answers = this.exchange.pump()
        const round = this.follower.round + core.taken
        if (core.taken > before || answers.length > 0) this.made = { round, answers }
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
    const { round, answers } = this.made
    this.made = undefined
    this.publication.give(round, this.answerQueries(answers))
  }

  /** What else came out: reports. */
  private answerQueries(answers: Answer[]): Report[] {
    if (this.asked.length === 0) return answers as Report[]
    return answers.filter((answer) => {
      if ('query' in answer) this.asked.shift()?.resolve(answer)
      return !('query' in answer)
    }) as Report[]
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

const silenceOf = ({ silenceMs = SILENCE_MS }: DurableOptions): number => silenceMs

/**
 * Gives a sign of life, again where the answer took so long that it says nothing of now. When it
 * was sent, in ms; throws Fenced if the lease has moved on.
 */
async function makeSure(store: Store, publishedRound: number, silenceMs: number): Promise<number> {
  for (;;) {
    const sentMs = performance.now()
    await store.beat(publishedRound)
    if (performance.now() - sentMs < silenceMs / 2) return sentMs
  }
}

/** Again until the database is there: whoever holds the lease does not give up for an outage. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isPassing(error)) throw error
      await delay(AWAY_MS)
    }
  }
}

/** What is over some time: the database is away, or another standby was faster. */
export function isPassing(error: unknown): error is StoreProblem {
  const lasting = ['CLOSED', 'FENCED', 'DIVERGED', 'SCHEMA_NEWER', 'SCHEMA_MISSING']
  return error instanceof StoreProblem && !lasting.includes(error.code)
}

/** The term of a lease whose holder is gone; throws LEASE_HELD if it is alive. */
async function waitForLease(store: Store, silenceMs: number): Promise<number> {
  const watch = new LeaseWatch(silenceMs)
  const first = await store.lease()
  // Silent for long before this began; nothing has to be waited for.
  if (first.ageMs >= silenceMs) return first.term
  for (let lease = first; ; lease = await store.lease()) {
    if (watch.isFree(lease, performance.now())) return lease.term
    if (watch.hasBeat) throw heldBy(lease)
    await delay(LOOK_MS)
  }
}
