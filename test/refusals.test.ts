// Refusals: which code wins where several apply, in the order of docs/commands.md.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { CODE_NAMES, type Exchange } from '../src/index.ts'
import {
  DEPOSIT,
  INSTRUMENT,
  type Json,
  MARKET,
  NEW,
  prepare,
  REPLACE,
  run,
  SELL,
  WITHDRAW,
  world,
} from './refusals/world.ts'
import { CODES_OF_THE_EDGE } from './support/coverage.ts'

/** Codes that some command got in this file. */
const seen = new Set<string>()

/** Codes that no test here can get, and why. */
const UNREACHED = new Map([
  ['NONE', 'it is the absence of a code'],
  ['LIMIT_REACHED', 'takes 65,536 assets, a million instruments or 33 million accounts'],
  ...CODES_OF_THE_EDGE.map((code) => [code, 'is given at the edge, without a seq'] as const),
])
/** Codes that stand outside the table of precedence: those before it, and ends by rule. */
const OUTSIDE = new Set<string>([...['NONE', 'IOC_REMAINDER', 'SELF_TRADE'], ...CODES_OF_THE_EDGE])

/** The code of the first report of a command, or what it did. */
function outcome(exchange: Exchange, command: unknown): string {
  const [report] = run(exchange, command)
  if (report.code !== undefined) seen.add(report.code)
  return report.code ?? report.execType
}

let ids = 0
const freshId = () => `fresh-${++ids}`

/**
 * `command` gets the code `first`; with `mend` (other fields, or commands before it) it gets
 * `next`.
 */
interface Pair {
  first: string
  next: string
  before?: Json[]
  command: Json
  mend: Json | Json[]
}

const SUSPEND = { cmd: 'suspend', account: 'alice' }
const ACTIVATE = { cmd: 'activate', account: 'alice' }
const HALT = { cmd: 'halt', symbol: 'NVDA' }
const RESUME = { cmd: 'resume', symbol: 'NVDA' }
const KILL = { cmd: 'killSwitch', on: true }
const UNKILL = { cmd: 'killSwitch', on: false }
const ASK = { ...SELL, account: 'bob', orderQty: '1', price: '101', clOrdId: 'b-ask' }
const RICH = { ...DEPOSIT, amount: '1000000', transferId: 'rich' }

