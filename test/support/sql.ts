// Statements on a connection of their own, and other addresses of the same server.

import pg from 'pg'

/** Before a statement that changes rows of the journal, which the database refuses otherwise. */
export const BY_FORCE = 'ALTER TABLE onefill.journal DISABLE TRIGGER rows_stay; '

/** Runs statements on a connection of their own. */
export async function sql(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    const result = await client.query(text)
    return result.rows
  } finally {
    await client.end()
  }
}

/** The address of the same server as another user, database, port or with other options. */
export function variant(
  url: string,
  to: { user?: string; password?: string; database?: string; port?: number; options?: string },
): string {
  const address = new URL(url)
  if (to.user !== undefined) address.username = to.user
  if (to.password !== undefined) address.password = to.password
  if (to.database !== undefined) address.pathname = `/${to.database}`
  if (to.port !== undefined) address.port = String(to.port)
  if (to.options !== undefined) address.searchParams.set('options', to.options)
  return String(address)
}
