// A client's connection to NATS: requests that are sent again until they are answered, and
// subscriptions that know when something may have been missed.
//
// Callbacks, not iterators, which buffer without bound; and nothing may throw in one: the reader
// would end (docs/decisions/0022-nats-client.md).

import { setTimeout as delay } from 'node:timers/promises'
import { connect, errors, type Msg, type NatsConnection } from '@nats-io/transport-node'
import { encodeFrame, type FrameFormat } from '../gateway/frame.ts'
import { STATUS_SUBJECT } from '../gateway/subjects.ts'
import type { CodeName } from '../protocol/codes.ts'
import type { Report } from '../protocol/report-json.ts'
import { ClientProblem, noReplies, unanswered } from './problem.ts'
import { connectionTo, type ServerOptions } from './servers.ts'
import { decodeMessage, isRefusal, type Said } from './wire.ts'

export interface LinkOptions extends ServerOptions {
  /** How requests are written, and so their replies; JSON unless given. */
  readonly format?: FrameFormat | undefined
  /** How long one try waits for its reply, in ms; 2,000 unless given. */
  readonly timeoutMs?: number | undefined
  /**
   * How long it is tried again before {@link Unanswered}, in ms; 30,000 unless given. Connecting
   * takes no longer either.
   */
  readonly deadlineMs?: number | undefined
  /** The connection is lost, or there again. */
  readonly onConnection?: ((isThere: boolean) => void) | undefined
  /** What went wrong with a subscription after it was ready; no caller waits for it. */
  readonly onProblem?: ((problem: ClientProblem) => void) | undefined
}

/** Something that comes until it is stopped. */
export interface Subscription {
  /** Resolves once nothing that comes from now on is missed; rejects if it never will. */
  readonly ready: Promise<void>
  /** No more calls after this one. */
  stop(): void
}

/** Options of one request. */
export interface AskOptions {
  /** Instead of the client's own, in ms; Infinity: until `close`. */
  readonly deadlineMs?: number | undefined
}

/** What comes back; `isUnsure`: an earlier try was not answered and may have taken effect. */
export interface Answered {
  readonly said: Said
  readonly isUnsure: boolean
}

const TIMEOUT_MS = 2_000
const DEADLINE_MS = 30_000
/** A timer with more goes off at once. */
const TIMER_MS_MAX = 2 ** 31 - 1
/** Another try with less time left would hardly be answered, and leave the outcome unknown. */
const TRY_MS_MIN = 50
const BACK_OFF_MS_MIN = 10
const BACK_OFF_MS_MAX = 1_000

/** Refusals that say: nothing was done, send the same again. */
const PASSING: ReadonlySet<CodeName | undefined> = new Set<CodeName>([
  ...(['NOT_LEADING', 'JOURNAL_UNAVAILABLE', 'OVERLOADED'] as const),
])
/** What the exchange says when others may have missed something. */
const ANEW = new Set(['leading', 'back'])

/** What goes out: a command, several, or a question, which changes nothing. */
type Kind = 'command' | 'batch' | 'question'

/** A message on its way. */
interface Message {
  readonly subject: string
  /** One object, or those of a batch. */
  readonly body: object
  readonly kind: Kind
}

type Outcome =
  | { readonly kind: 'reply'; readonly isArray: boolean; readonly objects: readonly Said[] }
  /** It certainly did not arrive. */
  | { readonly kind: 'unsent' }
  /** It may have arrived. */
  | { readonly kind: 'unknown' }

export class Link {
  readonly format: FrameFormat
  readonly #connection: NatsConnection
  readonly #options: LinkOptions
  #isThere = true
  #isClosed = false
  /** Tells each request and flush under way that no answer will come. */
  readonly #underWay = new Set<(error: unknown) => void>()
  readonly #waiting = new Set<() => void>()
  /** Called when something may have been missed: after an outage, or when another one leads. */
  readonly #onAnew = new Set<() => void>()

  private constructor(connection: NatsConnection, options: LinkOptions) {
    this.#connection = connection
    this.#options = options
    this.format = options.format ?? 'json'
    void this.#watch()
    // Who may not hear the exchange's announcements goes by the connection alone.
    this.subscribe(STATUS_SUBJECT, ([said]) => {
      if (ANEW.has(String(said?.status))) this.#anew()
    })
  }

  /**
   * Connects; from then on for good. Throws {@link ClientProblem} `CANNOT_CONNECT`, or
   * `BAD_CREDENTIALS`.
   */
  static async connect(options: LinkOptions): Promise<Link> {
    const { connection, hosts } = connectionTo(options, options.deadlineMs ?? DEADLINE_MS)
    try {
      return new Link(await connect(connection), options)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      const sentence = `No NATS server can be used at ${hosts}: ${why.replace(/\.$/, '')}.`
      throw new ClientProblem('CANNOT_CONNECT', sentence, error)
    }
  }

  /** Whether the server is there now. */
  get isThere(): boolean {
    return this.#isThere
  }

