// NATS subjects: what each is for, taken apart and put together, and what the account in one says
// about the commands sent to it.
//
// The account and the symbol are tokens of their own, so that NATS permissions can tell accounts
// apart. Names hold no dot, space or wildcard (docs/commands.md, "Values").

import { assert } from '../lib/assert.ts'
import { Code, type CodeName, codeText } from '../protocol/codes.ts'
import { isName } from '../protocol/command-schema.ts'

const ROOT = 'onefill.v1'

/** Verbs of an account's own commands; in a batch they may be mixed. */
export const ORDER_VERBS = ['new', 'cancel', 'replace', 'massCancel', 'batch'] as const
export type OrderVerb = (typeof ORDER_VERBS)[number]

/** What an account may ask about itself. */
export const QUERIES = ['balances', 'orders'] as const
export type QueryName = (typeof QUERIES)[number]

/** Verbs of whoever runs the exchange; in a batch they may be mixed. */
export const ADMIN_VERBS = [
  ...['asset', 'instrument', 'account', 'deposit', 'withdraw', 'transfer', 'limits'],
  ...['halt', 'resume', 'suspend', 'activate', 'killSwitch', 'time', 'batch'],
] as const

/** Market data that is published; a snapshot can be asked for besides. */
export const FEEDS = ['trades', 'bbo', 'depth'] as const
export type Feed = (typeof FEEDS)[number]

/** The house accounts, whose balances may be asked for. */
const HOUSE = new Set(['$fees', '$external'])

/** What the gateway subscribes to; each is served by whoever takes apart what comes. */
export const SUBSCRIPTIONS = [
  `${ROOT}.order.*.*`,
  `${ROOT}.exec.*.resend`,
  `${ROOT}.md.*.snapshot`,
  `${ROOT}.query.*.*`,
  `${ROOT}.admin.*`,
] as const

/** Where the exchange says how it is, and is asked. */
export const STATUS_SUBJECT = `${ROOT}.status`

/** What a subject asks of the gateway. */
export type Inbound =
  | { readonly kind: 'order'; readonly account: string; readonly verb: OrderVerb }
  | { readonly kind: 'resend'; readonly account: string }
  | { readonly kind: 'snapshot'; readonly symbol: string }
  | { readonly kind: 'query'; readonly account: string; readonly verb: QueryName }
  | { readonly kind: 'admin'; readonly verb: string }

/** Why a subject, or a command sent to it, is refused. */
export interface SubjectRefusal {
  readonly kind: 'refused'
  readonly code: CodeName
  readonly field: string
  readonly text: string
  /** Whose commands the subject is for, if that is known. */
  readonly account?: string
}

/** What the subject is for; or MALFORMED with the part of it that is wrong. Never throws. */
export function parseSubject(subject: string): Inbound | SubjectRefusal {
  const tokens = subject.split('.')
  const [root, version, room, name, verb] = tokens
  if (`${root}.${version}` !== ROOT) return malformed('subject', `subjects begin with ${ROOT}`)
  if (room === 'admin') {
    const isKnown = tokens.length === 4 && (ADMIN_VERBS as readonly string[]).includes(name)
    return isKnown ? { kind: 'admin', verb: name } : malformed('verb', oneOf(ADMIN_VERBS))
  }
  if (tokens.length !== 5) return malformed('subject', 'the subject has too few or many parts')
  switch (room) {
    case 'order':
      if (!isName(name)) return malformed('account', NO_NAME)
      return has(ORDER_VERBS, verb)
        ? { kind: 'order', account: name, verb }
        : { ...malformed('verb', oneOf(ORDER_VERBS)), account: name }
    case 'exec':
      if (!isName(name)) return malformed('account', NO_NAME)
      return verb === 'resend'
        ? { kind: 'resend', account: name }
        : malformed('verb', oneOf(['resend']))
    case 'md':
      if (!isName(name)) return malformed('symbol', NO_NAME)
      return verb === 'snapshot'
        ? { kind: 'snapshot', symbol: name }
        : malformed('verb', oneOf(['snapshot']))
    case 'query':
      if (!isName(name) && !HOUSE.has(name)) return malformed('account', NO_NAME)
      return has(QUERIES, verb)
        ? { kind: 'query', account: name, verb }
        : malformed('verb', oneOf(QUERIES))
    default:
      return malformed('subject', oneOf(['order', 'exec', 'md', 'query', 'admin']))
  }
}

