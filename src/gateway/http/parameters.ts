// Parameters of a request's query: what each must be, how it is read, and what documents say of it.

import { FIELD_SCHEMAS, isOfKind, type OrderFieldKind } from '../../protocol/command-schema.ts'
import { TRADES_KEPT_MAX } from '../bounds.ts'
import { type Problem, problemOf } from './problem.ts'

interface Parameter {
  readonly about: string
  readonly schema: object
  /** The value that the text stands for; undefined if it stands for none. */
  readonly read: (text: string) => unknown
}

const ofKind = (kind: OrderFieldKind, about: string): Parameter => ({
  ...{ about, schema: FIELD_SCHEMAS[kind] },
  read: (text) => (isOfKind(kind, text) ? text : undefined),
})
const whole = (minimum: number, maximum: number, about: string): Parameter => ({
  ...{ about, schema: { type: 'integer', minimum, maximum } },
  read(text) {
    const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : -1
    return value >= minimum && value <= maximum ? value : undefined
  },
})

const BY = ['orderId', 'clOrdId'] as const

/** By name; each means the same on every route. */
export const PARAMETERS = {
  symbol: ofKind('name', 'an instrument'),
  side: ofKind('side', 'only orders of this side'),
  after: ofKind('orderId', 'only orders behind this orderId'),
  by: {
    about: 'which id the path has',
    schema: { type: 'string', enum: BY, default: 'orderId' },
    read: (text) => BY.find((each) => each === text),
  },
  depth: whole(1, 1_000, 'levels a side; 10 if it is left out'),
  limit: whole(1, TRADES_KEPT_MAX, 'at most so many of the newest; 100 if it is left out'),
  since: whole(0, Number.MAX_SAFE_INTEGER, 'only what is behind this execSeq'),
} as const satisfies Record<string, Parameter>

export type ParameterName = keyof typeof PARAMETERS

/** What a query said, read; a parameter that was left out is not there. */
export interface Parameters {
  readonly symbol?: string
  readonly side?: string
  readonly after?: string
  readonly by?: (typeof BY)[number]
  readonly depth?: number
  readonly limit?: number
  readonly since?: number
}

/** Reads a query of which `allowed` are the parameters; each once. */
export function readParameters(
  query: Readonly<Record<string, unknown>>,
  allowed: readonly ParameterName[],
): Parameters | Problem {
  const read: Record<string, unknown> = {}
  for (const [name, text] of Object.entries(query)) {
    const parameter = allowed.find((each) => each === name)
    const value =
      parameter !== undefined && typeof text === 'string'
        ? PARAMETERS[parameter].read(text)
        : undefined
    if (value === undefined) return problemOf('MALFORMED', { field: name, detail: WRONG })
    read[name] = value
  }
  return read
}

const WRONG = 'the parameter is unknown here, there twice, or of the wrong form'
