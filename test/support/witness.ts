// An independent replay of a journal, and what a consumer has heard of it: one engine in one thread
// that goes along the rows as they come, knows no snapshots and shares no code with recovery.

import { createHash } from 'node:crypto'
import pg from 'pg'
import { Engine } from '../../src/engine/engine.ts'
import { type BalancesAnswer, Exchange } from '../../src/exchange.ts'
import { assert } from '../../src/lib/assert.ts'
import { checkRow, GENESIS, type Row, type RowEnd, readRounds } from '../../src/persistence/row.ts'
import { openStore } from '../../src/persistence/store.ts'
import { Directory } from '../../src/protocol/directory.ts'
import { learn } from '../../src/protocol/learn.ts'
import { type Report, readReport } from '../../src/protocol/report-json.ts'
import { REPORT_WORDS } from '../../src/protocol/report-log.ts'

const ROWS_READ = 64
type Balance = BalancesAnswer['balances'][number]

/** Rows that are deleted are kept aside, in the transaction that deletes them. */
const KEEP_DELETED = `CREATE SCHEMA IF NOT EXISTS witness;
  CREATE TABLE IF NOT EXISTS witness.deleted (LIKE onefill.journal);
  CREATE OR REPLACE FUNCTION witness.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO witness.deleted SELECT OLD.*; RETURN OLD; END $$;
  CREATE OR REPLACE TRIGGER keep BEFORE DELETE ON onefill.journal
    FOR EACH ROW EXECUTE FUNCTION witness.keep()`

const READ = `SELECT * FROM onefill.journal WHERE first_round > $1
  UNION ALL SELECT * FROM witness.deleted WHERE first_round > $1 ORDER BY first_round LIMIT $2`

export class Witness {
  /** The reports of all history, in order: a digest of each. */
  readonly history: string[] = []
  /** The row replayed last. */
  end: RowEnd = GENESIS
  private readonly client: pg.Client
  private readonly engine = new Engine()
  private readonly names = new Directory()
  private readonly execIds = new Set<string>()
  /** Told of each report, for tests that look at more than its digest. */
  onReport: ((report: Report) => void) | undefined
  /** How many of the reports a command up to this row has caused, row by row. */
  private readonly reportsAt = new Map<number, number>([[0, 0]])

  private constructor(client: pg.Client) {
    this.client = client
  }

  /** Makes the tables if there are none, and sees to it that no row is lost to it. */
  static async open(url: string): Promise<Witness> {
    await (await openStore(url)).close()
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query(KEEP_DELETED)
    return new Witness(client)
  }

  get seq(): number {
    return this.engine.seq
  }

  /** Replays to the end, or to the row that ends with `seq`: it must be there. */
  async advance(seq?: number): Promise<void> {
    while (seq === undefined || this.seq < seq) {
      const { rows } = await this.client.query(READ, [this.end.lastRound, ROWS_READ])
      if (rows.length === 0) break
      for (const each of rows) {
        if (seq !== undefined && this.seq >= seq) break
        this.replay(rowOf(each))
      }
    }
    assert(seq === undefined || this.seq === seq, `a row ends with seq ${seq}, not ${this.seq}`)
  }

  /** How many reports the commands up to the row that ends with `seq` have caused. */
  reportsUpTo(seq: number): number {
    const count = this.reportsAt.get(seq)
    assert(count !== undefined, `a row ends with seq ${seq}`)
    return count
  }

  /** What each account has, the house's own included, with the decimals of the asset. */
  balances(): { account: string; asset: string; decimals: number; of: Balance }[] {
    const { names } = this
    const exchange = new Exchange(this.engine, names)
    const decimalsOf = (asset: string) => names.assetOf(names.asset(asset)).decimals
    return names.accounts
      .filter((account) => account !== undefined)
      .flatMap((account) =>
        exchange
          .balances(account)
          .balances.map((of) => ({ account, asset: of.asset, decimals: decimalsOf(of.asset), of })),
      )
  }

  hash(): string {
    return new Exchange(this.engine, this.names).stateHash()
  }