/**
 * What a body that came to the subject says: the command, with the subject's account and verb where
 * it leaves them out (they are written into `body`, which is the caller's own), or why it is
 * refused. What is no object is passed on, for the exchange to refuse.
 */
export function bodyOf(
  to: Extract<Inbound, { verb: string }>,
  body: unknown,
): { readonly kind: 'body'; readonly body: unknown } | SubjectRefusal {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { kind: 'body', body }
  }
  const command = body as { cmd?: unknown; account?: unknown }
  if (to.kind !== 'admin') {
    if (command.account === undefined) command.account = to.account
    else if (command.account !== to.account) {
      const isAccount = isName(command.account)
      return isAccount ? refused('WRONG_ACCOUNT', 'account') : malformed('account', NO_NAME)
    }
  }
  const { verb } = to
  const isMixed = verb === 'batch'
  if (command.cmd === undefined && !isMixed) command.cmd = verb
  const verbs: readonly string[] = to.kind === 'admin' ? ADMIN_VERBS : ORDER_VERBS
  const isFitting = isMixed
    ? command.cmd !== 'batch' && verbs.includes(command.cmd as string)
    : command.cmd === verb
  return isFitting ? { kind: 'body', body } : malformed('cmd', 'it is not what the subject is for')
}

// --- subjects put together ---------------------------------------------------------------------

/** Where an account's commands go. Names must be names: anything else is a fault. */
export const orderSubject = (account: string, verb: OrderVerb): string =>
  `${ROOT}.order.${named(account)}.${verb}`

/** Where an account's reports come from. */
export const execSubject = (account: string): string => `${ROOT}.exec.${named(account)}`

/** Where an account learns what was not taken in of what it wanted no reply to. */
export const refusedSubject = (account: string): string => `${ROOT}.exec.${named(account)}.refused`

/** Where an account asks for reports again. */
export const resendSubject = (account: string): string => `${ROOT}.exec.${named(account)}.resend`

/** Where a symbol's market data comes from, or is asked for. */
export const marketDataSubject = (symbol: string, feed: Feed | 'snapshot'): string =>
  `${ROOT}.md.${named(symbol)}.${feed}`

/** Where an account asks about itself; the house accounts too. */
export const querySubject = (account: string, query: QueryName): string =>
  `${ROOT}.query.${HOUSE.has(account) ? account : named(account)}.${query}`

/** Where whoever runs the exchange sends commands. */
export const adminSubject = (verb: (typeof ADMIN_VERBS)[number]): string => `${ROOT}.admin.${verb}`

function named(name: string): string {
  assert(isName(name), 'a subject is made of names')
  return name
}

/** Whether the subject is of the exchange's own room. */
export const isOurs = (subject: string): boolean => subject.startsWith(`${ROOT}.`)

/** The subjects that are for the same as this one of ours, whoever they are about. */
export function alikeOf(subject: string): string {
  const [root, version, room, , ...feed] = subject.split('.')
  const isSomebodys = room === 'exec' || room === 'md'
  return isSomebodys ? [root, version, room, '*', ...feed].join('.') : subject
}

const NO_NAME = 'a name is 1 to 36 of A-Z a-z 0-9 _ -'
const oneOf = (words: readonly string[]) => `it is one of ${words.join(', ')}`
const has = <T extends string>(words: readonly T[], word: string): word is T =>
  (words as readonly string[]).includes(word)

function malformed(field: string, text: string): SubjectRefusal {
  return { kind: 'refused', code: 'MALFORMED', field, text }
}

function refused(code: CodeName, field: string): SubjectRefusal {
  return { kind: 'refused', code, field, text: codeText(Code[code]) }
}
