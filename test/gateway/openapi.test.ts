// The OpenAPI document: whole and consistent, made of the forms that commands are checked by, and
// served with a page that loads nothing from elsewhere.

import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HttpGateway } from '../../src/gateway/http/gateway.ts'
import { HttpServer } from '../../src/gateway/http/server.ts'
import {
  COMMAND_FORMS,
  FIELD_SCHEMAS,
  findFormFault,
  isOfKind,
  type OrderFieldKind,
} from '../../src/protocol/command-schema.ts'
import type { Said } from './exchange-support.ts'
import { byToken } from './http-support.ts'

const gateway = new HttpGateway({ authenticate: byToken, version: '1.2.3' })
let server: HttpServer
let openapi: Said

beforeAll(async () => {
  const health = () => ({ isReady: true, status: 'ready', degraded: [] })
  server = await HttpServer.listen({ host: '127.0.0.1', port: 0, health, gateway })
  openapi = await (await fetch(`${server.url}/v1/openapi.json`)).json()
})
afterAll(() => server.close())

const validator = () =>
  new Ajv2020({ strict: true, strictRequired: false, formats: { 'date-time': true } })
const operations = (): [string, string, Said][] =>
  Object.entries<Said>(openapi.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, operation]) => [path, method, operation] as [string, string, Said],
    ),
  )

/** Every object in a value, itself among them. */
function* objectsIn(value: unknown): Generator<Said> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield value
  for (const each of Object.values(value)) yield* objectsIn(each)
}

