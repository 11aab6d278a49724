// Bad input of every kind: each gets exactly one MALFORMED that names the field, and nothing
// throws.

import { describe, expect, test } from 'vitest'
import {
  DEPOSIT,
  INSTRUMENT,
  type Json,
  MARKET,
  NEW,
  REPLACE,
  run,
  WITHDRAW,
  world,
} from './refusals/world.ts'

/** What a field takes, in words of docs/commands.md ("Values"). */
type Kind =
  | 'name'
  | 'id'
  | 'orderId'
  | 'decimal'
  | 'rate'
  | 'boolean'
  | 'time'
  | 'hours'
  | 'millionths'
  | `word`
  | `whole${number}`

/** Wrong for a field of any kind. */
const WRONG_EVERYWHERE: unknown[] = [
  undefined,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  -1,
  1.5,
  -0.5,
  2 ** 53,
  1e300,
  10n,
  Symbol('text'),
  () => 'text',
  new Date(0),
  [],
  [[]],
  ['x'],
  {},
  { toString: () => 'x' },
  JSON.parse('{"__proto__":"x"}'),
  new String('x'),
  '',
  ' ',
  '\0',
  '\n',
  '\ud800',
  'é',
  'ٓ١',
  'a b',
  'x'.repeat(41),
  '9'.repeat(41),
  'x'.repeat(100_000),
]

/** Decimals of a wrong form. */
const NO_DECIMALS: unknown[] = [
  1,
  0,
  100,
  true,
  null,
  'x',
  'NaN',
  'Infinity',
  '1e3',
  '1E3',
  '1e-3',
  '+1',
  '.5',
  '5.',
  '.',
  '1.2.3',
  '1,5',
  '1_000',
  '0x10',
  '0b1',
  ' 1',
  '1 ',
  '1\n',
  '--1',
  '1-',
  '١',
]
const NOT_POSITIVE: unknown[] = ['0', '00', '0.0', '-1', '-0', '-0.5']

const WRONG: { readonly [kind in Exclude<Kind, `whole${number}`>]: unknown[] } = {
  name: [1, true, null, 'a.b', 'a/b', '$fees', 'a$', '*', '>', 'a\t', 'x'.repeat(37)],
  id: [1, true, null, 'a\t', 'x'.repeat(37), '\x7f'],
  orderId: [1, null, '0', '01', '-1', '1.0', '1e3', 'a-1', '9007199254740992', '9'.repeat(17)],
  decimal: [...NO_DECIMALS, ...NOT_POSITIVE],
  rate: NO_DECIMALS,
  boolean: [0, 1, null, 'true', 'on', 'x'],
  time: [0, 1767312000000, null, '2026-01-02', '2026-01-02T12:00:00Z', '2026-13-01T00:00:00.000Z'],
  hours: [1330, true, '13:30', '13:30-24:00', '13:60-14:00', '1:30-2:30', '13:30-20:00 ', '-'],
  millionths: [...NO_DECIMALS.filter((value) => value !== null), '-1', '0.0000001', 'OFF'],
  word: [1, true, null, 'Buy', 'BUY', 'GTD', 'stop', 'constructor', '__proto__', 'toString'],
}

const wrongFor = (kind: Kind): unknown[] => {
  if (!kind.startsWith('whole')) return [...WRONG_EVERYWHERE, ...WRONG[kind as 'name']]
  return [...WRONG_EVERYWHERE, null, true, '1', 'x', Number(kind.slice(5)) + 1]
}

