// What the database has done so far: processor time of its processes, and transactions that wrote.

import { readFileSync } from 'node:fs'
import pg from 'pg'
import { CpuClock } from '../../bench/process-time.ts'

export interface Cost {
  /** Microseconds of processor time. */
  readonly micros: number
  /** Transactions that wrote something. */
  readonly writing: number
}

export class Meter {
  private readonly client: pg.Client
  private readonly pid: number

  private constructor(client: pg.Client, pid: number) {
    this.client = client
    this.pid = pid
  }

  /** Of the server at `url`, whose first process is `pid`. */
  static async open(url: string, pid: number): Promise<Meter> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    return new Meter(client, pid)
  }

  /** What `work` costs; nothing else may ask the server meanwhile. */
  async during<T>(work: () => Promise<T>): Promise<{ cost: Cost; result: T }> {
    const written = await this.written()
    const before = this.micros()
    const result = await work()
    const after = this.micros()
    // A process that is gone meanwhile takes its time along; asking is a transaction itself.
    const micros = [...after].reduce((sum, [pid, at]) => sum + at - (before.get(pid) ?? 0), 0)
    return { result, cost: { micros, writing: (await this.written()) - written - 1 } }
  }

  close(): Promise<void> {
    return this.client.end()
  }

  private async written(): Promise<number> {
    const { rows } = await this.client.query('SELECT pg_current_xact_id()::text AS number')
    return Number(rows[0].number)
  }

  /** By process. Finer than CpuClock's hundredths of a second: a run may take less than one. */
  private micros(): Map<number, number> {
    return new Map(CpuClock.family(this.pid).map((pid) => [pid, microsOf(pid)]))
  }
}

function microsOf(pid: number): number {
  try {
    const [nanos] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')
    return Number(nanos) / 1e3
  } catch {
    // It ended meanwhile.
    return 0
  }
}
