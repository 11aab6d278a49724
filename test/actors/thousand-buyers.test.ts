// The promise: a thousand concurrent orders against money, or a share, for one give one fill.

import { afterEach, describe, expect, test } from 'vitest'
import type { Core } from '../../src/actors/core.ts'
import type { Workers } from '../../src/actors/placement.ts'
import type { Report } from '../../src/exchange.ts'
import { Crowd, KINDS, type Kind, ORDERS, SYMBOLS } from '../support/crowd.ts'
import {
  endAll,
  inline,
  type MakeCore,
  nameOf,
  newExchange,
  PLACEMENTS,
  simulated,
  threaded,
} from '../support/placements.ts'
import { Prng } from '../support/prng.ts'

const REPETITIONS = 1_000
const REPETITIONS_SIMULATED = 40
/** Repetitions side by side. */
const TOGETHER_MAX = 40

const cores: Core[] = []
afterEach(() => endAll(cores))

/** So many of each kind, in part with somebody there to trade with. */
function playAll(make: MakeCore, seed: number, repetitions: number): Crowd {
  const random = new Prng(seed)
  const crowd = new Crowd(make({}), random)
  const left = new Map<Kind, number>(KINDS.map((kind) => [kind, repetitions]))
  while (left.size > 0) {
    const kind = random.pick([...left.keys()])
    const most = left.get(kind) as number
    const count = Math.min(most, random.int(1, TOGETHER_MAX))
    crowd.play(kind, count, random.chance(0.4))
    if (count === most) left.delete(kind)
    else left.set(kind, most - count)
  }
  crowd.core.check()
  expect(crowd.counts).toMatchObject({
    repetitions: KINDS.length * repetitions,
    orders: KINDS.length * repetitions * ORDERS,
  })
  // Of all kinds some were filled, some rested.
  expect(crowd.counts.met).toBeGreaterThan(0)
  expect(crowd.counts.met).toBeLessThan(crowd.counts.repetitions)
  return crowd
}

describe(`one is accepted, ${ORDERS - 1} are refused, ${REPETITIONS} times for each kind`, () => {
  const placements: Workers[] = [
    ...[0, 1, 2, 3, 4],
    { accounts: 2, symbols: 1 },
    { accounts: 1, symbols: 2 },
  ]
  test.each(placements.map((workers) => [nameOf(workers), workers] as const))('%s', (name, at) => {
    const make = at === 0 ? inline : threaded(at, cores)
    const { orders, met, rounds } = playAll(make, placements.indexOf(at) + 7, REPETITIONS).counts
    console.log(`${name}: ${orders} orders in ${rounds} rounds, ${met} filled`)
  })
})

test.each(PLACEMENTS.map((workers) => [nameOf(workers), workers] as const))(
  '%s, simulated',
  (_, workers) => {
    for (const ringRecords of [1, 64]) {
      const make = simulated(new Prng(ringRecords), workers, ringRecords)
      playAll(make, ringRecords + 5, REPETITIONS_SIMULATED / (ringRecords === 1 ? 8 : 1))
    }
  },
)

describe('as JSON, in one round', () => {
  const scene = [
    { cmd: 'asset', asset: 'USD', decimals: 2 },
    { cmd: 'account', account: 'alice' },
    { cmd: 'deposit', account: 'alice', asset: 'USD', amount: '100', transferId: 'd' },
    ...Array.from({ length: SYMBOLS }, (_, n) => [
      { cmd: 'asset', asset: `S${n}`, decimals: 0 },
      {
        ...{ cmd: 'instrument', symbol: `S${n}`, base: `S${n}`, quote: 'USD' },
        ...{ tickSize: '0.01', lotSize: '1' },
      },
    ]).flat(),
    { cmd: 'deposit', account: 'alice', asset: 'S0', amount: '1', transferId: 's' },
  ]
  const kinds = [
    ['buys', 'buy', 1, 'INSUFFICIENT_FUNDS', '100'],
    ['sells', 'sell', 1, 'INSUFFICIENT_HOLDINGS', '1'],
    ['buys of many symbols', 'buy', SYMBOLS, 'INSUFFICIENT_FUNDS', '100'],
  ] as const
  const cases = [0, 1, 2, 3, 4].flatMap((workers) =>
    kinds.map(([name, ...rest]) => [name, nameOf(workers), workers, ...rest] as const),
  )
  test.each(cases)('%s, %s', (_, __, workers, side, symbols, code, held) => {
    const exchange = newExchange(workers === 0 ? inline : threaded(workers, cores))
    exchange.execute(scene)
    const orders = Array.from({ length: ORDERS }, (_, n) => ({
      ...{ cmd: 'new', account: 'alice', clOrdId: `c-${n}`, symbol: `S${n % symbols}`, side },
      ...{ ordType: 'limit', price: '100', orderQty: '1' },
    }))
    const reports = exchange.execute(orders) as Report[]
    const told = reports.map((report) => report.code ?? report.execType)
    expect(told).toEqual(['new', ...Array.from({ length: ORDERS - 1 }, () => code)])
    const asset = side === 'buy' ? 'USD' : 'S0'
    expect(exchange.balances('alice').balances).toContainEqual({ asset, available: '0', held })
    exchange.check()
  })
})
