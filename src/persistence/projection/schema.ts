// The tables of the projection in schema `onefill_view`; docs/schema.md says what they hold.

/**
 * Grows with every change of the tables: an older projection is not brought up to date, but made
 * anew from the journal.
 */
export const PROJECTION_VERSION = 1

/** The projection's name among those who read the journal behind the market. */
export const READER = 'projection'

/** Drops the projection whole: nothing else is in its schema. */
export const DROP = 'DROP SCHEMA IF EXISTS onefill_view CASCADE'

/** Makes the tables, empty. */
export const CREATE = `CREATE SCHEMA onefill_view;

  CREATE TABLE onefill_view.projection (
    id smallint PRIMARY KEY CHECK (id = 1),
    version integer NOT NULL,
    from_seq bigint NOT NULL,
    round bigint NOT NULL,
    seq bigint NOT NULL,
    projected_at timestamptz NOT NULL
  ) WITH (fillfactor = 10);

  CREATE TABLE onefill_view.order_audit (
    seq bigint NOT NULL,
    exec_index bigint NOT NULL,
    exec_id text NOT NULL,
    exec_type text NOT NULL,
    ord_status text,
    cmd text,
    account text,
    symbol text,
    order_id bigint,
    cl_ord_id text,
    orig_cl_ord_id text,
    side text,
    price numeric,
    order_qty numeric,
    cum_qty numeric,
    leaves_qty numeric,
    last_px numeric,
    last_qty numeric,
    code text,
    transact_time timestamptz,
    report jsonb NOT NULL,
    PRIMARY KEY (seq, exec_index)
  );
  CREATE INDEX order_audit_order_id ON onefill_view.order_audit (order_id)
    WHERE order_id IS NOT NULL;

  CREATE TABLE onefill_view.orders (
    order_id bigint PRIMARY KEY,
    account text NOT NULL,
    symbol text NOT NULL,
    side text NOT NULL,
    ord_type text NOT NULL,
    time_in_force text NOT NULL,
    price numeric NOT NULL,
    order_qty numeric NOT NULL,
    cum_qty numeric NOT NULL,
    leaves_qty numeric NOT NULL,
    avg_px numeric NOT NULL,
    ord_status text NOT NULL,
    code text,
    cl_ord_id text NOT NULL,
    first_seq bigint NOT NULL,
    last_seq bigint,
    first_time timestamptz,
    last_time timestamptz,
    opening_cum_qty numeric NOT NULL DEFAULT 0
  ) WITH (fillfactor = 80);
  CREATE INDEX orders_open ON onefill_view.orders (account)
    WHERE ord_status IN ('new', 'partiallyFilled');
  CREATE INDEX orders_cl_ord_id ON onefill_view.orders (account, cl_ord_id);

  CREATE TABLE onefill_view.fills (
    seq bigint NOT NULL,
    exec_index bigint NOT NULL,
    exec_id text NOT NULL,
    symbol text NOT NULL,
    trade_id bigint NOT NULL,
    order_id bigint NOT NULL,
    account text NOT NULL,
    side text NOT NULL,
    last_px numeric NOT NULL,
    last_qty numeric NOT NULL,
    fee numeric NOT NULL,
    fee_asset text NOT NULL,
    aggressor boolean NOT NULL,
    transact_time timestamptz,
    PRIMARY KEY (seq, exec_index)
  );
  CREATE INDEX fills_account ON onefill_view.fills (account, seq);
  CREATE INDEX fills_order_id ON onefill_view.fills (order_id);

  CREATE TABLE onefill_view.ledger_postings (
    seq bigint NOT NULL,
    line integer NOT NULL,
    tx text NOT NULL,
    account text NOT NULL,
    asset text NOT NULL,
    amount numeric NOT NULL,
    PRIMARY KEY (seq, line)
  );
  CREATE INDEX ledger_postings_account ON onefill_view.ledger_postings (account, asset, seq);

  CREATE TABLE onefill_view.balances (
    account text NOT NULL,
    asset text NOT NULL,
    available numeric NOT NULL,
    held numeric NOT NULL,
    total numeric NOT NULL GENERATED ALWAYS AS (available + held) STORED,
    PRIMARY KEY (account, asset)
  ) WITH (fillfactor = 50);

  CREATE TABLE onefill_view.positions (
    account text NOT NULL,
    symbol text NOT NULL,
    qty numeric NOT NULL,
    avg_cost numeric NOT NULL,
    realised numeric NOT NULL,
    open_buy_qty numeric NOT NULL,
    open_sell_qty numeric NOT NULL,
    PRIMARY KEY (account, symbol)
  ) WITH (fillfactor = 50);`

const REPORT_COLUMNS = `seq bigint, "execId" text, "execType" text, "ordStatus" text, cmd text,
  account text, symbol text, "orderId" bigint, "clOrdId" text, "origClOrdId" text, side text,
  "ordType" text, "timeInForce" text, price numeric, "orderQty" numeric, "cumQty" numeric,
  "leavesQty" numeric, "avgPx" numeric, "lastPx" numeric, "lastQty" numeric, "tradeId" bigint,
  aggressor boolean, fee numeric, "feeAsset" text, code text, "transactTime" timestamptz`

/**
 * Reports in their order ($1, a JSON array) into `order_audit`, `fills` and `orders`, in one go.
 * What names a command is no word about an order's state: a refusal, or a first outcome
 * again. An order keeps where it began.
 */
