// fast-check's short lists of commands: few names, ids, prices and sizes, so that failures shrink.

import fc from 'fast-check'
import type { Rounds } from './shrink.ts'

type Json = Record<string, unknown>

const account = fc.constantFrom('ann', 'bob', 'cy')
const symbol = fc.constantFrom('ACME', 'ZINC')
const side = fc.constantFrom('buy', 'sell')
const id = fc.constantFrom('i1', 'i2', 'i3', 'i4', 'i5', 'i6')
const price = fc.constantFrom('1', '0.99', '1.01', '1.02', '0.5', '2')
const orderQty = fc.constantFrom('1', '2', '3', '5', '8')
const target = fc.oneof(
  fc.record({ origClOrdId: id }),
  fc.record({ orderId: fc.integer({ min: 10, max: 40 }).map(String) }),
)

const command: fc.Arbitrary<Json> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .record(
        {
          cmd: fc.constant('new'),
          account,
          clOrdId: id,
          symbol,
          side,
          ordType: fc.constant('limit'),
          price,
          orderQty,
          timeInForce: fc.constantFrom('GTC', 'GTC', 'IOC', 'FOK'),
          postOnly: fc.boolean(),
          reduceOnly: fc.boolean(),
          selfTradePrevention: fc.constantFrom(
            'cancelNewest',
            'cancelOldest',
            'cancelBoth',
            'decrement',
          ),
        },
        {
          requiredKeys: [
            'cmd',
            'account',
            'clOrdId',
            'symbol',
            'side',
            'ordType',
            'price',
            'orderQty',
          ],
        },
      )
      .map((order) => order as Json),
  },
  {
    weight: 2,
    arbitrary: fc
      .record({
        cmd: fc.constant('new'),
        account,
        clOrdId: id,
        symbol,
        side,
        ordType: fc.constant('market'),
        orderQty,
        timeInForce: fc.constantFrom('IOC', 'FOK'),
      })
      .map((order) => order as Json),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        fc.record({ cmd: fc.constant('replace'), account, symbol, clOrdId: id, price, orderQty }),
        target,
      )
      .map(([replace, which]) => ({ ...replace, ...which })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.record({ cmd: fc.constant('cancel'), account, symbol }), target)
      .map(([cancel, which]) => ({ ...cancel, ...which })),
  },
  { weight: 1, arbitrary: fc.record({ cmd: fc.constant('massCancel'), account }) },
  {
    weight: 1,
    arbitrary: fc.record({
      cmd: fc.constantFrom('withdraw', 'deposit'),
      account,
      asset: fc.constantFrom('USD', 'ACME'),
      amount: fc.constantFrom('1', '3', '7'),
      transferId: id,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      cmd: fc.constant('time'),
      now: fc
        .integer({ min: 0, max: 200_000 })
        .map((ms) => new Date(Date.UTC(2026, 0, 1, 23, 59) + ms).toISOString()),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      cmd: fc.constant('limits'),
      account,
      maxExposure: fc.constantFrom(null, 'off', '5', '12'),
      maxOpenOrders: fc.constantFrom(null, 2, 3),
    }),
  },
)

const SETUP: Json[] = [
  { cmd: 'asset', asset: 'USD', decimals: 2 },
  { cmd: 'asset', asset: 'ACME', decimals: 0 },
  { cmd: 'asset', asset: 'ZINC', decimals: 0 },
  ...['ACME', 'ZINC'].map((name) => ({
    ...{ cmd: 'instrument', symbol: name, base: name, quote: 'USD' },
    ...{ tickSize: '0.01', lotSize: '1', makerFeeRate: '-0.001', takerFeeRate: '0.0033333' },
  })),
  ...['ann', 'bob', 'cy'].flatMap((name) => [
    { cmd: 'account', account: name },
    ...['USD', 'ACME', 'ZINC'].map((asset) => ({
      ...{ cmd: 'deposit', account: name, asset, amount: '12', transferId: `setup-${asset}` },
    })),
  ]),
  { cmd: 'limits', priceDeviation: 'off', duplicateWindowMs: 'off' },
]

/** Commands cut into rounds, after the definitions they need. */
export function shortRun(): fc.Arbitrary<Rounds> {
  const round = fc.array(command, { minLength: 1, maxLength: 6 })
  return fc.array(round, { minLength: 1, maxLength: 8 }).map((rounds) => [SETUP, ...rounds])
}
