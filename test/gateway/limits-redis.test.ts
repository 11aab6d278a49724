// Rate limits in a real Redis: shared between gateways; killed, hung or closed to writing, the
// process counts by itself, and goes back by itself.

import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Limits } from '../../src/gateway/http/limits/limits.ts'
import { freePort } from '../../src/persistence/child-server.ts'
import { redisTest } from './redis-support.ts'

/** Long windows: nothing here hangs on how fast it runs. */
const MINUTE = 60
const PASSES = undefined

const open: Limits[] = []
const told: string[] = []
const gateway = (redisUrl: string, points: number, total?: number): Limits => {
  const rate = (each: number) => ({ points: each, seconds: MINUTE })
  const limits = new Limits({
    redisUrl,
    orders: { perAccount: rate(points), ...(total === undefined ? {} : { total: rate(total) }) },
    onRedis: (isThere, why) => told.push(`${isThere ? 'there' : 'away'}: ${why}`),
  })
  open.push(limits)
  return limits
}
const isThere = (...all: Limits[]) =>
  vi.waitFor(() => expect(all.map((each) => each.isDegraded)).toEqual(all.map(() => false)), 30_000)

/** How many of so many single orders pass. */
async function passing(limits: Limits, count: number, account = 'alice'): Promise<number> {
  const answers = await Promise.all(Array.from({ length: count }, () => limits.orders(account, 1)))
  return answers.filter((answer) => answer === PASSES).length
}

const consoleError = vi.spyOn(console, 'error')
beforeEach(() => {
  told.length = 0
  consoleError.mockClear()
})
afterEach(() => {
  for (const limits of open.splice(0)) limits.close()
  // ioredis writes there what nobody listens for.
  expect(consoleError).not.toHaveBeenCalled()
})

redisTest('two gateways, one limit', async (redis) => {
  const [one, two] = [gateway(redis.url, 100), gateway(redis.url, 100)]
  expect(one.isDegraded).toBe(true)
  await isThere(one, two)
  const passed = await Promise.all([passing(one, 300), passing(two, 300)])
  expect(passed[0] + passed[1]).toBe(100)
  const refused = await two.orders('alice', 1)
  expect(refused?.retryAfterMs).toBeGreaterThan(0)
  expect(refused?.retryAfterMs).toBeLessThanOrEqual(MINUTE * 1_000)
  expect(await passing(one, 300, 'bob')).toBe(100)
  expect(told).toEqual(['there: connected', 'there: connected'])
})

redisTest('batches, and all together, as in the process', async (redis) => {
  const [one, two] = [gateway(redis.url, 10, 16), gateway(redis.url, 10, 16)]
  await isThere(one, two)
  expect(await one.orders('alice', 7)).toBe(PASSES)
  expect(await two.orders('alice', 4)).toHaveProperty('retryAfterMs')
  expect(await two.orders('alice', 3)).toBe(PASSES)
  expect(await one.orders('alice', 1)).toHaveProperty('retryAfterMs')
  // Six are left of all: what all refuse is given back to the account.
  expect(await one.orders('bob', 7)).toHaveProperty('retryAfterMs')
  expect(await two.orders('bob', 6)).toBe(PASSES)
  expect(await redis.command('GET', 'onefill:limit:orders:account:bob')).toBe('6')
  expect(await redis.command('GET', 'onefill:limit:orders:total:all')).toBe('16')
  // Who asked too much counts no further, and goes by itself.
  await passing(one, 1_000)
  expect(await redis.command('GET', 'onefill:limit:orders:account:alice')).toBe('10')
  for (const key of (await redis.command('KEYS', '*')) as string[]) {
    expect(Number(await redis.command('PTTL', key))).toBeGreaterThan(0)
  }
  const big = gateway(redis.url, 10)
  await isThere(big)
  expect(await big.orders('carol', 25)).toBe(PASSES)
  const ms = Number(await redis.command('PTTL', 'onefill:limit:orders:account:carol'))
  expect(ms).toBeGreaterThan(2 * MINUTE * 1_000)
  expect(await big.orders('carol', 25)).toHaveProperty('retryAfterMs')
})

