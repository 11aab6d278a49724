// Telling cases for the model itself, with the numbers worked out by hand.

import { describe, expect, test } from 'vitest'
import { Model } from './model.ts'
import { roundHalfUp } from './numbers.ts'

type Json = Record<string, unknown>

function exchange(instrument: Json = {}, options: { submissionsRemembered?: number } = {}) {
  const model = new Model(options)
  model.execute([
    { cmd: 'asset', asset: 'USD', decimals: 2 },
    { cmd: 'asset', asset: 'ACME', decimals: 0 },
    {
      ...{ cmd: 'instrument', symbol: 'ACME', base: 'ACME', quote: 'USD' },
      ...{ tickSize: '0.01', lotSize: '1', ...instrument },
    },
    { cmd: 'limits', priceDeviation: 'off' },
  ])
  for (const account of ['ann', 'bob', 'cy']) {
    model.execute([
      { cmd: 'account', account },
      { cmd: 'deposit', account, asset: 'USD', amount: '1000', transferId: 'd1' },
      { cmd: 'deposit', account, asset: 'ACME', amount: '100', transferId: 'd2' },
    ])
  }
  return model
}

function order(account: string, clOrdId: string, side: string, price: string, orderQty: string) {
  const command: Json = { cmd: 'new', account, clOrdId, symbol: 'ACME', side, orderQty }
  return { ...command, ordType: 'limit', price }
}

/** Reports in short: type, code or fill, what is left. */
function brief(reports: Json[]): string[] {
  return reports.map((report) => {
    const fill = report.lastQty === undefined ? '' : ` ${report.lastQty}@${report.lastPx}`
    const code = report.code === undefined ? '' : ` ${report.code}`
    const left = report.leavesQty === undefined ? '' : ` left ${report.leavesQty}`
    return `${report.account ?? '-'} ${report.execType}${code}${fill}${left}`
  })
}

function money(model: Model, account: string): [string, string] {
  const [usd] = model.balances(account).balances as Json[]
  return [usd.available as string, usd.held as string]
}

describe('matching', () => {
  test('price goes before time, time before size, and the maker sets the price', () => {
    const model = exchange()
    model.execute([order('ann', 'a1', 'sell', '10.02', '5')])
    model.execute([order('ann', 'a2', 'sell', '10.01', '5')])
    model.execute([order('cy', 'c1', 'sell', '10.01', '5')])
    expect(brief(model.execute([order('bob', 'b1', 'buy', '10.02', '12')]))).toEqual([
      'bob new left 12',
      'bob trade 5@10.01 left 7',
      'ann trade 5@10.01 left 0',
      'bob trade 5@10.01 left 2',
      'cy trade 5@10.01 left 0',
      'bob trade 2@10.02 left 0',
      'ann trade 2@10.02 left 3',
    ])
  })

  test('fill-or-kill counts what it could really fill', () => {
    const model = exchange()
    model.execute([order('cy', 'c1', 'sell', '10', '4'), order('bob', 'b0', 'sell', '10', '4')])
    model.execute([order('cy', 'c2', 'sell', '10', '4')])
    const kill = { ...order('bob', 'b1', 'buy', '10', '8'), timeInForce: 'FOK' }
    expect(brief(model.execute([kill]))).toEqual(['bob rejected FOK_NOT_FILLABLE'])
    const over = { ...kill, clOrdId: 'b2', selfTradePrevention: 'cancelOldest' }
    expect(brief(model.execute([over]))).toEqual([
      'bob new left 8',
      'bob trade 4@10 left 4',
      'cy trade 4@10 left 0',
      'bob expired SELF_TRADE left 0',
      'bob trade 4@10 left 0',
      'cy trade 4@10 left 0',
    ])
  })

  test('decrement takes the smaller remainder off both', () => {
    const model = exchange()
    model.execute([order('bob', 'b1', 'sell', '10', '3')])
    const taker = { ...order('bob', 'b2', 'buy', '10', '5'), selfTradePrevention: 'decrement' }
    const reports = model.execute([taker])
    expect(brief(reports)).toEqual([
      'bob new left 5',
      'bob expired SELF_TRADE left 0',
      'bob restated SELF_TRADE left 2',
    ])
    expect(reports[1].orderQty).toBe('0')
    expect(reports[2].orderQty).toBe('2')
  })

  test('a market order needs a price to start from and something to meet', () => {
    const market = { ...order('bob', 'b1', 'buy', '1', '5'), ordType: 'market' } as Json
    delete market.price
    expect(brief(exchange().execute([market]))).toEqual(['bob rejected NO_REFERENCE_PRICE'])
    const model = exchange({ referencePrice: '10' })
    expect(brief(model.execute([market]))).toEqual(['bob rejected NO_LIQUIDITY'])
    model.execute([order('ann', 'a1', 'sell', '10.5', '2')])
    model.execute([order('ann', 'a2', 'sell', '10.51', '2')])
    const reports = model.execute([{ ...market, clOrdId: 'b2' }])
    expect(reports[0].price).toBe('10.5')
    expect(brief(reports)).toEqual([
      'bob new left 5',
      'bob trade 2@10.5 left 3',
      'ann trade 2@10.5 left 0',
      'bob expired IOC_REMAINDER left 0',
    ])
  })

  test('a replace keeps its place only when it lowers the quantity at the same price', () => {
    const model = exchange()
    model.execute([order('ann', 'a1', 'sell', '10', '5'), order('cy', 'c1', 'sell', '10', '5')])
    const replace = { cmd: 'replace', account: 'ann', symbol: 'ACME', price: '10' }
    model.execute([{ ...replace, origClOrdId: 'a1', clOrdId: 'a2', orderQty: '4' }])
    expect(brief(model.execute([order('bob', 'b1', 'buy', '10', '1')]))[2]).toContain('ann trade')
    model.execute([{ ...replace, origClOrdId: 'a2', clOrdId: 'a3', orderQty: '6' }])
    expect(brief(model.execute([order('bob', 'b2', 'buy', '10', '1')]))[2]).toContain('cy trade')
  })
})