const PAIRS: Pair[] = [
  // rows 1 to 6, while the command is read
  {
    first: 'MALFORMED',
    next: 'UNKNOWN_ASSET',
    command: { ...DEPOSIT, asset: 'EUR', amount: 'x' },
    mend: { amount: '1' },
  },
  {
    first: 'MALFORMED',
    next: 'UNKNOWN_SYMBOL',
    command: { ...NEW, symbol: 'TSLA', postOnly: true, timeInForce: 'FOK' },
    mend: { postOnly: false },
  },
  {
    first: 'UNKNOWN_ASSET',
    next: 'UNKNOWN_ACCOUNT',
    command: { ...DEPOSIT, asset: 'EUR', account: 'carol' },
    mend: { asset: 'USD' },
  },
  {
    first: 'UNKNOWN_ACCOUNT',
    next: 'UNKNOWN_SYMBOL',
    command: { ...NEW, account: 'carol', symbol: 'TSLA' },
    mend: { account: 'alice' },
  },
  {
    first: 'UNKNOWN_ACCOUNT',
    next: 'AMOUNT_PRECISION',
    command: { ...DEPOSIT, account: 'carol', amount: '0.001' },
    mend: { account: 'alice' },
  },
  {
    first: 'UNKNOWN_SYMBOL',
    next: 'PRICE_PRECISION',
    command: { ...NEW, symbol: 'TSLA', price: '0.001' },
    mend: { symbol: 'NVDA' },
  },
  {
    first: 'PRICE_PRECISION',
    next: 'QTY_PRECISION',
    command: { ...REPLACE, price: '0.001', orderQty: '0.5' },
    mend: { price: '1' },
  },
  {
    first: 'QTY_PRECISION',
    next: 'OVERFLOW',
    command: { ...NEW, price: '90071992547409.92', orderQty: '0.5' },
    mend: { orderQty: '1' },
  },
  {
    first: 'AMOUNT_PRECISION',
    next: 'OVERFLOW',
    command: { ...DEPOSIT, amount: '90071992547409.921' },
    mend: { amount: '90071992547409.92' },
  },
  {
    first: 'UNKNOWN_ASSET',
    next: 'INVALID_DEFINITION',
    command: { ...INSTRUMENT, symbol: 'X', base: 'EUR', takerFeeRate: '2' },
    mend: { base: 'NVDA' },
  },
  {
    first: 'INVALID_DEFINITION',
    next: 'ALREADY_DEFINED',
    command: { ...INSTRUMENT, takerFeeRate: '2' },
    mend: { takerFeeRate: '0.5' },
  },
  {
    first: 'MALFORMED',
    next: 'ALREADY_DEFINED',
    command: { cmd: 'asset', asset: 'USD', decimals: 13 },
    mend: { decimals: 12 },
  },
  {
    first: 'OVERFLOW',
    next: 'DUPLICATE_ID',
    command: { ...NEW, clOrdId: 'a-1', price: '90071992547409.92' },
    mend: { price: '99' },
  },
  {
    first: 'AMOUNT_PRECISION',
    next: 'DUPLICATE_ID',
    command: { ...DEPOSIT, transferId: 'd-1', amount: '0.001' },
    mend: { amount: '0.01' },
  },
  // rows 7 to 16, by the account: what stands
  {
    first: 'DUPLICATE_ID',
    next: 'UNKNOWN_ORDER',
    command: { ...REPLACE, clOrdId: 'a-1', origClOrdId: 'a-9' },
    mend: { clOrdId: 'a-2' },
  },
  {
    first: 'DUPLICATE_ID',
    next: 'ACCOUNT_SUSPENDED',
    before: [{ ...WITHDRAW, transferId: 'w-1' }, SUSPEND],
    command: { ...WITHDRAW, transferId: 'w-1', amount: '2' },
    mend: { transferId: 'w-2' },
  },
  {
    first: 'UNKNOWN_ORDER',
    next: 'ACCOUNT_SUSPENDED',
    before: [SUSPEND],
    command: { ...REPLACE, origClOrdId: 'a-9' },
    mend: { origClOrdId: 'a-1' },
  },
  {
    first: 'ACCOUNT_SUSPENDED',
    next: 'HALTED',
    before: [SUSPEND, HALT],
    command: NEW,
    mend: [ACTIVATE],
  },
  {
    first: 'ACCOUNT_SUSPENDED',
    next: 'INSUFFICIENT_FUNDS',
    before: [SUSPEND],
    command: { ...WITHDRAW, amount: '1000000' },
    mend: [ACTIVATE],
  },
  {
    first: 'HALTED',
    next: 'QTY_ALREADY_FILLED',
    before: [HALT],
    command: { ...REPLACE, orderQty: '2' },
    mend: [RESUME],
  },
  {
    first: 'QTY_ALREADY_FILLED',
    next: 'QTY_BELOW_MIN',
    before: [
      { ...NEW, symbol: 'BOUNDED', clOrdId: 'a-2' },
      { ...SELL, account: 'bob', symbol: 'BOUNDED', orderQty: '3', clOrdId: 'b-2' },
      // Down to 1 filled and 2 in all would be below the minimum of 3.
      { ...NEW, symbol: 'BOUNDED', clOrdId: 'a-3', price: '99', orderQty: '4' },
    ],
    command: { ...REPLACE, symbol: 'BOUNDED', origClOrdId: 'a-2', orderQty: '2' },
    mend: { origClOrdId: 'a-3' },
  },
  {
    first: 'QTY_BELOW_MIN',
    next: 'NO_REFERENCE_PRICE',
    command: { ...MARKET, symbol: 'BOUNDED', orderQty: '2' },
    mend: { orderQty: '3' },
  },
  {
    first: 'QTY_ABOVE_MAX',
    next: 'NO_REFERENCE_PRICE',
    command: { ...MARKET, symbol: 'BOUNDED', orderQty: '11' },
    mend: { orderQty: '10' },
  },
  {
    first: 'NO_REFERENCE_PRICE',
    next: 'KILL_SWITCH',
    before: [KILL],
    command: { ...MARKET, symbol: 'BOUNDED' },
    mend: { symbol: 'NVDA' },
  },
  {
    first: 'QTY_ABOVE_MAX',
    next: 'PRICE_OUT_OF_BAND',
    command: { ...NEW, symbol: 'BOUNDED', orderQty: '11', price: '49.99' },
    mend: { orderQty: '10' },
  },
  {
    first: 'PRICE_OUT_OF_BAND',
    next: 'OVERFLOW',
    command: { ...NEW, symbol: 'WIDE', price: '2000', orderQty: '100000000000' },
    mend: { price: '1000' },
  },
  {
    first: 'OVERFLOW',
    next: 'NOTIONAL_ABOVE_MAX',
    command: { ...NEW, symbol: 'WIDE', price: '1000', orderQty: '90071992548' },
    mend: { orderQty: '90071992547' },
  },
  {
    first: 'PRICE_OUT_OF_BAND',
    next: 'NOTIONAL_BELOW_MIN',
    command: { ...NEW, symbol: 'BOUNDED', orderQty: '3', price: '49.99' },
    mend: { price: '50' },
  },
  {
    first: 'NOTIONAL_BELOW_MIN',
    next: 'KILL_SWITCH',
    before: [KILL],
    command: { ...NEW, symbol: 'BOUNDED', orderQty: '3', price: '99.99' },
    mend: { price: '100' },
  },
  {
    first: 'NOTIONAL_ABOVE_MAX',
    next: 'KILL_SWITCH',
    before: [KILL],
    command: { ...NEW, symbol: 'BOUNDED', orderQty: '10', price: '100.01' },
    mend: { price: '100' },
  },
  // rows 17 to 19; row 18 has a ladder of its own below
  {
    first: 'KILL_SWITCH',
    next: 'SYMBOL_NOT_ALLOWED',
    before: [KILL, { cmd: 'limits', tradingAllowed: false }],
    command: NEW,
    mend: [UNKILL],
  },
  {
    first: 'INSUFFICIENT_FUNDS',
    next: 'POST_ONLY_WOULD_CROSS',
    before: [ASK],
    command: { ...NEW, price: '101', orderQty: '9000', postOnly: true },
    mend: [RICH],
  },
  {
    first: 'INSUFFICIENT_HOLDINGS',
    next: 'POST_ONLY_WOULD_CROSS',
    command: { ...SELL, account: 'bob', orderQty: '99', postOnly: true },
    mend: { orderQty: '98' },
  },
  // rows 20 to 22, by the book; post-only goes with GTC alone
  {
    first: 'INSUFFICIENT_FUNDS',
    next: 'FOK_NOT_FILLABLE',
    command: { ...NEW, orderQty: '9000', timeInForce: 'FOK' },
    mend: [RICH],
  },
  {
    first: 'INSUFFICIENT_FUNDS',
    next: 'NO_LIQUIDITY',
    command: { ...MARKET, orderQty: '9000' },
    mend: [RICH],
  },
  {
    first: 'FOK_NOT_FILLABLE',
    next: 'NO_LIQUIDITY',
    command: { ...MARKET, timeInForce: 'FOK' },
    mend: { timeInForce: 'IOC' },
  },
  {
    first: 'MALFORMED',
    next: 'TIME_WENT_BACK',
    before: [{ cmd: 'time', now: '2026-01-02T00:00:00.000Z' }],
    command: { cmd: 'time', now: '2026-01-01T24:00:00.000Z' },
    mend: { now: '2026-01-01T23:59:59.999Z' },
  },
]

