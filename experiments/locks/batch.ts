// One statement for all that wait: a stored procedure that decides a batch, in one commit.

import type pg from 'pg'
import { Tables } from './sql.ts'
import { type Audit, newCounts, PRICE, type Way } from './way.ts'

const BATCH = `CREATE OR REPLACE FUNCTION buy_batch(accounts bigint[], ids text[], price bigint)
  RETURNS boolean[] LANGUAGE plpgsql AS $$
  DECLARE
    outcome boolean[];
  BEGIN
    -- In one order of accounts, so that two batches never wait for each other in a circle.
    PERFORM id FROM account WHERE id = ANY(accounts) ORDER BY id FOR UPDATE;
    CREATE TEMP TABLE IF NOT EXISTS asked (n int, account bigint, id text, fits boolean)
      ON COMMIT DELETE ROWS;
    INSERT INTO asked
      SELECT of.n, of.account, of.id,
        row_number() OVER (PARTITION BY of.account ORDER BY of.n) * price <= account.available
      FROM unnest(accounts, ids) WITH ORDINALITY AS of (account, id, n)
      JOIN account ON account.id = of.account;
    UPDATE account SET available = available - paid.sum
      FROM (SELECT account, count(*) * price AS sum FROM asked WHERE fits GROUP BY 1) AS paid
      WHERE account.id = paid.account;
    INSERT INTO buy_order SELECT id, account, price FROM asked WHERE fits;
    SELECT array_agg(fits ORDER BY n) INTO outcome FROM asked;
    RETURN outcome;
  END $$`

interface Waiting {
  readonly account: number
  readonly id: string
  readonly resolve: (accepted: boolean) => void
  readonly reject: (error: unknown) => void
}

/** What has gathered while the last batch was under way is the next: one statement, one commit. */
export class Batches {
  private readonly pool: pg.Pool
  private waiting: Waiting[] = []
  private isUnderWay = false

  /** On one connection of the pool. */
  constructor(pool: pg.Pool) {
    this.pool = pool
  }

  /** Makes the procedure. */
  async prepare(): Promise<void> {
    await this.pool.query(BATCH)
  }

  /** Whether the order was accepted, once that is committed. */
  buy(account: number, id: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ account, id, resolve, reject })
      if (this.isUnderWay) return
      this.isUnderWay = true
      setImmediate(() => void this.run())
    })
  }

  private async run(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting
      this.waiting = []
      const values = [batch.map(({ account }) => account), batch.map(({ id }) => id), PRICE]
      const text = 'SELECT buy_batch($1, $2, $3) AS outcome'
      try {
        const { rows } = await this.pool.query({ name: 'batch', text, values })
        for (const [n, { resolve }] of batch.entries()) resolve(rows[0].outcome[n])
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    this.isUnderWay = false
  }
}

/** Called in the same process. */
export class BatchWay implements Way {
  readonly counts = newCounts()
  private readonly tables: Tables
  private readonly batches: Batches

  constructor(url: string) {
    this.tables = new Tables(url, 1)
    this.batches = new Batches(this.tables.pool)
  }

  async prepare(accounts: number, money: number): Promise<void> {
    await this.tables.prepare(accounts, money)
    await this.batches.prepare()
  }

  buy(account: number, id: string): Promise<boolean> {
    return this.batches.buy(this.tables.idOf(account), id)
  }

  audit(): Promise<Audit> {
    return this.tables.audit()
  }

  close(): Promise<void> {
    return this.tables.close()
  }
}
