// Addresses of servers: what can be used, and that nothing of a user or a password is ever shown.

import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { MarketClient } from '../../src/client.ts'

/** How connecting ends, where no server is. */
const problemAt = (servers: string | readonly string[]) =>
  MarketClient.connect({ servers, deadlineMs: 5_000 }).then(
    () => undefined,
    (error) => error,
  )

const HERE = '127.0.0.1:1'
const THERE = '127.0.0.1:2'

test.each<[string | readonly string[], string]>([
  [`nats://hush:hush@${HERE}`, HERE],
  [`nats://hush:hu@hush@${HERE}`, HERE],
  [`nats://hush:hu:hush\\hush@${HERE}`, HERE],
  [`nats://hush@hush@${HERE}`, HERE],
  [`hush:hush@hush@${HERE}/`, HERE],
  [`nats://hush:hush,hush@${HERE}`, HERE],
  [`tls://hush:hush%2Fhush@${HERE}`, HERE],
  [`nats://hush:hu@hush@${HERE},nats://hush:hush@hush@${THERE}`, `${HERE}, ${THERE}`],
  [`nats://hush:hush@${HERE},${THERE}`, `${HERE}, ${THERE}`],
  [[`nats://${HERE}`, `hush:hush@${THERE}`], `${HERE}, ${THERE}`],
])('of %o the hosts alone are shown', async (servers, hosts) => {
  const problem = await problemAt(servers)
  expect(problem).toMatchObject({
    ...{ code: 'CANNOT_CONNECT' },
    message: `No NATS server can be used at ${hosts}: connection refused.`,
  })
  expect(inspect(problem, { depth: null })).not.toContain('hush')
})

test.each([
  `nats://hush:hush/hush@${HERE}`,
  `nats://hush:4222/hush@${HERE}`,
  `nats://hush?hush@${HERE}`,
  `nats://hush:4222#hush@${HERE}`,
  `nats://hush:4222,hush@${HERE}`,
  `nats://${HERE},hush:hush@${THERE}`,
  `nats://${HERE},nats://hush:hush/hush@${THERE}`,
  `nats://hush:100%@${HERE}`,
  `hush:hush://hush@${HERE}`,
  'nats://hush:hush@',
  'nats://hush hush',
  `nats://${HERE},`,
])('%o may have a password where a host is: nobody is asked, nothing is shown', async (servers) => {
  const problem = await problemAt(servers)
  expect(problem).toMatchObject({
    ...{ code: 'CANNOT_CONNECT' },
    message: expect.stringMatching(/^No NATS server can be used: an address is not nats:.* %40\.$/),
  })
  expect(inspect(problem, { depth: null })).not.toContain('hush')
})

test.each(['', [], undefined as unknown as string])(
  'without an address it says what to give: %o',
  async (servers) => {
    expect(await problemAt(servers)).toMatchObject({
      ...{ code: 'CANNOT_CONNECT' },
      message: 'No NATS server is named: give servers, such as nats://127.0.0.1:4222.',
    })
  },
)
