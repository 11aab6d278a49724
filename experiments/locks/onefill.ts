// Onefill: in this process, and over NATS in another.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Crowd } from '../../load/nats/crowd.ts'
import { DurableExchange } from '../../src/durable.ts'
import type { Report } from '../../src/index.ts'
import { assert } from '../../src/lib/assert.ts'
import { type Audit, newCounts, PRICE, type Way } from './way.ts'

const EXCHANGE = join(import.meta.dirname, '../../bench/nats-exchange.ts')

const MARKET = [
  { cmd: 'asset', asset: 'USD', decimals: 0 },
  { cmd: 'asset', asset: 'X', decimals: 0 },
  { cmd: 'instrument', symbol: 'X', base: 'X', quote: 'USD', tickSize: '1', lotSize: '1' },
  { cmd: 'limits', maxOpenOrders: 'off' },
]
const orderOf = (clOrdId: string) => ({
  ...{ clOrdId, symbol: 'X', side: 'buy', ordType: 'limit', price: String(PRICE) },
  ...{ orderQty: '1', timeInForce: 'GTC' },
})

/** Accounts of a run, by number; nobody has had the name before. */
class Accounts {
  private run = 0
  private count = 0

  /** The commands that make them. */
  prepare(accounts: number, money: number): object[] {
    this.run += 1
    this.count = accounts
    const amount = { asset: 'USD', amount: String(money), transferId: 'start' }
    return Array.from({ length: accounts }, (_, n) => this.nameOf(n)).flatMap((account) => [
      { cmd: 'account', account },
      { cmd: 'deposit', account, ...amount },
    ])
  }

  nameOf(account: number): string {
    return `r${this.run}-${account}`
  }

  async audit(balances: (account: string) => Promise<Balance[]>): Promise<Audit> {
    let [available, least, orders] = [0, Number.POSITIVE_INFINITY, 0]
    for (let n = 0; n < this.count; n += 1) {
      const of = (await balances(this.nameOf(n))).find(({ asset }) => asset === 'USD')
      const left = Number(of?.available ?? 0)
      available += left
      least = Math.min(least, left)
      // Orders rest: each holds its price.
      orders += Number(of?.held ?? 0) / PRICE
    }
    return { available, least, orders }
  }
}

interface Balance {
  readonly asset: string
  readonly available: string
  readonly held: string
}

const isAccepted = (report: Pick<Report, 'execType'>): boolean => report.execType === 'new'

/** The library: a function call, answered when it is committed. */
export class InProcessWay implements Way {
  readonly name = '9a Onefill, in process'
  readonly counts = newCounts()
  private readonly accounts = new Accounts()
  private readonly waiting = new Map<number, (report: Report) => void>()
  private exchange!: DurableExchange

  static async open(url: string): Promise<InProcessWay> {
    const way = new InProcessWay()
    way.exchange = await DurableExchange.open({
      url,
      onReports: (reports) => way.take(reports),
      onBroken: (error) => {
        throw error
      },
    })
    for (const command of MARKET) await way.submit(command)
    return way
  }

  async prepare(accounts: number, money: number): Promise<void> {
    const commands = this.accounts.prepare(accounts, money)
    await Promise.all(commands.map((command) => this.submit(command)))
  }

  async buy(account: number, id: string): Promise<boolean> {
    const name = this.accounts.nameOf(account)
    return isAccepted(await this.submit({ cmd: 'new', account: name, ...orderOf(id) }))
  }

  audit(): Promise<Audit> {
    return this.accounts.audit(async (account) => {
      const answer = await this.exchange.query({ cmd: 'balances', account })
      assert('balances' in answer, 'the account is there')
      return answer.balances
    })
  }

  close(): Promise<void> {
    return this.exchange.close()
  }

  private submit(command: unknown): Promise<Report> {
    const seq = this.exchange.submit(command)
    assert(typeof seq === 'number', `it is taken in: ${JSON.stringify(seq)}`)
    return new Promise((resolve) => this.waiting.set(seq, resolve))
  }

  /** A command is answered by its first report. */
  private take(reports: readonly Report[]): void {
    for (const report of reports) {
      const resolve = this.waiting.get(report.seq as number)
      if (resolve === undefined) continue
      this.waiting.delete(report.seq as number)
      resolve(report)
    }
  }
}

/** A request over NATS to an exchange in a process of its own. */
export class NatsWay implements Way {
  readonly name = '9b Onefill, over NATS'
  readonly counts = newCounts()
  private readonly accounts = new Accounts()
  private readonly crowd: Crowd
  private readonly child: ChildProcess

  private constructor(crowd: Crowd, child: ChildProcess) {
    this.crowd = crowd
    this.child = child
  }

  static async open(url: string, nats: string): Promise<NatsWay> {
    const env = { ...process.env, BENCH_NATS: nats, BENCH_DATABASE: url }
    const child = fork(EXCHANGE, [], { env })
    await once(child, 'message')
    const way = new NatsWay(await Crowd.open(nats, 1), child)
    await way.ask('admin.batch', MARKET)
    return way
  }

  async prepare(accounts: number, money: number): Promise<void> {
    const commands = this.accounts.prepare(accounts, money)
    for (let from = 0; from < commands.length; from += 500) {
      await this.ask('admin.batch', commands.slice(from, from + 500))
    }
  }

  async buy(account: number, id: string): Promise<boolean> {
    const subject = `order.${this.accounts.nameOf(account)}.new`
    return isAccepted((await this.ask(subject, orderOf(id))) as Report)
  }

  audit(): Promise<Audit> {
    return this.accounts.audit(async (account) => {
      const answer = (await this.ask(`query.${account}.balances`, {})) as { balances: Balance[] }
      return answer.balances
    })
  }

  async close(): Promise<void> {
    await this.crowd.close()
    this.child.kill()
    await once(this.child, 'exit')
  }

  private ask(subject: string, body: unknown): Promise<unknown> {
    return this.crowd.ask(0, `onefill.v1.${subject}`, body)
  }
}