/** The limits in the order of their rules: a setting that refuses the order below, and its code. */
const LIMIT_LADDER: [setting: Json, code: string][] = [
  [{ tradingAllowed: false }, 'SYMBOL_NOT_ALLOWED'],
  [{ tradingHours: '00:00-00:01' }, 'OUTSIDE_TRADING_HOURS'],
  [{ reduceOnly: true }, 'REDUCE_ONLY'],
  [{ maxOrdersPerSecond: 0 }, 'ORDER_RATE'],
  [{ duplicateWindowMs: 60_000 }, 'DUPLICATE_ORDER'],
  [{ maxOrderQty: '1' }, 'MAX_ORDER_QTY'],
  [{ maxOrderValue: '1' }, 'MAX_ORDER_VALUE'],
  [{ priceDeviation: '0.01' }, 'PRICE_DEVIATION'],
  [{ maxOpenOrders: 0 }, 'MAX_OPEN_ORDERS'],
  [{ maxPositions: 0 }, 'MAX_POSITIONS'],
  [{ maxExposure: '1' }, 'MAX_EXPOSURE'],
  [{ maxDailyLoss: '0' }, 'DAILY_LOSS'],
]

/** Neighbours in the table that no command can get, and why. */
const NEVER_TOGETHER = new Map([
  ['QTY_PRECISION AMOUNT_PRECISION', 'no command has a quantity and an amount'],
  ['OVERFLOW INVALID_DEFINITION', 'in a definition, what does not fit is invalid'],
  ['INVALID_DEFINITION LIMIT_REACHED', 'LIMIT_REACHED takes too many names to reach'],
  ['LIMIT_REACHED ALREADY_DEFINED', 'a known name needs no room'],
  ['ALREADY_DEFINED DUPLICATE_ID', 'definitions have no ids'],
  ['QTY_BELOW_MIN QTY_ABOVE_MAX', 'minQty <= maxQty'],
  ['NO_REFERENCE_PRICE PRICE_OUT_OF_BAND', 'a protection price is clipped into the bounds'],
  ['OVERFLOW NOTIONAL_BELOW_MIN', 'what overflows is not small'],
  ['NOTIONAL_BELOW_MIN NOTIONAL_ABOVE_MAX', 'minNotional <= maxNotional'],
  ['INSUFFICIENT_FUNDS INSUFFICIENT_HOLDINGS', 'one for buys, one for sells'],
  ['POST_ONLY_WOULD_CROSS FOK_NOT_FILLABLE', 'post-only goes with GTC alone'],
  ['NO_LIQUIDITY TIME_WENT_BACK', 'one for orders, one for the clock'],
])

