// A second process, warm: it goes along the journal and leads when the leader is silent.

import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { Lease } from '../persistence/lease.ts'
import { StoreProblem } from '../persistence/problem.ts'
import { refusalOf } from '../protocol/refusal.ts'
import type { Report } from '../protocol/report-json.ts'
import { AWAY_MS, Candidate, isPassing } from './candidate.ts'
import { DurableExchange } from './durable-exchange.ts'
import { LeaseWatch, LOOK_MS } from './lease-watch.ts'
import { type DurableOptions, silenceOf } from './options.ts'

export class Standby {
  /** Resolves with the exchange once this process leads; rejects if that can never be. */
  readonly leading: Promise<DurableExchange>
  private readonly candidate: Candidate
  private readonly options: DurableOptions
  private readonly watch: LeaseWatch
  private lease: Lease | undefined
  private isClosed = false

  private constructor(candidate: Candidate, options: DurableOptions) {
    this.candidate = candidate
    this.options = options
    this.watch = new LeaseWatch(silenceOf(options))
    this.leading = this.follow()
    // Whoever does not wait for it must not be ended by it.
    this.leading.catch(() => {})
  }

  /** Goes along the journal to its end, and from then on with it. Throws as `DurableExchange`. */
  static async open(options: DurableOptions): Promise<Standby> {
    return new Standby(await Candidate.open(options), options)
  }

  /** The last command replayed. */
  get seq(): number {
    return this.candidate.follower.seq
  }

  /** Who leads, as far as is known. */
  get leader(): string {
    return this.lease?.holder ?? ''
  }

  /** Takes nothing in: the refusal to give, NOT_LEADING. */
  submit(command: unknown): Report {
    return refusalOf({ code: 'NOT_LEADING' }, command)
  }

  /** Stops following; `leading` rejects unless it leads already, and is then the one to close. */
  async close(): Promise<void> {
    this.isClosed = true
    await this.leading.catch(() => {})
  }

  private async follow(): Promise<DurableExchange> {
    const { candidate, watch, options } = this
    try {
      for (;;) {
        if (this.isClosed) throw new StoreProblem('CLOSED', 'The standby is closed.')
        let waitMs = LOOK_MS
        try {
          const lease = await candidate.store.lease()
          this.lease = lease
          await candidate.follow(lease.publishedRound)
          if (watch.isFree(lease, performance.now()) && !this.isClosed) {
            return await DurableExchange.lead(candidate, lease, options)
          }
        } catch (error) {
          if (!isPassing(error)) throw error
          watch.isBlinded()
          options.onJournal?.(error)
          waitMs = AWAY_MS
        }
        await delay(waitMs)
      }
    } catch (error) {
      await candidate.close()
      throw error
    }
  }
}
