// Clients that hang up half-way, a thousand at once: before their order is whole, once it is sent,
// as the answer begins. What was whole is carried out once, and nothing of them is left.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { Databases } from '../support/databases.ts'
import { HttpTraders } from '../support/http-traders.ts'
import { SCENE } from './exchange-support.ts'
import { type HttpRunning, order, serveHttp } from './http-support.ts'

const CLIENTS = 1_000
/** At a time: an open file each here and in the server. */
const AT_ONCE = 200
/** When a client hangs up. */
const WAYS = ['half sent', 'sent', 'at the first byte', 'answered'] as const

let databases: Databases
const running: HttpRunning[] = []

beforeAll(async () => {
  databases = await Databases.start()
}, 600_000)
afterAll(() => databases.stop())
afterEach(async () => {
  for (const each of running.splice(0)) await each.close()
}, 600_000)

/** Connections of this process, either side's. */
const connections = () =>
  process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length

const buyOf = (n: number) => order(`h-${n}`, { price: '600000' })

test('a thousand hang up: one success, nothing lost, no connection left', async () => {
  const database = await databases.create()
  const { exchange, url, ...rest } = await serveHttp(database)
  running.push({ exchange, url, ...rest })
  // Alice has money for one.
  for (const command of SCENE) exchange.submit(command)
  exchange.submit({ cmd: 'limits', duplicateWindowMs: 'off', maxOrdersPerSecond: 'off' })
  await exchange.settled()
  const before = connections()
  let [sent, begun] = [0, 0]
  const { port } = new URL(url)
  const client = async () => {
    while (sent < CLIENTS) {
      const n = sent
      sent += 1
      const socket = connect(Number(port), '127.0.0.1')
      if (await hangUp(socket, n, WAYS[n % WAYS.length])) begun += 1
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, client))
  expect(begun).toBe(CLIENTS / 2)
  await vi.waitFor(() => expect(connections()).toBeLessThanOrEqual(before), 60_000)
  await exchange.settled()
  const traders = new HttpTraders(url)
  try {
    const alice = { account: 'alice', token: 'alice', symbol: 'XUSD' }
    const again = await Promise.all(
      Array.from({ length: CLIENTS }, (_, n) => traders.submit(alice, `h-${n}`, buyOf(n))),
    )
    const outcomes = again.map(({ status, text }) => ({ status, ...JSON.parse(text) }))
    expect(outcomes.filter(({ status }) => status === 201)).toHaveLength(1)
    const poor = outcomes.filter(({ code }) => code === 'INSUFFICIENT_FUNDS')
    expect(poor).toHaveLength(CLIENTS - 1)
    // Those whose answer had begun were carried out then; those that were never whole, only now.
    const isDuplicate = outcomes.map(({ duplicate, report }) => duplicate ?? report?.duplicate)
    for (const [n, way] of Array.from({ length: CLIENTS }, (_, n) => [n, WAYS[n % 4]] as const)) {
      if (way === 'half sent') expect([n, isDuplicate[n]]).toEqual([n, undefined])
      if (n % 4 >= 2) expect([n, isDuplicate[n]]).toEqual([n, true])
    }
    expect(await traders.acknowledged.audit(database)).toMatchObject({ accepted: 1, untold: 0 })
  } finally {
    traders.close()
  }
})

/** Sends a buy and hangs up so; whether an answer had begun. */
async function hangUp(socket: Socket, n: number, way: (typeof WAYS)[number]): Promise<boolean> {
  const body = JSON.stringify(buyOf(n))
  const head = [
    ...['POST /v1/orders HTTP/1.1', 'host: x', 'authorization: Bearer alice'],
    ...['content-type: application/json', `content-length: ${body.length}`, '', ''],
  ].join('\r\n')
  const isWhole = way !== 'half sent'
  // What the other side has cut is no matter here.
  socket.on('error', () => {})
  const text = head + (isWhole ? body : body.slice(1))
  await new Promise<void>((done) => socket.write(text, () => done()))
  const isAnswered = way === 'at the first byte' || way === 'answered'
  if (isAnswered) await once(socket, 'data')
  if (way === 'answered') await new Promise<void>((done) => socket.end(() => done()))
  socket.resetAndDestroy()
  return isAnswered
}