/** Client and transfer ids that the case does not care about. */
function withId(command: Json): Json {
  if (command.cmd === 'new' || command.cmd === 'replace') return { clOrdId: freshId(), ...command }
  if (command.cmd === 'deposit' || command.cmd === 'withdraw') {
    return { transferId: freshId(), ...command }
  }
  return command
}

describe('of two codes that apply, the one higher in the table', () => {
  test.each(PAIRS.map((pair) => [pair.first, pair.next, pair] as const))(
    '%s before %s',
    (first, next, { before = [], command, mend }) => {
      const exchange = world()
      prepare(exchange, before)
      expect(outcome(exchange, withId(command))).toBe(first)
      const mends = Array.isArray(mend)
      if (mends) prepare(exchange, mend)
      expect(outcome(exchange, withId(mends ? command : { ...command, ...mend }))).toBe(next)
      exchange.check()
    },
  )

  /** The codes of the table, row by row; OVERFLOW stands in two. */
  const documented = readFileSync(join(import.meta.dirname, '../docs/commands.md'), 'utf8')
    .split('## Refusals, in order of precedence')[1]
    .split('\n')
    .filter((line) => /^\| \d+ \|/.test(line))
    .flatMap((row) =>
      // One row names the first and the last of the limits' codes.
      row.includes('…')
        ? LIMIT_LADDER.map(([, code]) => code)
        : row.split('|')[2].match(/[A-Z_]+/g)!,
    )

  test('as documented: the table has every code, in their order', () => {
    expect([...new Set(documented)]).toEqual(CODE_NAMES.filter((code) => !OUTSIDE.has(code)))
  })

  test('neighbours in the table are all tested, or cannot apply together', () => {
    const ladder = [...LIMIT_LADDER.map(([, code]) => code), 'INSUFFICIENT_FUNDS']
    const tested = new Set([
      ...PAIRS.map(({ first, next }) => `${first} ${next}`),
      ...ladder.slice(1).map((code, i) => `${ladder[i]} ${code}`),
    ])
    const neighbours = documented.slice(1).map((code, i) => `${documented[i]} ${code}`)
    const untested = neighbours.filter((pair) => !tested.has(pair))
    expect(untested).toEqual([...NEVER_TOGETHER.keys()])
  })
})

