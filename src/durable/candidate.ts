// A process that is to lead: it goes along the journal, keeps what may have to go out again, and
// takes the lease when it may.

import { hostname } from 'node:os'
import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { createCore } from '../exchange.ts'
import { Fault } from '../lib/assert.ts'
import { heldBy, type Lease } from '../persistence/lease.ts'
import { StoreProblem } from '../persistence/problem.ts'
import type { PublishedBefore, Said } from '../persistence/said-table.ts'
import { openStore, type Store } from '../persistence/store.ts'
import { Follower } from './follower.ts'
import { LeaseWatch, LOOK_MS } from './lease-watch.ts'
import { type DurableOptions, silenceOf, takerOf } from './options.ts'
import { Replayed } from './replayed.ts'

/** Between two tries while Postgres is away, in ms. */
export const AWAY_MS = 100

/** Retention is not faster than the reading again and again: then the snapshots are no good. */
const TRIES_MAX = 3

/** The lease, once it is ours. */
export interface Led {
  readonly term: number
  /** Names the market. */
  readonly market: string
  /** Names this process in the lease, for people. */
  readonly holder: string
  /** When the last sign of life was sent that found the lease ours, in ms. */
  readonly sureMs: number
}

export class Candidate {
  readonly store: Store
  /** Until the state was there, in ms. */
  readonly ms: number
  private readonly options: DurableOptions
  private warm: Warm
  private known: { readonly seq: number; readonly hash: string } | undefined

  private constructor(store: Store, warm: Warm, ms: number, options: DurableOptions) {
    this.store = store
    this.warm = warm
    this.ms = ms
    this.options = options
  }

  /** Opens the store and goes along the journal to its end. */
  static async open(options: DurableOptions): Promise<Candidate> {
    const { url, onJournal } = options
    // Before anything is taken from anybody.
    takerOf(options)
    const store = await openStore(url, { onState: (_, problem) => onJournal?.(problem) })
    try {
      const startMs = performance.now()
      const warm = await warmUp(store, options)
      return new Candidate(store, warm, performance.now() - startMs, options)
    } catch (error) {
      await store.close()
      throw error
    }
  }

  get follower(): Follower {
    return this.warm.follower
  }

  get replayed(): Replayed {
    return this.warm.replayed
  }

  /** The state's hash, if it was computed and holds still. */
  get hash(): string | undefined {
    return this.known?.hash
  }

  /** Computes the state's hash. */
  computeHash(): void {
    const { follower } = this
    if (this.known?.seq === follower.seq) return
    this.known = { seq: follower.seq, hash: follower.stateHash() }
  }

  /** Goes on with the journal, to its end. Rounds up to `publishedRound` need not be kept. */
  async follow(publishedRound: number): Promise<void> {
    this.replayed.moveOn(publishedRound)
    try {
      await this.follower.advance()
    } catch (error) {
      if (!isOvertaken(error)) throw error
      await this.follower.close()
      this.warm = await warmUp(this.store, this.options)
    }
    reaches(this.follower, publishedRound)
  }

  /** Takes the lease, if it is as `seen`, and goes on to where its holder ended. */
  async takeLease(seen: Lease): Promise<Led> {
    const { store } = this
    const holder = holderName()
    const term = await store.takeLease(holder, seen)
    // From here on the journal is ours alone; what the other one wrote last is still to be read.
    const { publishedRound } = await patiently(() => store.lease())
    await patiently(() => this.follow(publishedRound))
    if (this.known !== undefined) this.computeHash()
    const silenceMs = silenceOf(this.options)
    const sureMs = await patiently(() => makeSure(store, publishedRound, silenceMs))
    return { term, market: seen.market, holder, sureMs }
  }

  /** The lease, whose holder is gone; throws LEASE_HELD if it is alive. */
  async waitForLease(): Promise<Lease> {
    const { store } = this
    const silenceMs = silenceOf(this.options)
    const watch = new LeaseWatch(silenceMs)
    const first = await store.lease()
    // Silent for long before this began; nothing has to be waited for.
    if (first.ageMs >= silenceMs) return first
    for (let lease = first; ; lease = await store.lease()) {
      if (watch.isFree(lease, performance.now())) return lease
      if (watch.hasBeat) throw heldBy(lease)
      await delay(LOOK_MS)
    }
  }

  /**
   * What was published before, as far as it is kept: messages of before the last stop, if the
   * journal has been replayed from there on or from further back, and what was replayed.
   */
  published(): PublishedBefore {
    const { said, replayed, follower } = this.warm
    const { core, names } = follower
    const isJoined = said !== undefined && said.round >= replayed.from
    const newest = core.execSeqs()
    return {
      messages: isJoined ? said.messages : [],
      reports: replayed.publishedReports(names),
      newestOf: (account) => newest[names.account(account)] ?? 0,
    }
  }

  async close(): Promise<void> {
    await this.follower.close()
    await this.store.close()
  }
}

/** A state at the journal's end, and what may have to go out again. */
interface Warm {
  readonly follower: Follower
  readonly replayed: Replayed
  /** What the last stop in order has kept of what went out. */
  readonly said: Said | undefined
}

/** From the newest snapshot on, again where retention was faster than the reading. */
async function warmUp(store: Store, options: DurableOptions): Promise<Warm> {
  const { workers = 0, onProgress } = options
  for (let tries = 1; ; tries += 1) {
    const { publishedRound } = await store.lease()
    const last = await store.lastRow()
    const replayed = new Replayed(publishedRound)
    const follower = await Follower.open(store, {
      // Tables that grow while millions of commands are replayed are copied again and again.
      make: (of) => createCore({ workers, ...of, submissionsInitial: last?.lastSeq ?? 0 }),
      fromRoundMax: publishedRound,
      onRound: (round, finished) => replayed.add(round, finished),
      onProgress: (seq) => onProgress?.(seq, last?.lastSeq ?? 0),
    })
    replayed.from = follower.round
    try {
      await follower.advance()
      reaches(follower, publishedRound)
      const isWanted = options.onPublishedBefore !== undefined
      return { follower, replayed, said: isWanted ? await readSaid(store, options) : undefined }
    } catch (error) {
      await follower.close()
      if (!isOvertaken(error) || tries === TRIES_MAX) throw error
    }
  }
}

/** Without it the exchange does everything but remember: nothing is held up for it. */
async function readSaid(store: Store, options: DurableOptions): Promise<Said | undefined> {
  try {
    return await store.said.read((round) => store.rowEndingAt(round))
  } catch (error) {
    options.onForgotten?.(error)
    return undefined
  }
}

const isOvertaken = (error: unknown): boolean =>
  error instanceof StoreProblem && error.code === 'OVERTAKEN'

/** What was published was in the journal: if it is not there now, rows are missing at the end. */
function reaches(follower: Follower, publishedRound: number): void {
  if (follower.round >= publishedRound) return
  throw new Fault(
    `the journal ends with round ${follower.round}, but round ${publishedRound} was published: ` +
      'rows are missing at its end',
  )
}

/** Who this is, for people who look at the lease. */
const holderName = (): string => `${hostname()} ${process.pid}`

/**
 * Gives a sign of life, again where the answer took so long that it says nothing of now. When it
 * was sent, in ms; throws Fenced if the lease has moved on.
 */
export async function makeSure(
  store: Store,
  publishedRound: number,
  silenceMs: number,
): Promise<number> {
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
