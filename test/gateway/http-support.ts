// The exchange over real HTTP for tests: whose requests are known by a token that names account and
// scopes, and whose answers are held against the OpenAPI document, each of them.

import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect } from 'vitest'
import { DurableExchange, type DurableOptions } from '../../src/durable.ts'
import { fanOut } from '../../src/gateway/fan-out.ts'
import { HttpGateway, type HttpGatewayOptions } from '../../src/gateway/http/gateway.ts'
import type { Authenticate, Scope } from '../../src/gateway/http/principal.ts'
import { HttpServer } from '../../src/gateway/http/server.ts'
import { NatsGateway } from '../../src/gateway/nats-gateway.ts'
import type { Said } from './exchange-support.ts'

/** `Bearer alice` or `Bearer alice/read`: account and scopes; all but admin if none are said. */
export const byToken: Authenticate = async ({ headers }) => {
  const [, account, scopes = 'trade,read'] =
    /^Bearer ([\w-]+)(?:\/([a-z,]*))?$/.exec(headers.authorization ?? '') ?? []
  if (account !== undefined) return { account, scopes: new Set(scopes.split(',') as Scope[]) }
  return { kind: 'refused', code: 'UNAUTHENTICATED', text: 'send a bearer token' }
}

export interface HttpRunning {
  readonly exchange: DurableExchange
  readonly nats: NatsGateway | undefined
  readonly http: HttpGateway
  readonly url: string
  readonly ask: Ask
  close(): Promise<void>
}

/** An exchange that serves HTTP, and NATS too where there is a server. */
export async function serveHttp(
  database: string,
  options: {
    natsUrl?: string
    http?: Partial<HttpGatewayOptions>
    exchange?: Partial<DurableOptions>
  } = {},
): Promise<HttpRunning> {
  const { natsUrl } = options
  const nats = natsUrl === undefined ? undefined : await NatsGateway.connect({ url: natsUrl })
  const http = new HttpGateway({
    ...{ authenticate: byToken, history: nats?.history, onError: (error) => errors.push(error) },
    market: nats && (() => nats.market),
    ...options.http,
  })
  const errors: unknown[] = []
  const health = () => ({ isReady: true, status: 'ready', degraded: [] })
  const server = await HttpServer.listen({ host: '127.0.0.1', port: 0, health, gateway: http })
  const takers = [nats?.takeReports, http.takeReports].filter((take) => take !== undefined)
  const exchange = await DurableExchange.open({
    ...{ url: database, takeReports: fanOut(...takers), onBroken: () => http.stopTaking() },
    ...options.exchange,
  })
  await nats?.open(exchange)
  http.open(exchange)
  return {
    ...{ exchange, nats, http, url: server.url, ask: asker(server.url, http.document) },
    async close() {
      http.finishTaking()
      nats?.stopTaking()
      await exchange.close()
      await Promise.all([nats?.close(), http.close()])
      await server.close()
      if (options.http?.onError === undefined) expect(errors).toEqual([])
    },
  }
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Said
}

export interface Request {
  /** Whose token; empty: none. */
  readonly as?: string
  /** An object is sent as JSON; bytes and text as they are. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export type Ask = (line: string, request?: Request) => Promise<Answer>

/** `ask('GET /v1/orders', { as: 'alice' })`; the answer fits the document. */
export function asker(url: string, document: object): Ask {
  const check = checker(document)
  return async (line, { as = 'alice', body, headers = {} } = {}) => {
    const [method, path] = line.split(' ')
    const isRaw = typeof body === 'string' || body instanceof Uint8Array
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(as !== '' && { authorization: `Bearer ${as}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: (isRaw ? body : JSON.stringify(body)) as string }),
    })
    const type = response.headers.get('content-type') ?? ''
    const text = await response.text()
    const said = type.includes('json') ? JSON.parse(text) : text
    check(method, path, response, said)
    return { status: response.status, headers: response.headers, body: said }
  }
}

/** Holds answers against the document: a status it has, the body of that status. */
function checker(openapi: Said) {
  const ajv = new Ajv2020({
    ...{ strict: true, strictRequired: false, allErrors: true },
    formats: { 'date-time': true },
  })
  ajv.addVocabulary(['components'])
  ajv.addSchema({ components: openapi.components }, 'document')
  const routes = Object.entries<Said>(openapi.paths).map(([path, operations]) => ({
    ...{ path, operations },
    form: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
  }))
  return (method: string, target: string, { status, headers }: Response, said: unknown): void => {
    const [path] = target.split('?')
    const route = routes.find(({ form }) => form.test(path))
    const type = (headers.get('content-type') ?? '').replace('; charset=utf-8', '')
    const operation = route?.operations[method.toLowerCase()]
    // Of no route: still a problem.
    const content = operation === undefined ? PROBLEM : operation.responses[status]?.content
    expect([target, status, Object.keys(content ?? {})]).toEqual([target, status, [type]])
    const ref = content[type].schema?.$ref
    if (ref === undefined) return
    const fits = ajv.getSchema(`document${ref}`)
    expect(fits).toBeDefined()
    expect([fits!(said), fits!.errors]).toEqual([true, null])
    if (type === 'application/problem+json') {
      expect(said).toMatchObject({ status, type: `urn:onefill:problem:${(said as Said).code}` })
    }
  }
}

const PROBLEM: Said = {
  'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
}

/** An order of alice's. */
export const order = (clOrdId: string, more: object = {}) => ({
  ...{ clOrdId, symbol: 'XUSD', side: 'buy', ordType: 'limit', price: '1', orderQty: '1' },
  ...more,
})
/** What one becomes. */
export const change = { clOrdId: 'x-2', symbol: 'XUSD', price: '2', orderQty: '3' }

/** Every route that needs a principal, with a request that it would take. */
export const ROUTES: readonly (readonly [string, string, Request?])[] = [
  ['trade', 'POST /v1/orders', { body: order('x-1') }],
  ['trade', 'POST /v1/orders:batch', { body: [{ cmd: 'new', ...order('x-1') }] }],
  ['trade', 'PATCH /v1/orders/6', { body: change }],
  ['trade', 'DELETE /v1/orders/6'],
  ['trade', 'DELETE /v1/orders'],
  ['read', 'GET /v1/orders'],
  ['read', 'GET /v1/orders/6'],
  ['read', 'GET /v1/accounts/alice'],
  ['read', 'GET /v1/accounts/alice/positions'],
  ['read', 'GET /v1/accounts/alice/fills'],
  ['', 'GET /v1/book/XUSD'],
  ['', 'GET /v1/trades/XUSD'],
  ['', 'GET /v1/instruments'],
]
