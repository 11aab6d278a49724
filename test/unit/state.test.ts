// The state as bytes: it comes back whole, and depends on what is, not on how it came to be.

import { describe, expect, test } from 'vitest'
import { readMarketState } from '../../src/engine/restore.ts'
import { createExchange, type Exchange, type Report, restoreExchange } from '../../src/index.ts'
import { Prng } from '../../src/lib/prng.ts'
import { hashSections, SectionCutter, stateSections } from '../../src/state-bytes.ts'

type Json = Record<string, unknown>

const INSTRUMENT = {
  cmd: 'instrument',
  symbol: 'NVDA',
  base: 'NVDA',
  quote: 'USD',
  tickSize: '0.01',
  lotSize: '1',
  makerFeeRate: '-0.0001',
  takerFeeRate: '0.0003',
  referencePrice: '100',
}

const SCENE: Json[] = [
  { cmd: 'asset', asset: 'USD', decimals: 2 },
  { cmd: 'asset', asset: 'NVDA', decimals: 0 },
  { cmd: 'asset', asset: 'AMD', decimals: 0 },
  INSTRUMENT,
  { ...INSTRUMENT, symbol: 'AMD', base: 'AMD' },
  ...['alice', 'bob', 'carol'].flatMap((account) => [
    { cmd: 'account', account },
    ...['USD', 'NVDA', 'AMD'].map((asset) => ({
      cmd: 'deposit',
      account,
      asset,
      amount: '1000000',
      transferId: `d-${asset}`,
    })),
  ]),
]

function world(options = {}): Exchange {
  const exchange = createExchange(options)
  exchange.execute(SCENE)
  return exchange
}

const order = (account: string, clOrdId: string, side: string, price: string, more: Json = {}) => ({
  cmd: 'new',
  account,
  clOrdId,
  symbol: 'NVDA',
  side,
  ordType: 'limit',
  price,
  orderQty: '5',
  ...more,
})
const cancel = (account: string, origClOrdId: string, symbol = 'NVDA') => ({
  cmd: 'cancel',
  account,
  symbol,
  origClOrdId,
})
const HALT = { cmd: 'halt', symbol: 'AMD' }
const RESUME = { cmd: 'resume', symbol: 'AMD' }

/** Commands that do nothing and whose traces are gone when all submissions are forgotten. */
const idle = (count: number): Json[] =>
  Array.from({ length: count }, (_, n) => (n % 2 === 0 ? HALT : RESUME))

const NOTHING = { account: 'alice', symbol: 'NVDA', id: 'x' }

