// Ten million resting orders of a million accounts in ten thousand symbols, beside a small
// exchange: how much slower, and how many bytes an order takes.

import { assert } from '../src/lib/assert.ts'
import type { RecordPool } from '../src/lib/record-pool.ts'
import { LiveFlow } from './live-flow.ts'
import type { BenchOptions, Report } from './report.ts'
import { median } from './rounds.ts'

const ROUND = 100
const SMALL = { accounts: 1_000, symbols: 16, resting: 16_000, round: ROUND, seed: 1 }
const LARGE = { accounts: 1_000_000, symbols: 10_000, resting: 10_000_000, round: ROUND, seed: 1 }
const LARGE_QUICK = { ...LARGE, accounts: 20_000, symbols: 200, resting: 200_000 }
/** More than the submissions remembered, so that forgetting is part of what is timed. */
const WARM_ROUNDS = 11_000
const TURNS = 5
const ROUNDS_PER_TURN = 2_000

export function run({ quick }: BenchOptions): Report {
  const of = quick ? LARGE_QUICK : LARGE
  const small = new LiveFlow(SMALL)
  const large = new LiveFlow(of)
  for (let round = 0; round < (quick ? 100 : WARM_ROUNDS); round += 1) {
    small.round()
    large.round()
  }
  const rates = { small: [] as number[], large: [] as number[] }
  for (let turn = 0; turn < TURNS; turn += 1) {
    rates.small.push(timed(small))
    rates.large.push(timed(large))
  }
  assert(Math.abs(large.open / of.resting - 1) < 0.01, 'the orders still rest')
  assert(
    large.open === large.engine.accounts.orders.count,
    'reports and engine agree on what is open',
  )
  checkConservation(large)
  const ratios = rates.large.map((rate, turn) => rate / rates.small[turn])
  const bytes = bytesPerOrder(large)
  const accountBytes = Math.round(large.engine.accounts.accountBytes / of.accounts)
  const perOrder = bytes.reduce((sum, [, value]) => sum + value, 0)
  return {
    name: 'scale',
    tables: [
      {
        title: 'Thousand commands per second (medians)',
        columns: ['case', 'accounts', 'symbols', 'resting', 'k commands/s'],
        rows: [
          ['small', SMALL.accounts, SMALL.symbols, small.open, median(rates.small) / 1e3],
          ['large', of.accounts, of.symbols, large.open, median(rates.large) / 1e3],
        ],
      },
      {
        title: 'Bytes per resting order',
        columns: ['part', 'bytes'],
        rows: [...bytes, ['all', perOrder]],
      },
    ],
    demands: [
      { what: 'large / small', value: median(ratios), atLeast: 0.5 },
      { what: 'bytes per resting order', value: perOrder, atMost: 160 },
    ],
    notes: [
      'bytes are those of records in use and of whole tables; apart from them:',
      `${accountBytes} bytes an account with three balances and two positions`,
    ],
  }
}

function timed(flow: LiveFlow): number {
  let ms = 0
  for (let round = 0; round < ROUNDS_PER_TURN; round += 1) ms += flow.round()
  return (ROUNDS_PER_TURN * ROUND) / (ms / 1_000)
}

/** The sum of all balances of each asset is zero. */
function checkConservation({ engine }: LiveFlow): void {
  const { i32, f64, top } = engine.accounts.balances
  const sums = new Map<number, number>()
  for (let balance = 1; balance <= top; balance += 1) {
    const asset = i32[balance * 12 + 11]
    sums.set(asset, (sums.get(asset) ?? 0) + f64[balance * 6 + 1] + f64[balance * 6 + 2])
  }
  for (const sum of sums.values()) assert(sum === 0, 'money is conserved')
}

function bytesPerOrder({ engine, open }: LiveFlow): [string, number][] {
  const { accounts, bookStore } = engine
  const used = (pool: RecordPool) => (pool.top * pool.words * 4) / open
  const { levels, pages } = bookStore.levels
  return [
    ['order at its account, client id included', used(accounts.orders)],
    ['fills of partly filled orders', used(accounts.fills)],
    ['table of client ids', accounts.submissions.tableBytes / open],
    ['order in its book', used(bookStore.orders)],
    ['map of order ids', bookStore.ids.bytes / open],
    ['levels and pages', used(levels) + used(pages)],
  ]
}