describe('money', () => {
  test('fees round up once over the life of an order', () => {
    // 0.15 % of 1.00 is 0.0015: cents are 1, 0, 0, 0, 0, 0, 1 until each order paid 7 x 0.0015.
    const model = exchange({ takerFeeRate: '0.0015', makerFeeRate: '0.0015' })
    model.execute([order('ann', 'a1', 'sell', '1', '7')])
    const fees = []
    for (let i = 0; i < 7; i++) {
      const [, , maker] = model.execute([order('bob', `b${i}`, 'buy', '1', '1')])
      fees.push(maker.fee)
    }
    expect(fees).toEqual(['0.01', '0', '0', '0', '0', '0', '0.01'])
    expect(money(model, '$fees')).toEqual(['0.09', '0'])
  })

  test('a rebate rounds towards zero', () => {
    const model = exchange({ takerFeeRate: '0.006', makerFeeRate: '-0.006' })
    model.execute([order('ann', 'a1', 'sell', '1', '2')])
    expect(model.execute([order('bob', 'b1', 'buy', '1', '1')])[2].fee).toBe('0')
    expect(model.execute([order('bob', 'b2', 'buy', '1', '1')])[2].fee).toBe('-0.01')
  })

  test('a buy holds its worst price and fee; what is not used comes back', () => {
    const model = exchange({ takerFeeRate: '0.01' })
    model.execute([order('ann', 'a1', 'sell', '9', '5')])
    model.execute([order('bob', 'b1', 'buy', '10', '10')])
    // 5 x 9 and 0.45 of fee are paid; 5 x 10 and 0.50 are held.
    expect(money(model, 'bob')).toEqual(['904.05', '50.5'])
    model.execute([{ cmd: 'cancel', account: 'bob', symbol: 'ACME', origClOrdId: 'b1' }])
    expect(money(model, 'bob')).toEqual(['954.55', '0'])
  })

  test('money for one buy gives one buy, in one round or in many', () => {
    for (const together of [true, false]) {
      const model = exchange()
      const buys = ['b1', 'b2', 'b3'].map((id) => order('bob', id, 'buy', '10', '60'))
      const rounds = together ? [buys] : buys.map((buy) => [buy])
      const reports = rounds.flatMap((round) => model.execute(round))
      expect(brief(reports)).toEqual([
        'bob new left 60',
        'bob rejected INSUFFICIENT_FUNDS',
        'bob rejected INSUFFICIENT_FUNDS',
      ])
    }
  })

  test('money from a sale can be spent from the next round on', () => {
    const model = exchange()
    model.execute([order('ann', 'a1', 'buy', '10', '50')])
    const [sale, buy] = [
      order('bob', 'b1', 'sell', '10', '50'),
      order('bob', 'b2', 'buy', '1', '1200'),
    ]
    expect(brief(model.execute([sale, buy])).at(-1)).toBe('bob rejected INSUFFICIENT_FUNDS')
    expect(brief(model.execute([{ ...buy, clOrdId: 'b3' }]))).toEqual(['bob new left 1200'])
  })

  test('positions realise against their average cost, with the rounding in the cost', () => {
    const model = exchange()
    model.execute([order('ann', 'a1', 'sell', '1', '2'), order('ann', 'a2', 'sell', '1.01', '1')])
    model.execute([order('bob', 'b1', 'buy', '2', '3')])
    model.execute([order('ann', 'a3', 'buy', '2', '5')])
    model.execute([order('bob', 'b2', 'sell', '2', '1')])
    // Cost 301 cents for 3; one costs floor(301 / 3) = 100 and sold for 200.
    const [position] = model.balances('bob').positions as Json[]
    expect(position).toMatchObject({ qty: '2', realised: '1', avgCost: '1.005' })
  })
})

