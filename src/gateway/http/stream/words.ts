// What clients of a stream say, read and checked; and what they are told, as JSON.

import { isName, isOfKind } from '../../../protocol/command-schema.ts'
import { STREAM_MESSAGE_BYTES_MAX } from '../../bounds.ts'
import { decodeFrame } from '../../frame.ts'
import { WHOLE_FRAME } from '../../frame-checks.ts'
import { FEEDS, type Feed } from '../../subjects.ts'
import type { ProblemCode } from '../problem.ts'

/** A feed of a symbol, or the account's own reports. */
export type Wanted =
  | { readonly feed: Feed; readonly symbol: string }
  | { readonly feed: 'reports'; readonly from: number | undefined }

/** What a client asks for. */
export interface Ask {
  readonly kind: 'subscribe' | 'unsubscribe'
  /** Its own name for the message, which the answer repeats. */
  readonly id: string | undefined
  readonly wanted: Wanted
}

/** Why something is refused, and what more there is to say. */
export interface Refusal {
  readonly kind: 'refused'
  readonly code: ProblemCode
  readonly field?: string
  readonly text?: string
  readonly id?: string | undefined
  readonly feed?: string
  readonly symbol?: string
  readonly retryAfterMs?: number
  readonly oldest?: number
  readonly newest?: number
}

/** Why a stream is closed, by its code; 1001 and 1009 are the protocol's own. */
export const CLOSE = {
  GOING_AWAY: 1001,
  TOKEN_EXPIRED: 4001,
  SLOW_READER: 4008,
  RATE_LIMITED: 4029,
} as const
export type CloseReason = keyof typeof CLOSE

const KINDS = ['subscribe', 'unsubscribe'] as const
const ALL_FEEDS = [...FEEDS, 'reports'] as const
const FIELDS: readonly string[] = ['cmd', 'feed', 'symbol', 'account', 'from', 'id']

/** Reads a message of `account`: what is asked for, or why it is refused. Never throws. */
export function readAsk(data: Uint8Array, isBinary: boolean, account: string): Ask | Refusal {
  if (isBinary) return malformed(WHOLE_FRAME, 'messages are JSON, as text')
  if (data.length > STREAM_MESSAGE_BYTES_MAX) {
    return malformed(WHOLE_FRAME, `the message has more than ${STREAM_MESSAGE_BYTES_MAX} bytes`)
  }
  const frame = decodeFrame(data)
  if (!frame.ok) return malformed(frame.field, frame.text)
  const isOne = frame.format === 'json' && !frame.isBatch
  if (!isOne) return malformed(WHOLE_FRAME, 'a message is one object of JSON')
  const body = frame.commands[0] as Readonly<Record<string, unknown>>
  const { id } = body
  if (id !== undefined && !isOfKind('id', id)) return malformed('id', NO_ID)
  const read = readBody(body, account)
  return { ...read, id: id as string | undefined }
}

function readBody(
  body: Readonly<Record<string, unknown>>,
  account: string,
): Omit<Ask, 'id'> | Refusal {
  const unknown = Object.keys(body).find((field) => !FIELDS.includes(field))
  if (unknown !== undefined) return malformed(unknown, oneOf(FIELDS))
  const kind = KINDS.find((each) => each === body.cmd)
  if (kind === undefined) return malformed('cmd', oneOf(KINDS))
  const feed = ALL_FEEDS.find((each) => each === body.feed)
  if (feed === undefined) return malformed('feed', oneOf(ALL_FEEDS))
  const { symbol, from } = body
  if (body.account !== undefined && body.account !== account) {
    if (!isName(body.account)) return malformed('account', NO_NAME)
    return { kind: 'refused', code: 'WRONG_ACCOUNT', field: 'account', text: OTHER }
  }
  if (feed !== 'reports') {
    if (!isName(symbol)) return malformed('symbol', NO_NAME)
    return from === undefined ? { kind, wanted: { feed, symbol } } : malformed('from', NO_FROM)
  }
  if (symbol !== undefined) return malformed('symbol', 'reports are of all symbols; leave it out')
  const isFrom = from === undefined || (Number.isSafeInteger(from) && (from as number) >= 1)
  if (!isFrom || (kind === 'unsubscribe' && from !== undefined)) return malformed('from', COUNT)
  return { kind, wanted: { feed, from: from as number | undefined } }
}

const NO_NAME = 'a name is 1 to 36 of A-Z a-z 0-9 _ -'
const NO_ID = 'it is 1 to 36 visible ASCII characters, as a clOrdId'
const NO_FROM = 'market data begins now; leave it out'
const COUNT = 'it is an execSeq, a whole number from 1 on, where reports are subscribed to'
const OTHER = 'the message names another account than the one that asks; leave it out'
const oneOf = (words: readonly string[]) => `it is one of ${words.join(', ')}`

function malformed(field: string, text: string): Refusal {
  return { kind: 'refused', code: 'MALFORMED', field, text }
}

// --- out ----------------------------------------------------------------------------------------

/** Something that happened to a subscription, or to the stream. */
export const eventBytes = (event: string, more: object): Uint8Array =>
  Buffer.from(JSON.stringify({ event, ...more }))

/** A message of a symbol's feed, around content that is JSON already. */
export function marketBytes(feed: Feed, symbol: string, content: Uint8Array): Uint8Array {
  // Names need no escapes.
  const head = Buffer.from(`{"feed":"${feed}","symbol":"${symbol}","message":`)
  return Buffer.concat([head, content, END])
}

/** A message of an account's reports. */
export const reportsBytes = (account: string, reports: readonly object[]): Uint8Array =>
  Buffer.from(`{"feed":"reports","account":"${account}","message":${JSON.stringify(reports)}}`)

const END = Buffer.from('}')
