// HTTP while Postgres is away, and when all ends: who waits is answered, and may ask again.

import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { Databases } from '../support/databases.ts'
import { type Said, SCENE } from './exchange-support.ts'
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
  const database = await databases.create()
  const each = await serveHttp(database, options)
  running.push(each)
  for (const command of SCENE) each.exchange.submit(command)
  await each.exchange.settled()
  return { ...each, database }
}

const UNITS = { tickSize: '0.01', lotSize: '1' }

/** From now on no row gets into the journal; returns what ends it. */
async function lockJournal(database: string): Promise<() => Promise<void>> {
  const locker = new pg.Client({ connectionString: database })
  await locker.connect()
  await locker.query('BEGIN; LOCK TABLE onefill.journal IN EXCLUSIVE MODE')
  return () => locker.end()
}

test('where nobody leads, or the journal is away, it is 503 with Retry-After', async () => {
  const { ask, http, exchange, database } = await start({ http: { answerMs: 200 } })
  const bad = async (line: string, request?: Request): Promise<string> => {
    const { status, headers, body } = await ask(line, request)
    expect([line, status, headers.get('retry-after')]).toEqual([line, 503, '1'])
    return body.code
  }
  const unlock = await lockJournal(database)
  try {
    // It is taken in, and not durable: nobody can say yet.
    expect(await bad('POST /v1/orders', { body: order('x-1') })).toBe('UNANSWERED')
    expect(await bad('GET /v1/accounts/alice')).toBe('JOURNAL_UNAVAILABLE')
    // Nor is it told of what is only about to be.
    exchange.submit({ cmd: 'instrument', symbol: 'X2', base: 'X', quote: 'USD', ...UNITS })
    expect(await bad('GET /v1/instruments')).toBe('JOURNAL_UNAVAILABLE')
  } finally {
    await unlock()
  }
  await exchange.settled()
  let again = await ask('POST /v1/orders', { body: order('x-1') })
  while (again.status === 503) again = await ask('POST /v1/orders', { body: order('x-1') })
  expect([again.status, again.body.duplicate]).toEqual([201, true])
  const { body } = await ask('GET /v1/instruments')
  expect(body.instruments.map(({ symbol }: Said) => symbol)).toEqual(['XUSD', 'X2'])
  http.finishTaking()
  for (const [, line, request] of ROUTES) expect(await bad(line, request)).toBe('NOT_LEADING')
})

test('an answer says how long it took, if it is to: the wait for the commit is in it', async () => {
  const took = (headers: Headers) =>
    Number(/^app;dur=([0-9]+\.[0-9]{3})$/.exec(headers.get('server-timing') ?? '')?.[1])
  const { ask, database } = await start({ http: { answerMs: 200, serverTiming: true } })
  const known = await ask('POST /v1/orders', { body: order('x-1') })
  const unknown = await ask('POST /v1/orders', { as: '', body: order('x-2') })
  const nowhere = await ask('GET /v1/nothing')
  expect([known, unknown, nowhere].map(({ status }) => status)).toEqual([201, 401, 404])
  for (const { headers } of [known, unknown, nowhere]) expect(took(headers)).toBeGreaterThan(0)
  const unlock = await lockJournal(database)
  try {
    const askedMs = performance.now()
    const { status, headers } = await ask('POST /v1/orders', { body: order('x-3') })
    const heardMs = performance.now()
    expect(status).toBe(503)
    // Timers of Node may be early by a part of a millisecond. Who asks has waited longer.
    expect(took(headers)).toBeGreaterThan(198)
    expect(took(headers)).toBeLessThan(heardMs - askedMs)
  } finally {
    await unlock()
  }
  const silent = await start()
  const { headers } = await silent.ask('POST /v1/orders', { body: order('x-1') })
  expect(headers.has('server-timing')).toBe(false)
})

test('who waits when all ends is answered: it may have taken effect', async () => {
  const { ask, exchange, http, database } = await start({ http: { answerMs: 3_600_000 } })
  const unlock = await lockJournal(database)
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
    await unlock()
  }
})

test('when as much waits as may, nothing more is taken in, and the answer says so', async () => {
  const { ask, exchange } = await start()
  const cancel = { cmd: 'cancel', account: 'bob', symbol: 'XUSD', orderId: '1' }
  await databases.postgres.kill()
  try {
    for (let waits = 0; waits < 10; ) {
      const isFull = typeof exchange.submit(cancel) === 'object'
      waits = isFull ? waits + 1 : 0
      if (isFull) await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const full = await ask('POST /v1/orders', { body: order('x-1') })
    expect([full.status, full.headers.get('retry-after')]).toEqual([503, '1'])
    expect(full.body).toMatchObject({
      ...{ code: 'JOURNAL_UNAVAILABLE', report: { execType: 'rejected', clOrdId: 'x-1' } },
    })
    const body = ['x-2', 'x-3'].map((clOrdId) => ({ cmd: 'new', ...order(clOrdId) }))
    const batch = await ask('POST /v1/orders:batch', { body })
    expect([batch.status, batch.headers.get('retry-after')]).toEqual([503, '1'])
    expect(batch.body).toMatchObject({
      ...{ code: 'JOURNAL_UNAVAILABLE', reports: [{ clOrdId: 'x-2' }, { clOrdId: 'x-3' }] },
    })
  } finally {
    await databases.postgres.start()
  }
  await exchange.settled()
  expect((await ask('GET /v1/orders')).body.orders).toEqual([])
})
