// The OpenAPI 3.1 document of the routes: bodies from the forms that commands are checked by,
// answers from the schemas that tests hold them against.

import { z } from 'zod'
import { COMMAND_FORMS, FIELD_SCHEMAS, type OrderFieldKind } from '../../protocol/command-schema.ts'
import { BATCH_COMMANDS_MAX } from '../bounds.ts'
import { ANSWERS, type AnswerName } from './answers.ts'
import { PARAMETERS, type ParameterName } from './parameters.ts'
import type { Route } from './routes.ts'

export interface OpenApiOptions {
  /** Of this program. */
  readonly version: string
  /** By name, as OpenAPI has them; any one of them is enough. */
  readonly securitySchemes: Readonly<Record<string, object>>
}

type Schema = Readonly<Record<string, unknown>>

const DESCRIPTION = [
  'Orders, accounts and market data of a running exchange.',
  'A command is answered once it is durable.',
  'Commands, reports and codes are those of docs/commands.md;',
  'docs/http.md says how they go over HTTP.',
  'Market data and reports as they come are at /v1/stream, a WebSocket: docs/stream.md.',
].join(' ')

/** Statuses of problems that any route may have, and what they mean. */
const EVERYWHERE = [400, 401, 403, 500, 503]
const PROBLEMS: Readonly<Record<number, string>> = {
  400: 'Malformed; the field says where.',
  401: 'It is not known who asks.',
  403: 'Another account, or a scope that is missing.',
  404: 'What the path names is not there.',
  409: 'The clOrdId was used for something else.',
  410: 'No longer in memory.',
  413: 'The body is longer than 512 KiB.',
  414: 'A part of the path is longer than any id.',
  415: 'The body is not application/json.',
  422: 'Refused by the exchange, with its code.',
  429: 'Too many requests of this account.',
  500: 'A fault of the exchange.',
  503: 'Nobody leads here, or the journal is away: send the same again.',
}

/** The document; plain values, ready to be written as JSON. */
export function openApiOf(routes: readonly Route[], options: OpenApiOptions): object {
  const { version, securitySchemes } = options
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes) {
    paths[route.path] ??= {}
    paths[route.path][route.method.toLowerCase()] = operationOf(route)
  }
  paths['/v1/openapi.json'] = { get: openTo('openapi', 'This document.', 'application/json') }
  paths['/v1/docs'] = { get: openTo('docs', 'A page to read and try it.', 'text/html') }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Onefill',
      version,
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    security: Object.keys(securitySchemes).map((name) => ({ [name]: [] })),
    paths,
    components: { schemas: { ...answerSchemas(), ...BODIES }, securitySchemes },
  }
}

// --- routes -------------------------------------------------------------------------------------

function operationOf(route: Route): object {
  const { name, about, more = [], scope, body, isKeyed, status, answer, problems, counts } = route
  const scopes = scope === undefined ? [] : [`Scope: ${scope}.`]
  const more429 = counts === 'nothing' ? [] : [429]
  const more414 = route.path.includes('{') ? [414] : []
  const statuses = [...EVERYWHERE, ...problems, ...more414, ...more429].sort((x, y) => x - y)
  const success = { description: 'Done, and durable.', content: jsonOf(answer) }
  const location = { Location: { schema: { type: 'string' }, description: 'The order.' } }
  return {
    operationId: name,
    summary: about,
    description: [...more, ...scopes].join(' '),
    parameters: [...parametersOf(route), ...(isKeyed ? [IDEMPOTENCY_KEY] : [])],
    ...(body !== undefined && { requestBody: { required: true, content: jsonOf(body) } }),
    responses: {
      [status]: status === 201 ? { ...success, headers: location } : success,
      ...Object.fromEntries(statuses.map((each) => [each, problemResponse(each)])),
    },
  }
}

const jsonOf = (name: string) => ({ 'application/json': { schema: refTo(name) } })
const refTo = (name: string) => ({ $ref: `#/components/schemas/${name}` })

function problemResponse(status: number): object {
  const schema = { type: 'string', pattern: '^[0-9]+$' }
  const description = 'Seconds until the same may be sent again.'
  const isLater = status === 429 || status === 503
  return {
    description: PROBLEMS[status],
    content: { 'application/problem+json': { schema: refTo('Problem') } },
    ...(isLater && { headers: { 'Retry-After': { schema, description } } }),
  }
}

