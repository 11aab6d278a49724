// Definitions in the journal: only what decode.ts makes passes, field for field.

import { expect, test } from 'vitest'
import { findDefinitionFault } from '../../src/persistence/definition-form.ts'
import { CommandKind } from '../../src/protocol/command-log.ts'
import { decodeRounds, SMALL_DAY } from '../support/journal-rows.ts'

const { asset, instrument, account, limits } = CommandKind
const logs = decodeRounds(SMALL_DAY)
const [usd, , nvda, alice] = logs[0].definitions
const [, bob] = logs[3].definitions
const EXAMPLES: [number, number, number, object][] = [
  [asset, 0, 1, usd],
  [instrument, 0, 1, nvda],
  [account, 3, 0, alice],
  [limits, 4, 1, bob],
]

test.each(EXAMPLES)('kind %i', (kind, ofAccount, ofSymbol, definition) => {
  const fault = (value: unknown) => findDefinitionFault(kind, ofAccount, ofSymbol, value)
  expect(fault(definition)).toBeUndefined()
  for (const field of Object.keys(definition)) {
    const { [field]: _, ...rest } = definition as Record<string, unknown>
    expect(fault(rest)).toBe(`has no ${field}`)
    for (const value of [null, -(2 ** 53), 0.5, '', 'x'.repeat(37), [], {}, true]) {
      if (field === 'settings' && JSON.stringify(value) === '{}') continue
      expect(fault({ ...definition, [field]: value })).toBe(`has a bad ${field}`)
    }
  }
  expect(fault({ ...definition, more: 1 })).toBe('has a field too many')
  for (const value of [undefined, null, 1, 'text', [], {}]) expect(fault(value)).toBeDefined()
})

test('limits are of their command, and known', () => {
  expect(findDefinitionFault(limits, 3, 1, bob)).toBe('has a bad account')
  expect(findDefinitionFault(limits, 4, 0, bob)).toBe('has a bad symbol')
  const withSettings = (settings: object) => findDefinitionFault(limits, 4, 1, { ...bob, settings })
  expect(withSettings({ maxOpenOrders: 5, reduceOnly: 'off', maxExposure: null })).toBeUndefined()
  for (const bad of [{ maxLuck: 1 }, { maxOpenOrders: -1 }, { maxOpenOrders: 'on' }]) {
    expect(withSettings(bad)).toBe('has a bad settings')
  }
})
