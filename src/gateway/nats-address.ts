// Addresses of NATS servers, with user and password in them as people write them: the client knows
// hosts only.

import type { ConnectionOptions } from '@nats-io/transport-node'
import { isName } from '../protocol/command-schema.ts'

/**
 * What the client is to be told of `nats://user:password@host:port`, or of several of them with
 * commas between; the first user counts. A user without a password is a token. `tls://` asks for
 * TLS.
 */
export function connectionOf(
  url: string,
): Pick<ConnectionOptions, 'servers' | 'user' | 'pass' | 'token' | 'tls' | 'inboxPrefix'> {
  const urls = url.split(',').map((each) => (each.includes('://') ? each : `nats://${each}`))
  const of = urls.map((each) => new URL(each))
  const servers = of.map(({ hostname, port }) => `${hostname}:${port || 4222}`)
  const tls = of.some(({ protocol }) => protocol === 'tls:') ? { tls: {} } : {}
  const named = of.find(({ username }) => username !== '')
  if (named === undefined) return { servers, ...tls }
  const user = decodeURIComponent(named.username)
  if (named.password === '') return { servers, ...tls, token: user }
  const pass = decodeURIComponent(named.password)
  return { servers, ...tls, user, pass, ...inboxOf(user) }
}

/**
 * Where a user's replies come in: where users have permissions, each has inboxes under its own name
 * (deploy/nats/). Nothing of a user whose name can be no part of a subject.
 */
export const inboxOf = (user: string): Pick<ConnectionOptions, 'inboxPrefix'> =>
  isName(user) ? { inboxPrefix: `_INBOX.${user}` } : {}

/** The addresses without user and password, for people. */
export function hostsOf(url: string): string {
  const { servers = [] } = connectionOf(url)
  return [servers].flat().join(', ')
}
