// Traders over a real NATS server who send the same again, with the same clOrdId, until they have a
// durable reply, and who ask for reports that they have missed.

import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { assert } from '../../src/lib/assert.ts'
import type { Report } from '../../src/protocol/report-json.ts'
import { Prng } from './prng.ts'
import { replayAll } from './witness.ts'

/** No reply for so long: the same again. */
const REPLY_MS = 700
const PATIENCE_MS = 60_000
/** Orders of one trader that wait for a reply. */
const WINDOW = 8
const AGAIN = ['NOT_LEADING', 'JOURNAL_UNAVAILABLE', 'OVERLOADED']

export class Traders {
  /** The reply to each order, by its id. */
  readonly replies = new Map<string, Report>()
  /** Orders sent once more. */
  repeated = 0
  private readonly connection: NatsConnection
  private readonly accounts: readonly string[]
  private readonly random: Prng
  /** What was heard, by account and execSeq. */
  private readonly heard = new Map<string, Map<number, Report>>()
  private readonly broken: unknown[] = []
  private isOn = true
  private number = 0
  private working: Promise<unknown> = Promise.resolve()

  private constructor(connection: NatsConnection, accounts: readonly string[], seed: number) {
    this.connection = connection
    this.accounts = accounts
    this.random = new Prng(seed)
    for (const account of accounts) this.heard.set(account, new Map())
  }

  /** They listen, and trade once they are told to {@link begin}. */
  static async start(url: string, accounts: readonly string[], seed: number): Promise<Traders> {
    const options = { maxReconnectAttempts: -1, reconnectTimeWait: 50, reconnectJitter: 20 }
    const traders = new Traders(await connect({ servers: url, ...options }), accounts, seed)
    await traders.listen()
    return traders
  }

  begin(): void {
    const loops = this.accounts.flatMap((account) =>
      Array.from({ length: WINDOW }, () => this.trade(account)),
    )
    this.working = Promise.all(loops)
  }

  /** Waits until so many more orders are answered. */
  async goOn(count: number): Promise<void> {
    const target = this.replies.size + count
    const until = performance.now() + PATIENCE_MS
    while (this.replies.size < target) {
      if (this.broken.length > 0) throw this.broken[0]
      assert(performance.now() < until, 'orders are answered')
      await sleep(5)
    }
  }

  /** Ends the trade; each order that was sent is answered then. */
  async stop(): Promise<void> {
    this.isOn = false
    await this.working
    if (this.broken.length > 0) throw this.broken[0]
  }

  async close(): Promise<void> {
    this.isOn = false
    await this.connection.close()
  }

  /**
   * Each reply is the order's one entry in the journal, no order is there twice; each account has
   * all of its reports, as the journal has them, without a gap.
   */
  async check(url: string): Promise<{ orders: number; reports: number }> {
    const born = new Map<string, Report>()
    const byAccount = new Map<string, Report[]>(this.accounts.map((account) => [account, []]))
    await replayAll(url, (report) => {
      const { account = '', execSeq, execType, clOrdId = '', duplicate } = report
      if (execSeq !== undefined) byAccount.get(account)?.push(report)
      if (execType !== 'new' || duplicate) return
      assert(!born.has(clOrdId), `${clOrdId} is there once`)
      born.set(clOrdId, report)
    })
    for (const [clOrdId, reply] of this.replies) {
      assert(reply.execType === 'new', `${clOrdId}: ${JSON.stringify(reply)}`)
      const isIts = born.get(clOrdId)?.orderId === reply.orderId
      assert(isIts, `${clOrdId} was acknowledged, and the journal has it so`)
    }
    assert(born.size === this.replies.size, 'each order in the journal was answered')
    let reports = 0
    for (const [account, journaled] of byAccount) {
      await this.fillGaps(account, journaled.length)
      journaled.forEach((report, at) => {
        const got = JSON.stringify(this.heard.get(account)?.get(at + 1))
        const isSame = report.execSeq === at + 1 && got === JSON.stringify(report)
        assert(isSame, `${account}'s report ${at + 1} arrived as it is: ${got}`)
      })
      reports += journaled.length
    }
    return { orders: born.size, reports }
  }

  private async listen(): Promise<void> {
    for (const account of this.accounts) {
      this.connection.subscribe(`onefill.v1.exec.${account}`, {
        callback: (_, message) => this.hear(account, message.json<Report[]>()),
      })
    }
    await this.connection.flush()
  }

  private hear(account: string, reports: readonly Report[]): void {
    const heard = this.heard.get(account) as Map<number, Report>
    for (const report of reports) {
      const known = heard.get(report.execSeq as number)
      // The same number is the same report, whichever life says it.
      if (known !== undefined && JSON.stringify(known) !== JSON.stringify(report)) {
        this.broken.push(new Error(`said otherwise before: ${JSON.stringify([known, report])}`))
      }
      heard.set(report.execSeq as number, report)
    }
  }

  private async trade(account: string): Promise<void> {
    try {
      while (this.isOn) await this.order(account)
    } catch (error) {
      this.broken.push(error)
    }
  }

  private async order(account: string): Promise<void> {
    this.number += 1
    const clOrdId = `${account}-${this.number}`
    const body = JSON.stringify({
      ...{ clOrdId, symbol: 'XUSD', ordType: 'limit', side: this.random.pick(['buy', 'sell']) },
      ...{ price: `100.0${this.random.int(0, 9)}`, orderQty: `${this.random.int(1, 9)}` },
    })
    const until = performance.now() + PATIENCE_MS
    for (;;) {
      assert(performance.now() < until, `${clOrdId} is answered`)
      const reply = await this.ask(`onefill.v1.order.${account}.new`, body)
      if (reply !== undefined && !AGAIN.includes(reply.code ?? '')) {
        this.replies.set(clOrdId, reply.duplicate ? original(reply) : reply)
        return
      }
      this.repeated += 1
      await sleep(20)
    }
  }

  private async ask(subject: string, body: string): Promise<Report | undefined> {
    try {
      return (await this.connection.request(subject, body, { timeout: REPLY_MS })).json<Report>()
    } catch {
      // Nobody serves, or no answer, or no connection: the same again.
      return undefined
    }
  }

  private async fillGaps(account: string, newest: number): Promise<void> {
    const heard = this.heard.get(account) as Map<number, Report>
    for (let execSeq = 1; execSeq <= newest; execSeq += 1) {
      if (heard.has(execSeq)) continue
      const body = JSON.stringify({ from: execSeq, to: newest })
      const answer = await this.connection.request(`onefill.v1.exec.${account}.resend`, body, {
        timeout: 9_000,
      })
      const { reports = [], code } = answer.json<{ reports?: Report[]; code?: string }>()
      assert(reports.length > 0, `${account}'s report ${execSeq} is there: ${code}`)
      this.hear(account, reports)
    }
  }
}

/** A duplicate's report carries the order's id, and is not the first one. */
const original = ({ duplicate: _, ...report }: Report): Report => report
