// What a MALFORMED says is what the checks take.

import { expect, test } from 'vitest'
import { type FieldKind, isOfKind } from '../../src/protocol/command-schema.ts'
import { formText, WORDS } from '../../src/protocol/form-text.ts'

const KINDS = Object.keys(WORDS) as FieldKind[]

test.each(KINDS)('%s: what is in quotes is of the kind', (kind) => {
  const examples = [...WORDS[kind].matchAll(/"([^"]*)"/g)].map(([, text]) => text)
  for (const example of examples) expect(isOfKind(kind, example), example).toBe(true)
  const isInWords = /^(name|id|boolean|decimals|depth)$/.test(kind)
  expect(examples.length > 0).toBe(!isInWords)
})

test('bounds that it names are the last that are taken', () => {
  const last = (kind: FieldKind) => Number(WORDS[kind].match(/ to ([0-9]+)/)?.[1])
  for (const kind of ['decimals', 'depth', 'limit:milliseconds'] as const) {
    expect([kind, isOfKind(kind, last(kind))]).toEqual([kind, true])
    expect([kind, isOfKind(kind, last(kind) + 1)]).toEqual([kind, false])
  }
  for (const kind of ['name', 'id'] as const) {
    expect([kind, isOfKind(kind, 'x'.repeat(last(kind)))]).toEqual([kind, true])
    expect([kind, isOfKind(kind, 'x'.repeat(last(kind) + 1))]).toEqual([kind, false])
  }
})

const order = { cmd: 'new', account: 'alice', clOrdId: 'a-1', symbol: 'NVDA', side: 'buy' }

test.each([
  [{ ...order, price: 167.52 }, 'price', /^it has to be a decimal above zero as a string, such as/],
  [order, 'ordType', 'it is missing: "limit" or "market"'],
  [{ ...order, prize: '1' }, 'prize', /^there is no such field in it; it may have cmd, account, c/],
  [{ ...order, ordType: 'market', price: '1' }, 'price', /^a limit order has a price/],
  [{ cmd: 'cancel' }, 'origClOrdId', 'it has to have one of origClOrdId and orderId'],
  [{ cmd: 'limits' }, 'tradingAllowed', /^it has to have at least one of tradingAllowed, trad/],
  [{ cmd: 'buy' }, 'cmd', /^it has to be one of asset, .*, new, cancel, /],
  [{ cmd: 'balances' }, 'cmd', 'it cannot be sent here'],
  [undefined, 'line', undefined],
])('%j: %s', (command, field, text) => {
  const said = formText(command, field)
  if (text instanceof RegExp) expect(said).toMatch(text)
  else expect(said).toBe(text)
})
