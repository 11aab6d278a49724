// Onefill in the process that asks.

import { DurableExchange, type Reports } from '../../src/durable.ts'
import { CODE_NAMES } from '../../src/index.ts'
import { assert } from '../../src/lib/assert.ts'
import { Accounts, isAccepted, MARKET, orderOf } from './market.ts'
import { type Audit, newCounts, type Way } from './way.ts'

/** What a command came to. */
interface Outcome {
  readonly execType: string
  /** Of a refusal; "none" if it is none. */
  readonly code: string
}

/**
 * The library: a function call, answered when it is committed. Reports are looked at as they are in
 * binary: nothing of them is needed but what became of the order.
 */
export class InProcessWay implements Way {
  readonly counts = newCounts()
  private readonly accounts = new Accounts()
  private readonly waiting = new Map<number, (outcome: Outcome) => void>()
  private exchange!: DurableExchange

  static async open(url: string): Promise<InProcessWay> {
    const way = new InProcessWay()
    way.exchange = await DurableExchange.open({
      url,
      takeReports: (reports) => way.take(reports),
      onBroken: (error) => {
        throw error
      },
    })
    for (const command of MARKET) await way.done(command)
    return way
  }

  async prepare(accounts: number, money: number): Promise<void> {
    const commands = this.accounts.prepare(accounts, money)
    await Promise.all(commands.map((command) => this.done(command)))
  }

  buy(account: number, id: string): Promise<boolean> {
    const command = { cmd: 'new', account: this.accounts.nameOf(account), ...orderOf(id) }
    return new Promise((resolve) => {
      this.submit(command, (outcome) => resolve(isAccepted(outcome)))
    })
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

  private done(command: unknown): Promise<Outcome> {
    return new Promise((resolve) => this.submit(command, resolve))
  }

  private submit(command: unknown, take: (outcome: Outcome) => void): void {
    const seq = this.exchange.submit(command)
    if (typeof seq !== 'number') throw new Error(`it is not taken in: ${JSON.stringify(seq)}`)
    this.waiting.set(seq, take)
  }

  /** A command is answered by its first report. */
  private take(reports: Reports): void {
    for (let number = 0; number < reports.length; number += 1) {
      const seq = reports.seqAt(number) as number
      const take = this.waiting.get(seq)
      if (take === undefined) continue
      this.waiting.delete(seq)
      const code = CODE_NAMES[reports.refusalAt(number)]
      take({ execType: reports.execTypeAt(number), code })
    }
  }
}
