// The exchange over worker threads as a program meets it: questions, late definitions, idleness.

import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { Workers } from '../../src/actors/placement.ts'
import { createExchange, type Exchange, restoreExchange } from '../../src/index.ts'
import { COMMANDS_PER_ROUND_MAX } from '../../src/protocol/bounds.ts'
import { nameOf } from '../support/placements.ts'

const SCENE = [
  { cmd: 'asset', asset: 'USD', decimals: 2 },
  { cmd: 'asset', asset: 'NVDA', decimals: 0 },
  {
    ...{ cmd: 'instrument', symbol: 'NVDA', base: 'NVDA', quote: 'USD' },
    ...{ tickSize: '0.01', lotSize: '1', takerFeeRate: '0.01' },
  },
  { cmd: 'account', account: 'alice' },
  { cmd: 'account', account: 'bob' },
  { cmd: 'deposit', account: 'alice', asset: 'USD', amount: '1000000', transferId: 'd-1' },
  { cmd: 'deposit', account: 'bob', asset: 'NVDA', amount: '1000', transferId: 'd-2' },
]
const order = (account: string, clOrdId: string, side: string, orderQty = '1') => ({
  ...{ cmd: 'new', account, clOrdId, symbol: 'NVDA', side },
  ...{ ordType: 'limit', price: '100', orderQty },
})

const open: Exchange[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((exchange) => exchange.close()))
})

function start(workers: Workers): Exchange {
  const exchange = createExchange({ workers })
  open.push(exchange)
  return exchange
}

const placements = [0, 1, 2, 4, { accounts: 2, symbols: 1 }, { accounts: 1, symbols: 2 }].map(
  (workers) => [nameOf(workers), workers] as const,
)