/** A good command of each kind, with the kind of each field that may be missing (`?`) or not. */
const FORMS: [command: Json, kinds: { [field: string]: Kind | `${Kind}?` }][] = [
  [
    { cmd: 'asset', asset: 'EUR', decimals: 2 },
    { asset: 'name', decimals: 'whole12' },
  ],
  [
    {
      ...INSTRUMENT,
      symbol: 'X',
      makerFeeRate: '-0.1',
      takerFeeRate: '0.1',
      minQty: '1',
      maxQty: '2',
      minNotional: '1',
      maxNotional: '2',
      minPrice: '1',
      maxPrice: '2',
      referencePrice: '1',
    },
    {
      symbol: 'name',
      base: 'name',
      quote: 'name',
      tickSize: 'decimal',
      lotSize: 'decimal',
      makerFeeRate: 'rate?',
      takerFeeRate: 'rate?',
      minQty: 'decimal?',
      maxQty: 'decimal?',
      minNotional: 'decimal?',
      maxNotional: 'decimal?',
      minPrice: 'decimal?',
      maxPrice: 'decimal?',
      referencePrice: 'decimal?',
    },
  ],
  [{ cmd: 'account', account: 'carol' }, { account: 'name' }],
  [
    { ...DEPOSIT, transferId: 'd' },
    { account: 'name', asset: 'name', amount: 'decimal', transferId: 'id' },
  ],
  [
    { ...WITHDRAW, transferId: 'w' },
    { account: 'name', asset: 'name', amount: 'decimal', transferId: 'id' },
  ],
  [
    { ...DEPOSIT, cmd: 'transfer', to: 'bob', transferId: 't' },
    { account: 'name', asset: 'name', amount: 'decimal', transferId: 'id', to: 'name' },
  ],
  [
    {
      ...NEW,
      clOrdId: 'n',
      timeInForce: 'GTC',
      postOnly: true,
      reduceOnly: false,
      selfTradePrevention: 'decrement',
    },
    {
      account: 'name',
      clOrdId: 'id',
      symbol: 'name',
      side: 'word',
      ordType: 'word',
      price: 'decimal',
      orderQty: 'decimal',
      timeInForce: 'word?',
      postOnly: 'boolean?',
      reduceOnly: 'boolean?',
      selfTradePrevention: 'word?',
    },
  ],
  [
    { cmd: 'cancel', account: 'alice', symbol: 'NVDA', origClOrdId: 'a-1' },
    { account: 'name', symbol: 'name', origClOrdId: 'id' },
  ],
  [
    { cmd: 'cancel', account: 'alice', symbol: 'NVDA', orderId: '7' },
    { account: 'name', symbol: 'name', orderId: 'orderId' },
  ],
  [
    { ...REPLACE, clOrdId: 'r' },
    { account: 'name', symbol: 'name', clOrdId: 'id', price: 'decimal', orderQty: 'decimal' },
  ],
  [
    { cmd: 'massCancel', account: 'alice', symbol: 'NVDA', side: 'buy' },
    { account: 'name', symbol: 'name?', side: 'word?' },
  ],
  [{ cmd: 'halt', symbol: 'NVDA' }, { symbol: 'name' }],
  [{ cmd: 'resume', symbol: 'NVDA' }, { symbol: 'name' }],
  [{ cmd: 'suspend', account: 'alice' }, { account: 'name' }],
  [{ cmd: 'activate', account: 'alice' }, { account: 'name' }],
  [
    { cmd: 'killSwitch', on: true, account: 'alice', cancelAll: true },
    { on: 'boolean', account: 'name?', cancelAll: 'boolean?' },
  ],
  [
    {
      cmd: 'limits',
      account: 'alice',
      symbol: 'NVDA',
      tradingHours: '09:00-17:00',
      maxOrdersPerSecond: 1,
      duplicateWindowMs: 60_000,
      maxOrderQty: '1',
      maxOrderValue: '1',
      priceDeviation: '0.1',
      marketSlippage: '0.1',
      maxOpenOrders: 1,
      maxPositions: 1,
      maxExposure: '1',
      maxDailyLoss: '0',
    },
    {
      account: 'name?',
      symbol: 'name?',
      tradingHours: 'hours?',
      maxOrderQty: 'millionths?',
      maxOrderValue: 'millionths?',
      priceDeviation: 'millionths?',
      marketSlippage: 'millionths?',
      maxExposure: 'millionths?',
      maxDailyLoss: 'millionths?',
    },
  ],
  [{ cmd: 'time', now: '2026-01-02T12:00:00.000Z' }, { now: 'time' }],
  [
    { cmd: 'balances', account: 'alice', after: 'USD', afterSymbol: 'NVDA', limit: 10 },
    { account: 'name', after: 'name?', afterSymbol: 'name?', limit: 'whole1000?' },
  ],
  [
    { cmd: 'orders', account: 'alice', after: '7', limit: 10 },
    { account: 'name', after: 'orderId?', limit: 'whole1000?' },
  ],
  [
    { cmd: 'book', symbol: 'NVDA', depth: 10 },
    { symbol: 'name', depth: 'whole1000?' },
  ],
]

