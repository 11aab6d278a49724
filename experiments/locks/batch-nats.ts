// The batched statement behind the same NATS server, asked with the same messages as Onefill.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Crowd } from '../../load/nats/crowd.ts'
import { assert } from '../../src/lib/assert.ts'
import { isAccepted, orderOf } from './market.ts'
import { Tables } from './sql.ts'
import { type Audit, newCounts, type Way } from './way.ts'

const SERVICE = join(import.meta.dirname, 'batch-service.ts')

export class BatchNatsWay implements Way {
  readonly counts = newCounts()
  private readonly tables: Tables
  private readonly crowd: Crowd
  private readonly child: ChildProcess
  private isClosing = false

  private constructor(tables: Tables, crowd: Crowd, child: ChildProcess) {
    this.tables = tables
    this.crowd = crowd
    this.child = child
    // Who waits for an answer would wait for ever.
    child.once('exit', (code) => assert(this.isClosing, `the service has ended with ${code}`))
  }

  static async open(database: string, nats: string): Promise<BatchNatsWay> {
    const env = { ...process.env, LOCKS_NATS: nats, LOCKS_DATABASE: database }
    // Apart from our terminal: Ctrl+C is not for it. It ends with us, however we end.
    const child = fork(SERVICE, [], { env, detached: true })
    process.once('exit', () => child.kill('SIGKILL'))
    await once(child, 'message')
    // Its own connection to the database is for what is there before and after.
    return new BatchNatsWay(new Tables(database, 1), await Crowd.open(nats, 1), child)
  }

  prepare(accounts: number, money: number): Promise<void> {
    return this.tables.prepare(accounts, money)
  }

  async buy(account: number, id: string): Promise<boolean> {
    const subject = `onefill.v1.order.${this.tables.idOf(account)}.new`
    return isAccepted(await this.crowd.ask(0, subject, orderOf(id)))
  }

  audit(): Promise<Audit> {
    return this.tables.audit()
  }

  async close(): Promise<void> {
    this.isClosing = true
    await this.crowd.close()
    const { child } = this
    if (child.exitCode === null && child.signalCode === null) {
      child.kill()
      await once(child, 'exit')
    }
    await this.tables.close()
  }
}
