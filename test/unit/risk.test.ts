// Risk rules: where only the usual limits are set, the usual rules say what all of them would.

import { expect, test } from 'vitest'
import { firstRefusal, firstUsualRefusal } from '../../src/engine/risk/chain.ts'
import { Check } from '../../src/engine/risk/check.ts'
import { LimitTable, USUAL } from '../../src/engine/risk/limit-table.ts'
import { hashRecent, RecentOrders } from '../../src/engine/risk/recent-orders.ts'
import { Prng } from '../../src/lib/prng.ts'
import { DUPLICATE_WINDOW_MS_MAX } from '../../src/protocol/bounds.ts'
import { LIMIT_NAMES, LIMITS } from '../../src/protocol/limits.ts'

test('a row is usual until a limit is set that is off by default', () => {
  const set = (settings: object) => {
    const table = new LimitTable([undefined], () => 0)
    table.change({ account: 0, symbol: 0, settings })
    const row = table.rowFor(3, 1, false)
    return table.rows[row + USUAL]
  }
  expect(set({})).toBe(1)
  for (const name of LIMIT_NAMES) {
    const { initial, off } = LIMITS[name]
    expect([name, set({ [name]: 7 })]).toEqual([name, initial === off ? 0 : 1])
    expect([name, set({ [name]: 'off' })]).toEqual([name, 1])
  }
})

test('in a usual row the usual rules refuse as all rules do', () => {
  const random = new Prng(31)
  const table = new LimitTable([undefined], () => 0)
  const check = new Check()
  let refused = 0
  for (let step = 0; step < 5_000; step += 1) {
    const some = (...of: (number | 'off')[]) => of[random.int(of.length)]
    const settings = {
      duplicateWindowMs: some(0, 10_000, 'off'),
      priceDeviation: some(50_000, 1_000_000, 'off'),
      maxOpenOrders: some(0, 3, 'off'),
    }
    table.change({ account: 0, symbol: 0, settings })
    check.row = table.rowFor(3, 1, false)
    check.limits = table.rows
    expect(check.limits[check.row + USUAL]).toBe(1)
    check.isReplace = random.chance(0.5)
    check.isSell = random.chance(0.5)
    check.isFirstInSymbol = random.chance(0.5)
    check.priceTicks = 1 + random.int(300)
    check.orderLots = 1 + random.int(10)
    check.notional = check.priceTicks * check.orderLots
    check.quotePerTickLot = 1
    check.referenceTicks = random.int(3) * 100
    check.positionLots = random.int(20) - 10
    check.openLotsBefore = random.int(5)
    check.openLotsAfter = check.openLotsBefore + check.orderLots
    check.accountOpenOrders = random.int(5)
    check.accountActiveSymbols = random.int(5)
    check.ordersThisSecond = random.int(5)
    check.realisedToday = random.int(100) - 50
    check.nowMs = random.int(2) * 1_000_000
    check.sameAcceptedMs = random.chance(0.5) ? -1 : check.nowMs - random.int(20_000)
    const code = firstRefusal(check)
    expect(firstUsualRefusal(check)).toBe(code)
    if (code !== 0) refused += 1
  }
  expect(refused).toBeGreaterThan(500)
})

test('recent orders: the latest acceptance of each, until it is out of every window', () => {
  const random = new Prng(37)
  const recent = new RecentOrders()
  const latest = new Map<string, number>()
  let nowMs = 1_000_000
  for (let step = 0; step < 30_000; step += 1) {
    if (random.chance(0.01)) nowMs += random.int(DUPLICATE_WINDOW_MS_MAX / 4)
    const order: [number, number, number, number] = [
      1 + random.int(3),
      random.int(4),
      1 + random.int(20),
      1 + random.int(4),
    ]
    const hash = hashRecent(...order)
    const key = order.join()
    const at = recent.find(hash, ...order)
    const then = latest.get(key) ?? -1
    const isVisible = then >= 0 && nowMs - then < DUPLICATE_WINDOW_MS_MAX
    if (isVisible) expect(recent.acceptedMs(at)).toBe(then)
    else if (at !== 0) expect(recent.acceptedMs(at)).toBe(then)
    recent.add(hash, at, ...order, nowMs)
    latest.set(key, nowMs)
    if (step % 500 > 0) continue
    const expected = [...latest].filter(([, ms]) => nowMs - ms < DUPLICATE_WINDOW_MS_MAX)
    const found = [...recent.visible(nowMs)].map(
      (of) => [[of.account, of.symbolSide, of.priceTicks, of.lots].join(), of.acceptedMs] as const,
    )
    const sorted = <T extends readonly [string, number]>(of: readonly T[]) =>
      of.toSorted((a, b) => (a[0] < b[0] ? -1 : 1))
    expect(sorted(found)).toEqual(sorted(expected))
  }
})
