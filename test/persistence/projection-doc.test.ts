// What docs/projection.md and docs/schema.md say of the projection is so: its queries give what is
// printed there, and every column is named.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql, startServer, type TestServer } from './postgres-support.ts'
import { exampleDay, projectAll, textOf } from './projection-support.ts'

let server: TestServer
let url = ''
beforeAll(async () => {
  server = await startServer()
  url = await server.database()
  await exampleDay(url)
  await projectAll(url)
}, 60_000)
afterAll(() => server.end(), 60_000)

const read = (name: string) => readFileSync(join(import.meta.dirname, '../../docs', name), 'utf8')
const queries = [
  ...read('projection.md').matchAll(/```sql\n([\s\S]*?)```\n+```text\n([\s\S]*?)```/g),
]

test('there are queries', () => expect(queries.length).toBeGreaterThanOrEqual(5))

test.each(queries.map(([, query, output]) => ({ query, output })))('$query', async (each) => {
  expect(textOf(await sql(url, each.query))).toBe(each.output.trimEnd())
})

test('every table and column is documented', async () => {
  const [, part] = read('schema.md').split('## The projection')
  const rows = await sql(
    url,
    `SELECT table_name, column_name FROM information_schema.columns
      WHERE table_schema = 'onefill_view'`,
  )
  expect(rows.length).toBeGreaterThan(60)
  const missing = rows.filter(({ table_name, column_name }) => {
    const [, section = ''] = part.split(`### \`onefill_view.${table_name}\`\n`)
    return !section.split('\n### ')[0].includes(`\`${column_name}\``)
  })
  expect(missing).toEqual([])
})
