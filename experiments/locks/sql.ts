// The ways of a program in front of Postgres: one transaction an order, and what keeps two of them
// from spending the same money.

import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { type Audit, newCounts, PRICE, type Way } from './way.ts'

/** Connections that a program has; as many orders as come wait for one. */
const CONNECTIONS = 50
/** Transactions that wait for each other: the same may be tried again. */
const DEADLOCK = '40P01'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS account (
    id bigint PRIMARY KEY, available bigint NOT NULL, version bigint NOT NULL DEFAULT 0);
  CREATE TABLE IF NOT EXISTS buy_order (
    id text PRIMARY KEY, account bigint NOT NULL REFERENCES account, amount bigint NOT NULL);`

/** One attempt; undefined: somebody was faster, try again. */
type Attempt = (client: pg.PoolClient, account: number, id: string) => Promise<boolean | undefined>

class Deadlock extends Error {}

/** Accounts and orders in tables. */
export class Tables {
  readonly pool: pg.Pool
  private first = 0
  private next = 0

  constructor(url: string, connections = CONNECTIONS) {
    // Kept open: making one costs more than many orders.
    this.pool = new pg.Pool({ connectionString: url, max: connections, idleTimeoutMillis: 0 })
  }

  async prepare(accounts: number, money: number): Promise<void> {
    await this.pool.query(SCHEMA)
    const { rows } = await this.pool.query('SELECT coalesce(max(id), 0) AS top FROM account')
    this.first = Number(rows[0].top) + 1
    this.next = this.first + accounts
    await this.pool.query(
      `INSERT INTO account (id, available)
        SELECT id, $3 FROM generate_series($1::bigint, $2) AS id`,
      [this.first, this.next - 1, money],
    )
  }

  /** The id of an account of this run. */
  idOf(account: number): number {
    return this.first + account
  }

  async audit(): Promise<Audit> {
    const of = [this.first, this.next - 1]
    const { rows } = await this.pool.query(
      `SELECT sum(available) AS available, min(available) AS least,
          (SELECT count(*) FROM buy_order WHERE account BETWEEN $1 AND $2) AS orders
        FROM account WHERE id BETWEEN $1 AND $2`,
      of,
    )
    const [{ available, least, orders }] = rows
    return { available: Number(available), least: Number(least), orders: Number(orders) }
  }

  close(): Promise<void> {
    return this.pool.end()
  }
}

const query = (client: pg.PoolClient, name: string, text: string, values: unknown[]) =>
  client.query({ name, text, values })

const insert = (client: pg.PoolClient, account: number, id: string) =>
  query(client, 'insert', 'INSERT INTO buy_order VALUES ($1, $2, $3)', [id, account, PRICE])

const take = (client: pg.PoolClient, account: number) =>
  query(client, 'take', 'UPDATE account SET available = available - $2 WHERE id = $1', [
    ...[account, PRICE],
  ])

async function availableOf(client: pg.PoolClient, account: number, lock = ''): Promise<number> {
  const text = `SELECT available FROM account WHERE id = $1 ${lock}`
  const { rows } = await query(client, `read ${lock}`, text, [account])
  return Number(rows[0].available)
}

/** Within a transaction; undefined where it has to be tried again. */
const inTransaction =
  (attempt: Attempt): Attempt =>
  async (client, account, id) => {
    await client.query('BEGIN')
    try {
      const outcome = await attempt(client, account, id)
      await client.query(outcome === undefined ? 'ROLLBACK' : 'COMMIT')
      return outcome
    } catch (error) {
      await client.query('ROLLBACK')
      const isDeadlock = error instanceof pg.DatabaseError && error.code === DEADLOCK
      throw isDeadlock ? new Deadlock() : error
    }
  }

/** Reads, decides, writes what it has decided: what was written in between is lost. */
const naive: Attempt = async (client, account, id) => {
  const available = await availableOf(client, account)
  if (available < PRICE) return false
  const left = [account, available - PRICE]
  await query(client, 'write', 'UPDATE account SET available = $2 WHERE id = $1', left)
  await insert(client, account, id)
  return true
}

const forUpdate: Attempt = async (client, account, id) => {
  if ((await availableOf(client, account, 'FOR UPDATE')) < PRICE) return false
  await take(client, account)
  await insert(client, account, id)
  return true
}

const optimistic: Attempt = async (client, account, id) => {
  const text = 'SELECT available, version FROM account WHERE id = $1'
  const { rows } = await query(client, 'version', text, [account])
  if (Number(rows[0].available) < PRICE) return false
  const { rowCount } = await query(
    client,
    'swap',
    `UPDATE account SET available = available - $2, version = version + 1
      WHERE id = $1 AND version = $3`,
    [account, PRICE, rows[0].version],
  )
  if (rowCount === 0) return undefined
  await insert(client, account, id)
  return true
}

const advisory: Attempt = async (client, account, id) => {
  await query(client, 'lock', 'SELECT pg_advisory_xact_lock($1)', [account])
  if ((await availableOf(client, account)) < PRICE) return false
  await take(client, account)
  await insert(client, account, id)
  return true
}

/** All in one statement: the database decides. */
const conditional: Attempt = async (client, account, id) => {
  const { rowCount } = await query(
    client,
    'conditional',
    `WITH paid AS (
        UPDATE account SET available = available - $2 WHERE id = $1 AND available >= $2
        RETURNING id)
      INSERT INTO buy_order SELECT $3, id, $2 FROM paid`,
    [account, PRICE, id],
  )
  return rowCount === 1
}

class SqlWay implements Way {
  readonly counts = newCounts()
  private readonly tables: Tables
  private readonly attempt: Attempt
  private readonly waitMs: (retries: number) => number

  constructor(url: string, attempt: Attempt, waitMs = (_: number) => 0) {
    this.tables = new Tables(url)
    this.attempt = attempt
    this.waitMs = waitMs
  }

  async prepare(accounts: number, money: number): Promise<void> {
    Object.assign(this.counts, newCounts())
    await this.tables.prepare(accounts, money)
  }

  async buy(account: number, id: string): Promise<boolean> {
    for (let retries = 0; ; retries += 1) {
      const client = await this.tables.pool.connect()
      let outcome: boolean | undefined
      try {
        outcome = await this.attempt(client, this.tables.idOf(account), id)
      } catch (error) {
        if (!(error instanceof Deadlock)) throw error
        this.counts.deadlocks += 1
      } finally {
        client.release()
      }
      if (outcome !== undefined) return outcome
      this.counts.retries += 1
      const ms = this.waitMs(retries)
      if (ms > 0) await delay(ms)
    }
  }

  audit(): Promise<Audit> {
    return this.tables.audit()
  }

  close(): Promise<void> {
    return this.tables.close()
  }
}

/** Up to 2, 4, 8 … 64 ms, by chance: who was slower once must not be slower together. */
const backOff = (retries: number) => Math.random() * 2 ** Math.min(6, retries + 1)

/** By name. */
export const SQL_WAYS: Readonly<Record<string, (url: string) => Way>> = {
  '1 read, then write': (url) => new SqlWay(url, inTransaction(naive)),
  '2 SELECT … FOR UPDATE': (url) => new SqlWay(url, inTransaction(forUpdate)),
  '3a version, retried at once': (url) => new SqlWay(url, inTransaction(optimistic)),
  '3b version, with back-off': (url) => new SqlWay(url, inTransaction(optimistic), backOff),
  '4 conditional UPDATE': (url) => new SqlWay(url, conditional),
  '5 advisory lock': (url) => new SqlWay(url, inTransaction(advisory)),
}
