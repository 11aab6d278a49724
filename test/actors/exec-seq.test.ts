// An account's reports are numbered without a gap, in the order in which they come out: at any
// placement, and across a restore.

import { afterEach, describe, expect, test } from 'vitest'
import type { Core } from '../../src/actors/core.ts'
import { homeOf } from '../../src/actors/placement.ts'
import { EXTERNAL } from '../../src/engine/account/account-store.ts'
import type { Exchange, Report } from '../../src/exchange.ts'
import { randomJournal } from '../support/journals.ts'
import {
  endAll,
  inline,
  type MakeCore,
  nameOf,
  newExchange,
  PLACEMENTS,
  restored,
  simulated,
  threaded,
} from '../support/placements.ts'
import { Prng } from '../support/prng.ts'

const SEEDS = 40
/** Every kind of report that is checked comes at least this often. */
const REACHED_LEAST = 5

/** What the accounts have been told so far, and how often each kind of report has come. */
class Told {
  readonly counts = new Map<string, number>()
  readonly kinds = new Map<string, number>()

  /** Takes the next reports, in the order in which they came out. */
  take(reports: readonly Report[]): void {
    for (const report of reports) {
      if ('query' in report) continue
      const { seq, account, execSeq } = report
      if (seq === undefined || account === undefined) {
        expect(report).not.toHaveProperty('execSeq')
        continue
      }
      const next = (this.counts.get(account) ?? 0) + 1
      if (execSeq !== next) expect(report).toMatchObject({ execSeq: next })
      this.counts.set(account, next)
      this.count(report.duplicate === true ? `duplicate ${report.cmd}` : report.execType)
      if (report.cmd !== undefined) this.count(`${report.cmd} ${report.execType}`)
    }
  }

  private count(kind: string): void {
    this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1)
  }
}

const cores: Core[] = []
afterEach(() => endAll(cores))

/** A random journal, which goes on elsewhere after a part of its rounds. */
function play(seed: number, told: Told, make: MakeCore, elsewhere: MakeCore): void {
  const { rounds, submissionsRemembered } = randomJournal(seed, 400, 200)
  let exchange = newExchange(make, { submissionsRemembered })
  told.counts.clear()
  const move = rounds.length >> 1
  for (const [number, round] of rounds.entries()) {
    if (number === move) exchange = restored(elsewhere, exchange.serialize())
    told.take(exchange.execute(round) as Report[])
  }
}

describe('random journals', () => {
  test('at every placement, simulated, with a restore in the middle', () => {
    const told = new Told()
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const random = new Prng(seed)
      const workers = PLACEMENTS[seed % PLACEMENTS.length]
      play(seed, told, simulated(random, workers), seed % 3 === 0 ? inline : simulated(random))
    }
    const kinds = [
      ...['new', 'trade', 'canceled', 'expired', 'replaced', 'restated', 'rejected', 'accepted'],
      ...['deposit accepted', 'withdraw accepted', 'transfer accepted', 'transfer rejected'],
      ...['account accepted', 'limits accepted', 'killSwitch accepted', 'massCancel accepted'],
      ...['duplicate new', 'duplicate replace', 'duplicate deposit', 'duplicate transfer'],
    ]
    const rare = kinds.filter((kind) => (told.kinds.get(kind) ?? 0) < REACHED_LEAST)
    expect(rare).toEqual([])
  })

  test.each([2, { accounts: 2, symbols: 1 }])('on threads, at %o', (workers) => {
    const told = new Told()
    play(1_001, told, threaded(workers, cores), threaded(3, cores))
    expect(told.counts.size).toBeGreaterThan(2)
  })
})

describe('reports that several shards have to do with', () => {
  const accounts = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank']
  const usd = { asset: 'USD', amount: '1' }
  const deposit = (account: string, transferId: string, more = {}) => {
    return { cmd: 'deposit', account, ...usd, transferId, ...more }
  }
  /** What everybody is told of, in one round or in one each. */
  const commands: readonly object[] = [
    { cmd: 'asset', asset: 'USD', decimals: 2 },
    { cmd: 'asset', asset: 'NVDA', decimals: 0 },
    ...[{ cmd: 'instrument', symbol: 'NVDA', base: 'NVDA', quote: 'USD' }].map((of) => {
      return { ...of, tickSize: '0.01', lotSize: '1' }
    }),
    ...accounts.flatMap((account) => [
      { cmd: 'account', account },
      deposit(account, 'd-1'),
      deposit(account, 'd-1'),
      deposit(account, 'd-1', { amount: '2' }),
      { cmd: 'limits', account, maxOpenOrders: 5 },
      { cmd: 'limits', maxOpenOrders: 6 },
    ]),
  ]
  const orders: readonly object[] = [
    ...accounts.map((account) => ({
      ...{ cmd: 'new', account, clOrdId: 'o-1', symbol: 'NVDA', side: 'buy', ordType: 'limit' },
      ...{ price: '0.10', orderQty: '1' },
    })),
    { cmd: 'killSwitch', on: true, cancelAll: true },
    ...accounts.map((account) => {
      return { cmd: 'transfer', account, to: 'alice', ...usd, amount: '0.5', transferId: 't-1' }
    }),
    // More than there can be: the payer refuses it.
    ...['d-2', 'd-3'].flatMap((id) =>
      accounts.map((account) => deposit(account, id, { amount: '90071992547400' })),
    ),
  ]

  /** Each account's reports in short, by its number. */
  function storyOf(exchange: Exchange, rounds: readonly (readonly object[])[]) {
    const told = new Told()
    const story: Record<string, string[]> = {}
    for (const round of rounds) {
      const reports = exchange.execute([...round]) as Report[]
      told.take(reports)
      for (const { account, execSeq, cmd, execType, code, duplicate } of reports) {
        if (account === undefined) continue
        const again = duplicate === true ? ' again' : ''
        story[account] ??= []
        story[account].push(`${execSeq} ${cmd ?? 'order'} ${code ?? execType}${again}`)
      }
    }
    return story
  }

  const told = (last: string, lastButOne: string) => [
    ...['1 account accepted', '2 deposit accepted', '3 deposit accepted again'],
    ...['4 deposit DUPLICATE_ID', '5 limits accepted', '6 order new', '7 order canceled'],
    ...['8 transfer accepted', `9 deposit ${lastButOne}`, `10 deposit ${last}`],
  ]

  test.each(PLACEMENTS.map((workers) => [nameOf(workers), workers] as const))('at %s', (_, of) => {
    const random = new Prng(5)
    const story = storyOf(newExchange(simulated(random, of)), [commands, orders])
    expect(Object.keys(story)).toEqual(accounts)
    for (const [account, lines] of Object.entries(story)) {
      const isPaid = account === 'alice'
      expect(lines).toEqual(told('OVERFLOW', isPaid ? 'accepted' : 'OVERFLOW'))
    }
    const singles = [...commands, ...orders].map((command) => [command])
    expect(storyOf(newExchange(simulated(random, of)), singles)).toEqual(story)
  })

  test('deposits are paid elsewhere than where the accounts live', () => {
    const away = accounts.filter((_, n) => homeOf(n + 3, 3) !== homeOf(EXTERNAL, 3))
    expect(away.length).toBeGreaterThan(2)
    expect(away.length).toBeLessThan(accounts.length)
  })
})
