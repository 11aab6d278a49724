// Appends rows to the journal in order, several in flight on one connection, each exactly once:
// whatever happens to the connection, what is there is read back before anything is sent again.

import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { assert } from '../lib/assert.ts'
import { type Connection, connect } from './connection.ts'
import { END_OWN, HOLD_LOCK } from './lease.ts'
import { Fenced, problemOf, StoreProblem } from './problem.ts'
import { PAYLOAD_BYTES_MAX, type Row } from './row.ts'
import { type RowMark, sameBytes } from './row-mark.ts'

/** Shown in `pg_stat_activity`. */
const WRITER_NAME = 'onefill writer'

/** Statements sent and not answered; more do not commit faster. */
const IN_FLIGHT_MAX = 8
/** Rows taken in and not committed; one more is refused. */
const PENDING_MAX = 64
const BACK_OFF_MS_MIN = 20
const BACK_OFF_MS_MAX = 1_000
/** What `close` waits for a connection that is being made, on top of its own bound. */
const CLOSE_MS_MAX = 500

const INSERT = `INSERT INTO onefill.journal
  (first_round, last_round, first_seq, last_seq, term, time_ms, version, checksum, payload)`
const APPEND = `${INSERT}
  SELECT $1::bigint, $2::bigint, $3::bigint, $4::bigint, $5::bigint, $6::bigint, $7::integer,
    $8::bytea, $9::bytea`
const APPEND_FIRST = `${APPEND} WHERE NOT EXISTS (SELECT FROM onefill.journal)`
/**
 * Writes the row if the one before is there, else nothing: that is under way, and may fail. That no
 * other row is behind that one need not be looked for: it would have our key.
 */
const APPEND_NEXT = `${APPEND} FROM onefill.journal WHERE first_round = $10::bigint
  AND last_round = $1::bigint - 1 AND checksum = $11::bytea`
/**
 * Writes the row, of which the one before was committed or seen by this session: the lock that it
 * holds keeps other writers away, and rows are not taken back. Looking all the same would be a
 * tenth of what a lone row takes (docs/decisions/0019-postgres.md).
 */
