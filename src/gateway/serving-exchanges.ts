// Who serves an exchange on a NATS server. Two that do would each carry out every order.

import { errors, type Msg, type NatsConnection } from '@nats-io/transport-node'
import { decodeFrame } from './frame.ts'
import { PING_SUBJECT } from './service.ts'

/** An exchange that takes in what is published. */
export interface ServingExchange {
  /** Its market, as its lease names it; empty if it does not say. */
  readonly market: string
  /** Its process, for people. */
  readonly holder: string
}

/** The first answer comes within this, or nobody's; the others right behind it, in ms. */
const FIRST_MS = 1_000
const NEXT_MS = 100

/**
 * Those that answer. Nobody, at once, where none is subscribed; nobody too where the user may not
 * ask: who looks at the permissions says so.
 */
export async function exchangesAt(connection: NatsConnection): Promise<ServingExchange[]> {
  const found: ServingExchange[] = []
  try {
    const answers = await connection.requestMany(PING_SUBJECT, '', {
      ...{ strategy: 'stall', maxWait: FIRST_MS, stall: NEXT_MS },
    })
    for await (const answer of answers) found.push(exchangeOf(answer))
  } catch (error) {
    const { NoRespondersError, PermissionViolationError, RequestError } = errors
    const isNobody = error instanceof NoRespondersError || error instanceof PermissionViolationError
    if (!isNobody && !(error instanceof RequestError)) throw error
  }
  return found
}

/** Somebody answers, whatever it says. */
function exchangeOf(answer: Msg): ServingExchange {
  const frame = decodeFrame(answer.data)
  const said = frame.ok ? (frame.commands[0] as { metadata?: unknown }) : {}
  const { market, holder } = (said.metadata ?? {}) as { market?: unknown; holder?: unknown }
  return { market: textOf(market), holder: textOf(holder) || 'unnamed' }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
