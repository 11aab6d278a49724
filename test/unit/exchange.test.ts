// The exchange as a library: what commands.md promises of createExchange beyond the stories.

import { describe, expect, test } from 'vitest'
import {
  type Answer,
  type BalancesAnswer,
  createExchange,
  type Exchange,
  type OrdersAnswer,
} from '../../src/index.ts'
import { Fault } from '../../src/lib/assert.ts'
import { COMMANDS_PER_ROUND_MAX } from '../../src/protocol/bounds.ts'

type Json = Record<string, unknown>

/** The forms of the command's documentation, with what each tells. */
const DAY: [command: Json, told: string][] = [
  [{ cmd: 'asset', asset: 'USD', decimals: 4 }, 'accepted'],
  [{ cmd: 'asset', asset: 'NVDA', decimals: 0 }, 'accepted'],
  [
    {
      cmd: 'instrument',
      symbol: 'NVDA',
      base: 'NVDA',
      quote: 'USD',
      tickSize: '0.005',
      lotSize: '1',
      makerFeeRate: '0',
      takerFeeRate: '0.00015',
    },
    'accepted',
  ],
  [{ cmd: 'account', account: 'alice' }, 'accepted'],
  [{ cmd: 'account', account: 'bob' }, 'accepted'],
  [
    { cmd: 'deposit', account: 'alice', asset: 'USD', amount: '1000000', transferId: 'd-1' },
    'accepted',
  ],
  [
    { cmd: 'withdraw', account: 'alice', asset: 'USD', amount: '10', transferId: 'w-1' },
    'accepted',
  ],
  [
    {
      cmd: 'transfer',
      account: 'alice',
      to: 'bob',
      asset: 'USD',
      amount: '10',
      transferId: 't-1',
    },
    'accepted',
  ],
  [
    {
      cmd: 'new',
      account: 'alice',
      clOrdId: 'a-1',
      symbol: 'NVDA',
      side: 'buy',
      ordType: 'limit',
      price: '167.52',
      orderQty: '100',
      timeInForce: 'GTC',
    },
    'new',
  ],
  [
    {
      cmd: 'replace',
      account: 'alice',
      symbol: 'NVDA',
      origClOrdId: 'a-1',
      clOrdId: 'a-2',
      price: '167.53',
      orderQty: '80',
    },
    'replaced',
  ],
  [{ cmd: 'cancel', account: 'alice', symbol: 'NVDA', origClOrdId: 'a-2' }, 'canceled'],
  [{ cmd: 'massCancel', account: 'alice', symbol: 'NVDA' }, 'accepted'],
  [{ cmd: 'halt', symbol: 'NVDA' }, 'accepted'],
  [{ cmd: 'resume', symbol: 'NVDA' }, 'accepted'],
  [{ cmd: 'suspend', account: 'alice' }, 'accepted'],
  [{ cmd: 'activate', account: 'alice' }, 'accepted'],
  [{ cmd: 'limits', account: 'alice', symbol: 'NVDA', maxOrderQty: '500' }, 'accepted'],
  [{ cmd: 'killSwitch', account: 'alice', on: true, cancelAll: true }, 'accepted'],
  [{ cmd: 'time', now: '2026-01-02T03:04:05.000Z' }, 'accepted'],
]

function world(options = {}): Exchange {
  const exchange = createExchange(options)
  exchange.execute(DAY.slice(0, 6).map(([command]) => command))
  return exchange
}

const BUY = {
  cmd: 'new',
  account: 'alice',
  symbol: 'NVDA',
  side: 'buy',
  ordType: 'limit',
  price: '100',
  orderQty: '1',
}

