// What random commands trade: assets, instruments, limits, and prices and sizes as counts of steps.

import { formatSteps, parseDecimal } from '../model/numbers.ts'
import type { Prng } from './prng.ts'

export type Json = Record<string, unknown>

export type Market = {
  symbol: string
  base: string
  quote: string
  tick: string
  lot: string
  mid: number
  /** The highest fee rate a buy holds for. */
  rate: number
}

export const MARKETS: Market[] = [
  { symbol: 'NVDA', base: 'NVDA', quote: 'USD', tick: '0.005', lot: '1', mid: 100, rate: 0 },
  { symbol: 'GOLD-E', base: 'GOLD', quote: 'EUR', tick: '0.1', lot: '0.1', mid: 60, rate: 0 },
  { symbol: 'MEME', base: 'MEME', quote: 'USD', tick: '0.0001', lot: '10', mid: 40, rate: 0 },
]

export const ASSETS: Json[] = [
  { cmd: 'asset', asset: 'USD', decimals: 4 },
  { cmd: 'asset', asset: 'EUR', decimals: 2 },
  { cmd: 'asset', asset: 'NVDA', decimals: 0 },
  { cmd: 'asset', asset: 'GOLD', decimals: 3 },
  { cmd: 'asset', asset: 'MEME', decimals: 0 },
]

/** Definitions a run may meet later; few, so that books stay in use. */
export const LATE_DEFINITIONS: Json[] = [
  { cmd: 'account', account: 'late' },
  { cmd: 'account', account: 'constructor' },
  { cmd: 'asset', asset: 'toString', decimals: 12 },
  { cmd: 'asset', asset: 'JPY', decimals: 0 },
  {
    cmd: 'instrument',
    symbol: 'late_1',
    base: 'GOLD',
    quote: 'JPY',
    tickSize: '10',
    lotSize: '1',
    makerFeeRate: '-0.0001',
    takerFeeRate: '0.0000001',
  },
]

export const LIMIT_NAMES = [
  'tradingAllowed',
  'tradingHours',
  'reduceOnly',
  'maxOrdersPerSecond',
  'duplicateWindowMs',
  'maxOrderQty',
  'maxOrderValue',
  'priceDeviation',
  'marketSlippage',
  'maxOpenOrders',
  'maxPositions',
  'maxExposure',
  'maxDailyLoss',
]

/**
 * An instrument with fees and bounds as the dice fall; `wide` lets prices go far from the middle.
 */
export function instrumentOf(random: Prng, market: Market, wide: boolean): Json {
  const { symbol, base, quote, tick, lot } = market
  const [makerFeeRate, takerFeeRate] = random.pick([
    ['0', '0.00015'],
    ['-0.0005', '0.0015'],
    ['0.1', '0.0333333'],
    ['-0.0000001', '0.0000001'],
    ['0.0025', '0.9999999'],
    ['0', '0'],
  ])
  const command: Json = { cmd: 'instrument', symbol, base, quote, tickSize: tick, lotSize: lot }
  if (random.chance(0.9)) {
    Object.assign(command, { makerFeeRate, takerFeeRate })
    market.rate = Math.max(Number(makerFeeRate), Number(takerFeeRate))
  }
  const band = wide ? market.mid - 1 : 15
  if (random.chance(0.3)) command.minQty = steps(2, lot)
  if (random.chance(0.3)) command.maxQty = steps(300, lot)
  if (random.chance(0.3)) command.minNotional = quote === 'USD' ? '0.02' : '0.9'
  if (random.chance(0.3)) command.maxNotional = quote === 'USD' ? '90.5' : '150'
  if (random.chance(0.3)) command.minPrice = steps(market.mid - band, tick)
  if (random.chance(0.3)) command.maxPrice = steps(market.mid + band, tick)
  if (random.chance(0.6)) command.referencePrice = steps(market.mid, tick)
  return command
}

/** A value for a limit: some are narrow, so that the rule is met. */
export function limitValue(random: Prng, name: string): unknown {
  switch (name) {
    case 'tradingAllowed':
      return random.chance(0.6)
    case 'reduceOnly':
      return random.chance(0.4)
    case 'tradingHours':
      return random.pick(['06:00-23:00', '22:30-13:00', '00:00-23:59', '13:00-20:00'])
    case 'maxOrdersPerSecond':
      return random.pick([0, 1, 2, 5, 100])
    case 'duplicateWindowMs':
      return random.pick([0, 1, 50, 500, 10_000, 60_000])
    case 'maxOrderQty':
      return random.pick(['0.5', '3', '5', '40', '100', '3000.000001'])
    case 'maxOrderValue':
      return random.pick(['0', '0.01', '0.5', '2.5', '20', '900.5', '100000'])
    case 'priceDeviation':
      return random.pick(['0', '0.01', '0.03', '0.05', '0.2', '0.333333', '5'])
    case 'marketSlippage':
      return random.pick(['0', '0.01', '0.05', '0.5', '1', '3', '9000000000'])
    case 'maxOpenOrders':
      return random.pick([0, 1, 3, 8, 20, 100])
    case 'maxPositions':
      return random.pick([0, 1, 1, 2, 3])
    case 'maxExposure':
      return random.pick(['0', '0.05', '1', '5', '30', '300.25', '1000000'])
    default:
      return random.pick(['0', '0.001', '0.5', '3', '50', '1000'])
  }
}

export function everyLimit(value: unknown): Json {
  return Object.fromEntries(LIMIT_NAMES.map((name) => [name, value]))
}

export function steps(count: number, step: string): string {
  return formatSteps(BigInt(count), parseDecimal(step)!)
}

export function stepCount(value: unknown, step: string): number {
  return Math.round(Number(value) / Number(step))
}
