// Who serves an exchange on a NATS server. Two that do would each carry out every order.

import { errors, type Msg, type NatsConnection } from '@nats-io/transport-node'
import { PING_SUBJECT } from './service.ts'

/** An exchange that takes in what is published. */
export interface ServingExchange {
  /** Of its gateway, which has a new one at each start. */
  readonly id: string
  /** Its market, as its lease names it; empty if it does not say. */
  readonly market: string
  /** Its process, for people. */
  readonly holder: string
}

/** All have answered by then, in ms; nobody is waited for where nobody is subscribed. */
const ANSWER_MS = 500
/** Somebody who answers without end is not listened to. */
const EXCHANGES_MAX = 16

/** Those that answer; undefined where the server does not let us ask. */
export async function exchangesAt(
  connection: NatsConnection,
): Promise<readonly ServingExchange[] | undefined> {
  const found: ServingExchange[] = []
  try {
    const how = { strategy: 'timer', maxWait: ANSWER_MS } as const
    for await (const answer of await connection.requestMany(PING_SUBJECT, '', how)) {
      found.push(exchangeOf(answer))
      if (found.length === EXCHANGES_MAX) break
    }
  } catch (error) {
    const { NoRespondersError, PermissionViolationError, RequestError } = errors
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    if (cause instanceof PermissionViolationError) return undefined
    // Nobody is there; or the server has just gone, and with it who may be there.
    if (!(cause instanceof NoRespondersError || error instanceof RequestError)) throw error
  }
  return found
}

/** Somebody answers, whatever it says. */
function exchangeOf(answer: Msg): ServingExchange {
  const said = objectOf(() => answer.json())
  const { market, holder } = objectOf(() => said.metadata)
  return { id: textOf(said.id), market: textOf(market), holder: textOf(holder) || 'unnamed' }
}

function objectOf(read: () => unknown): { readonly [name: string]: unknown } {
  try {
    return Object(read() ?? {})
  } catch {
    // No JSON: an answer all the same.
    return {}
  }
}

/** To be shown in a line. */
const textOf = (value: unknown): string =>
  typeof value === 'string' ? value.replaceAll(/[^ -~]/g, '?').slice(0, 200) : ''