describe('commands', () => {
  test('in the forms of the documentation', () => {
    const exchange = createExchange()
    for (const [command, told] of DAY) {
      const answers = exchange.execute(command)
      expect(answers).toHaveLength(1)
      expect(answers[0]).toMatchObject({ execType: told, seq: exchange.seq })
    }
    exchange.check()
  })

  test('one by one, as a list, or submitted give the same', () => {
    const commands = DAY.map(([command]) => command)
    const byOne = createExchange()
    const one = commands.flatMap((command) => byOne.execute(command))
    const submitted = createExchange()
    const many = commands.flatMap((command) => {
      submitted.submit(command)
      return submitted.run()
    })
    expect(many).toEqual(one)
    expect(submitted.stateHash()).toBe(byOne.stateHash())
    const asList = createExchange()
    asList.execute(commands.slice(0, 6))
    expect(asList.stateHash()).toBe(world().stateHash())
  })

  test('are not changed and not kept', () => {
    const frozen = Object.freeze({ ...BUY, clOrdId: 'a-1' })
    const exchange = world()
    const command: Json = { ...frozen }
    exchange.submit(command)
    command.price = '1'
    command.clOrdId = 'changed'
    expect(exchange.run()).toMatchObject([{ clOrdId: 'a-1', price: '100' }])
    expect(exchange.execute(frozen)).toMatchObject([{ duplicate: true }])
  })

  test('more than a round can hold make more rounds', () => {
    const exchange = world()
    const halts = Array.from({ length: COMMANDS_PER_ROUND_MAX + 5 }, (_, n) => ({
      cmd: n % 2 === 0 ? 'halt' : 'resume',
      symbol: 'NVDA',
    }))
    const answers = exchange.execute(halts)
    expect(answers).toHaveLength(halts.length)
    expect(answers.at(-1)).toMatchObject({ seq: 6 + halts.length, execType: 'accepted' })
    expect(exchange.waiting).toBe(0)
  })

  test('of a full round may have any number of reports', () => {
    const exchange = world()
    const iocs = Array.from({ length: COMMANDS_PER_ROUND_MAX }, (_, n) => ({
      ...BUY,
      clOrdId: `a-${n}`,
      timeInForce: 'IOC',
    }))
    exchange.execute({ cmd: 'limits', maxOpenOrders: 'off', duplicateWindowMs: 'off' })
    exchange.execute({ ...DAY[5][0], amount: '1000000000', transferId: 'd-2' })
    const answers = exchange.execute(iocs)
    expect(answers).toHaveLength(2 * COMMANDS_PER_ROUND_MAX)
    expect(answers.at(-1)).toMatchObject({ execType: 'expired', code: 'IOC_REMAINDER' })
  })

  test('none make an empty round', () => {
    const exchange = world()
    const hash = exchange.stateHash()
    expect(exchange.run()).toEqual([])
    expect(exchange.execute([])).toEqual([])
    expect(exchange.stateHash()).toBe(hash)
    expect(exchange.seq).toBe(6)
  })
})

describe('a thousand buys against money for one', () => {
  const buys = Array.from({ length: 1_000 }, (_, n) => ({ ...BUY, clOrdId: `a-${n}` }))
  const world2 = () => {
    const exchange = createExchange({ postings: true })
    exchange.execute([
      { cmd: 'asset', asset: 'USD', decimals: 2 },
      { cmd: 'asset', asset: 'NVDA', decimals: 0 },
      { ...DAY[2][0], tickSize: '0.01', takerFeeRate: '0.01' },
      { cmd: 'account', account: 'alice' },
      { cmd: 'account', account: 'bob' },
      { cmd: 'deposit', account: 'alice', asset: 'USD', amount: '101.99', transferId: 'd-1' },
      { cmd: 'deposit', account: 'bob', asset: 'NVDA', amount: '1000', transferId: 'd-1' },
    ])
    const ask = { ...BUY, account: 'bob', side: 'sell', clOrdId: 'b-1', orderQty: '1000' }
    exchange.execute(ask)
    return exchange
  }
  const count = (answers: Answer[]) => {
    const counts: { [what: string]: number } = {}
    for (const answer of answers) {
      const what = 'execType' in answer ? (answer.code ?? answer.execType) : answer.query
      counts[what] = (counts[what] ?? 0) + 1
    }
    return counts
  }

  test.each([1, 7, 1_000])('give one fill, in rounds of %i', (size) => {
    const exchange = world2()
    const answers: Answer[] = []
    for (let at = 0; at < buys.length; at += size) {
      answers.push(...exchange.execute(buys.slice(at, at + size)))
      exchange.check()
    }
    expect(count(answers)).toEqual({ new: 1, trade: 2, INSUFFICIENT_FUNDS: 999 })
    expect(exchange.balances('alice').balances).toEqual([
      { asset: 'USD', available: '0.99', held: '0' },
      { asset: 'NVDA', available: '1', held: '0' },
    ])
  })
})