/** How a sentence goes on to what the field has to be. */
const SAYS_WHAT = /has to (be|have) |is missing: |it may have |a limit order |a market order /

describe('bad input', () => {
  const exchange = world()
  const { seq } = exchange
  const hash = exchange.stateHash()

  /** One MALFORMED for the field, without a seq, and nothing else happens. */
  function expectMalformed(command: unknown, field: string): void {
    const answers = run(exchange, command)
    const told = answers.length === 1 ? answers[0] : undefined
    const isSo = told?.code === 'MALFORMED' && told.field === field && told.seq === undefined
    // It says what is asked for, and not only that it is not this.
    if (isSo && SAYS_WHAT.test(told.text ?? '')) return
    throw new Error(`${show(command)}: not MALFORMED ${field} but ${JSON.stringify(answers)}`)
  }

  const forms = FORMS.map(([command, kinds]) => [command.cmd, command, kinds] as const)
  test.each(forms)('%s: every field wrong in every way', (_, command, kinds) => {
    for (const [field, of] of Object.entries(kinds)) {
      const kind = of.replace('?', '') as Kind
      for (const value of wrongFor(kind)) {
        // The house accounts may be asked for.
        if (command.cmd === 'balances' && value === '$fees') continue
        expectMalformed({ ...command, [field]: value }, field)
      }
      const { [field]: __, ...without } = command
      if (!of.endsWith('?') && field !== 'orderId') expectMalformed(without, field)
    }
    expectUnknownFields(command)
  })

  test.each(forms)('%s: as it should be', (_, command) => {
    const [answer] = run(world(), command)
    expect(answer).not.toMatchObject({ code: 'MALFORMED' })
  })

  function expectUnknownFields(command: Json): void {
    const names = ['foo', 'Account', 'constructor', 'toString', 'hasOwnProperty', '', 'line', 'seq']
    for (const name of names) {
      expectMalformed({ ...command, [name]: 'x' }, name)
      expectMalformed({ ...command, [name]: undefined }, name)
    }
    const text = JSON.stringify(command).slice(0, -1)
    expectMalformed(JSON.parse(`${text},"__proto__":{"account":"bob"}}`), '__proto__')
  }

  test('commands that are none', () => {
    const noCommands = [
      undefined,
      null,
      true,
      5,
      Number.NaN,
      10n,
      'text',
      '{"cmd":"halt","symbol":"NVDA"}',
      Symbol('cmd'),
      () => 0,
      [],
      [{ cmd: 'halt', symbol: 'NVDA' }],
      {},
      new Map([['cmd', 'halt']]),
      new Date(0),
      /cmd/,
      { symbol: 'NVDA' },
      Object.create({ cmd: 'halt', symbol: 'NVDA' }),
      JSON.parse('{"__proto__":{"cmd":"halt"},"symbol":"NVDA"}'),
    ]
    for (const command of noCommands) expectMalformed(command, 'cmd')
    const noNames = [
      undefined,
      null,
      0,
      true,
      '',
      'Halt',
      'HALT',
      ' halt',
      'constructor',
      '__proto__',
      'toString',
      'valueOf',
      'x'.repeat(1000),
      ['halt'],
      { toString: () => 'halt' },
      10n,
      Symbol('halt'),
    ]
    for (const cmd of noNames) expectMalformed({ cmd, symbol: 'NVDA' }, 'cmd')
  })

  test('fields that do not go together', () => {
    const market = { ...MARKET, clOrdId: 'm' }
    const cancel = { cmd: 'cancel', account: 'alice', symbol: 'NVDA' }
    const { price: _, ...priceless } = { ...NEW, clOrdId: 'n' }
    const replace = { ...REPLACE, clOrdId: 'r' }
    const { origClOrdId: __, ...aimless } = replace
    const cases: [Json, string][] = [
      [{ ...market, price: '100' }, 'price'],
      [{ ...market, timeInForce: 'GTC' }, 'timeInForce'],
      [{ ...market, postOnly: true }, 'postOnly'],
      [priceless, 'price'],
      [{ ...NEW, clOrdId: 'n', postOnly: true, timeInForce: 'IOC' }, 'postOnly'],
      [{ ...NEW, clOrdId: 'n', postOnly: true, timeInForce: 'FOK' }, 'postOnly'],
      [cancel, 'origClOrdId'],
      [{ ...cancel, origClOrdId: 'a-1', orderId: '10' }, 'orderId'],
      [aimless, 'origClOrdId'],
      [{ ...replace, orderId: '10' }, 'orderId'],
      [{ cmd: 'killSwitch', on: false, cancelAll: true }, 'cancelAll'],
      [{ cmd: 'limits', account: 'alice' }, 'tradingAllowed'],
      [{ cmd: 'limits' }, 'tradingAllowed'],
      [{ cmd: 'limits', duplicateWindowMs: 60_001 }, 'duplicateWindowMs'],
      [{ cmd: 'limits', tradingAllowed: 'false' }, 'tradingAllowed'],
      [{ cmd: 'limits', reduceOnly: 0 }, 'reduceOnly'],
      [{ cmd: 'limits', maxOpenOrders: '1' }, 'maxOpenOrders'],
      [{ cmd: 'limits', maxPositions: -1 }, 'maxPositions'],
      [{ cmd: 'limits', maxOrdersPerSecond: 1.5 }, 'maxOrdersPerSecond'],
      [{ cmd: 'book', symbol: 'NVDA', depth: 0 }, 'depth'],
      [{ cmd: 'orders', account: '$fees' }, 'account'],
    ]
    for (const [command, field] of cases) expectMalformed(command, field)
  })

  test('echoes what tells the command, if it is short text', () => {
    const long = 'x'.repeat(65)
    expect(run(exchange, { ...NEW, clOrdId: 'n', side: 'b' })).toEqual([
      {
        execType: 'rejected',
        code: 'MALFORMED',
        field: 'side',
        text: expect.any(String),
        cmd: 'new',
        account: 'alice',
        symbol: 'NVDA',
        clOrdId: 'n',
      },
    ])
    expect(run(exchange, { cmd: long, account: 5, clOrdId: {}, symbol: long })[0]).toEqual({
      execType: 'rejected',
      code: 'MALFORMED',
      field: 'cmd',
      text: expect.any(String),
    })
  })

  test('leaves no trace in the state', () => {
    expect(exchange.seq).toBe(seq)
    expect(exchange.stateHash()).toBe(hash)
  })

  test('is refused in its place among the others', () => {
    const answers = world().execute([
      { cmd: 'halt', symbol: 'NVDA' },
      'nonsense',
      { cmd: 'book', symbol: 'NVDA' },
      { cmd: 'resume', symbol: 'NVDA' },
      null,
    ]) as unknown as Json[]
    const told = answers.map((answer) => answer.query ?? answer.code ?? answer.cmd)
    expect(told).toEqual(['halt', 'MALFORMED', 'resume', 'MALFORMED', 'book'])
  })
})

function show(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  const fields = Object.entries(value).map(([name, of]) => {
    const text = typeof of === 'object' ? JSON.stringify(of) : String(of)
    return `${name}: ${text.slice(0, 60)}`
  })
  return `{ ${fields.join(', ')} }`
}