describe('of the limits, the first in their table', () => {
  /** An order that every limit of the ladder refuses, and that the account cannot pay. */
  function brokenEverywhere(): Exchange {
    const exchange = world()
    prepare(exchange, [
      { cmd: 'massCancel', account: 'alice' },
      { ...INSTRUMENT, symbol: 'TSLA', referencePrice: '100' },
      { cmd: 'time', now: '2026-01-02T12:00:00.000Z' },
      { ...NEW, symbol: 'TSLA', price: '90', clOrdId: 'same' },
      { cmd: 'cancel', account: 'alice', symbol: 'TSLA', origClOrdId: 'same' },
      { ...WITHDRAW, amount: '9800', transferId: 'w-all' },
      { cmd: 'limits', account: 'alice', ...Object.assign({}, ...LIMIT_LADDER.map(([of]) => of)) },
    ])
    return exchange
  }

  test('each rule off, the next one refuses; all off, the money is missing', () => {
    const exchange = brokenEverywhere()
    const order = () => withId({ ...NEW, symbol: 'TSLA', price: '90' })
    for (const [setting, code] of LIMIT_LADDER) {
      expect(outcome(exchange, order())).toBe(code)
      const [name] = Object.keys(setting)
      prepare(exchange, [{ cmd: 'limits', account: 'alice', [name]: 'off' }])
    }
    expect(outcome(exchange, order())).toBe('INSUFFICIENT_FUNDS')
    prepare(exchange, [RICH])
    expect(outcome(exchange, order())).toBe('new')
  })

  test.each(LIMIT_LADDER)('%j alone refuses with %s', (setting, code) => {
    const exchange = brokenEverywhere()
    const names = LIMIT_LADDER.map(([of]) => Object.keys(of)[0])
    const off = Object.fromEntries(names.map((name) => [name, 'off']))
    prepare(exchange, [RICH, { cmd: 'limits', account: 'alice', ...off, ...setting }])
    expect(outcome(exchange, withId({ ...NEW, symbol: 'TSLA', price: '90' }))).toBe(code)
  })
})

describe('what ends an order by rule', () => {
  test('says which', () => {
    const exchange = world()
    const [, expired] = run(exchange, { ...NEW, clOrdId: 'ioc', timeInForce: 'IOC' })
    expect(expired).toMatchObject({ execType: 'expired', code: 'IOC_REMAINDER' })
    seen.add(expired.code!)
    prepare(exchange, [{ ...DEPOSIT, asset: 'NVDA', transferId: 'd-2' }])
    const [, self] = run(exchange, { ...SELL, orderQty: '1', clOrdId: 'self' })
    expect(self).toMatchObject({ execType: 'expired', code: 'SELF_TRADE' })
    seen.add(self.code!)
  })
})

describe('every code', () => {
  test('was given in this file, or has a reason why not', () => {
    const missing = CODE_NAMES.filter((code) => !seen.has(code))
    expect(missing).toEqual([...UNREACHED.keys()])
  })
})
