// The exchange with its journal in Postgres: what it answers is committed, and a restart goes on
// where the journal ends.

import { hostname } from 'node:os'
import type { Core } from './actors/core.ts'
import { JournaledCore } from './actors/journaled-core.ts'
import type { Workers } from './actors/placement.ts'
import { type Answer, createCore, Exchange } from './exchange.ts'
import { Fault } from './lib/assert.ts'
import { openStore, type Store } from './persistence/store.ts'
import { StoreJournal } from './persistence/store-journal.ts'
import { type Recovered, recover } from './recovery.ts'

/** Bytes of a snapshot's parts. */
const PART_BYTES = 2 ** 20

export interface DurableOptions {
  /** The Postgres database: `postgres://user:password@host:port/database`. */
  readonly url: string
  /** As of {@link createExchange}. */
  readonly workers?: Workers
  /** Answers, in order, once what caused them is committed. */
  readonly onAnswers: (answers: Answer[]) => void
  /** Nothing goes on: an actor broke, or another process has taken the lease. */
  readonly onBroken?: (error: unknown) => void
  /** While recovering: commands replayed so far. */
  readonly onProgress?: (seq: number) => void
}

/** How a start went. */
export interface RecoveryReport {
  /** The snapshot's seq, 0 without one, and those that were no good. */
  readonly snapshotSeq: number
  readonly skipped: readonly string[]
  /** The last command recovered, and the state's hash there. */
  readonly seq: number
  readonly hash: string
  readonly ms: number
}

export class DurableExchange {
  readonly recovery: RecoveryReport
  private readonly store: Store
  private readonly core: JournaledCore
  private readonly journal: StoreJournal
  private readonly exchange: Exchange
  private readonly options: DurableOptions
  private isScheduled = false
  private broken: unknown
  private readonly waiting: { resolve: () => void; reject: (error: unknown) => void }[] = []

  private constructor(store: Store, recovered: Recovered, term: number, options: DurableOptions) {
    this.store = store
    this.options = options
    this.recovery = recovered.report
    this.journal = new StoreJournal(store, {
      end: recovered.end,
      term,
      nowMs: Date.now,
      onDurable: () => this.turn(),
      onBroken: (error) => this.fail(error),
    })
    this.core = new JournaledCore(recovered.core, this.journal, () => {
      throw new Fault('nobody waits for the journal but by its events')
    })
    this.exchange = new Exchange(this.core, recovered.names)
  }

  /**
   * Takes the lease, finds the newest good snapshot, replays the journal behind it, and is ready.
   * Throws a StoreProblem that says what is wrong with the database, or a Fault that names the
   * journal's row that is corrupt.
   */
  static async open(options: DurableOptions): Promise<DurableExchange> {
    const { url, workers = 0, onProgress } = options
    const store = await openStore(url)
    const make = (of: { submissionsRemembered?: number }): Core => createCore({ workers, ...of })
    try {
      const term = await store.takeLease(`${hostname()} ${process.pid}`)
      const recovered = await recover(store, make, onProgress)
      return new DurableExchange(store, recovered, term, options)
    } catch (error) {
      await store.close()
      throw error
    }
  }

  /** The `seq` of the last command handed to a round; it may not be durable yet. */
  get seq(): number {
    return this.exchange.seq
  }

  /**
   * Takes in a command, or a query; its answers come by `onAnswers`. False if it was not taken in:
   * the next round is full because the journal does not keep up (JOURNAL_UNAVAILABLE), or nothing
   * goes on any more.
   */
  submit(command: unknown): boolean {
    if (this.broken !== undefined) return false
    const isTaken = this.exchange.submit(command)
    this.schedule()
    return isTaken
  }

  /** Resolves when all that was taken in is committed and answered. */
  settled(): Promise<void> {
    if (this.broken !== undefined) return Promise.reject(this.broken)
    if (!this.exchange.isBusy) return Promise.resolve()
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

  /** Writes a snapshot of the state, settled; the market waits while it is put into bytes. */
  async snapshot(): Promise<number> {
    await this.settled()
    const { seq } = this
    const round = this.journal.end.lastRound
    const hash = this.exchange.stateHash()
    const bytes = this.exchange.serialize()
    const parts: Uint8Array[] = []
    for (let at = 0; at < bytes.length; at += PART_BYTES) {
      parts.push(bytes.subarray(at, at + PART_BYTES))
    }
    await this.store.snapshots.put({ seq, round, version: 1, hash }, parts)
    return seq
  }

  /** Settles what can be settled, and ends threads and connections. */
  async close(): Promise<void> {
    if (this.broken === undefined) await this.settled()
    this.broken ??= new Fault('the exchange is closed')
    await this.exchange.close()
    await this.store.close()
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
    try {
      const answers = this.exchange.pump()
      if (answers.length > 0) this.options.onAnswers(answers)
    } catch (error) {
      return this.fail(error)
    }
    // The journal's event brings the next turn; only actors have to be asked again.
    if (this.core.isOwed) this.schedule()
    if (this.exchange.isBusy) return
    for (const { resolve } of this.waiting.splice(0)) resolve()
  }

  private fail(error: unknown): void {
    if (this.broken !== undefined) return
    this.broken = error
    for (const { reject } of this.waiting.splice(0)) reject(error)
    this.options.onBroken?.(error)
  }
}
