// Addresses of NATS servers, with user and password in them as people write them: the client knows
// hosts only.

import type { ConnectionOptions } from '@nats-io/transport-node'
import { isName } from '../protocol/command-schema.ts'
import { NatsProblem } from './nats-problem.ts'

const PORT = 4222

/**
 * The addresses of a list with commas. A comma is part of a password where what stands before it is
 * no address yet, as in `nats://u:pass,word@host`; any other in a password is written %2C.
 */
export function addressesOf(list: string): string[] {
  const pieces = list.split(',')
  const addresses: string[] = []
  for (let from = 0, to = 1; from < pieces.length; to += 1) {
    const begun = pieces.slice(from, to).join(',')
    if (urlOf(begun) === undefined && to < pieces.length) continue
    addresses.push(begun)
    from = to
  }
  return addresses
}

/** The address with its scheme, which may be left out. */
export const withScheme = (address: string): string =>
  address.includes('://') ? address : `nats://${address}`

/** Of an address, which may have no scheme; undefined where it is none. */
function urlOf(address: string): URL | undefined {
  const url = URL.parse(withScheme(address))
  const isOne = url !== null && url.hostname !== '' && !url.hostname.includes(',')
  return isOne ? url : undefined
}

/**
 * What the client is to be told of `nats://user:password@host:port`, or of several of them with
 * commas between; the first user counts. A user without a password is a token. `tls://` asks for
 * TLS. Throws a NatsProblem, without what was given, where one cannot be used.
 */
export function connectionOf(
  url: string,
): Pick<ConnectionOptions, 'servers' | 'user' | 'pass' | 'token' | 'tls' | 'inboxPrefix'> {
  const all = addressesOf(url)
  // The second half of a password would be asked for as a host, and shown.
  if (all.some((each, number) => number > 0 && isHalf(each))) unusable(HALF)
  const of = all.map((each) => urlOf(each) ?? unusable('an address is none'))
  const servers = of.map(({ hostname, port }) => `${hostname}:${port || PORT}`)
  const tls = of.some(({ protocol }) => protocol === 'tls:') ? { tls: {} } : {}
  const named = of.find(({ username }) => username !== '')
  if (named === undefined) return { servers, ...tls }
  const user = decoded(named.username)
  if (named.password === '') return { servers, ...tls, token: user }
  return { servers, ...tls, user, pass: decoded(named.password), ...inboxOf(user) }
}

const isHalf = (address: string): boolean => address.includes('@') && !address.includes('://')
const HALF = 'an address with a user begins with nats://, and a comma in a password is written %2C'

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return unusable('a % in user or password is written %25')
  }
}

/** Not even a host is told: what is no address may have a part of a password there. */
function unusable(why: string): never {
  throw new NatsProblem('NATS_FAILED', `No NATS server can be used: ${why}.`)
}

/**
 * Where a user's replies come in: where users have permissions, each has inboxes under its own name
 * (deploy/nats/). Nothing of a user whose name can be no part of a subject.
 */
export const inboxOf = (user: string): Pick<ConnectionOptions, 'inboxPrefix'> =>
  isName(user) ? { inboxPrefix: `_INBOX.${user}` } : {}

/** The addresses without user and password, for people. Throws as {@link connectionOf}. */
export function hostsOf(url: string): string {
  const { servers = [] } = connectionOf(url)
  return [servers].flat().join(', ')
}
