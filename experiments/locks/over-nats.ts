// Onefill over NATS, from many connections.

import { isAccepted, orderOf } from './market.ts'
import { Served } from './served.ts'
import { type Audit, newCounts, type Way } from './way.ts'

/** Connections, as many as the load scripts have. */
export const CONNECTIONS = 16

/** A request over NATS for each order. */
export class NatsWay implements Way {
  readonly counts = newCounts()
  private readonly served: Served
  private asked = 0

  private constructor(served: Served) {
    this.served = served
  }

  static async open(folder: string, database: string, nats: string): Promise<NatsWay> {
    return new NatsWay(await Served.start({ folder, database, nats, connections: CONNECTIONS }))
  }

  prepare(accounts: number, money: number): Promise<void> {
    return this.served.prepare(accounts, money)
  }

  async buy(account: number, id: string): Promise<boolean> {
    const { served } = this
    this.asked += 1
    const subject = `order.${served.accounts.nameOf(account)}.new`
    return isAccepted(await served.ask(this.asked % CONNECTIONS, subject, orderOf(id)))
  }

  audit(): Promise<Audit> {
    return this.served.audit()
  }

  close(): Promise<void> {
    return this.served.close()
  }
}
