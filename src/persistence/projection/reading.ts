// Reads the projection for whoever compares it: all of it as of one moment, a page at a time.

import { type Query, Session } from './session.ts'
import { type Mark, readMark, stale } from './tables.ts'

/** Lines of one comparison that are told; more of the same say no more. */
const LINES_MAX = 100

/** A row's columns as text, null where it has none. */
export type TextRow = Readonly<Record<string, string | null>>

/** A table that is compared with the state, row by row. */
export interface StateTable {
  readonly name: 'balances' | 'positions' | 'orders'
  /** What names a row. */
  readonly key: readonly string[]
  readonly columns: readonly string[]
  /** Which rows are state and not history. */
  readonly where: string
}

const OPEN = `ord_status IN ('new', 'partiallyFilled')`

export const STATE_TABLES: readonly StateTable[] = [
  {
    ...{ name: 'balances', key: ['account', 'asset'], where: 'true' },
    columns: ['available', 'held'],
  },
  {
    ...{ name: 'positions', key: ['account', 'symbol'], where: 'true' },
    columns: ['qty', 'avg_cost', 'realised', 'open_buy_qty', 'open_sell_qty'],
  },
  {
    ...{ name: 'orders', key: ['account', 'order_id'], where: OPEN },
    columns: [
      ...['symbol', 'side', 'ord_type', 'time_in_force', 'price', 'order_qty', 'cum_qty'],
      ...['leaves_qty', 'avg_px', 'ord_status', 'cl_ord_id'],
    ],
  },
]

/** The tables of one moment. */
export interface ProjectionReading {
  readonly mark: Mark
  /** The rows of these accounts that are state. */
  rowsOf(table: StateTable, accounts: readonly string[]): Promise<TextRow[]>
  /** How many rows are state. */
  count(table: StateTable): Promise<number>
  /** Accounts that rows of state name, in pages. */
  accounts(table: StateTable): AsyncGenerator<string[]>
  /** Compares the tables with each other; see {@link CHECKS}. */
  check(): AsyncGenerator<CheckOutcome>
}

/** What a comparison looked at, how often, and what is different, a line each. */
export interface CheckOutcome {
  readonly what: string
  readonly compared: number
  readonly lines: readonly string[]
}