describe.each(placements)('%s', (_, workers) => {
  test('pump cuts what has gathered, when one more round may be under way', async () => {
    const exchange = start(workers)
    exchange.execute(SCENE)
    exchange.execute([
      { cmd: 'account', account: 'carl' },
      { cmd: 'deposit', account: 'carl', asset: 'USD', amount: '101', transferId: 'd-3' },
    ])
    const answers: { execType?: string; code?: string; seq?: number }[] = []
    for (let n = 0; n < 1_000; n += 1) {
      exchange.submit(order('carl', `c-${n}`, 'buy'))
      if (n % 7 === 0) answers.push(...(exchange.pump() as typeof answers))
      if (n % 300 === 299) exchange.submit({ cmd: 'orders', account: 'carl' })
    }
    while (exchange.waiting > 0) {
      answers.push(...(exchange.pump() as typeof answers))
      await sleep(0)
    }
    answers.push(...(exchange.finish() as typeof answers))
    const reports = answers.filter(({ execType }) => execType !== undefined)
    expect(reports.map(({ seq }) => seq)).toEqual(reports.map((_, at) => exchange.seq - 999 + at))
    expect(reports.filter(({ execType }) => execType === 'new')).toHaveLength(1)
    const refused = reports.filter(({ code }) => code === 'INSUFFICIENT_FUNDS')
    expect(refused).toHaveLength(999)
    expect(answers).toHaveLength(1_003)
  })

  test('a round has room for so many commands; one more is not taken in', () => {
    const exchange = start(workers)
    for (let n = 0; n <= COMMANDS_PER_ROUND_MAX; n += 1) {
      const isFull = n === COMMANDS_PER_ROUND_MAX
      expect(exchange.isFull).toBe(isFull)
      // Refusals and questions take room too.
      const command = [{ cmd: 'time', now: '2026-01-02T03:04:05.000Z' }, { cmd: 'nothing' }][n % 2]
      expect(exchange.submit(command)).toBe(!isFull)
    }
    expect(exchange.run()).toHaveLength(COMMANDS_PER_ROUND_MAX)
    expect(exchange.seq).toBe(COMMANDS_PER_ROUND_MAX / 2)
    expect(exchange.submit({ cmd: 'nothing' })).toBe(true)
  })

  test('a question under way does not disturb who runs the next round', () => {
    const exchange = start(workers)
    exchange.execute(SCENE)
    for (let n = 0; n < 20; n += 1) {
      exchange.submit({ cmd: 'balances', account: 'alice' })
      const answers = exchange.pump()
      answers.push(...exchange.execute(order('alice', `q-${n}`, 'buy')))
      expect(answers).toHaveLength(2)
    }
  })

  test('postings are those of all rounds that the last call gave', () => {
    const exchange = createExchange({ workers, postings: true })
    open.push(exchange)
    exchange.execute(SCENE)
    const lines: object[] = []
    for (let n = 0; n < 6; n += 1) {
      const transferId = `t-${n}`
      exchange.submit({ cmd: 'deposit', account: 'bob', asset: 'USD', amount: '1', transferId })
      exchange.start()
      lines.push(...exchange.postings())
    }
    exchange.finish()
    lines.push(...exchange.postings())
    expect(lines).toHaveLength(12)
  })

  test('a query is answered as of its round, and names its seq', () => {
    const exchange = start(workers)
    exchange.execute(SCENE)
    const answers: object[] = []
    for (let n = 0; n < 30; n += 1) {
      exchange.submit(order('alice', `a-${n}`, 'buy'))
      exchange.submit({ cmd: 'balances', account: 'alice' })
      // Behind the question, and yet of its round.
      exchange.submit(order('bob', `b-${n}`, 'sell'))
      if (n % 3 === 0) exchange.submit({ cmd: 'book', symbol: 'NVDA' })
      if (n % 5 === 0) exchange.submit({ cmd: 'orders', account: 'alice' })
      answers.push(...exchange.start())
      // Rounds that nobody asks about go on being under way.
      exchange.submit(order('alice', `x-${n}`, 'buy'))
      answers.push(...exchange.start())
      exchange.submit({ cmd: 'massCancel', account: 'alice' })
      answers.push(...exchange.start())
    }
    answers.push(...exchange.finish())
    const balances = answers.filter((each) => 'query' in each && each.query === 'balances')
    // After each round alice has bought one more, and paid a fee of 1 % for it or not.
    expect(balances).toHaveLength(30)
    for (const [n, answer] of balances.entries()) {
      expect(answer).toMatchObject({ seq: SCENE.length + 4 * n + 2, account: 'alice' })
      expect(answer).toMatchObject({ positions: [{ qty: String(n + 1), openBuyQty: '0' }] })
    }
    const books = answers.filter((each) => 'query' in each && each.query === 'book')
    expect(books).toHaveLength(10)
    for (const book of books) expect(book).toMatchObject({ bids: [], asks: [] })
  })

  test('a question between rounds under way is a mistake, and no harm', () => {
    const exchange = start(workers)
    exchange.execute(SCENE)
    exchange.submit(order('alice', 'a-1', 'buy'))
    const answers = exchange.start()
    if (answers.length === 0) {
      expect(() => exchange.balances('alice')).toThrow('finished before a question')
      answers.push(...exchange.finish())
    }
    expect(answers).toMatchObject([{ execType: 'new', clOrdId: 'a-1' }])
    expect(exchange.balances('alice').seq).toBe(exchange.seq)
    expect(exchange.orders('alice').orders).toHaveLength(1)
    expect(exchange.book('NVDA')).toMatchObject({ seq: exchange.seq, bids: [{ qty: '1' }] })
  })

  test('accounts and symbols are created while it runs, and used at once', () => {
    const exchange = start(workers)
    exchange.execute(SCENE)
    const answers: object[] = []
    for (let n = 0; n < 25; n += 1) {
      const [account, base] = [`late-${n}`, `S${n}`]
      const symbol = `${base}-USD`
      exchange.submit({ cmd: 'account', account })
      exchange.submit({ cmd: 'asset', asset: base, decimals: 0 })
      exchange.submit({
        ...{ cmd: 'instrument', symbol, base, quote: 'USD', tickSize: '1', lotSize: '1' },
      })
      const deposit = { cmd: 'deposit', account, transferId: 'd' }
      exchange.submit({ ...deposit, asset: base, amount: '5' })
      answers.push(...exchange.start())
      const terms = { symbol, ordType: 'limit', price: '2', orderQty: '5' }
      exchange.submit({ cmd: 'new', account, clOrdId: 's', side: 'sell', ...terms })
      exchange.submit({ cmd: 'new', account: 'alice', clOrdId: symbol, side: 'buy', ...terms })
      answers.push(...exchange.start())
    }
    answers.push(...exchange.finish())
    expect(answers).toHaveLength(25 * 8)
    expect(answers.filter((each) => 'execType' in each && each.execType === 'trade')).toHaveLength(
      50,
    )
    for (let n = 0; n < 25; n += 1) {
      const { balances } = exchange.balances(`late-${n}`)
      expect(balances).toEqual([{ asset: 'USD', available: '10', held: '0' }])
    }
    exchange.check()
  })

  test('its state goes on inline, and back', () => {
    const exchange = start(workers)
    exchange.execute(SCENE)
    exchange.execute([order('alice', 'a-1', 'buy', '3'), order('bob', 'b-1', 'sell')])
    const inline = restoreExchange(exchange.serialize())
    const back = restoreExchange(inline.serialize(), { workers })
    open.push(back)
    expect([inline.stateHash(), back.stateHash()]).toEqual([
      exchange.stateHash(),
      exchange.stateHash(),
    ])
    const next = [order('bob', 'b-2', 'sell', '5'), order('alice', 'a-1', 'buy', '3')]
    const answers = [exchange, inline, back].map((each) => JSON.stringify(each.execute(next)))
    expect(answers).toEqual([answers[0], answers[0], answers[0]])
  })
})

test('an idle exchange uses next to no processor', async () => {
  const exchange = start(4)
  exchange.execute(SCENE)
  // What starts up with the threads is over by then.
  await sleep(300)
  const before = process.cpuUsage()
  const startMs = performance.now()
  await sleep(1_500)
  const { user, system } = process.cpuUsage(before)
  const share = (user + system) / 1_000 / (performance.now() - startMs)
  console.log(`idle at 4 workers: ${(share * 100).toFixed(1)} % of a core`)
  expect(share).toBeLessThan(0.2)
})