const openTo = (operationId: string, summary: string, type: string) => ({
  ...{ operationId, summary, security: [] },
  responses: { 200: { description: summary, content: { [type]: {} } } },
})

const IDEMPOTENCY_KEY = {
  ...{ name: 'Idempotency-Key', in: 'header', schema: FIELD_SCHEMAS.id },
  description: 'Becomes the clOrdId where the body has none; with another clOrdId: 400.',
}

/** An order is named by `orderId` or, with `by`, by `clOrdId`: its form is an id's. */
const PATH_PARAMETERS: Readonly<Record<string, object>> = {
  id: { schema: FIELD_SCHEMAS.id, description: "the order's orderId, or as by says" },
  account: { schema: FIELD_SCHEMAS.name, description: 'the account that asks' },
  symbol: { schema: FIELD_SCHEMAS.name, description: 'an instrument' },
}

function parametersOf({ path, query = [] }: Route): object[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    ...{ name, in: 'path', required: true, ...PATH_PARAMETERS[name] },
  }))
  const inQuery = query.map((name: ParameterName) => {
    const { schema, about } = PARAMETERS[name]
    return { name, in: 'query', required: false, schema, description: about }
  })
  return [...inPath, ...inQuery]
}

// --- schemas ------------------------------------------------------------------------------------

function answerSchemas(): Record<string, Schema> {
  const registry = z.registry<{ id: string }>()
  for (const name of Object.keys(ANSWERS) as AnswerName[]) registry.add(ANSWERS[name], { id: name })
  const { schemas } = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}` })
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema, $id, ...schema }]) => [name, schema]),
  )
}

type OrderCmd = 'new' | 'cancel' | 'replace' | 'massCancel'

/** An order's command as a schema; `without`: fields that are said elsewhere. */
function commandSchema(cmd: OrderCmd, without: readonly string[], optional: readonly string[]) {
  const form = COMMAND_FORMS[cmd]
  const kinds: Record<string, OrderFieldKind> = { ...form.required, ...form.optional }
  const fields = Object.entries(kinds).filter(([field]) => !without.includes(field))
  const isRequired = (field: string) => Object.hasOwn(form.required, field)
  const names = fields.map(([field]) => field)
  const required = names.filter((field) => isRequired(field) && !optional.includes(field))
  return {
    ...{ type: 'object', additionalProperties: false },
    properties: {
      cmd: { const: cmd },
      ...Object.fromEntries(fields.map(([field, kind]) => [field, FIELD_SCHEMAS[kind]])),
    },
    ...(required.length > 0 && { required }),
  }
}

/** In a batch each says what it is; of ids that name an order, exactly one. */
function batchedSchema(cmd: OrderCmd): Schema {
  const { required = [], ...schema } = commandSchema(cmd, [], ['account'])
  const form = COMMAND_FORMS[cmd]
  const oneOf = 'oneOf' in form ? form.oneOf : undefined
  return {
    ...schema,
    required: ['cmd', ...required],
    ...(oneOf !== undefined && { oneOf: oneOf.map((field) => ({ required: [field] })) }),
  }
}

const ORDER = { symbol: 'NVDA', side: 'buy', ordType: 'limit', price: '167.52', orderQty: '100' }

/** Bodies by the name that documents give them. */
const BODIES: Readonly<Record<NonNullable<Route['body']>, Schema>> = {
  NewOrder: {
    ...commandSchema('new', [], ['account', 'clOrdId']),
    description: 'A limit order has a price, a market order none. clOrdId or Idempotency-Key.',
    examples: [{ clOrdId: 'a-1', ...ORDER }],
  },
  ReplaceOrder: {
    ...commandSchema('replace', ['orderId', 'origClOrdId'], ['account', 'clOrdId', 'symbol']),
    description: 'orderQty is the new total, what is filled included. clOrdId or Idempotency-Key.',
    examples: [{ clOrdId: 'a-2', symbol: 'NVDA', price: '167.53', orderQty: '80' }],
  },
  Batch: {
    ...{ type: 'array', minItems: 1, maxItems: BATCH_COMMANDS_MAX },
    items: {
      oneOf: [
        ...[batchedSchema('new'), batchedSchema('cancel')],
        ...[batchedSchema('replace'), batchedSchema('massCancel')],
      ],
    },
    examples: [
      [
        { cmd: 'new', clOrdId: 'a-3', ...ORDER },
        { cmd: 'cancel', symbol: 'NVDA', origClOrdId: 'a-1' },
      ],
    ],
  },
}