const APPEND_ALONE = `${INSERT} VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

const READ_BACK = `SELECT first_round, last_round, term, checksum FROM onefill.journal
  WHERE first_round >= $1 ORDER BY first_round LIMIT $2`

/** `unavailable` passes by itself; `stopped` is for good. */
export type AppendState = 'ready' | 'unavailable' | 'stopped'

export interface AppenderOptions {
  readonly url: string
  readonly term: number
  /** The last row of the journal, null if it has none. */
  readonly last: RowMark | null
  /** Told when the state or the reason for it changes. */
  readonly onState: (state: AppendState, problem: StoreProblem | null) => void
  /** An append without answer for so long means that the connection is dead. */
  readonly silenceMsMax: number
}

interface Pending {
  readonly row: Row
  readonly previous: RowMark | null
  readonly resolve: () => void
  readonly reject: (problem: StoreProblem) => void
}

/** The writer of one term. */
export class Appender {
  readonly #options: AppenderOptions
  /** In order; the first `#inFlight` of them are sent. */
  readonly #pending: Pending[] = []
  readonly #abort = new AbortController()
  readonly #watch: NodeJS.Timeout
  #inFlight = 0
  /** Last row known to be committed. */
  #durable: RowMark | null
  /** Last row taken in. */
  #tail: RowMark | null
  #connection: Connection | null = null
  /** The server's process of the one that was given up; it may still be at work. */
  #leftPid: number | undefined
  /** One that is being made. */
  #attaching: Connection | null = null
  /** Grows with every connection given up: answers of an earlier one are not looked at. */
  #generation = 0
  #restoring: Promise<void> | null = null
  /** Failures since something last went well. */
  #failures = 0
  #state: AppendState = 'unavailable'
  /** Why the state is what it is. */
  #problem: StoreProblem['code'] | undefined
  #stopped: StoreProblem | null = null
  #heardMs = 0

  constructor(options: AppenderOptions) {
    this.#options = options
    this.#durable = options.last
    this.#tail = options.last
    const { silenceMsMax } = options
    this.#watch = setInterval(() => this.#lookForSilence(), Math.ceil(silenceMsMax / 4))
    this.#watch.unref()
  }

  get state(): AppendState {
    return this.#state
  }

  /** The last row known to be committed. */
  get durable(): RowMark | null {
    return this.#durable
  }

  /** Connects; the first failure is thrown, later ones are waited out. */
  async open(): Promise<void> {
    await this.#attach()
    this.#wentWell()
  }

  /** Resolves when the row is committed. Rows are given in order, without gaps. */
  append(row: Row): Promise<void> {
    if (this.#stopped !== null) return Promise.reject(this.#stopped)
    if (this.#pending.length >= PENDING_MAX) {
      const sentence = `${PENDING_MAX} rows wait to be committed; one more is not taken.`
      return Promise.reject(new StoreProblem('TOO_MANY_PENDING', sentence))
    }
    const previous = this.#tail
    assert(row.term === this.#options.term, 'a row carries the term of its writer')
    assert(previous === null || row.firstRound === previous.lastRound + 1, 'rows leave no gap')
    assert(row.lastRound >= row.firstRound, 'a row has a round')
    assert(row.payload.length <= PAYLOAD_BYTES_MAX, 'a payload fits its bound')
    this.#tail = row
    return new Promise((resolve, reject) => {
      this.#pending.push({ row, previous, resolve, reject })
      this.#send()
    })
  }

  /** Waits for what is pending, at most `msMax`; the rest is rejected and may be written or not. */
  async close(msMax: number): Promise<void> {
    const deadline = performance.now() + msMax
    while (this.#pending.length > 0 && performance.now() < deadline) await delay(2)
    const connection = this.#connection
    if (this.#pending.length > 0) connection?.destroy()
    this.#stop(new StoreProblem('CLOSED', 'The store is closed; the row may be written or not.'))
    await connection?.end()
    // What is under way there ends by itself, finding that all is stopped.
    await Promise.race([this.#restoring, delay(CLOSE_MS_MAX, null, { ref: false })])
  }

  #send(): void {
    const client = this.#connection?.client
    if (client === undefined) return
    const generation = this.#generation
    while (this.#inFlight < Math.min(IN_FLIGHT_MAX, this.#pending.length)) {
      const pending = this.#pending[this.#inFlight]
      const isAlone = this.#inFlight === 0
      if (isAlone) this.#heardMs = performance.now()
      this.#inFlight += 1
      // No promise: its turns, and the stack it keeps for errors, are time a lone order waits for.
      client.query(statementOf(pending, isAlone), (error: unknown, result) => {
        if (error) this.#failed(generation, error)
        else this.#answered(generation, pending, result.rowCount === 1)
      })
    }
  }

  #answered(generation: number, pending: Pending, isWritten: boolean): void {
    if (generation !== this.#generation) return
    // Zero rows: the row before is gone, or another one. Reading back tells.
    if (!isWritten) return this.#giveUp(null)
    this.#heardMs = performance.now()
    this.#inFlight -= 1
    this.#commit(pending)
    this.#wentWell()
    this.#send()
  }

  #commit(pending: Pending): void {
    assert(this.#pending.shift() === pending, 'rows are committed in order')
    this.#durable = pending.row
    pending.resolve()
  }

  #failed(generation: number, error: unknown): void {
    if (generation !== this.#generation) return
    // A row that another connection of ours has just written is no trouble: read back.
    const isThere = error instanceof pg.DatabaseError && error.code === '23505'
    this.#giveUp(isThere ? null : problemOf(error))
  }

  #lookForSilence(): void {
    const { silenceMsMax } = this.#options
    if (this.#inFlight === 0 || performance.now() - this.#heardMs < silenceMsMax) return
    const sentence = `Postgres has not answered an append for ${silenceMsMax} ms.`
    this.#giveUp(new StoreProblem('CONNECTION_LOST', sentence))
  }

  /** Lets go of the connection, whatever state it is in, and starts over with a new one. */
  #giveUp(problem: StoreProblem | null): void {
    if (this.#stopped !== null) return
    this.#generation += 1
    this.#leftPid = this.#connection?.client.processID ?? this.#leftPid
    this.#connection?.destroy()
    this.#connection = null
    this.#inFlight = 0
    if (problem !== null) this.#turn('unavailable', problem)
    this.#restoring ??= this.#restore().finally(() => {
      this.#restoring = null
      // Lost again in the moment between.
      if (this.#connection === null) this.#giveUp(null)
    })
  }

  async #restore(): Promise<void> {
    while (this.#stopped === null && this.#connection === null) {
      // The first try is at once: most often only the connection is gone, not the server.
      const waitMs = BACK_OFF_MS_MIN * 2 ** Math.min(this.#failures - 1, 16)
      const { signal } = this.#abort
      if (this.#failures > 0) {
        await delay(Math.min(waitMs, BACK_OFF_MS_MAX), null, { signal }).catch(() => {})
      }
      this.#failures += 1
      if (this.#stopped !== null) return
      await this.#attach().catch((error) => {
        const problem = problemOf(error)
        if (problem.code === 'FENCED' || problem.code === 'DIVERGED') this.#stop(problem)
        else this.#turn('unavailable', problem)
      })
      // With rows waiting, only a row written shows that writing works again.
      if (this.#connection !== null && this.#pending.length === 0) this.#wentWell()
    }
  }

  /** A new connection; what is committed already is settled, the rest sent. */
  async #attach(): Promise<void> {
    let isLost = false
    const connection = await connect({
      url: this.#options.url,
      name: WRITER_NAME,
      pipeline: true,
      onLost: (problem) => {
        isLost = true
        if (this.#connection === connection) this.#giveUp(problem)
      },
    })
    if (this.#stopped !== null) return connection.destroy()
    this.#attaching = connection
    const give = setTimeout(() => connection.destroy(), this.#options.silenceMsMax)
    try {
      await this.#settle(connection.client)
    } catch (error) {
      connection.destroy()
      throw error
    } finally {
      clearTimeout(give)
      this.#attaching = null
    }
    if (this.#stopped !== null) return connection.destroy()
    if (isLost) throw new StoreProblem('CONNECTION_LOST', 'The connection is lost again.')
    this.#connection = connection
    this.#send()
  }

  /**
   * Reads back what is there and settles it. The lease is read first: once it has moved on, no row
   * of ours can follow what is read after; while it has not, it cannot before the session ends.
   */
  async #settle(client: pg.Client): Promise<void> {
    const { term } = this.#options
    await client.query(HOLD_LOCK)
    const lease = await client.query('SELECT term FROM onefill.lease WHERE id = 1')
    const current = lease.rows.length === 0 ? null : Number(lease.rows[0].term)
    // While the lease is ours, and the lock keeps it so, whoever has that number is ours too.
    if (current === term && this.#leftPid !== undefined) {
      await client.query(END_OWN, [this.#leftPid])
      this.#leftPid = undefined
    }
    const from = this.#durable?.firstRound ?? 0
    const { rows } = await client.query(READ_BACK, [from, PENDING_MAX + 2])
    const found = rows.map(markOf)
    const other = () =>
      current === term
        ? new StoreProblem('DIVERGED', `The journal from round ${from} on is not what was written.`)
        : new Fenced(term, current)
    const expected = this.#durable
    if (expected !== null && (found.length === 0 || !sameMark(found[0], expected))) throw other()
    for (const mark of expected === null ? found : found.slice(1)) {
      const pending = this.#pending.at(0)
      if (pending === undefined || !sameMark(mark, pending.row)) throw other()
      this.#commit(pending)
    }
    if (current !== term) throw new Fenced(term, current)
  }

  #wentWell(): void {
    this.#failures = 0
    this.#turn('ready', null)
  }

  #stop(problem: StoreProblem): void {
    if (this.#stopped !== null) return
    this.#stopped = problem
    this.#generation += 1
    this.#abort.abort()
    this.#attaching?.destroy()
    clearInterval(this.#watch)
    if (problem.code !== 'CLOSED') this.#connection?.destroy()
    this.#connection = null
    for (const { reject } of this.#pending.splice(0)) reject(problem)
    if (problem.code === 'CLOSED') this.#state = 'stopped'
    else this.#turn('stopped', problem)
  }

  #turn(state: AppendState, problem: StoreProblem | null): void {
    if (this.#state === 'stopped') return
    // Unavailable for another reason is news too.
    if (this.#state === state && this.#problem === problem?.code) return
    this.#state = state
    this.#problem = problem?.code
    this.#options.onState(state, problem)
  }
}

function statementOf({ row, previous }: Pending, isAlone: boolean): pg.QueryConfig {
  const { firstRound, lastRound, firstSeq, lastSeq, term, timeMs, version } = row
  const { checksum, payload } = row
  const own = [firstRound, lastRound, firstSeq, lastSeq, term, timeMs, version, checksum, payload]
  if (previous === null) return { name: 'append first', text: APPEND_FIRST, values: own }
  if (isAlone) return { name: 'append alone', text: APPEND_ALONE, values: own }
  const values = [...own, previous.firstRound, previous.checksum]
  return { name: 'append next', text: APPEND_NEXT, values }
}

/** The mark in a row as `pg` gives it. */
function markOf(row: Record<string, string | Buffer>): RowMark {
  return {
    firstRound: Number(row.first_round),
    lastRound: Number(row.last_round),
    term: Number(row.term),
    checksum: row.checksum as Buffer,
  }
}

function sameMark(a: RowMark, b: RowMark): boolean {
  const isThere = a.firstRound === b.firstRound && a.lastRound === b.lastRound
  return isThere && a.term === b.term && sameBytes(a.checksum, b.checksum)
}
