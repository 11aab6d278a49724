// HTTP while Postgres is away, and when all ends: who waits is answered, and may send the same again.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { Databases } from '../support/databases.ts'
import { SCENE } from './exchange-support.ts'
import { type HttpRunning, order, type Request, ROUTES, serveHttp } from './http-support.ts'

let databases: Databases
const running: HttpRunning[] = []

beforeAll(async () => {
  databases = await Databases.start()
}, 600_000)
afterAll(() => databases.stop())
afterEach(async () => {
  for (const each of running.splice(0)) await each.close()
}, 600_000)

async function start(options: Parameters<typeof serveHttp>[1] = {}) {
  const each = await serveHttp(await databases.create(), options)
  running.push(each)
  for (const command of SCENE) each.exchange.submit(command)
  await each.exchange.settled()
  return each
}

test('where nobody leads, or the journal is away, it is 503 with Retry-After', async () => {
  const { ask, http, exchange } = await start({ http: { answerMs: 200 } })
  const bad = async (line: string, request?: Request): Promise<string> => {
    const { status, headers, body } = await ask(line, request)
    expect([line, status, headers.get('retry-after')]).toEqual([line, 503, '1'])
    return body.code
  }
  await databases.postgres.kill()
  try {
    // It is taken in, and not durable: nobody can say yet.
    expect(await bad('POST /v1/orders', { body: order('x-1') })).toBe('UNANSWERED')
    expect(await bad('GET /v1/accounts/alice')).toBe('JOURNAL_UNAVAILABLE')
  } finally {
    await databases.postgres.start()
  }
  await exchange.settled()
  let again = await ask('POST /v1/orders', { body: order('x-1') })
  while (again.status === 503) again = await ask('POST /v1/orders', { body: order('x-1') })
  expect([again.status, again.body.duplicate]).toEqual([201, true])
  http.finishTaking()
  for (const [, line, request] of ROUTES) expect(await bad(line, request)).toBe('NOT_LEADING')
})

test('who waits when all ends is answered: it may have taken effect', async () => {
  const { ask, exchange, http } = await start({ http: { answerMs: 60_000 } })
  await databases.postgres.kill()
  try {
    const answers = Array.from({ length: 20 }, (_, n) =>
      ask('POST /v1/orders', { body: order(`x-${n}`) }),
    )
    const { seq } = exchange
    while (exchange.seq < seq + 1) await new Promise((resolve) => setTimeout(resolve, 2))
    http.stopTaking()
    for (const { status, body, headers } of await Promise.all(answers)) {
      expect([503, headers.get('retry-after')]).toEqual([status, '1'])
      expect(['UNANSWERED', 'NOT_LEADING']).toContain(body.code)
    }
  } finally {
    await databases.postgres.start()
  }
})