test('it is OpenAPI 3.1, and whole', () => {
  expect(openapi).toMatchObject({ openapi: '3.1.0', info: { title: 'Onefill', version: '1.2.3' } })
  expect(Object.keys(openapi.paths)).toEqual([
    ...['/v1/orders', '/v1/orders:batch', '/v1/orders/{id}', '/v1/accounts/{account}'],
    ...['/v1/accounts/{account}/positions', '/v1/accounts/{account}/fills'],
    ...['/v1/book/{symbol}', '/v1/trades/{symbol}', '/v1/instruments'],
    ...['/v1/openapi.json', '/v1/docs'],
  ])
  const ids = operations().map(([, , { operationId }]) => operationId)
  expect(new Set(ids).size).toBe(ids.length)
  for (const { $ref } of objectsIn(openapi)) {
    if ($ref === undefined) continue
    const [root, ...steps] = $ref.split('/')
    expect(root).toBe('#')
    expect([$ref, steps.reduce((at: Said, step: string) => at?.[step], openapi)]).not.toContain(
      undefined,
    )
  }
  for (const [path, method, { parameters = [], responses, requestBody }] of operations()) {
    const inPath = parameters.filter((each: Said) => each.in === 'path')
    expect(inPath.map(({ name }: Said) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? [])
    expect(inPath.every(({ required }: Said) => required === true)).toBe(true)
    for (const { schema, description } of parameters) {
      expect(description).toBeTypeOf('string')
      validator().compile(schema)
    }
    expect(requestBody !== undefined).toBe(method === 'post' || method === 'patch')
    const statuses = Object.keys(responses).map(Number)
    expect(statuses.filter((status) => status < 300)).toHaveLength(1)
    for (const { description, content } of Object.values<Said>(responses)) {
      expect([description, Object.keys(content)]).toEqual([
        expect.any(String),
        [expect.any(String)],
      ])
    }
  }
})

test('each of its schemas is one, and each of its examples fits', () => {
  const ajv = validator()
  ajv.addVocabulary(['components'])
  ajv.addSchema({ components: openapi.components }, 'document')
  for (const [name, { examples = [] }] of Object.entries<Said>(openapi.components.schemas)) {
    const fits = ajv.getSchema(`document#/components/schemas/${name}`)!
    for (const example of examples)
      expect([name, fits(example), fits.errors]).toEqual([name, true, null])
    expect([name, fits(17)]).toEqual([name, false])
  }
})

const VALUES: readonly unknown[] = [
  ...['', 'a', 'a b', 'A-z_9', 'x'.repeat(36), 'x'.repeat(37), 'ä', 'a.b', '!~', '\n', 'a\n'],
  ...['0', '1', '01', '1.', '.5', '1.5', '0.0', '0.10', '-1', '1e3', '9'.repeat(40)],
  ...['9'.repeat(41), `${'9'.repeat(39)}.`, 'buy', 'sell', 'Buy', 'limit', 'market', 'GTC', 'FOK'],
  ...['IOC', 'GTD', 'cancelNewest', 'decrement', 'true', '1234567890123456', '12345678901234567'],
  ...[0, 1, -1, 1.5, 1_000, 1_001, true, false, null, [], ['buy'], {}, { a: 1 }],
]

test.each(Object.keys(FIELD_SCHEMAS) as OrderFieldKind[])('%s: checked as documented', (kind) => {
  const fits = validator().compile(FIELD_SCHEMAS[kind])
  const both = VALUES.map((value) => [value, isOfKind(kind, value), fits(value)])
  expect(both.filter(([, checked, documented]) => checked !== documented)).toEqual([])
  expect(new Set(both.map(([, checked]) => checked)).size).toBe(2)
})

test('bodies have the fields of the commands, no more, and require what they require', () => {
  const ajv = validator()
  const { NewOrder, ReplaceOrder, Batch } = openapi.components.schemas
  const cases: [Said, 'new' | 'replace', string[]][] = [
    [NewOrder, 'new', []],
    [ReplaceOrder, 'replace', ['orderId', 'origClOrdId']],
  ]
  for (const [schema, cmd, inPath] of cases) {
    const form = COMMAND_FORMS[cmd]
    const fields = Object.keys({ ...form.required, ...form.optional })
    const kept = ['cmd', ...fields].filter((field) => !inPath.includes(field))
    expect(Object.keys(schema.properties)).toEqual(kept)
    expect(schema.required.every((field: string) => Object.hasOwn(form.required, field))).toBe(true)
  }
  // In a batch nothing is said elsewhere but the account: what fits has no fault, and the reverse.
  const fits = ajv.compile(Batch)
  const account = 'alice'
  const good: Said[] = [
    ...Batch.examples[0],
    { cmd: 'cancel', symbol: 'X', orderId: '7' },
    { cmd: 'replace', symbol: 'X', orderId: '7', clOrdId: 'a', price: '1', orderQty: '2' },
    { cmd: 'massCancel' },
    { cmd: 'massCancel', symbol: 'X', side: 'sell' },
    { cmd: 'new', clOrdId: 'm', symbol: 'X', side: 'sell', ordType: 'market', orderQty: '1' },
  ]
  for (const command of good) {
    expect([command, findFormFault({ account, ...command })]).toEqual([command, undefined])
    expect([command, fits([command])]).toEqual([command, true])
    const { price, ...unpriced } = command
    const spoilt = [
      ...Object.keys(unpriced).map((field) => ({ ...command, [field]: 17 })),
      ...Object.keys(unpriced)
        .filter((field) => field !== 'side' || command.cmd === 'new')
        .filter((field) => field !== 'symbol' || command.cmd !== 'massCancel')
        .map((field) => ({ ...command, [field]: undefined })),
      { ...command, foo: 'bar' },
      ...(command.orderId === undefined ? [] : [{ ...command, origClOrdId: 'a' }]),
    ].map((each) => JSON.parse(JSON.stringify(each)))
    for (const each of spoilt) {
      expect([each, findFormFault({ account, ...each })]).not.toContain(undefined)
      expect([each, fits([each])]).toEqual([each, false])
    }
  }
})

test('the page is there for anybody, and loads nothing from elsewhere', async () => {
  const page = await fetch(`${server.url}/v1/docs`)
  const html = await page.text()
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
  const loaded = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, target]) => target)
  expect(loaded).toEqual(['/v1/docs.css', '/v1/docs.js', '/v1/openapi.json'])
  for (const target of loaded) {
    const { status, headers } = await fetch(`${server.url}${target}`)
    expect([target, status]).toEqual([target, 200])
    expect(headers.get('content-type')).toMatch(/^(text\/(css|javascript)|application\/json)/)
  }
  expect(html).not.toMatch(/https?:/)
  expect(await (await fetch(`${server.url}/v1/docs.js`)).text()).not.toMatch(/https?:|innerHTML/)
})
