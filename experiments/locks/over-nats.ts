// Onefill over NATS.

import { isAccepted, orderOf } from './market.ts'
import { Served } from './served.ts'
import { type Audit, newCounts, type Way } from './way.ts'

/** A request for each order, over the one connection that a program has. */
export class NatsWay implements Way {
  readonly counts = newCounts()
  private readonly served: Served

  private constructor(served: Served) {
    this.served = served
  }

  static async open(folder: string, database: string, nats: string): Promise<NatsWay> {
    return new NatsWay(await Served.start({ folder, database, nats }))
  }

  prepare(accounts: number, money: number): Promise<void> {
    return this.served.prepare(accounts, money)
  }

  async buy(account: number, id: string): Promise<boolean> {
    const { served } = this
    const subject = `order.${served.accounts.nameOf(account)}.new`
    return isAccepted(await served.ask(subject, orderOf(id)))
  }

  audit(): Promise<Audit> {
    return this.served.audit()
  }

  close(): Promise<void> {
    return this.served.close()
  }
}
