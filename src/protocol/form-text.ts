// What a malformed field would have to be, in words: the sentence of a MALFORMED.

import {
  ASSET_DECIMALS_MAX,
  BOOK_DEPTH_MAX,
  DECIMAL_CHARS_MAX,
  DUPLICATE_WINDOW_MS_MAX,
  ID_CHARS_MAX,
} from './bounds.ts'
import {
  type Cmd,
  COMMAND_FORMS,
  type CommandForm,
  type FieldKind,
  isOfKind,
  ORD_TYPES,
  SELF_TRADES,
  SIDES,
  TIMES_IN_FORCE,
} from './command-schema.ts'
import { LIMIT_NAMES } from './limits.ts'

const oneOf = (values: readonly string[]) => values.map((each) => `"${each}"`).join(' or ')
const NAME = `a string of 1 to ${ID_CHARS_MAX} letters, digits, _ or -`
const DIGITS = `digits and at most one point between them, ${DECIMAL_CHARS_MAX} characters at most`
const limit = (what: string) => `${what}; or "off", or null to take the setting away`
const MILLIONTHS = 'a decimal as a string with at most six decimals, such as'

/** What a value of the kind has to be; what is in quotes there is one. */
export const WORDS: { readonly [kind in FieldKind]: string } = {
  name: NAME,
  house: `${NAME}, or "$fees" or "$external"`,
  id: `a string of 1 to ${ID_CHARS_MAX} visible ASCII characters, no spaces`,
  orderId: 'the orderId of a report, a string of digits such as "17"',
  decimal: `a decimal above zero as a string, such as "167.52": ${DIGITS}`,
  rate: `a decimal as a string, such as "0.0004", or below zero "-0.0001": ${DIGITS}`,
  boolean: 'true or false',
  time: 'a time after 1970 in UTC with milliseconds, such as "2026-01-02T03:04:05.000Z"',
  decimals: `a whole number from 0 to ${ASSET_DECIMALS_MAX}`,
  depth: `a whole number from 1 to ${BOOK_DEPTH_MAX}`,
  side: oneOf(SIDES),
  ordType: oneOf(ORD_TYPES),
  timeInForce: oneOf(TIMES_IN_FORCE),
  selfTrade: oneOf(SELF_TRADES),
  'limit:switch': limit('true or false'),
  'limit:hours': limit('hours of the day in UTC, such as "09:30-16:00"'),
  'limit:count': limit('a whole number from 0 on'),
  'limit:milliseconds': limit(`a whole number from 0 to ${DUPLICATE_WINDOW_MS_MAX}`),
  'limit:fraction': limit(`${MILLIONTHS} "0.05" for 5 %`),
  'limit:base': limit(`${MILLIONTHS} "500"`),
  'limit:quote': limit(`${MILLIONTHS} "10000.5"`),
  'limit:loss': limit(`${MILLIONTHS} "10000.5"`),
}

/** Fields whose form is right and that do not go with another one of the same command. */
const ACROSS: { readonly [field: string]: string } = {
  price: 'a limit order has a price, and a market order none',
  timeInForce: 'a market order does not rest: leave it out, or send "IOC" or "FOK"',
  postOnly: 'only a limit order that may rest (GTC) can be post-only',
  cancelAll: 'it has to have "on": true beside it',
}

/** Why `field` of a command is MALFORMED, and what it has to be; undefined where it is unknown. */
export function formText(command: unknown, field: string): string | undefined {
  const isObject = typeof command === 'object' && command !== null
  const given = (isObject ? command : {}) as { readonly [field: string]: unknown }
  const form = Object.hasOwn(given, 'cmd') ? formOf(given.cmd) : undefined
  if (field === 'cmd') {
    return form === undefined ? `it has to be one of ${CMDS.join(', ')}` : 'it cannot be sent here'
  }
  if (form === undefined) return undefined
  const kinds: Kinds = { ...form.required, ...form.optional }
  if (!Object.hasOwn(kinds, field)) {
    return `there is no such field in it; it may have ${['cmd', ...Object.keys(kinds)].join(', ')}`
  }
  const kind = kinds[field]
  const isThere = Object.hasOwn(given, field)
  if (isThere && !isOfKind(kind, given[field])) return `it has to be ${WORDS[kind]}`
  if (!isThere && Object.hasOwn(form.required, field)) return `it is missing: ${WORDS[kind]}`
  if (form.oneOf?.includes(field)) return `it has to have one of ${form.oneOf.join(' and ')}`
  if (given.cmd === 'limits') return `it has to have at least one of ${LIMIT_NAMES.join(', ')}`
  return ACROSS[field]
}

type Kinds = { readonly [field: string]: FieldKind }

const CMDS = Object.keys(COMMAND_FORMS)

function formOf(cmd: unknown): CommandForm | undefined {
  const isKnown = typeof cmd === 'string' && Object.hasOwn(COMMAND_FORMS, cmd)
  return isKnown ? COMMAND_FORMS[cmd as Cmd] : undefined
}
