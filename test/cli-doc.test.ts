// docs/cli.md is what a session says: every command in it, typed in its order.

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { DOCUMENT, fits, type Typed, typeAll } from '../scripts/cli-session.ts'

test('what the document shows is what the tool says', async () => {
  const typed = await typeAll(readFileSync(DOCUMENT, 'utf8'))
  expect(typed.length).toBeGreaterThan(25)
  for (const each of typed) {
    // The difference is easier to read than a pattern that does not match.
    if (!fits(each)) expect(each.said, each.command).toBe(each.written)
  }
}, 600_000)

test.each([
  ['at 10:00:00: 3 orders', 'at 23:59:59: 3 orders', true],
  ['at 10:00:00: 3 orders', 'at 10:00:00: 4 orders', false],
  ['recovered in 12 ms', 'recovered in 7 ms', true],
  ['704 per second', '1,426 per second', true],
  ['first\n…\nlast', 'first\nand\nmore\nlast', true],
  ['first\n…\nlast', 'first\nand\nmore', false],
  ['a (b) [c] {d} $e', 'a (b) [c] {d} $e', true],
])('%j is shown, %j is said: %j', (written, said, isSame) => {
  expect(fits({ command: '', written, said } satisfies Typed)).toBe(isSame)
})