  /**
   * Gives the objects of every message on the subject; returns what ends it. `onRefused`: the
   * server does not permit it.
   */
  subscribe(
    subject: string,
    callback: (objects: readonly Said[]) => void,
    onRefused: (problem: ClientProblem) => void = () => {},
  ): () => void {
    if (this.#isClosed) throw closedProblem()
    const subscription = this.#connection.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) return onRefused(notPermitted(subject, error))
        const said = decodeMessage(message.data)
        // What it throws would end the reader of all that comes over this connection.
        if (said !== undefined) callSafely(callback, said.objects)
      },
    })
    return () => {
      if (!this.#isClosed) subscription.unsubscribe()
    }
  }

  /**
   * Sends a message that nobody answers. Throws a {@link ClientProblem}: `NOT_CONNECTED` while the
   * server is away, `NOT_SENDABLE`, `CLOSED`. It may get lost with the connection all the same.
   */
  publish(subject: string, body: object): void {
    if (this.#isClosed) throw closedProblem()
    // What is published while disconnected is dropped.
    if (!this.#isThere) throw new ClientProblem('NOT_CONNECTED', 'The server is away; try again.')
    try {
      this.#connection.publish(subject, encodeFrame(body, this.format))
    } catch (error) {
      outcomeOf({ subject, body, kind: 'command' }, error)
    }
  }

  /** Resolves when the server has all that was sent so far, subscriptions too. */
  async flush(): Promise<void> {
    for (;;) {
      if (this.#isClosed) throw closedProblem()
      try {
        return await this.#whileThere(this.#connection.flush())
      } catch {
        // Lost before the answer: what was subscribed goes along to the next connection.
        if (!this.#isThere) await this.#back(Number.POSITIVE_INFINITY)
      }
    }
  }

  /** Sends a command until it is answered; see {@link askAll}. */
  async ask(subject: string, body: object, options: AskOptions = {}): Promise<Answered> {
    const [answered] = await this.#askUntil(subject, [body], 'command', options)
    return answered
  }

  /** Asks what changes nothing, until it is answered: without an answer nothing is unknown. */
  async query(subject: string, body: object, options: AskOptions = {}): Promise<Said> {
    const [answered] = await this.#askUntil(subject, [body], 'question', options)
    return answered.said
  }

  /**
   * Sends commands in one message; an answer each, in their order. What gets no answer, or one that
   * asks for another try, is sent again as it was. Throws {@link Unanswered} at the deadline, and
   * other problems at once.
   */
  askAll(subject: string, bodies: readonly object[], options: AskOptions = {}) {
    return this.#askUntil(subject, bodies, 'batch', options)
  }

  /**
   * Keeps a subscription whole: `renew` brings what may be missing, at first and whenever something
   * may have been missed. `end` is called when it is stopped.
   */
  keep({ renew, end }: { renew: () => Promise<void>; end: () => void }): Subscription & {
    readonly renew: () => void
    readonly fail: (problem: unknown) => void
  } {
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>()
    // Who does not wait for it gets the problem by `onProblem` alone.
    ready.catch(() => {})
    const fail = (problem: unknown) => {
      reject(problem)
      if (this.#isClosed) return
      if (!(problem instanceof ClientProblem)) throw problem
      callSafely(this.#options.onProblem, problem)
    }
    const again = () => void renew().then(resolve, fail)
    this.#onAnew.add(again)
    again()
    const stop = () => {
      this.#onAnew.delete(again)
      end()
    }
    return { ready, stop, renew: again, fail }
  }

  /** Ends the connection; whoever waits for an answer gets the problem `CLOSED`. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const fail of this.#underWay) fail(closedProblem())
    for (const wake of this.#waiting) wake()
    await this.#connection.close()
  }

  async #askUntil(
    subject: string,
    bodies: readonly object[],
    kind: Kind,
    { deadlineMs = this.#options.deadlineMs ?? DEADLINE_MS }: AskOptions,
  ): Promise<Answered[]> {
    const startMs = performance.now()
    const answers = new Array<Answered>(bodies.length)
    let left = bodies.map((_, index) => index)
    let isUnsure = false
    let refusal: Report | undefined
    for (let tries = 0; ; tries += 1) {
      const body = kind === 'batch' ? left.map((index) => bodies[index]) : bodies[0]
      const outcome = await this.#once({ subject, body, kind }, startMs + deadlineMs)
      if (outcome.kind === 'reply') {
        // One object to many commands: the message as a whole was refused.
        const { isArray, objects } = outcome
        const each = isArray ? objects : left.map(() => objects[0])
        for (const [n, index] of left.entries()) answers[index] = { said: each[n], isUnsure }
        left = left.filter((_, n) => isPassing(each[n]))
        if (left.length === 0) return answers
        refusal = answers[left[0]].said as unknown as Report
      } else isUnsure ||= outcome.kind === 'unknown' && kind !== 'question'
      const waitMs = backOffMs(tries)
      if (performance.now() + waitMs + TRY_MS_MIN >= startMs + deadlineMs) {
        const clOrdIds = idsOf(left.map((index) => bodies[index]))
        const known = { clOrdIds, mayHaveTakenEffect: isUnsure, refusal }
        const isQuestion = kind === 'question'
        throw unanswered(performance.now() - startMs, known, { isQuestion })
      }
      await delay(waitMs)
    }
  }

  /** One try; what another one would not help with is thrown. */
  async #once(message: Message, untilMs: number): Promise<Outcome> {
    if (!this.#isThere) await this.#back(untilMs - performance.now())
    if (this.#isClosed) throw closedProblem()
    // What is published while disconnected is dropped.
    if (!this.#isThere) return { kind: 'unsent' }
    const leftMs = Math.max(1, untilMs - performance.now())
    const timeout = Math.min(this.#options.timeoutMs ?? TIMEOUT_MS, leftMs, TIMER_MS_MAX)
    const { subject, body } = message
    try {
      const bytes = encodeFrame(body, this.format)
      const reply = this.#connection.request(subject, bytes, { timeout })
      const { data } = await this.#whileThere<Msg>(reply)
      const said = decodeMessage(data)
      const isWhole = said !== undefined && fits(said, body)
      return isWhole ? { kind: 'reply', ...said } : { kind: 'unknown' }
    } catch (error) {
      return outcomeOf(message, error)
    }
  }

  /** What the server is to answer, ended with the connection: it cannot come any more. */
  #whileThere<T>(answer: Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#underWay.add(reject)
    answer.then(resolve, reject)
    return promise.finally(() => this.#underWay.delete(reject))
  }

  /** Resolves when the connection is there, or closed, or after `ms`. */
  #back(ms: number): Promise<void> {
    // Nobody wakes who comes after the close.
    if (this.#isClosed) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        this.#waiting.delete(wake)
        resolve()
      }
      const waitMs = Math.min(Math.max(0, ms), TIMER_MS_MAX)
      const timer = Number.isFinite(ms) ? setTimeout(wake, waitMs) : undefined
      this.#waiting.add(wake)
    })
  }

  #anew(): void {
    for (const renew of this.#onAnew) renew()
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === 'disconnect') {
        this.#isThere = false
        for (const fail of this.#underWay) fail(new errors.TimeoutError())
        callSafely(this.#options.onConnection, false)
      } else if (type === 'reconnect') {
        this.#isThere = true
        for (const wake of this.#waiting) wake()
        this.#anew()
        callSafely(this.#options.onConnection, true)
      }
    }
  }
}

/**
 * Calls what the user gave. What it throws is an uncaught exception, as of any event's handler, and
 * not the end of the connection's reader.
 */
export function callSafely<T>(callback: ((value: T) => void) | undefined, value: T): void {
  try {
    callback?.(value)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

/** Milliseconds before the next try: twice as long each time, up to a second, and by chance. */
export function backOffMs(tries: number): number {
  const ms = Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS_MIN * 2 ** Math.min(tries, 20))
  return ms * (0.5 + Math.random() / 2)
}

const closedProblem = () => new ClientProblem('CLOSED', 'The client is closed.')

const isPassing = (said: Said): boolean => isRefusal(said) && PASSING.has(said.code)

/** Whether there is an answer for each: one for a message, or as many as commands in it. */
const fits = ({ isArray, objects }: { isArray: boolean; objects: readonly Said[] }, of: unknown) =>
  Array.isArray(of) ? !isArray || objects.length === of.length : !isArray

/** What commands go by: sent again under the same, each takes effect once. */
const idsOf = (body: object): string[] => {
  const commands = [body].flat() as Readonly<Record<string, unknown>>[]
  const ids = commands.flatMap(({ clOrdId, transferId }) => [clOrdId, transferId])
  return ids.filter((id) => typeof id === 'string')
}

function outcomeOf(message: Message, error: unknown): Outcome {
  if (error instanceof ClientProblem) throw error
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  if (cause instanceof errors.PermissionViolationError) throw denied(message, cause)
  if (cause instanceof errors.InvalidArgumentError) {
    throw new ClientProblem('NOT_SENDABLE', `It cannot be sent: ${cause.message}.`, cause)
  }
  if (cause instanceof errors.ClosedConnectionError) throw closedProblem()
  if (error instanceof errors.RequestError && error.isNoResponders()) return { kind: 'unsent' }
  if (error instanceof errors.TimeoutError || error instanceof errors.RequestError) {
    return { kind: 'unknown' }
  }
  throw error
}

/** Where it is the inbox that is not permitted, the request has gone out all the same. */
function denied(
  { subject, body, kind }: Message,
  cause: InstanceType<typeof errors.PermissionViolationError>,
): ClientProblem {
  if (cause.operation === 'publish') return notPermitted(subject, cause)
  if (kind !== 'question') return noReplies(cause.subject, idsOf(body), cause)
  const sentence = `The server permits no replies to ${cause.subject}: give another inboxPrefix.`
  return new ClientProblem('NOT_PERMITTED', sentence, cause)
}

function notPermitted(subject: string, cause: unknown): ClientProblem {
  return new ClientProblem('NOT_PERMITTED', `The server does not permit ${subject}.`, cause)
}
