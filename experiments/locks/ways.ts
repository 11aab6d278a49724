// All that is compared, by name, and how each is opened in the process that asks it.

import { startNats } from '../../src/gateway/embedded-nats.ts'
import { BatchWay } from './batch.ts'
import { BatchNatsWay } from './batch-nats.ts'
import { InProcessWay } from './in-process.ts'
import { HttpWay } from './over-http.ts'
import { NatsWay } from './over-nats.ts'
import { RedisLockWay, RedisScriptWay } from './redis.ts'
import { SQL_WAYS } from './sql.ts'
import type { Way } from './way.ts'

/** What a way is given. */
export interface Servers {
  /** A database of its own, on the server that all share. */
  readonly database: string
  readonly redisPort: number
  /** For its files. */
  readonly folder: string
}

type Open = (servers: Servers) => Way | Promise<Way>

/** Each with a NATS server of its own: they take the same subjects. */
const overNats =
  (open: (database: string, nats: string, folder: string) => Promise<Way>): Open =>
  async ({ database, folder }) => {
    const nats = await startNats({ folder })
    const way = await open(database, nats.url, folder)
    const { close } = way
    return Object.assign(way, { close: () => close.call(way).then(() => nats.stop()) })
  }

/** The name of the one that shows what goes wrong. */
export const WRONG = '1 read, then write'
/** The names of those that need Redis. */
export const NEED_REDIS = new Set(['6 Redis lock', '7 Redis script, database behind'])

export const WAYS: Readonly<Record<string, Open>> = {
  ...Object.fromEntries(
    Object.entries(SQL_WAYS).map(([name, open]) => [
      name,
      ({ database }: Servers) => open(database),
    ]),
  ),
  '6 Redis lock': ({ database, redisPort }) => new RedisLockWay(database, redisPort),
  '7 Redis script, database behind': ({ database, redisPort }) =>
    new RedisScriptWay(database, redisPort),
  '8a one statement for all that wait, in process': ({ database }) => new BatchWay(database),
  '8b one statement for all that wait, over NATS': overNats((database, nats) =>
    BatchNatsWay.open(database, nats),
  ),
  '9a Onefill, in process': ({ database }) => InProcessWay.open(database),
  '9b Onefill, over NATS': overNats((database, nats, folder) =>
    NatsWay.open(folder, database, nats),
  ),
  '9c Onefill, over HTTP': overNats((database, nats, folder) =>
    HttpWay.open(folder, database, nats),
  ),
}
