// What a route is: where it stands, who may use it, what it takes and gives. Requests are served,
// and documents made, from the same table.

import type { AnswerName } from './answers.ts'
import type { Clerk } from './clerk.ts'
import type { ParameterName, Parameters } from './parameters.ts'
import type { Principal, Scope } from './principal.ts'
import type { Problem } from './problem.ts'

/** A request that was authenticated, is in its scope, and has room in its account's rate. */
export interface Call {
  readonly principal: Principal
  readonly path: Readonly<Record<string, string>>
  readonly query: Parameters
  /** As it came; empty if there was none. */
  readonly body: Uint8Array
  /** Of the form of a clOrdId. */
  readonly idempotencyKey: string | undefined
  /** Counts one request more, with so many orders in it; the problem if it is too much. */
  spend(orders: number): Promise<Problem | undefined>
}

/** What a request came to. */
export interface Success {
  readonly kind: 'success'
  readonly body: object
  /** Where what was made is. */
  readonly location?: string
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** As OpenAPI has it: parameters in braces. */
  readonly path: string
  readonly name: string
  readonly about: string
  /** Sentences. */
  readonly more?: readonly string[]
  /** Undefined: whoever is authenticated. */
  readonly scope?: Scope
  /** What it counts as before it is looked at; nothing: a cancel, or it says so by itself. */
  readonly counts: 'order' | 'request' | 'nothing'
  readonly query?: readonly ParameterName[]
  /** The body that it takes; and whether Idempotency-Key may stand for its clOrdId. */
  readonly body?: 'NewOrder' | 'ReplaceOrder' | 'Batch'
  readonly isKeyed?: boolean
  readonly status: 200 | 201
  readonly answer: AnswerName
  /** Statuses of problems that it has besides those that all have. */
  readonly problems: readonly number[]
  readonly serve: (clerk: Clerk, call: Call) => Promise<Success | Problem>
}

export const success = (body: object, location?: string): Success => ({
  ...{ kind: 'success', body },
  ...(location !== undefined && { location }),
})
