// What a client's caller can meet: a stable code and one sentence for people.

import { Problem } from '../lib/problem.ts'
import type { Report } from '../protocol/report-json.ts'

/** Stable names; programs look at these, people at the message. */
export type ClientProblemCode =
  /** No server there, no address that can be one, or it does not let us in. */
  | 'CANNOT_CONNECT'
  /** What it was to log in with cannot be used; no server was asked. */
  | 'BAD_CREDENTIALS'
  /** The server's permissions do not allow the subject: nothing was sent. */
  | 'NOT_PERMITTED'
  /** The server permits no replies to our inbox: whether a command took effect is unknown. */
  | 'NO_REPLIES'
  /** It cannot be sent: a name that is none, or more bytes than a message may have. */
  | 'NOT_SENDABLE'
  /** Nothing was sent: the server is away. */
  | 'NOT_CONNECTED'
  /** No answer until the deadline. */
  | 'UNANSWERED'
  /** What was to be followed is not there: the message has the exchange's code. */
  | 'REFUSED'
  /** `close` was called. */
  | 'CLOSED'

/** Something the client cannot do, and why. A refusal by the exchange is a value, not this. */
export class ClientProblem extends Problem<ClientProblemCode> {
  override name = 'ClientProblem'
}

/** What is known of a command that was not answered. */
export interface Unknown {
  /** Ids (of transfers too) that the commands had: the same may be sent again under them. */
  readonly clOrdIds: readonly string[]
  /** False: it certainly was not carried out. True: nobody knows. */
  readonly mayHaveTakenEffect: boolean
  /** The last refusal that was worth another try, if there was one. */
  readonly refusal: Report | undefined
}

/**
 * No answer: `UNANSWERED` until the deadline, `NO_REPLIES` where none can come. Unless
 * `mayHaveTakenEffect` is false the outcome is unknown; the same command with the same `clOrdId`
 * may be sent again and is carried out once. A question has no effect, answered or not.
 */
export class Unanswered extends ClientProblem implements Unknown {
  override name = 'Unanswered'
  readonly clOrdIds: readonly string[]
  readonly mayHaveTakenEffect: boolean
  readonly refusal: Report | undefined

  constructor(
    code: 'UNANSWERED' | 'NO_REPLIES',
    message: string,
    { clOrdIds, mayHaveTakenEffect, refusal }: Unknown,
    cause?: unknown,
  ) {
    super(code, message, cause)
    this.clOrdIds = clOrdIds
    this.mayHaveTakenEffect = mayHaveTakenEffect
    this.refusal = refusal
  }
}

/** No answer until the deadline. */
export function unanswered(
  afterMs: number,
  known: Unknown,
  { isQuestion = false } = {},
): Unanswered {
  const { refusal } = known
  const why = refusal === undefined ? '' : ` (${refusal.code}: ${refusal.text})`
  const what = isQuestion ? '' : `: ${effectOf(known)}`
  const sentence = `No answer within ${Math.round(afterMs)} ms${why}${what}.`
  return new Unanswered('UNANSWERED', sentence, known)
}

/** No answer can come to the inbox; the commands have gone out all the same. */
export function noReplies(inbox: string, clOrdIds: readonly string[], cause: unknown): Unanswered {
  const known = { clOrdIds, mayHaveTakenEffect: true, refusal: undefined }
  const why = `The server permits no replies to ${inbox}, so give another inboxPrefix`
  return new Unanswered('NO_REPLIES', `${why}: ${effectOf(known)}.`, known, cause)
}

/** What is known of a command's effect, and what can be done. */
function effectOf({ clOrdIds, mayHaveTakenEffect }: Unknown): string {
  const what = mayHaveTakenEffect
    ? 'whether it took effect is unknown'
    : 'it was not taken in, as far as anybody answered'
  const [id, ...more] = clOrdIds
  const others = more.length === 0 ? '' : ` and ${more.length} more`
  const again = id === undefined ? '' : `; the same may be sent again with its id ${id}${others}`
  return `${what}${again}`
}