describe('queries', () => {
  const queries = [
    { cmd: 'balances', account: 'alice' },
    { cmd: 'book', symbol: 'NVDA' },
    { cmd: 'orders', account: 'alice' },
  ]

  test('are answered behind the reports of their round, as of its end', () => {
    const exchange = world()
    const answers = exchange.execute([
      queries[0],
      { ...BUY, clOrdId: 'a-1' },
      queries[1],
      queries[2],
      { ...BUY, clOrdId: 'a-2', price: '99' },
    ])
    expect(answers).toMatchObject([
      { execType: 'new', seq: 7 },
      { execType: 'new', seq: 8 },
      {
        query: 'balances',
        seq: 8,
        account: 'alice',
        balances: [{ asset: 'USD', available: '999800.9701', held: '199.0299' }],
        positions: [
          {
            symbol: 'NVDA',
            qty: '0',
            avgCost: '0',
            realised: '0',
            openBuyQty: '2',
            openSellQty: '0',
          },
        ],
      },
      {
        query: 'book',
        seq: 8,
        symbol: 'NVDA',
        bids: [
          { price: '100', qty: '1', orders: 1 },
          { price: '99', qty: '1', orders: 1 },
        ],
        asks: [],
      },
      { query: 'orders', seq: 8, orders: [{ orderId: '7' }, { orderId: '8' }] },
    ])
  })

  test('are no part of history', () => {
    const exchange = world()
    const hash = exchange.stateHash()
    expect(exchange.execute(queries)).toHaveLength(3)
    expect([exchange.seq, exchange.stateHash()]).toEqual([6, hash])
  })

  test('that are refused say why', () => {
    const exchange = world()
    const answers = exchange.execute([
      { cmd: 'balances', account: 'carol' },
      { cmd: 'book', symbol: 'TSLA' },
      { cmd: 'orders', account: 'carol' },
    ])
    expect(answers).toMatchObject([
      { code: 'UNKNOWN_ACCOUNT', field: 'account' },
      { code: 'UNKNOWN_SYMBOL', field: 'symbol' },
      { code: 'UNKNOWN_ACCOUNT', field: 'account' },
    ])
  })

  test('of the house accounts', () => {
    const exchange = world()
    expect(exchange.execute({ cmd: 'balances', account: '$external' })).toMatchObject([
      { balances: [{ asset: 'USD', available: '-1000000', held: '0' }] },
    ])
    expect(exchange.execute({ cmd: 'balances', account: '$fees' })).toMatchObject([
      { balances: [], positions: [] },
    ])
  })

  test('of a deep book give 10 levels, or as many as asked for', () => {
    const exchange = world()
    const orders = Array.from({ length: 30 }, (_, n) => ({
      ...BUY,
      clOrdId: `a-${n}`,
      price: String(100 + n),
    }))
    exchange.execute(orders)
    const bids = (depth?: number) => {
      const query = { cmd: 'book', symbol: 'NVDA', ...(depth === undefined ? {} : { depth }) }
      return (exchange.execute(query)[0] as { bids: { price: string }[] }).bids
    }
    expect(bids().map(({ price }) => price)).toEqual(
      Array.from({ length: 10 }, (_, n) => String(129 - n)),
    )
    expect(bids(1)).toHaveLength(1)
    expect(bids(1_000)).toHaveLength(30)
  })

  test.each([0, 2])('of many orders come page by page, on %i workers', async (workers) => {
    const exchange = world({ workers })
    const orders = Array.from({ length: 7 }, (_, n) => ({ ...BUY, clOrdId: `a-${n}`, price: '1' }))
    exchange.execute([{ cmd: 'limits', priceDeviation: 'off', duplicateWindowMs: 0 }, ...orders])
    const page = (of: object) =>
      exchange.execute({ cmd: 'orders', account: 'alice', ...of })[0] as OrdersAnswer
    const all = page({}).orders.map(({ orderId }) => orderId)
    expect([all.length, page({}).more]).toEqual([7, undefined])
    const first = page({ limit: 3 })
    expect([first.orders.map(({ orderId }) => orderId), first.more]).toEqual([
      all.slice(0, 3),
      true,
    ])
    const last = page({ limit: 4, after: all[2] })
    expect(last.orders.map(({ orderId }) => orderId)).toEqual(all.slice(3))
    expect([last.more, page({ after: all[6] }).orders]).toEqual([undefined, []])
    await exchange.close()
  })

  test.each([0, 2])('of many balances come page by page, on %i workers', async (workers) => {
    const exchange = world({ workers })
    const many = Array.from({ length: 7 }, (_, n) => `B${n}`)
    exchange.execute(many.map((asset) => ({ cmd: 'asset', asset, decimals: 0 })))
    for (const base of many) {
      const units = { tickSize: '1', lotSize: '1' }
      exchange.execute([
        { cmd: 'instrument', symbol: `S-${base}`, base, quote: 'USD', ...units },
        { cmd: 'deposit', account: 'bob', asset: base, amount: '5', transferId: base },
      ])
    }
    // Of four of them an order is open, which is a position.
    const sell = { cmd: 'new', account: 'bob', side: 'sell', ordType: 'limit', price: '1' }
    const orders = many
      .slice(0, 4)
      .map((base) => ({ ...sell, clOrdId: base, symbol: `S-${base}`, orderQty: '1' }))
    exchange.execute([{ cmd: 'limits', priceDeviation: 'off' }, ...orders])
    const page = (of: object) => {
      const query = { cmd: 'balances', account: 'bob', ...of }
      const { balances, positions, more } = exchange.execute(query)[0] as BalancesAnswer
      return [balances.map(({ asset }) => asset), positions.map(({ symbol }) => symbol), more]
    }
    const [assets, symbols, more] = page({}) as [string[], string[], undefined]
    expect(assets.slice(-7)).toEqual(many)
    expect([symbols.slice(-4), more]).toEqual([
      many.slice(0, 4).map((base) => `S-${base}`),
      undefined,
    ])
    const [one, other] = [assets.length, symbols.length]
    expect(page({ limit: 3 })).toEqual([assets.slice(0, 3), symbols.slice(0, 3), true])
    const behind = { after: assets[2], afterSymbol: symbols[2] }
    expect(page({ ...behind, limit: 3 })).toEqual([assets.slice(3, 6), symbols.slice(3, 6), true])
    // One list ends before the other.
    expect(page({ after: assets[one - 2], limit: other })).toEqual([
      [assets[one - 1]],
      symbols,
      undefined,
    ])
    expect(page({ after: assets[one - 1], afterSymbol: symbols[0], limit: other - 2 })).toEqual([
      [],
      symbols.slice(1, -1),
      true,
    ])
    expect(page({ after: assets[one - 1], afterSymbol: symbols[other - 1] })).toEqual([
      [],
      [],
      undefined,
    ])
    const unknown = { cmd: 'balances', account: 'bob' }
    expect(exchange.execute({ ...unknown, after: 'NONE' })).toMatchObject([
      { code: 'UNKNOWN_ASSET', field: 'after' },
    ])
    expect(exchange.execute({ ...unknown, afterSymbol: 'NONE' })).toMatchObject([
      { code: 'UNKNOWN_SYMBOL', field: 'afterSymbol' },
    ])
    await exchange.close()
  })

  test('a precision that is refused says the tick, the lot, the decimals', () => {
    const exchange = world()
    const said = (command: object) => (exchange.execute(command)[0] as { text: string }).text
    expect(said({ ...BUY, clOrdId: 'p', price: '100.001' })).toMatch(/ticks, which are 0\.005;/)
    expect(said({ ...BUY, clOrdId: 'p', orderQty: '1.5' })).toMatch(/lots, which are 1;/)
    const pay = { cmd: 'deposit', account: 'alice', asset: 'USD', transferId: 'p' }
    expect(said({ ...pay, amount: '0.00001' })).toMatch(/asset's 4 decimals/)
  })

  test('from code throw for a name that was never defined', () => {
    const exchange = world()
    expect(() => exchange.balances('carol')).toThrow(Fault)
    expect(() => exchange.orders('carol')).toThrow(Fault)
    expect(() => exchange.book('TSLA')).toThrow(Fault)
  })
})

test('postings are written only when asked for', () => {
  const deposit = {
    cmd: 'deposit',
    account: 'alice',
    asset: 'USD',
    amount: '1',
    transferId: 'd-2',
  }
  const without = world()
  without.execute(deposit)
  expect(without.postings()).toEqual([])
  const withThem = world({ postings: true })
  withThem.execute(deposit)
  expect(withThem.postings()).toEqual([
    { tx: '7-0', account: '$external', asset: 'USD', amount: '-1' },
    { tx: '7-0', account: 'alice', asset: 'USD', amount: '1' },
  ])
  withThem.execute({ cmd: 'halt', symbol: 'NVDA' })
  expect(withThem.postings()).toEqual([])
  expect(withThem.stateHash()).toBe(
    (() => {
      without.execute({ cmd: 'halt', symbol: 'NVDA' })
      return without.stateHash()
    })(),
  )
})

test('an account has 10,000 open orders at most, unless its limit says otherwise', () => {
  const exchange = world()
  const order = (n: number) => ({ ...BUY, clOrdId: `a-${n}`, price: '0.005' })
  const answers = exchange.execute(Array.from({ length: 10_001 }, (_, n) => order(n)))
  expect(
    answers.filter((answer) => 'execType' in answer && answer.execType === 'new'),
  ).toHaveLength(10_000)
  expect(answers.at(-1)).toMatchObject({ code: 'MAX_OPEN_ORDERS' })
  exchange.execute({ cmd: 'limits', account: 'alice', maxOpenOrders: 'off' })
  expect(exchange.execute(order(10_002))).toMatchObject([{ execType: 'new' }])
  const canceled = exchange.execute({ cmd: 'massCancel', account: 'alice' })
  expect(canceled).toHaveLength(10_002)
  expect(canceled[0]).toMatchObject({ affected: 10_001 })
  expect(exchange.balances('alice').balances).toEqual([
    { asset: 'USD', available: '1000000', held: '0' },
  ])
  exchange.check()
})