redisTest('who is out of points is not asked about again', async (redis) => {
  const limits = gateway(redis.url, 5)
  await isThere(limits)
  expect(await passing(limits, 5)).toBe(5)
  expect(await passing(limits, 1)).toBe(0)
  const calls = async () => {
    const info = String(await redis.command('INFO', 'commandstats'))
    return Number(/cmdstat_evalsha:calls=([0-9]+)/.exec(info)?.[1])
  }
  const before = await calls()
  expect(before).toBeGreaterThan(0)
  expect(await passing(limits, 1_000)).toBe(0)
  expect(await calls()).toBe(before)
  expect(await passing(limits, 1, 'bob')).toBe(1)
  expect(await calls()).toBe(before + 1)
})

redisTest('killed in the middle: the process counts, and goes back by itself', async (redis) => {
  const [one, two] = [gateway(redis.url, 1_000), gateway(redis.url, 1_000)]
  await isThere(one, two)
  expect(await passing(one, 400)).toBe(400)
  // Under way while Redis dies: every one is answered, none throws.
  const under = passing(one, 300)
  const killed = redis.kill()
  expect(await under).toBe(300)
  await killed
  await vi.waitFor(() => expect([one.isDegraded, two.isDegraded]).toEqual([true, true]), 30_000)
  expect(await passing(one, 300)).toBe(300)
  // Now the limit is the process's own; at most it counts one window anew.
  expect(await passing(one, 3_000)).toBeLessThanOrEqual(700)
  expect(await passing(one, 100)).toBe(0)
  expect(await passing(two, 3_000)).toBe(1_000)
  await redis.start()
  await isThere(one, two)
  // Shared again, and empty, as Redis came back.
  const passed = await Promise.all([passing(one, 900), passing(two, 900)])
  expect(passed[0] + passed[1]).toBe(1_000)
  expect(told.map((line) => line.split(':')[0]).sort()).toEqual([
    ...['away', 'away', 'there', 'there', 'there', 'there'],
  ])
})

redisTest('hung: one wait, then no more, and no queue', async (redis) => {
  const limits = gateway(redis.url, 1_000)
  await isThere(limits)
  redis.signal('SIGSTOP')
  // The first ones find out, together; from then on nobody waits, not even for the next turn of
  // the event loop.
  expect(await passing(limits, 100)).toBe(100)
  for (let n = 0; n < 2_000; n += 1) {
    const late = new Promise((resolve) => setImmediate(resolve, 'late'))
    const answer = await Promise.race([limits.orders('alice', 1), late])
    if (n < 900) expect(answer).toBe(PASSES)
    else expect(answer).toHaveProperty('retryAfterMs')
    await late
  }
  expect(limits.isDegraded).toBe(true)
  expect(told.at(-1)).toMatch(/^away: Command timed out$/)
  redis.signal('SIGCONT')
  await isThere(limits)
  expect(await passing(limits, 10, 'bob')).toBe(10)
})

redisTest('closed to writing: counted here, said, and over when it is over', async (redis) => {
  const limits = gateway(redis.url, 10)
  await isThere(limits)
  expect(await passing(limits, 1)).toBe(1)
  await redis.command('REPLICAOF', '127.0.0.1', String(await freePort()))
  expect(await passing(limits, 100)).toBe(10)
  expect(limits.isDegraded).toBe(true)
  expect(told.at(-1)).toMatch(/^away: READONLY/)
  await redis.command('REPLICAOF', 'NO', 'ONE')
  await passing(limits, 1, 'bob')
  expect(limits.isDegraded).toBe(false)
})

redisTest(
  'a password: in the address, and never in what is told',
  async (redis) => {
    const wrong = gateway(redis.url.replace('://', '://:hunter2@'), 5)
    await vi.waitFor(() => expect(told).toHaveLength(1), 30_000)
    expect(told[0]).toMatch(/^away: WRONGPASS/)
    expect(told[0]).not.toContain('hunter2')
    expect(await passing(wrong, 100)).toBe(5)
    const right = gateway(redis.url.replace('://', '://:hunter3@'), 5)
    await isThere(right)
    expect(await passing(right, 100)).toBe(5)
  },
  ...['--requirepass', 'hunter3'],
)

test('never there: limits hold, readiness says so, nothing is thrown', async () => {
  const limits = gateway(`redis://127.0.0.1:${await freePort()}`, 5)
  expect(await passing(limits, 100)).toBe(5)
  await vi.waitFor(() => expect(told).toHaveLength(1), 30_000)
  expect(told[0]).toMatch(/^away: connect ECONNREFUSED/)
  expect(limits.isDegraded).toBe(true)
})