/** Random commands of every kind, the same for the same seed. */
function flow(seed: number, count: number): Json[] {
  const random = new Prng(seed)
  const pick = <T>(of: readonly T[]) => of[random.int(of.length)]
  // Ids come again after a while; cancels and replaces aim at orders of a moment ago.
  const placed: { account: string; symbol: string; id: string }[] = []
  const aim = () => placed[Math.max(0, placed.length - 1 - random.int(25))] ?? NOTHING
  const newId = (account: string, symbol: string) => {
    const id = `x-${random.int(300)}`
    placed.push({ account, symbol, id })
    return id
  }
  const price = (side: string) => (random.int(350) / 100 + (side === 'buy' ? 97 : 99.5)).toFixed(2)
  let ms = Date.UTC(2026, 0, 2, 23, 59)
  return Array.from({ length: count }, (): Json => {
    const account = pick(['alice', 'bob', 'carol'])
    const symbol = pick(['NVDA', 'NVDA', 'AMD'])
    const orderQty = String(1 + random.int(20))
    switch (random.int(24)) {
      case 0:
      case 1: {
        const { id: origClOrdId, ...target } = aim()
        return { cmd: 'cancel', ...target, origClOrdId }
      }
      case 2:
      case 3: {
        const { id: origClOrdId, ...target } = aim()
        const clOrdId = newId(target.account, target.symbol)
        return { cmd: 'replace', ...target, origClOrdId, clOrdId, price: price('buy'), orderQty }
      }
      case 4:
        ms += random.int(20_000)
        return { cmd: 'time', now: new Date(ms).toISOString() }
      case 5: {
        const to = pick(['alice', 'bob'])
        return {
          cmd: 'transfer',
          account,
          to,
          asset: 'USD',
          amount: '1',
          transferId: `t-${random.int(60)}`,
        }
      }
      case 6: {
        const limits = [
          { maxOrderQty: pick(['15', 'off', null]) },
          { duplicateWindowMs: pick([0, 30_000, 'off', null]) },
          { maxOrdersPerSecond: pick([3, null]) },
          { maxDailyLoss: pick(['500', null]) },
          { reduceOnly: pick([true, false, null, null, null, null]) },
        ]
        return { cmd: 'limits', ...pick([{}, { account }, { symbol }]), ...pick(limits) }
      }
      case 7:
        return pick<Json>([
          { cmd: 'massCancel', account, symbol },
          ...(random.chance(0.2)
            ? [
                { cmd: 'halt', symbol },
                { cmd: 'suspend', account },
              ]
            : []),
          ...(random.chance(0.2) ? [{ cmd: 'killSwitch', account, on: true }] : []),
        ])
      case 8:
      case 9:
        return pick<Json>([
          { cmd: 'resume', symbol },
          { cmd: 'activate', account },
          { cmd: 'killSwitch', account, on: false },
          { cmd: 'limits', account, reduceOnly: null, maxOrderQty: null },
        ])
      default: {
        const side = pick(['buy', 'sell'])
        const timeInForce = pick(['GTC', 'GTC', 'GTC', 'IOC', 'FOK'])
        const selfTradePrevention = pick([
          'cancelNewest',
          'cancelOldest',
          'cancelBoth',
          'decrement',
        ])
        const more = { symbol, orderQty, timeInForce, selfTradePrevention }
        return order(account, newId(account, symbol), side, price(side), more)
      }
    }
  })
}

/** Orders, ids that are used, transfers, limits: a section of each kind with something in it. */
function busyWorld(): Exchange {
  const exchange = world()
  exchange.execute(flow(1, 300))
  return exchange
}

function hashOrFault(bytes: Uint8Array): string {
  try {
    return hashSections(stateSections(bytes))
  } catch (error) {
    return String(error)
  }
}

