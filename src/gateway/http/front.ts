// Every route behind the same door: raw body, who asks, may it, is there room, then the route; and
// whatever goes wrong as a problem.

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isOfKind } from '../../protocol/command-schema.ts'
import type { Clerk } from './clerk.ts'
import { readParameters } from './parameters.ts'
import type { Authenticate, Principal, Throttles } from './principal.ts'
import { isProblem, type Problem, problemOf } from './problem.ts'
import type { Call, Route, Success } from './routes.ts'

export interface FrontOptions {
  readonly authenticate: Authenticate
  readonly throttles: Throttles
  readonly clerk: Clerk
  /** A request was not carried out, with this code, and the exchange has not said a word on it. */
  readonly onRefused: (code: string) => void
  /** A request met a fault of ours; it is answered with INTERNAL. */
  readonly onError: (error: unknown) => void
  /** Is shown all that is under way. */
  readonly during: <T>(work: Promise<T>) => Promise<T>
}

const NO_BODY = new Uint8Array(0)

/** Adds the routes and their manners to a server's part for `/v1`. */
export function addRoutes(
  server: FastifyInstance,
  routes: readonly Route[],
  options: FrontOptions,
): void {
  keepRawBodies(server)
  server.setErrorHandler((error: FastifyError, _, reply) => {
    const problem = problemOfError(error)
    if (problem.status >= 500) options.onError(error)
    sendProblem(reply, problem)
  })
  server.setNotFoundHandler((_, reply) => sendProblem(reply, problemOf('NOT_FOUND')))
  for (const route of routes) {
    const { method, status } = route
    server.route({
      ...{ method, url: urlOf(route.path), exposeHeadRoute: false },
      handler: async (request, reply) => {
        const outcome = await options.during(serve(route, request, options))
        if (isProblem(outcome)) {
          if (!outcome.isReported) options.onRefused(outcome.code)
          return sendProblem(reply, outcome)
        }
        if (outcome.location !== undefined) reply.header('location', outcome.location)
        return reply.code(status).header('cache-control', 'no-store').send(outcome.body)
      },
    })
  }
}

/** `/orders::batch`, `/orders/:id`: as the router has paths behind `/v1`. */
function urlOf(path: string): string {
  return path
    .slice('/v1'.length)
    .replaceAll(':', '::')
    .replaceAll(/\{(\w+)\}/g, ':$1')
}

/** Signatures are of the bytes, and our own reading of JSON is stricter than the parser's. */
function keepRawBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_, body, done) => {
    done(null, body)
  })
}

async function serve(
  route: Route,
  request: FastifyRequest,
  { authenticate, throttles, clerk }: FrontOptions,
): Promise<Success | Problem> {
  const { method, url } = request
  const body = request.body instanceof Uint8Array ? request.body : NO_BODY
  const headers = headersOf(request)
  const principal = await authenticate({ method, url, headers, body })
  if ('kind' in principal) return problemOf(principal.code, { detail: principal.text })
  const path = request.params as Record<string, string>
  const forbidden = forbiddenFor(principal, route, path)
  if (forbidden !== undefined) return problemOf('FORBIDDEN', { detail: forbidden })
  const spend = (orders: number) => charge(throttles, principal.account, orders)
  const { counts } = route
  const held = counts === 'nothing' ? undefined : await spend(counts === 'order' ? 1 : 0)
  if (held !== undefined) return held
  const query = readParameters(request.query as Record<string, unknown>, route.query ?? [])
  if (isProblem(query)) return query
  const idempotencyKey = keyOf(headers, route)
  if (isProblem(idempotencyKey)) return idempotencyKey
  const call: Call = { principal, path, query, body, idempotencyKey, spend }
  return route.serve(clerk, call)
}

/** Counts a request with so many orders in it; the problem if it is too much. */
async function charge(
  { requests, orders: ofOrders }: Throttles,
  account: string,
  orders: number,
): Promise<Problem | undefined> {
  const wait =
    (await requests?.(account, 1)) ?? (orders > 0 ? await ofOrders?.(account, orders) : undefined)
  return wait === undefined ? undefined : problemOf('RATE_LIMITED', wait)
}

/** Why the principal may not use the route, if it may not. */
function forbiddenFor(
  { account, scopes }: Principal,
  { scope }: Route,
  path: Readonly<Record<string, string>>,
): string | undefined {
  if (scope !== undefined && !scopes.has(scope)) return `the scope ${scope} is needed for this`
  const isOther = path.account !== undefined && path.account !== account
  return isOther ? 'the path names another account than the one that asks' : undefined
}

/** The header's value, also where it is quoted, as its draft has it. */
function keyOf(headers: Readonly<Record<string, string | undefined>>, { isKeyed, body }: Route) {
  const said = headers['idempotency-key']
  if (said === undefined) return undefined
  const field = 'Idempotency-Key'
  if (isKeyed) {
    const key = /^"([^"\\]*)"$/.exec(said)?.[1] ?? said
    return isOfKind('id', key) ? key : problemOf('MALFORMED', { field, detail: NO_ID })
  }
  // A cancel that is sent again does no harm; a batch would not be what the key promises.
  return body === undefined ? undefined : problemOf('MALFORMED', { field, detail: NO_KEY })
}

const NO_ID = 'it is 1 to 36 visible ASCII characters, as a clOrdId'
const NO_KEY = 'each command of a batch has a clOrdId of its own'

/** Those that come once; the only one that may come as a list is a reply's. */
function headersOf({ headers }: FastifyRequest): Readonly<Record<string, string | undefined>> {
  const single = Object.entries(headers).filter(([, value]) => typeof value === 'string')
  return Object.fromEntries(single) as Record<string, string>
}

/** Answers with a problem. */
export function sendProblem(reply: FastifyReply, { status, headers, body }: Problem): FastifyReply {
  return reply
    .code(status)
    .headers({ 'cache-control': 'no-store', ...headers })
    .type('application/problem+json')
    .send(JSON.stringify(body))
}

/** What the server itself finds wrong with a request; all else is a fault of ours. */
export function problemOfError({ statusCode = 500, code }: FastifyError): Problem {
  switch (statusCode) {
    case 413:
      return problemOf('BODY_TOO_LARGE', { field: 'body' })
    case 414:
      return problemOf('URL_TOO_LONG', { field: 'url' })
    case 415:
      return problemOf('UNSUPPORTED_MEDIA_TYPE', { field: 'Content-Type' })
    default: {
      const isTheirs = statusCode >= 400 && statusCode < 500
      if (!isTheirs) return problemOf('INTERNAL')
      const field = code === 'FST_ERR_BAD_URL' ? 'url' : 'body'
      return problemOf('MALFORMED', { field, detail: 'the request cannot be read' })
    }
  }
}