/** Reads the projection in one transaction: nothing changes while `work` looks. */
export async function readProjection<T>(
  url: string,
  work: (reading: ProjectionReading) => Promise<T>,
): Promise<T> {
  const session = new Session(url)
  try {
    return await session.transaction(async (query) => {
      const mark = await readMark(query)
      if (mark === undefined) throw stale('there is none')
      return await work(readingOf(query, mark))
    }, 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  } finally {
    await session.close()
  }
}

function readingOf(query: Query, mark: Mark): ProjectionReading {
  return {
    mark,
    async rowsOf({ name, key, columns, where }, accounts) {
      const list = [...key, ...columns].map((column) => `${column}::text`).join(', ')
      const text = `SELECT ${list} FROM onefill_view.${name}
        WHERE account = ANY ($1::text[]) AND ${where}`
      return (await query(text, [accounts])).rows as TextRow[]
    },
    async count({ name, where }) {
      const { rows } = await query(`SELECT count(*) FROM onefill_view.${name} WHERE ${where}`)
      return Number(rows[0].count)
    },
    async *accounts({ name, where }) {
      for (let last = ''; ; ) {
        const { rows } = await query(
          `SELECT DISTINCT account FROM onefill_view.${name} WHERE account > $1 AND ${where}
            ORDER BY account LIMIT 1000`,
          [last],
        )
        if (rows.length === 0) return
        yield rows.map(({ account }) => String(account))
        last = String(rows.at(-1)?.account)
      }
    },
    async *check() {
      for (const { what, count, different } of CHECKS) {
        const { rows } = await query(count)
        const found = await query(`${different} LIMIT ${LINES_MAX}`)
        const lines = found.rows.map(
          ({ key, has, should }) =>
            `${key}: is ${has ?? 'nothing'}, should be ${should ?? 'nothing'}`,
        )
        yield { what, compared: Number(rows[0].count), lines }
      }
    },
  }
}

interface TableCheck {
  readonly what: string
  /** One row `count`: of what is compared. */
  readonly count: string
  /** Rows `key`, `has` and `should`: what is different. */
  readonly different: string
}

/** An order's last report, from which its row is. */
const LAST_REPORTS = `SELECT DISTINCT ON (order_id) order_id, account, symbol, side, price,
    order_qty, cum_qty, leaves_qty, ord_status, code, cl_ord_id, seq AS last_seq,
    transact_time AS last_time, report->>'ordType' AS ord_type,
    report->>'timeInForce' AS time_in_force, (report->>'avgPx')::numeric AS avg_px,
    order_id AS first_seq, CASE WHEN order_id >= (SELECT from_seq FROM onefill_view.projection)
      THEN first_value(transact_time) OVER (PARTITION BY order_id ORDER BY seq, exec_index)
    END AS first_time
  FROM onefill_view.order_audit WHERE cmd IS NULL ORDER BY order_id, seq DESC, exec_index DESC`

const row = (alias: string, columns: string): string =>
  `(${columns
    .split(',')
    .map((column) => `${alias}.${column.trim()}`)
    .join(', ')})`

const ORDER_COLUMNS = `account, symbol, side, ord_type, time_in_force, price, order_qty, cum_qty,
  leaves_qty, avg_px, ord_status, code, cl_ord_id, first_seq, last_seq, first_time, last_time`
const FILL_COLUMNS = `symbol, trade_id, order_id, account, side, last_px, last_qty, fee, fee_asset,
  aggressor, transact_time, exec_id`

/** What a report in the audit says in its columns is what its whole says. */
const AUDIT_COLUMNS = `exec_id, exec_type, ord_status, cmd, account, symbol, order_id, cl_ord_id,
  orig_cl_ord_id, side, price, order_qty, cum_qty, leaves_qty, last_px, last_qty, code,
  transact_time`
const AUDIT_FIELDS = `report->>'execId', report->>'execType', report->>'ordStatus', report->>'cmd',
  report->>'account', report->>'symbol', (report->>'orderId')::bigint, report->>'clOrdId',
  report->>'origClOrdId', report->>'side', (report->>'price')::numeric,
  (report->>'orderQty')::numeric, (report->>'cumQty')::numeric, (report->>'leavesQty')::numeric,
  (report->>'lastPx')::numeric, (report->>'lastQty')::numeric, report->>'code',
  (report->>'transactTime')::timestamptz`

/** A fill as its report in the audit says it. */
const TRADES = `SELECT seq, exec_index, exec_id, symbol, (report->>'tradeId')::bigint AS trade_id,
    order_id, account, side, last_px, last_qty, (report->>'fee')::numeric AS fee,
    report->>'feeAsset' AS fee_asset, (report->>'aggressor')::boolean AS aggressor, transact_time
  FROM onefill_view.order_audit WHERE exec_type = 'trade'`

/** What must hold between the tables, whatever the state. */
const CHECKS: readonly TableCheck[] = [
  {
    what: 'sums of ledger_postings',
    count: `SELECT count(*) FROM
      (SELECT FROM onefill_view.ledger_postings GROUP BY account, asset) AS sums`,
    different: `SELECT 'ledger_postings of ' || account || ' in ' || asset AS key, sum AS has,
        total AS should
      FROM (SELECT account, asset, sum(amount) FROM onefill_view.ledger_postings GROUP BY 1, 2)
        AS sums FULL JOIN onefill_view.balances USING (account, asset)
      WHERE coalesce(sum, 0) <> coalesce(total, 0) ORDER BY account, asset`,
  },
  {
    what: 'transactions',
    count: `SELECT count(*) FROM
      (SELECT FROM onefill_view.ledger_postings GROUP BY tx, asset) AS sums`,
    different: `SELECT 'ledger_postings of transaction ' || tx || ' in ' || asset AS key,
        sum(amount) AS has, 0 AS should
      FROM onefill_view.ledger_postings GROUP BY tx, asset HAVING sum(amount) <> 0 ORDER BY tx`,
  },
  {
    what: 'lines of transactions',
    count: 'SELECT count(*) FROM onefill_view.ledger_postings',
    different: `SELECT 'ledger_postings of seq ' || seq AS key, count(*) || ' lines' AS has,
        max(line) + 1 || ' lines' AS should
      FROM onefill_view.ledger_postings GROUP BY seq HAVING count(*) <> max(line) + 1
      ORDER BY seq`,
  },
  {
    what: 'trial balances',
    count: 'SELECT count(DISTINCT asset) FROM onefill_view.balances',
    different: `SELECT 'balances of all in ' || asset AS key, sum(total) AS has, 0 AS should
      FROM onefill_view.balances GROUP BY asset HAVING sum(total) <> 0 ORDER BY asset`,
  },
  {
    what: 'sums of fills',
    count: 'SELECT count(*) FROM onefill_view.orders',
    different: `SELECT 'fills of order ' || order_id AS key, sum AS has,
        cum_qty - opening_cum_qty AS should
      FROM (SELECT order_id, sum(last_qty) FROM onefill_view.fills GROUP BY 1) AS sums
        FULL JOIN onefill_view.orders USING (order_id)
      WHERE coalesce(sum, 0) IS DISTINCT FROM cum_qty - opening_cum_qty ORDER BY order_id`,
  },
  {
    what: 'fills in order_audit',
    count: `SELECT count(*) FROM onefill_view.order_audit WHERE exec_type = 'trade'`,
    different: `SELECT 'fills ' || seq || '-' || exec_index AS key,
        CASE WHEN f.seq IS NOT NULL THEN ${row('f', FILL_COLUMNS)} END AS has,
        CASE WHEN a.seq IS NOT NULL THEN ${row('a', FILL_COLUMNS)} END AS should
      FROM onefill_view.fills AS f FULL JOIN (${TRADES}) AS a USING (seq, exec_index)
      WHERE ${row('f', FILL_COLUMNS)} IS DISTINCT FROM ${row('a', FILL_COLUMNS)}
      ORDER BY seq, exec_index`,
  },
  {
    what: 'orders in order_audit',
    count: `SELECT count(*) FROM onefill_view.orders WHERE last_seq IS NOT NULL`,
    different: `SELECT 'orders ' || coalesce(order_id::text, 'without an id') AS key,
        CASE WHEN o.order_id IS NOT NULL THEN ${row('o', ORDER_COLUMNS)} END AS has,
        CASE WHEN a.last_seq IS NOT NULL THEN ${row('a', ORDER_COLUMNS)} END AS should
      FROM (SELECT * FROM onefill_view.orders WHERE last_seq IS NOT NULL) AS o
        FULL JOIN (${LAST_REPORTS}) AS a USING (order_id)
      WHERE ${row('o', ORDER_COLUMNS)} IS DISTINCT FROM ${row('a', ORDER_COLUMNS)}
      ORDER BY order_id`,
  },
  {
    what: 'reports in order_audit',
    count: 'SELECT count(*) FROM onefill_view.order_audit',
    different: `SELECT 'order_audit ' || seq || '-' || exec_index AS key,
        (seq, exec_index, ${AUDIT_COLUMNS}) AS has,
        (seq, exec_index, ${AUDIT_FIELDS}) AS should
      FROM onefill_view.order_audit
      WHERE (seq || '-' || exec_index, seq, ${AUDIT_COLUMNS})
        IS DISTINCT FROM (report->>'execId', (report->>'seq')::bigint, ${AUDIT_FIELDS})
      ORDER BY seq, exec_index`,
  },
  {
    // Each command has a report; those of a mass cancel are numbered by their orders.
    what: 'seqs in order_audit',
    count: 'SELECT seq - from_seq + 1 AS count FROM onefill_view.projection',
    different: `SELECT 'order_audit of seq ' || seq AS key, count || ' reports' AS has,
        CASE WHEN count IS NULL THEN 'at least 1 report'
          ELSE coalesce(mass || ' reports', 'as many as its highest number') END AS should
      FROM (SELECT generate_series(from_seq, seq) AS seq FROM onefill_view.projection) AS expected
        FULL JOIN (SELECT seq, count(*), max(exec_index) AS last,
            max((report->>'affected')::bigint) + 1 AS mass, min(exec_index) AS first
          FROM onefill_view.order_audit GROUP BY seq) AS found USING (seq)
      WHERE count IS NULL OR expected.seq IS NULL OR first <> 0
        OR CASE WHEN mass > 1 THEN count > mass ELSE count <> last + 1 END
      ORDER BY seq`,
  },
]