  /**
   * What is left of the journal: an unbroken end of what was seen, with the rows that snapshots
   * stand behind. Its first round.
   */
  async checkWhatIsLeft(): Promise<number> {
    const sql = 'SELECT * FROM onefill.journal ORDER BY first_round'
    const left: Row[] = (await this.client.query(sql)).rows.map(rowOf)
    const { rows } = await this.client.query(
      'SELECT * FROM witness.deleted ORDER BY first_round DESC LIMIT 1',
    )
    let last = rows.length === 0 ? GENESIS : rowOf(rows[0])
    for (const row of left) {
      const wrong = checkRow(last, row)
      assert(wrong === undefined, wrong ?? '')
      last = row
    }
    // A snapshot is of use as long as the row is there that it stands behind.
    const rounds = new Set(left.map(({ lastRound }) => lastRound))
    const snapshots = await this.client.query('SELECT round FROM onefill.snapshot WHERE complete')
    for (const { round } of snapshots.rows) {
      assert(rounds.has(Number(round)), `a snapshot stands behind round ${round}, which is gone`)
    }
    const isTheEnd = Buffer.from(last.checksum).equals(this.end.checksum)
    assert(isTheEnd, `the journal ends with round ${this.end.lastRound}, not ${last.lastRound}`)
    // Nothing may have been written yet.
    return left.at(0)?.firstRound ?? 1
  }

  /** The terms of the rows from the first, each once, in the order of the rows. */
  async terms(): Promise<number[]> {
    const { rows } = await this.client.query(
      'SELECT term FROM onefill.journal ORDER BY first_round',
    )
    const terms = rows.map(({ term }) => Number(term))
    return terms.filter((term, at) => term !== terms[at - 1])
  }

  async close(): Promise<void> {
    await this.client.end()
  }

  private replay(row: Row): void {
    const wrong = checkRow(this.end, row)
    assert(wrong === undefined, wrong ?? '')
    for (const { commands } of readRounds(row)) {
      learn(this.names, commands)
      this.engine.round(commands)
      const { reports } = this.engine
      for (let number = 0; number < reports.count; number += 1) {
        const report = readReport(reports, number * REPORT_WORDS, this.names)
        const { execId } = report
        assert(execId !== undefined && !this.execIds.has(execId), `${execId} happens once`)
        this.execIds.add(execId)
        this.onReport?.(report)
        this.history.push(digestOf(JSON.stringify(report)))
      }
    }
    this.end = row
    this.reportsAt.set(row.lastSeq, this.history.length)
  }
}

/** Replays the whole journal from its first row, and leaves. */
export async function replayAll(url: string, onReport?: (report: Report) => void) {
  const witness = await Witness.open(url)
  witness.onReport = onReport
  try {
    await witness.advance()
    return { seq: witness.seq, hash: witness.hash(), history: witness.history }
  } finally {
    await witness.close()
  }
}

/**
 * A consumer of reports over all lives of an exchange. Each life says a piece of history without
 * gaps, which begins no later than where the lives before it have ended: so all of them together
 * say each report, and the same each time.
 */
export class Consumer {
  /** Reports from the first on that were heard, in whichever life. */
  heard = 0
  /** Those heard again. */
  repeated = 0
  private readonly history: readonly string[]

  constructor(witness: Pick<Witness, 'history'>) {
    this.history = witness.history
  }

  /** What one life has said, in its order; a line each, none of which may be missing in history. */
  hear(lines: readonly string[]): void {
    if (lines.length === 0) return
    const first = this.history.lastIndexOf(digestOf(lines[0]))
    assert(first >= 0, `acknowledged and not in the journal: ${lines[0]}`)
    assert(first <= this.heard, `never said: ${first - this.heard} reports before ${lines[0]}`)
    lines.forEach((line, at) => {
      const isSo = this.history[first + at] === digestOf(line)
      assert(isSo, `acknowledged, and the journal says otherwise or in another order: ${line}`)
    })
    const end = first + lines.length
    this.repeated += Math.min(end, this.heard) - first
    this.heard = Math.max(end, this.heard)
  }
}

function digestOf(line: string): string {
  return createHash('sha256').update(line).digest('base64')
}

function rowOf(row: Record<string, string | number | Buffer>): Row {
  return {
    firstRound: Number(row.first_round),
    lastRound: Number(row.last_round),
    firstSeq: Number(row.first_seq),
    lastSeq: Number(row.last_seq),
    term: Number(row.term),
    timeMs: Number(row.time_ms),
    version: Number(row.version),
    checksum: row.checksum as Buffer,
    payload: row.payload as Buffer,
  }
}
