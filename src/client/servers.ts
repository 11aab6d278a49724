// Where a client's servers are, and as whom it comes to them.

import { readFileSync } from 'node:fs'
import { type ConnectionOptions, credsAuthenticator } from '@nats-io/transport-node'
import { addressesOf, connectionOf, hostsOf, inboxOf, withScheme } from '../gateway/nats-address.ts'
import { ClientProblem } from './problem.ts'

export interface ServerOptions {
  /**
   * `nats://host:port`, one or more; user and password may stand in it, what is special in them as
   * encodeURIComponent writes it.
   */
  readonly servers: string | readonly string[]
  readonly user?: string | undefined
  readonly pass?: string | undefined
  readonly token?: string | undefined
  /** The path of a `.creds` file. */
  readonly creds?: string | undefined
  /**
   * What the subjects begin with that replies come to, where the server permits no others;
   * `_INBOX.USER` unless given, where there is a user.
   */
  readonly inboxPrefix?: string | undefined
  /** Shown in the server's list of connections. */
  readonly name?: string | undefined
}

/** A server that does not even say who it is. */
const CONNECT_MS_MAX = 20_000

/**
 * What the NATS client is to be told, and the hosts for people. Throws a {@link ClientProblem}:
 * `CANNOT_CONNECT` where there is no usable address, `BAD_CREDENTIALS`.
 */
export function connectionTo(
  options: ServerOptions,
  withinMs: number,
): { readonly connection: ConnectionOptions; readonly hosts: string } {
  const address = addressOf(options)
  const { user, pass, token, inboxPrefix, name = 'onefill client' } = options
  const { servers = [], ...given } = connectionOf(address)
  const connection = {
    ...{ ...given, servers, name },
    // Each server is tried once.
    timeout: Math.min(CONNECT_MS_MAX, withinMs) / [servers].flat().length,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    reconnectJitter: 50,
    ignoreAuthErrorAbort: true,
    noAsyncTraces: true,
    ...(user !== undefined && { user, ...inboxOf(user) }),
    ...(inboxPrefix !== undefined && { inboxPrefix }),
    ...(pass !== undefined && { pass }),
    ...(token !== undefined && { token }),
    ...credentialsOf(options),
  }
  return { connection, hosts: hostsOf(address) }
}

/** As one address with commas, which is how people write several. */
function addressOf({ servers }: ServerOptions): string {
  const given = [servers].flat()
  if (!given.some(Boolean)) throw new ClientProblem('CANNOT_CONNECT', NONE)
  // Nothing of it is shown, nor the error that has it: any part may be one of a password.
  if (!given.every(isCertain)) throw new ClientProblem('CANNOT_CONNECT', UNCERTAIN)
  return given.map(withScheme).join(',')
}

const NONE = 'No NATS server is named: give servers, such as nats://127.0.0.1:4222.'
const UNCERTAIN =
  'No NATS server can be used: an address is not nats://USER:PASSWORD@HOST:PORT; what is no ' +
  'letter or digit in user and password is written as %XX there, @ as %40.'

/**
 * Whether the address (or several with commas) says one thing only. A comma, a slash and the like
 * in a password would make a host of its first half, which would be asked for and shown.
 */
const isCertain = (address: string): boolean =>
  hostOf(address) !== undefined &&
  addressesOf(address).every((each) => {
    const host = hostOf(each)
    return host !== undefined && host === hostOf(each.slice(each.lastIndexOf('@') + 1))
  })

/** Host and port; undefined where there are none. */
function hostOf(address: string): string | undefined {
  try {
    return hostsOf(address)
  } catch {
    return undefined
  }
}

/** What logs in by a file of credentials, if one is named. */
function credentialsOf({ creds }: ServerOptions): Pick<ConnectionOptions, 'authenticator'> {
  if (creds === undefined) return {}
  try {
    const authenticator = credsAuthenticator(readFileSync(creds))
    // It reads the file's text only when a server asks.
    authenticator('')
    return { authenticator }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    const sentence = `The file of credentials ${creds} cannot be used: ${why.replace(/\.$/, '')}.`
    throw new ClientProblem('BAD_CREDENTIALS', sentence, error)
  }
}
