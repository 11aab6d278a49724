// The checks of fields take what the patterns in the documents say, and nothing else.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FIELD_SCHEMAS, isOfKind } from '../../src/protocol/command-schema.ts'

/** Texts that nearly are one: few characters, lengths about the bounds, what is not of ASCII. */
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom('0', '1', '9', '.', '-', 'a', 'Z', '_', ' ', '!', '~') }),
  fc.string({ unit: fc.constantFrom('0', '7', '.'), maxLength: 40 }),
  fc.string({ unit: fc.constantFrom('a', '0', '\u007f', 'é', '\n', '\u{1f600}'), maxLength: 40 }),
  fc.integer({ min: 0, max: 60 }).map((length) => 'n'.repeat(length)),
  fc.integer({ min: 0, max: 60 }).map((length) => '5'.repeat(length)),
)

test.each(['name', 'id', 'decimal'] as const)('%s', (kind) => {
  const { pattern, maxLength = Number.POSITIVE_INFINITY } = FIELD_SCHEMAS[kind] as {
    readonly pattern: string
    readonly maxLength?: number
  }
  const form = new RegExp(pattern)
  let taken = 0
  fc.assert(
    fc.property(text, (value) => {
      const isMeant = form.test(value) && value.length <= maxLength
      if (isMeant) taken += 1
      expect(isOfKind(kind, value), JSON.stringify(value)).toBe(isMeant)
    }),
    { numRuns: 20_000 },
  )
  expect(taken).toBeGreaterThan(200)
  for (const other of [undefined, null, 1, 10n, [], ['5'], {}, new String('5'), true]) {
    expect(isOfKind(kind, other)).toBe(false)
  }
})
