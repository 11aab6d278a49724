// NATS: reachable, large enough messages, and allowed what the exchange does.

import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { Settings } from '../../config.ts'
import { FRAME_BYTES_MAX } from '../../gateway/bounds.ts'
import { connectionOf, hostsOf } from '../../gateway/nats-address.ts'
import { NatsProblem } from '../../gateway/nats-problem.ts'
import { PING_SUBJECT } from '../../gateway/service.ts'
import { exchangesAt, type ServingExchange } from '../../gateway/serving-exchanges.ts'
import {
  execSubject,
  marketDataSubject,
  STATUS_SUBJECT,
  SUBSCRIPTIONS,
} from '../../gateway/subjects.ts'
import { leftAddress } from '../addresses.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

const CONNECT_MS = 5_000
/** A name that nobody trades under. */
const NOBODY = 'onefill-doctor'

/** Looks at the server of the settings; at the built-in one only while it runs. */
export async function checkNats({ natsUrl, data }: Settings): Promise<Finding[]> {
  const url = natsUrl ?? leftAddress(data, 'natsUrl')
  if (url === undefined) return [ok('nats', 'the built-in one, started with the exchange')]
  let connection: NatsConnection
  try {
    connection = await connect({
      ...{ ...connectionOf(url), name: 'onefill doctor', timeout: CONNECT_MS, reconnect: false },
    })
  } catch (error) {
    const todo = 'start it, or look at host, user and password of NATS_URL'
    return [fail('nats', whyNot(url, error as Error), todo)]
  }
  try {
    const { version = '?', max_payload: bytes = 0 } = connection.info ?? {}
    const found = ok('nats', `${version} at ${hostsOf(url)}`)
    const serving = servingOf(await exchangesAt(connection))
    return [found, payload(bytes), ...serving, ...(await permissions(connection))]
  } finally {
    await connection.close()
  }
}

function whyNot(url: string, error: Error): string {
  const why = error.message.replace(/\.$/, '')
  // The address itself: it says all that can be said.
  return error instanceof NatsProblem ? why : `no server can be used at ${hostsOf(url)}: ${why}`
}

/** Who takes in what is published there. */
function servingOf(exchanges: readonly ServingExchange[] | undefined): Finding[] {
  if (exchanges === undefined) {
    const todo = `allow it to publish to ${PING_SUBJECT}, as deploy/nats/onefill.conf does`
    return [warn('nats exchange', 'it may not be asked whether one serves', todo)]
  }
  const said = exchanges.map(({ holder }) => holder).join(', ')
  if (exchanges.length === 0) return []
  if (exchanges.length === 1) return [ok('nats exchange', `${said} serves`)]
  const todo = 'stop all but one, or give each a server of its own: every order is for all of them'
  return [fail('nats exchange', `${said} serve, each by itself`, todo)]
}

function payload(bytes: number): Finding {
  const said = `${bytes} bytes`
  if (bytes >= FRAME_BYTES_MAX) return ok('nats max_payload', said)
  const todo = `set max_payload: ${FRAME_BYTES_MAX}, or longer replies to batches are lost`
  return warn('nats max_payload', said, todo)
}

/** Tries what the exchange does; the server says no at once, before it answers a PING. */
async function permissions(connection: NatsConnection): Promise<Finding[]> {
  const denied: string[] = []
  const watching = (async () => {
    for await (const status of connection.status()) {
      if (status.type === 'error') denied.push(status.error.message)
    }
  })()
  for (const subject of [...SUBSCRIPTIONS, STATUS_SUBJECT]) {
    const callback = (error: Error | null) => {
      if (error !== null) denied.push(error.message)
    }
    connection.subscribe(subject, { callback })
  }
  for (const subject of [execSubject(NOBODY), marketDataSubject(NOBODY, 'trades')]) {
    connection.publish(subject, '[]')
  }
  await connection.flush()
  await connection.close()
  await watching
  if (denied.length === 0) return [ok('nats permissions', 'all that the exchange needs')]
  const said = [...new Set(denied)].join('; ')
  return [fail('nats permissions', said, 'allow it: deploy/nats/onefill.conf is an example')]
}