describe('serialize and restore', () => {
  test.each([1, 2, 3, 4])('give the same state and the same future, seed %i', (seed) => {
    const commands = flow(seed, 2_000)
    const exchange = world({ submissionsRemembered: 100 })
    let restored = exchange
    for (let at = 0; at < commands.length; at += 10) {
      const round = commands.slice(at, at + 10)
      const answers = exchange.execute(round)
      if (restored !== exchange) expect(restored.execute(round)).toEqual(answers)
      if (at % 100 !== 0) continue
      const bytes = exchange.serialize()
      restored = restoreExchange(bytes)
      restored.check()
      expect(restored.stateHash()).toBe(exchange.stateHash())
      expect(Buffer.compare(restored.serialize(), bytes)).toBe(0)
      for (const account of ['alice', 'bob', 'carol', '$fees', '$external']) {
        expect(restored.balances(account)).toEqual(exchange.balances(account))
        if (!account.startsWith('$')) {
          expect(restored.orders(account)).toEqual(exchange.orders(account))
        }
      }
      expect(restored.book('NVDA', 1_000)).toEqual(exchange.book('NVDA', 1_000))
    }
    expect(restored.stateHash()).toBe(exchange.stateHash())
  })

  test('of an empty exchange', () => {
    const exchange = createExchange()
    expect(restoreExchange(exchange.serialize()).stateHash()).toBe(exchange.stateHash())
  })

  test('keeps how long submissions are remembered', () => {
    const restored = restoreExchange(world({ submissionsRemembered: 2 }).serialize())
    restored.execute(order('alice', 'a-1', 'buy', '100', { timeInForce: 'FOK' }))
    restored.execute(idle(2))
    const again = order('alice', 'a-1', 'buy', '99', { timeInForce: 'FOK' })
    const [report] = restored.execute(again)
    expect(report).toMatchObject({ code: 'FOK_NOT_FILLABLE' })
    expect(world({ submissionsRemembered: 3 }).stateHash()).not.toBe(
      world({ submissionsRemembered: 2 }).stateHash(),
    )
  })

  test('bytes that are cut short or of another version are a fault', () => {
    const bytes = world().serialize()
    for (const length of [1, 3, 4, 100, bytes.length - 1]) {
      expect(() => restoreExchange(bytes.subarray(0, length))).toThrow()
    }
    const text = Buffer.from(bytes).toString('latin1')
    const other = Buffer.from(text.replace('"version":3,', '"version":2,'), 'latin1')
    expect(() => restoreExchange(other)).toThrow('state version 2, not 3')
    const many = Buffer.from('{"version":3,"accounts":5e9}')
    expect(() => readMarketState(many)).toThrow('accounts, not 5000000000')
    expect(() => restoreExchange(Buffer.concat([bytes, bytes.subarray(0, 20)]))).toThrow()
  })

  test('cut into pieces anywhere, it has the same sections', () => {
    const bytes = busyWorld().serialize()
    const whole = [...stateSections(bytes)].map((section) => Buffer.from(section))
    const random = new Prng(5)
    for (const most of [1, 3, 50, 5_000, bytes.length]) {
      const cutter = new SectionCutter(bytes.length)
      const sections: Buffer[] = []
      for (let at = 0; at < bytes.length; ) {
        const piece = bytes.subarray(at, at + 1 + random.int(most))
        for (const section of cutter.cut(piece)) sections.push(Buffer.from(section))
        at += piece.length
      }
      cutter.end()
      expect(sections).toEqual(whole)
    }
    const short = new SectionCutter(bytes.length)
    expect([...short.cut(bytes.subarray(0, -1))].length).toBe(whole.length - 1)
    expect(() => short.end()).toThrow('cut short')
    expect(() => [...short.cut(Buffer.alloc(2))]).toThrow('ends where it should')
  })

  test('bytes with a bit that flipped are another state or none, and reading them ends', () => {
    const exchange = busyWorld()
    const hash = exchange.stateHash()
    const bytes = Buffer.from(exchange.serialize())
    let unreadable = 0
    for (let bit = 0; bit < bytes.length * 8; bit += 29) {
      bytes[bit >> 3] ^= 1 << (bit & 7)
      expect(hashOrFault(bytes)).not.toBe(hash)
      // Snapshots are read before the hash of all their bytes is known.
      try {
        restoreExchange(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(Error)
        unreadable += 1
      }
      bytes[bit >> 3] ^= 1 << (bit & 7)
    }
    expect(unreadable).toBeGreaterThan(100)
  })

  test('what waits for the next round is not part of it', () => {
    const exchange = world()
    const hash = exchange.stateHash()
    exchange.submit(order('alice', 'a-1', 'buy', '100'))
    expect(exchange.stateHash()).toBe(hash)
  })
})

describe('the state hash does not depend on', () => {
  const REMEMBERED = 10
  /**
   * Both histories from the same scene, then as many reports for each account, then enough idle
   * commands to forget; `seq` must be equal.
   */
  function hashes(one: Json[][], other: Json[][]): [string, string] {
    const begin = (rounds: Json[][]) => {
      const exchange = world({ submissionsRemembered: REMEMBERED })
      const told = rounds.flatMap((round) => exchange.execute(round) as Report[])
      return { exchange, told }
    }
    const both = [begin(one), begin(other)]
    // How many reports an account had is part of the state.
    for (const account of ['alice', 'bob', 'carol']) {
      const counts = both.map(({ told }) => told.filter((each) => each.account === account).length)
      for (const [at, { exchange }] of both.entries()) {
        const more = Math.max(0, counts[1 - at] - counts[at])
        for (let left = more; left > 0; left -= 1) exchange.execute(cancel(account, 'never'))
        exchange.execute(idle(Math.max(0, counts[at] - counts[1 - at])))
      }
    }
    const [a, b] = both.map(({ exchange }) => {
      for (const command of idle(REMEMBERED + 2)) exchange.execute(command)
      exchange.check()
      return exchange
    })
    expect(a.seq).toBe(b.seq)
    return [a.stateHash(), b.stateHash()]
  }
  const singles = (commands: Json[]) => commands.map((command) => [command])

  test('orders that came and went', () => {
    const busy = [
      order('alice', 'gone-1', 'buy', '99'),
      order('bob', 'gone-2', 'sell', '101', { symbol: 'AMD' }),
      order('carol', 'gone-3', 'buy', '98'),
      cancel('bob', 'gone-2', 'AMD'),
      order('bob', 'b-1', 'sell', '101'),
      cancel('carol', 'gone-3'),
      cancel('alice', 'gone-1'),
      order('alice', 'a-1', 'buy', '99'),
    ]
    const [one, two] = [idle(4), idle(2)]
    const quiet = [...one, order('bob', 'b-1', 'sell', '101'), ...two, busy[7]]
    const [a, b] = hashes(singles(busy), singles(quiet))
    expect(a).toBe(b)
  })

  test('how many records there once were', () => {
    const many = Array.from({ length: 500 }, (_, n) =>
      order('alice', `gone-${n}`, 'buy', `${n + 1}`),
    )
    const fill = [order('bob', 'b-1', 'sell', '101'), order('alice', 'a-1', 'buy', '98')]
    const noLimit = { cmd: 'limits', priceDeviation: 'off' }
    const [a, b] = hashes(
      [[noLimit, ...many, { cmd: 'massCancel', account: 'alice' }], fill],
      [[noLimit, ...idle(501)], fill],
    )
    expect(a).toBe(b)
  })

  test('how commands that do not meet are cut into rounds', () => {
    const commands = [
      order('alice', 'a-1', 'buy', '99'),
      order('bob', 'b-1', 'sell', '101'),
      order('carol', 'c-1', 'buy', '99'),
      order('bob', 'b-2', 'sell', '99', { orderQty: '7' }),
      { cmd: 'transfer', account: 'carol', to: 'bob', asset: 'AMD', amount: '5', transferId: 't' },
      cancel('bob', 'b-1'),
    ]
    const [a, b] = hashes([commands], singles(commands))
    expect(a).toBe(b)
    const [c, d] = hashes([commands.slice(0, 2), commands.slice(2)], singles(commands))
    expect([c, d]).toEqual([a, a])
  })

  test('the order in which an account met its symbols', () => {
    const nvda = [order('alice', 'n', 'buy', '99'), cancel('alice', 'n')]
    const amd = [order('alice', 'm', 'buy', '99', { symbol: 'AMD' }), cancel('alice', 'm', 'AMD')]
    const rest = [
      order('alice', 'a-1', 'buy', '98'),
      order('alice', 'a-2', 'buy', '98', { symbol: 'AMD' }),
    ]
    const [a, b] = hashes(singles([...nvda, ...amd, ...rest]), singles([...amd, ...nvda, ...rest]))
    expect(a).toBe(b)
  })

  test('limits and switches that were set and taken back', () => {
    const set = [
      { cmd: 'limits', account: 'alice', symbol: 'NVDA', maxOrderQty: '5', reduceOnly: true },
      { cmd: 'limits', maxPositions: 1, tradingHours: 'off' },
      { cmd: 'killSwitch', on: true },
      { cmd: 'killSwitch', on: true, account: 'bob' },
      { cmd: 'suspend', account: 'carol' },
      { cmd: 'halt', symbol: 'NVDA' },
    ]
    const back = [
      { cmd: 'limits', account: 'alice', symbol: 'NVDA', maxOrderQty: null, reduceOnly: null },
      { cmd: 'limits', maxPositions: null, tradingHours: null },
      { cmd: 'killSwitch', on: false },
      { cmd: 'killSwitch', on: false, account: 'bob' },
      { cmd: 'activate', account: 'carol' },
      { cmd: 'resume', symbol: 'NVDA' },
    ]
    const [a, b] = hashes(singles([...set, ...back]), singles(idle(12)))
    expect(a).toBe(b)
  })

  test('the clock’s past: old seconds, windows and days', () => {
    const times = ['2026-01-02T12:00:00.000Z', '2026-01-03T12:00:00.000Z']
    const [first, last] = times.map((now) => ({ cmd: 'time', now }))
    const trade = [order('bob', 'b-1', 'sell', '100'), order('alice', 'a-1', 'buy', '100')]
    const back = [order('alice', 'a-2', 'sell', '100'), order('bob', 'b-2', 'buy', '100')]
    // The same trades a day before and on the day differ, but only until the day is over.
    const [a, b] = hashes(
      singles([first, ...trade, ...back, ...idle(2), last]),
      singles([...trade, ...back, first, ...idle(2), last]),
    )
    expect(a).toBe(b)
  })
})

describe('the state hash sees', () => {
  const base: Json[] = [
    order('alice', 'a-1', 'buy', '99'),
    order('bob', 'b-1', 'buy', '99'),
    order('carol', 'c-1', 'sell', '101'),
  ]
  const hashOf = (last: Json) => {
    const exchange = world()
    for (const command of [...base, last]) exchange.execute(command)
    return exchange.stateHash()
  }
  const idleHash = hashOf(RESUME)
  /** A command that does nothing, with as many reports for the account that `of` names. */
  const idleLike = ({ cmd, account }: Json): Json =>
    account === undefined || cmd === 'account' ? RESUME : cancel(account as string, 'never')
  const changes: [what: string, command: Json][] = [
    ['a cent', { cmd: 'deposit', account: 'bob', asset: 'USD', amount: '0.01', transferId: 'x' }],
    ['a halt', HALT],
    ['the clock', { cmd: 'time', now: '2026-01-02T00:00:00.000Z' }],
    ['a limit', { cmd: 'limits', maxOpenOrders: 10_000 }],
    ['a limit off', { cmd: 'limits', maxOrderQty: 'off' }],
    ['a suspension', { cmd: 'suspend', account: 'carol' }],
    ['the kill switch', { cmd: 'killSwitch', on: true }],
    ['an account’s kill switch', { cmd: 'killSwitch', on: true, account: 'carol' }],
    ['an account', { cmd: 'account', account: 'dave' }],
    ['an asset', { cmd: 'asset', asset: 'EUR', decimals: 2 }],
    ['an instrument', { ...INSTRUMENT, symbol: 'X' }],
    ['an order', order('alice', 'a-2', 'buy', '98')],
    ['a cancel', cancel('alice', 'a-1')],
    ['a refused id', order('alice', 'a-2', 'buy', '98', { timeInForce: 'FOK' })],
    [
      'an order’s id',
      { ...order('alice', 'a-2', 'buy', '99'), cmd: 'replace', origClOrdId: 'a-1' },
    ],
    [
      'a transfer to oneself',
      { cmd: 'transfer', account: 'bob', to: 'bob', asset: 'USD', amount: '1', transferId: 'x' },
    ],
  ].map(([what, command]) => {
    const { side: _, ordType: __, ...replace } = command as Json
    return [what as string, (command as Json).cmd === 'replace' ? replace : (command as Json)]
  })

  test.each(changes)('%s', (_, command) => {
    const exchange = world()
    for (const each of base) exchange.execute(each)
    expect(exchange.execute(command)[0]).not.toMatchObject({ code: 'MALFORMED' })
    expect(exchange.stateHash()).not.toBe(hashOf(idleLike(command)))
  })

  test('how many reports an account had', () => {
    const [alice, bob] = ['alice', 'bob'].map((account) => hashOf(cancel(account, 'never')))
    expect(new Set([idleHash, alice, bob]).size).toBe(3)
  })

  test('the order of a queue', () => {
    const queue = (first: string, second: string) => {
      const exchange = world({ submissionsRemembered: 0 })
      exchange.execute([order('alice', 'a-1', 'buy', '98'), order('bob', 'b-1', 'buy', '98')])
      const move = (account: string, id: string, price: string) => ({
        cmd: 'replace',
        account,
        symbol: 'NVDA',
        origClOrdId: `${account[0]}-1`,
        clOrdId: id,
        price,
        orderQty: '5',
      })
      for (const account of [first, second]) {
        exchange.execute(move(account, 'away', '97'))
        const back = { ...move(account, `${account[0]}-1`, '98'), origClOrdId: 'away' }
        exchange.execute(back)
      }
      exchange.execute(idle(2))
      expect(exchange.book('NVDA').bids).toEqual([{ price: '98', qty: '10', orders: 2 }])
      return exchange
    }
    const [one, other] = [queue('alice', 'bob'), queue('bob', 'alice')]
    expect(one.seq).toBe(other.seq)
    expect(one.stateHash()).not.toBe(other.stateHash())
    expect(one.stateHash()).toBe(queue('alice', 'bob').stateHash())
  })
})
