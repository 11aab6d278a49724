// The ways that put Redis in front: a lock there around a transaction, and the balance itself there
// with the database written behind.

import { randomUUID } from 'node:crypto'
import { accessSync, constants, mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { assert } from '../../src/lib/assert.ts'
import { ChildServer, freePort } from '../../src/persistence/child-server.ts'
import { Tables } from './sql.ts'
import { type Audit, newCounts, PRICE, type Way } from './way.ts'

/** A server of our own, with its defaults but for files: a snapshot now and then, no log. */
export class RedisServer {
  readonly port: number
  private readonly server = new ChildServer()
  private readonly command: string
  private readonly folder: string

  private constructor(command: string, folder: string, port: number) {
    this.command = command
    this.folder = folder
    this.port = port
  }

  /** Undefined where there is no `redis-server` on the PATH. */
  static async start(folder: string): Promise<RedisServer | undefined> {
    const command = commandOf('redis-server')
    if (command === undefined) return undefined
    mkdirSync(folder, { recursive: true })
    const server = new RedisServer(command, folder, await freePort())
    await server.start()
    return server
  }

  async start(): Promise<void> {
    const { port, folder, command } = this
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder]
    const launched = await this.server.launch({
      ...{ command, args, log: join(folder, 'log'), timeoutMs: 10_000 },
      isReady: () => this.answers(),
    })
    assert(launched === 'ready', `redis-server has started: ${launched}`)
  }

  kill(): Promise<void> {
    return this.end('SIGKILL')
  }

  stop(): Promise<void> {
    return this.end('SIGTERM')
  }

  private async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const { pid } = this.server
    if (pid !== null) process.kill(pid, signal)
    while (this.server.isRunning) await delay(10)
  }

  private async answers(): Promise<boolean> {
    const client = new Redis(this.port, '127.0.0.1', { lazyConnect: true, retryStrategy: null })
    client.on('error', () => {})
    try {
      await client.connect()
      return (await client.ping()) === 'PONG'
    } catch {
      // Not yet.
      return false
    } finally {
      client.disconnect()
    }
  }
}

const clientOf = (port: number): Redis =>
  new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null })

function commandOf(name: string): string | undefined {
  const paths = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name))
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

const LOCK_MS = 10_000
/** Between two tries to get the lock, in ms, by chance. */
const LOCK_WAIT_MS = 4
const UNLOCK = `if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end`

/** Who holds the key may read and write; a holder that takes too long loses it without knowing. */
export class RedisLockWay implements Way {
  readonly counts = newCounts()
  private readonly tables: Tables
  private readonly redis: Redis

  constructor(url: string, port: number) {
    this.tables = new Tables(url)
    this.redis = clientOf(port)
  }

  async prepare(accounts: number, money: number): Promise<void> {
    Object.assign(this.counts, newCounts())
    await this.tables.prepare(accounts, money)
  }

  async buy(account: number, id: string): Promise<boolean> {
    const number = this.tables.idOf(account)
    const key = `lock:${number}`
    const token = randomUUID()
    while ((await this.redis.set(key, token, 'PX', LOCK_MS, 'NX')) === null) {
      this.counts.retries += 1
      await delay(1 + Math.random() * LOCK_WAIT_MS)
    }
    try {
      return await this.spend(number, id)
    } finally {
      await this.redis.eval(UNLOCK, 1, key, token)
    }
  }

  audit(): Promise<Audit> {
    return this.tables.audit()
  }

  async close(): Promise<void> {
    this.redis.disconnect()
    await this.tables.close()
  }

  private async spend(account: number, id: string): Promise<boolean> {
    const client = await this.tables.pool.connect()
    try {
      const { rows } = await client.query('SELECT available FROM account WHERE id = $1', [account])
      if (Number(rows[0].available) < PRICE) return false
      await client.query('BEGIN')
      await client.query('UPDATE account SET available = available - $2 WHERE id = $1', [
        ...[account, PRICE],
      ])
      await client.query('INSERT INTO buy_order VALUES ($1, $2, $3)', [id, account, PRICE])
      await client.query('COMMIT')
      return true
    } finally {
      client.release()
    }
  }
}

const SPEND = `local have = tonumber(redis.call('get', KEYS[1]))
  if have < tonumber(ARGV[1]) then return 0 end
  redis.call('decrby', KEYS[1], ARGV[1])
  redis.call('rpush', KEYS[2], ARGV[2])
  return 1`
const BEHIND = 'behind'
/** Orders written behind by one transaction. */
const BEHIND_MAX = 1_000
const BEHIND_EVERY_MS = 20

/** Accepted when Redis says so; the database hears of it later, if nothing happens before. */
export class RedisScriptWay implements Way {
  readonly counts = newCounts()
  private readonly tables: Tables
  private readonly redis: Redis
  private isClosed = false
  private writing: Promise<void> = Promise.resolve()

  constructor(url: string, port: number) {
    this.tables = new Tables(url, 2)
    this.redis = clientOf(port)
    this.redis.on('error', () => {})
    this.redis.defineCommand('spend', { numberOfKeys: 2, lua: SPEND })
  }

  async prepare(accounts: number, money: number): Promise<void> {
    await this.tables.prepare(accounts, money)
    const keys = Array.from({ length: accounts }, (_, n) => [this.keyOf(n), money])
    await this.redis.mset(keys.flat())
    this.writing = this.writeBehind()
  }

  async buy(account: number, id: string): Promise<boolean> {
    const said = `${this.tables.idOf(account)} ${id}`
    const redis = this.redis as Redis & { spend: (...of: (string | number)[]) => Promise<number> }
    return (await redis.spend(this.keyOf(account), BEHIND, PRICE, said)) === 1
  }

  /** Once all is written that Redis still has. */
  async audit(): Promise<Audit> {
    while ((await this.redis.llen(BEHIND)) > 0) await delay(BEHIND_EVERY_MS)
    await this.rest()
    return this.tables.audit()
  }

  /** What is in the database now. */
  written(): Promise<Audit> {
    return this.tables.audit()
  }

  async close(): Promise<void> {
    await this.rest()
    this.redis.disconnect()
    await this.tables.close()
  }

  /** Stops writing behind, in the middle of whatever it does. */
  private async rest(): Promise<void> {
    this.isClosed = true
    await this.writing
    this.isClosed = false
  }

  private keyOf(account: number): string {
    return `available:${this.tables.idOf(account)}`
  }

  private async writeBehind(): Promise<void> {
    while (!this.isClosed) {
      const some = await this.redis.lrange(BEHIND, 0, BEHIND_MAX - 1)
      if (some.length === 0) {
        await delay(BEHIND_EVERY_MS)
        continue
      }
      const all = some.map((said) => said.split(' '))
      await this.tables.pool.query(
        // Redis may come back older than the database: what is there already is left alone.
        `WITH written AS (
            INSERT INTO buy_order SELECT id, account, $3
              FROM unnest($1::bigint[], $2::text[]) AS said (account, id)
            ON CONFLICT DO NOTHING RETURNING account)
          UPDATE account SET available = available - sum
            FROM (SELECT account, count(*) * $3::bigint AS sum FROM written GROUP BY 1) AS paid
            WHERE account.id = paid.account`,
        [all.map(([account]) => account), all.map(([, id]) => id), PRICE],
      )
      await this.redis.ltrim(BEHIND, some.length, -1)
    }
  }
}
