// Tests with a Redis server of their own, which ends with the test.

import { type TestContext, test } from 'vitest'
import { hasRedis, RedisServer } from '../support/redis-server.ts'

const isThere = hasRedis()

/** A test with a real Redis; skipped, saying so, where there is none to start. */
export function redisTest(
  name: string,
  run: (redis: RedisServer, context: TestContext) => Promise<void>,
  ...options: string[]
): void {
  test(name, async (context) => {
    if (!isThere) context.skip('redis-server is not on the PATH; install Redis to run this')
    const redis = await RedisServer.start(...options)
    try {
      await run(redis, context)
    } finally {
      await redis.end()
    }
  })
}
