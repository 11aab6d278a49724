// The tables of the journal in schema `onefill`, version by version; docs/schema.md says what they
// hold.

import type pg from 'pg'
import { StoreProblem } from './problem.ts'
import { PAYLOAD_BYTES_MAX } from './row.ts'

/** Two processes that start at once do this one after the other. The number is ours alone. */
const LOCK = 0x0f111
/** Whoever comes second waits for the first to be done. */
const LOCK_TIMEOUT_MS = 30_000

/** Each is applied once, in order, and never changed after it was released. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE onefill.lease (
    id smallint PRIMARY KEY CHECK (id = 1),
    term bigint NOT NULL CHECK (term >= 0),
    holder text NOT NULL CHECK (length(holder) <= 200),
    renewed_at timestamptz NOT NULL
  ) WITH (fillfactor = 10);
  INSERT INTO onefill.lease VALUES (1, 0, '', to_timestamp(0));

  CREATE TABLE onefill.journal (
    first_round bigint PRIMARY KEY CHECK (first_round >= 0),
    last_round bigint NOT NULL CHECK (last_round >= first_round),
    first_seq bigint NOT NULL CHECK (first_seq >= 0),
    last_seq bigint NOT NULL CHECK (last_seq >= first_seq - 1),
    term bigint NOT NULL CHECK (term >= 1),
    time_ms bigint NOT NULL,
    version integer NOT NULL CHECK (version >= 1),
    checksum bytea NOT NULL CHECK (octet_length(checksum) BETWEEN 1 AND 64),
    payload bytea NOT NULL CHECK (octet_length(payload) <= ${PAYLOAD_BYTES_MAX})
  );
  ALTER TABLE onefill.journal ALTER COLUMN payload SET STORAGE EXTERNAL;

  CREATE TABLE onefill.snapshot (
    seq bigint PRIMARY KEY CHECK (seq >= 0),
    round bigint NOT NULL CHECK (round >= 0),
    term bigint NOT NULL CHECK (term >= 1),
    version integer NOT NULL CHECK (version >= 1),
    hash text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    parts integer NOT NULL CHECK (parts >= 0),
    complete boolean NOT NULL
  );

  CREATE TABLE onefill.snapshot_part (
    seq bigint NOT NULL REFERENCES onefill.snapshot,
    part integer NOT NULL CHECK (part >= 0),
    bytes bytea NOT NULL,
    PRIMARY KEY (seq, part)
  );
  ALTER TABLE onefill.snapshot_part ALTER COLUMN bytes SET STORAGE EXTERNAL;`,

  `CREATE TABLE onefill.heartbeat (
    id smallint PRIMARY KEY CHECK (id = 1),
    term bigint NOT NULL CHECK (term >= 0),
    beat_at timestamptz NOT NULL,
    published_round bigint NOT NULL CHECK (published_round >= 0)
  ) WITH (fillfactor = 10);
  INSERT INTO onefill.heartbeat VALUES (1, 0, to_timestamp(0), 0);

  CREATE TABLE onefill.reader (
    name text PRIMARY KEY CHECK (length(name) <= 40),
    round bigint NOT NULL CHECK (round >= 0),
    read_at timestamptz NOT NULL DEFAULT now()
  );

  ALTER TABLE onefill.lease RENAME COLUMN renewed_at TO taken_at;
  ALTER TABLE onefill.snapshot ADD COLUMN row_checksum bytea;`,

  // Whoever writes rows and whoever reads them looks at all of this, and the server parsed the
  // checks anew for each row: a seventh of an append (docs/decisions/0019-postgres.md).
  `ALTER TABLE onefill.journal
    DROP CONSTRAINT journal_check, DROP CONSTRAINT journal_check1,
    DROP CONSTRAINT journal_first_round_check, DROP CONSTRAINT journal_first_seq_check,
    DROP CONSTRAINT journal_term_check, DROP CONSTRAINT journal_version_check,
    DROP CONSTRAINT journal_checksum_check, DROP CONSTRAINT journal_payload_check;`,

  // Tells this market from another one, wherever both are heard of; and what was said last.
  `ALTER TABLE onefill.lease ADD COLUMN market uuid NOT NULL DEFAULT gen_random_uuid();

  CREATE TABLE onefill.said (
    round bigint NOT NULL,
    part integer NOT NULL,
    row_checksum bytea NOT NULL,
    checksum bytea NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (round, part)
  );
  ALTER TABLE onefill.said ALTER COLUMN bytes SET STORAGE EXTERNAL;`,

  // Who writes a row does not look whether the one before is still there: it is.
  `CREATE FUNCTION onefill.keep_rows() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP <> 'DELETE' OR current_setting('onefill.retention', true) IS DISTINCT FROM 'on' THEN
      RAISE EXCEPTION 'rows of the journal are never changed, and deleted by retention alone'
        USING HINT = 'Each row is chained to the one before: without it no start finds its state.';
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER rows_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON onefill.journal
    FOR EACH STATEMENT EXECUTE FUNCTION onefill.keep_rows();`,
]

/** The version this program writes and reads. */
export const SCHEMA_VERSION: number = MIGRATIONS.length

/** Brings the schema up to {@link SCHEMA_VERSION}; refuses a newer one. May run at any time. */
export async function migrate(client: pg.Client): Promise<void> {
  // Looked at without the lock first: a user without the right to create may still use it.
  if ((await versionOf(client)) === SCHEMA_VERSION) return
  await client.query('BEGIN')
  try {
    await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`)
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK])
    await client.query('CREATE SCHEMA IF NOT EXISTS onefill')
    await client.query(`CREATE TABLE IF NOT EXISTS onefill.migration (
      version integer PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())`)
    const present = await versionOf(client)
    for (let version = present + 1; version <= SCHEMA_VERSION; version += 1) {
      await client.query(MIGRATIONS[version - 1])
      await client.query('INSERT INTO onefill.migration VALUES ($1)', [version])
    }
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {})
    throw error
  }
}

/** The version that is there; 0 for none. */
async function versionOf(client: pg.Client): Promise<number> {
  const { rows: found } = await client.query<{ there: boolean }>(
    `SELECT to_regclass('onefill.migration') IS NOT NULL AS there`,
  )
  if (!found[0].there) return 0
  const { rows } = await client.query<{ version: number }>(
    'SELECT coalesce(max(version), 0) AS version FROM onefill.migration',
  )
  const { version } = rows[0]
  if (version > SCHEMA_VERSION) {
    throw new StoreProblem(
      'SCHEMA_NEWER',
      `The tables are of version ${version} and this program knows ${SCHEMA_VERSION}: update it.`,
    )
  }
  return version
}
