// What only somebody hostile, or a broken client, would send: the exchange goes on for the others.

import { once } from 'node:events'
import { connect as dial } from 'node:net'
import { expect, test } from 'vitest'
import { SCENE, useExchanges } from './exchange-support.ts'

const around = useExchanges()

/** A running exchange with two accounts; `faults` and `losses` are to stay empty. */
async function start() {
  const faults: unknown[] = []
  const losses: unknown[] = []
  const onConnection = (isThere: boolean) => void (isThere || losses.push('lost'))
  const onFault = (error: unknown) => void faults.push(error)
  const each = await around.start(undefined, { gateway: { onConnection, onFault } })
  await each.ask('onefill.v1.admin.batch', SCENE)
  return { ...each, faults, losses }
}

const order = (clOrdId: string) => ({
  ...{ clOrdId, symbol: 'XUSD', side: 'buy', ordType: 'limit', price: '1', orderQty: '1' },
})

/** Says lines of NATS's protocol as they are; resolves when the server has them. */
async function say(lines: Buffer): Promise<void> {
  const socket = dial(around.servers.nats.port, '127.0.0.1')
  socket.write('CONNECT {"verbose":false,"pedantic":false,"headers":true}\r\n')
  socket.write(Buffer.concat([lines, Buffer.from('PING\r\n')]))
  let said = ''
  while (!said.includes('PONG')) said += (await once(socket, 'data'))[0]
  socket.destroy()
}

test.each([
  ['onefill.v1.order.alice.new', JSON.stringify(order('poison'))],
  ['onefill.v1.md.XUSD.snapshot', '{}'],
])('to %s with a reply subject that is no text', async (subject, body) => {
  const { ask, exchange, faults, losses } = await start()
  // Each byte is three when it is written again as text: more than a line may have.
  const reply = Buffer.concat([Buffer.from('_INBOX.alice.'), Buffer.alloc(3_900, 0xff)])
  const line = Buffer.from(` ${body.length}\r\n${body}\r\n`)
  await say(Buffer.concat([Buffer.from(`PUB ${subject} `), reply, line]))
  expect(await ask('onefill.v1.order.bob.new', order('b'))).toMatchObject({ execType: 'new' })
  await exchange.settled()
  expect([faults, losses]).toEqual([[], []])
})

test.each([' null', ' 5', '\t"text"', ' true'])(
  '%j is neither a map nor an array',
  async (body) => {
    const { connection, ask, faults } = await start()
    const subjects = ['query.alice.balances', 'exec.alice.resend', 'md.XUSD.snapshot']
    for (const subject of [...subjects, 'order.alice.new', 'admin.deposit']) {
      const reply = await connection.request(`onefill.v1.${subject}`, body, { timeout: 10_000 })
      expect(reply.json()).toMatchObject({ code: 'MALFORMED', field: 'frame' })
    }
    expect(await ask('onefill.v1.order.bob.new', order('b'))).toMatchObject({ execType: 'new' })
    expect(faults).toEqual([])
  },
)

test('what the server had before a stop in order is taken in, all of it', async () => {
  const { connection, exchange, gateway } = await start()
  const before = exchange.seq
  const count = 3_000
  for (let number = 0; number < count; number += 1) {
    const body = JSON.stringify(order(`o-${number}`))
    connection.publish(`onefill.v1.order.${number % 2 === 0 ? 'alice' : 'bob'}.new`, body)
  }
  await connection.flush()
  await gateway.finishTaking()
  await exchange.settled()
  expect(exchange.seq - before + gateway.stats.refused).toBe(count)
})

test('an account that asks without end is refused by rate, others are answered', async () => {
  const { ask, faults } = await start()
  const questions = Array.from({ length: 5_000 }, () => ask('onefill.v1.query.alice.balances', {}))
  const bob = await ask('onefill.v1.query.bob.balances', {})
  expect(bob.balances).toHaveLength(2)
  const codes = Map.groupBy(await Promise.all(questions), ({ code }) => code)
  expect([...codes.keys()].sort()).toEqual(['OVERLOADED', undefined])
  expect(codes.get('OVERLOADED')?.[0]).toMatchObject({
    ...{ field: 'frame', text: expect.stringMatching(/too much in a second/) },
  })
  expect(faults).toEqual([])
})