export const WRITE_REPORTS = `WITH reports AS MATERIALIZED (
    SELECT fields.*, split_part("execId", '-', 2)::bigint AS index, report
    FROM jsonb_array_elements($1::jsonb) AS report,
      jsonb_to_record(report) AS fields (${REPORT_COLUMNS})
  ), audited AS (
    INSERT INTO onefill_view.order_audit (seq, exec_index, exec_id, exec_type, ord_status, cmd,
      account, symbol, order_id, cl_ord_id, orig_cl_ord_id, side, price, order_qty, cum_qty,
      leaves_qty, last_px, last_qty, code, transact_time, report)
    SELECT seq, index, "execId", "execType", "ordStatus", cmd, account, symbol, "orderId",
      "clOrdId", "origClOrdId", side, price, "orderQty", "cumQty", "leavesQty", "lastPx",
      "lastQty", code, "transactTime", report
    FROM reports
  ), filled AS (
    INSERT INTO onefill_view.fills (seq, exec_index, exec_id, symbol, trade_id, order_id, account,
      side, last_px, last_qty, fee, fee_asset, aggressor, transact_time)
    SELECT seq, index, "execId", symbol, "tradeId", "orderId", account, side, "lastPx", "lastQty",
      fee, "feeAsset", aggressor, "transactTime"
    FROM reports WHERE "execType" = 'trade'
  )
  INSERT INTO onefill_view.orders AS present (order_id, account, symbol, side, ord_type,
    time_in_force, price, order_qty, cum_qty, leaves_qty, avg_px, ord_status, code, cl_ord_id,
    first_seq, last_seq, first_time, last_time)
  SELECT DISTINCT ON ("orderId") "orderId", account, symbol, side, "ordType", "timeInForce", price,
    "orderQty", "cumQty", "leavesQty", "avgPx", "ordStatus", code, "clOrdId", "orderId", seq,
    first_value("transactTime") OVER (PARTITION BY "orderId" ORDER BY seq, index), "transactTime"
  FROM reports WHERE cmd IS NULL ORDER BY "orderId", seq DESC, index DESC
  ON CONFLICT (order_id) DO UPDATE SET price = excluded.price, order_qty = excluded.order_qty,
    cum_qty = excluded.cum_qty, leaves_qty = excluded.leaves_qty, avg_px = excluded.avg_px,
    ord_status = excluded.ord_status, code = excluded.code, cl_ord_id = excluded.cl_ord_id,
    last_seq = excluded.last_seq, last_time = excluded.last_time`

export const WRITE_POSTINGS = `INSERT INTO onefill_view.ledger_postings
    (seq, line, tx, account, asset, amount)
  SELECT * FROM unnest($1::bigint[], $2::integer[], $3::text[], $4::text[], $5::text[],
    $6::numeric[])`

/** Orders that were open when history begins. */
export const WRITE_OPEN_ORDERS = `INSERT INTO onefill_view.orders (order_id, account, symbol, side,
    ord_type, time_in_force, price, order_qty, cum_qty, leaves_qty, avg_px, ord_status, cl_ord_id,
    first_seq, opening_cum_qty)
  SELECT "orderId", account, symbol, side, "ordType", "timeInForce", price, "orderQty", "cumQty",
    "leavesQty", "avgPx", "ordStatus", "clOrdId", "orderId", "cumQty"
  FROM jsonb_to_recordset($1::jsonb) AS fields (${REPORT_COLUMNS})`

/**
 * The balances ($2 to $5) of accounts ($1), which have no others. What is the same is not written.
 */
export const WRITE_BALANCES = `WITH state AS MATERIALIZED (
    SELECT * FROM unnest($2::text[], $3::text[], $4::numeric[], $5::numeric[])
      AS line (account, asset, available, held)
  ), gone AS (
    DELETE FROM onefill_view.balances AS present WHERE account = ANY ($1::text[])
      AND (account, asset) NOT IN (SELECT account, asset FROM state)
  )
  INSERT INTO onefill_view.balances AS present (account, asset, available, held)
  SELECT * FROM state EXCEPT SELECT account, asset, available, held
    FROM onefill_view.balances WHERE account = ANY ($1::text[])
  ON CONFLICT (account, asset) DO UPDATE SET available = excluded.available, held = excluded.held`

/** As {@link WRITE_BALANCES}, of positions ($2 to $8). */
export const WRITE_POSITIONS = `WITH state AS MATERIALIZED (
    SELECT * FROM unnest($2::text[], $3::text[], $4::numeric[], $5::numeric[], $6::numeric[],
      $7::numeric[], $8::numeric[])
      AS line (account, symbol, qty, avg_cost, realised, open_buy_qty, open_sell_qty)
  ), gone AS (
    DELETE FROM onefill_view.positions AS present WHERE account = ANY ($1::text[])
      AND (account, symbol) NOT IN (SELECT account, symbol FROM state)
  )
  INSERT INTO onefill_view.positions AS present
    (account, symbol, qty, avg_cost, realised, open_buy_qty, open_sell_qty)
  SELECT * FROM state EXCEPT SELECT account, symbol, qty, avg_cost, realised, open_buy_qty,
      open_sell_qty
    FROM onefill_view.positions WHERE account = ANY ($1::text[])
  ON CONFLICT (account, symbol) DO UPDATE SET qty = excluded.qty, avg_cost = excluded.avg_cost,
    realised = excluded.realised, open_buy_qty = excluded.open_buy_qty,
    open_sell_qty = excluded.open_sell_qty`