describe('rounds and ids', () => {
  test('a chain in one round goes by the pending id', () => {
    const model = exchange()
    const replace = { cmd: 'replace', account: 'ann', symbol: 'ACME', orderQty: '2' }
    const reports = model.execute([
      order('ann', 'a1', 'buy', '10', '1'),
      { ...replace, origClOrdId: 'a1', clOrdId: 'a2', price: '11' },
      { ...replace, origClOrdId: 'a2', clOrdId: 'a3', price: '9' },
      { cmd: 'cancel', account: 'ann', symbol: 'ACME', origClOrdId: 'a3' },
    ])
    expect(brief(reports)).toEqual([
      'ann new left 1',
      'ann replaced left 2',
      'ann replaced left 2',
      'ann canceled left 0',
    ])
    expect(reports[2]).toMatchObject({
      clOrdId: 'a3',
      origClOrdId: 'a2',
      seq: (reports[1].seq as number) + 1,
    })
    expect(money(model, 'ann')).toEqual(['1000', '0'])
  })

  test('a replace covers both ways an order may fill', () => {
    const model = exchange()
    model.execute([order('ann', 'a1', 'buy', '50', '10')])
    const replace = { cmd: 'replace', account: 'ann', symbol: 'ACME', origClOrdId: 'a1' }
    // 500 held; 20 at 40 is 800, 10 at 50 with 10 more at 40 is 900; 26 at 40 could cost 1140.
    const tooMuch = { ...replace, clOrdId: 'a2', price: '40', orderQty: '26' }
    expect(brief(model.execute([tooMuch]))).toEqual(['ann rejected INSUFFICIENT_FUNDS'])
    model.execute([{ ...replace, clOrdId: 'a3', price: '40', orderQty: '20' }])
    expect(money(model, 'ann')).toEqual(['200', '800'])
  })

  test('the same again is a duplicate, other content is refused, until it is forgotten', () => {
    const model = exchange({}, { submissionsRemembered: 2 })
    const first = order('ann', 'a1', 'buy', '10', '500')
    expect(brief(model.execute([first]))).toEqual(['ann rejected INSUFFICIENT_FUNDS'])
    const [again] = model.execute([{ ...first, price: '10.00' }])
    expect(again).toMatchObject({ duplicate: true, code: 'INSUFFICIENT_FUNDS' })
    const other = { ...first, price: '1' }
    expect(brief(model.execute([other]))).toEqual(['ann rejected DUPLICATE_ID'])
    expect(brief(model.execute([other]))).toEqual(['ann new left 500'])
  })

  test('a mass cancel answers by ascending order id', () => {
    const model = exchange()
    model.execute([order('ann', 'a1', 'buy', '9', '1'), order('ann', 'a2', 'sell', '11', '1')])
    const reports = model.execute([{ cmd: 'massCancel', account: 'ann' }])
    expect(brief(reports)).toEqual(['ann accepted', 'ann canceled left 0', 'ann canceled left 0'])
    expect(reports.map((report) => report.execId)).toEqual(['16-0', '16-14', '16-15'])
    expect(reports[0].affected).toBe(2)
  })
})

test('half goes up', () => {
  expect(roundHalfUp(5n, 10n)).toBe(1n)
  expect(roundHalfUp(4n, 10n)).toBe(0n)
  expect(roundHalfUp(1n, 3n)).toBe(0n)
})
