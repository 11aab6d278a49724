// Bodies of what is asked of the gateway itself: which fields there may be, and of which form.

import { COMMAND_FORMS, isName } from '../protocol/command-schema.ts'
import type { Frame, FrameRefusal } from './frame.ts'
import type { Inbound, SubjectRefusal } from './subjects.ts'

export interface Range {
  readonly kind: 'range'
  readonly from: number
  readonly to: number
}

/** Fields that are in a body of a question; what the subject says may be said again. */
const FIELDS = {
  balances: ['account', 'cmd', ...Object.keys(COMMAND_FORMS.balances.optional)],
  orders: ['account', 'cmd', ...Object.keys(COMMAND_FORMS.orders.optional)],
  resend: ['account', 'from', 'to'],
  snapshot: ['symbol'],
} as const

/** A subject that asks something. */
export type Question = Extract<Inbound, { kind: 'query' | 'resend' | 'snapshot' }>

/** The body, `{}` if there is none; or why it is refused. */
export function questionOf(
  to: Question,
  frame: Frame | FrameRefusal,
  isEmpty: boolean,
): { kind: 'body'; body: Readonly<Record<string, unknown>> } | SubjectRefusal | FrameRefusal {
  if (isEmpty) return { kind: 'body', body: {} }
  if (!frame.ok) return frame
  if (frame.isBatch) return malformed('frame', 'a question is one map')
  const body = frame.commands[0] as Record<string, unknown>
  const fields: readonly string[] = FIELDS[to.kind === 'query' ? to.verb : to.kind]
  const unknown = Object.keys(body).find((field) => !fields.includes(field))
  if (unknown !== undefined) return malformed(unknown, `it is none of ${fields.join(', ')}`)
  const name = to.kind === 'snapshot' ? 'symbol' : 'account'
  const said = body[name]
  const meant = to.kind === 'snapshot' ? to.symbol : to.account
  if (said !== undefined && said !== meant) {
    const isOther = name === 'account' && isName(said)
    if (isOther) return { ...malformed(name, OTHER), code: 'WRONG_ACCOUNT' }
    return malformed(name, 'it is not what the subject is for')
  }
  if (to.kind === 'query' && body.cmd !== undefined && body.cmd !== to.verb) {
    return malformed('cmd', 'it is not what the subject is for')
  }
  return { kind: 'body', body }
}

/** Which reports are asked for again. */
export function rangeOf({ from, to }: Readonly<Record<string, unknown>>): Range | SubjectRefusal {
  if (!isCount(from)) return malformed('from', COUNT)
  if (!isCount(to)) return malformed('to', COUNT)
  return { kind: 'range', from, to }
}

const OTHER = 'the body names another account than the subject'
const COUNT = 'it is a whole number from 1 on'

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 1

function malformed(field: string, text: string): SubjectRefusal {
  return { kind: 'refused', code: 'MALFORMED', field, text }
}
