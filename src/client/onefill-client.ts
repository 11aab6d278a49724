// A trader's client: orders in, replies and reports out, for one account.

import type { BalancesAnswer, OpenOrder, OrdersAnswer } from '../engine/answers.ts'
import type { HistoryAnswer, NumberedReport } from '../gateway/history.ts'
import {
  execSubject,
  type OrderVerb,
  orderSubject,
  type QueryName,
  querySubject,
  refusedSubject,
  resendSubject,
} from '../gateway/subjects.ts'
import type { Report } from '../protocol/report-json.ts'
import {
  type Cancel,
  commandBody,
  type MassCancel,
  type NewOrder,
  type OrderCommand,
  orderBody,
  type Replace,
  type Reply,
  replaceBody,
} from './commands.ts'
import { type AskOptions, callSafely, Link, type Subscription } from './link.ts'
import {
  type ConnectOptions,
  FOR_EVER,
  MarketClient,
  named,
  pause,
  refusedProblem,
} from './market-client.ts'
import { type GoneReports, ReportStream } from './report-stream.ts'
import { isNumbered, type Said, withoutUndefined } from './wire.ts'

export interface TraderOptions extends ConnectOptions {
  /** The account that all is about. */
  readonly account: string
}

export interface ReportOptions {
  /** The first report wanted, such as one above the last one handled; without it: from now on. */
  readonly fromExecSeq?: number | undefined
  /** Reports that the exchange does not have in memory any more, and that will not come. */
  readonly onGone?: ((gone: GoneReports) => void) | undefined
}

export class OnefillClient extends MarketClient {
  readonly account: string

  private constructor(link: Link, account: string) {
    super(link)
    this.account = account
  }

  /**
   * Connects, for good. Throws a ClientProblem: `CANNOT_CONNECT`, `BAD_CREDENTIALS`,
   * `NOT_SENDABLE`.
   */
  static override async connect(options: TraderOptions): Promise<OnefillClient> {
    const account = named('account', options.account)
    return new OnefillClient(await Link.connect(options), account)
  }

  /** Sends an order: `new`, or `rejected` with a code. Repeats do no harm. */
  submit(order: NewOrder, options?: AskOptions): Promise<Reply> {
    return this.#send('new', orderBody(order), options)
  }

  /**
   * Takes an order out: `canceled`. A cancel has no id of its own: `UNKNOWN_ORDER` on a reply that
   * is `repeated` can mean that an earlier try took effect; the reports say so.
   */
  cancel(cancel: Cancel, options?: AskOptions): Promise<Reply> {
    return this.#send('cancel', withoutUndefined(cancel), options)
  }

  /** Changes an order's price and total quantity: `replaced`. Repeats do no harm. */
  replace(replace: Replace, options?: AskOptions): Promise<Reply> {
    return this.#send('replace', replaceBody(replace), options)
  }

  /**
   * Cancels all open orders, or those of a symbol or side: `accepted` with `affected`. One that is
   * `repeated` cancels too what was accepted between its tries, and counts only what was left.
   */
  massCancel(which: MassCancel = {}, options?: AskOptions): Promise<Reply> {
    return this.#send('massCancel', withoutUndefined(which), options)
  }

  /**
   * Sends up to 1,000 commands in one message; a reply each, in their order. Each is carried out or
   * refused for itself; only if the message cannot be read, all have the same refusal.
   */
  async batch(commands: readonly OrderCommand[], options?: AskOptions): Promise<Reply[]> {
    if (commands.length === 0) return []
    const subject = orderSubject(this.account, 'batch')
    return (await this.link.askAll(subject, commands.map(commandBody), options)).map(replyOf)
  }

  /**
   * Sends an order and waits for nothing, which costs little more than half of {@link submit};
   * returns its `clOrdId`. What becomes of it comes by {@link onReport}, and by
   * {@link onRefused} if it is not taken in. Nothing is tried again: without either, send the same
   * with the same `clOrdId`. Throws a ClientProblem: `NOT_CONNECTED`, `NOT_SENDABLE`, `CLOSED`.
   */
  post(order: NewOrder): string {
    const body = orderBody(order)
    this.link.publish(orderSubject(this.account, 'new'), body)
    return body.clOrdId
  }

  /** As {@link post}, of a cancel or a replace, or of up to 1,000 commands in one message. */
  postAll(commands: readonly OrderCommand[]): void {
    if (commands.length === 0) return
    this.link.publish(orderSubject(this.account, 'batch'), commands.map(commandBody))
  }

  /**
   * Gives refusals of what was posted and not taken in: it has no `seq`, and is in no report. They
   * may get lost with the connection.
   */
  onRefused(callback: (refusal: Report) => void): Subscription {
    const unsubscribe = this.link.subscribe(
      refusedSubject(this.account),
      (refusals) => {
        for (const refusal of refusals) callSafely(callback, refusal as unknown as Report)
      },
      (problem) => kept.fail(problem),
    )
    const kept = this.link.keep({ renew: () => this.link.flush(), end: unsubscribe })
    return kept
  }

  /**
   * Gives every report of the account exactly once, in order of `execSeq`. What is missing (after
   * an outage, at the start) is asked for by itself; what nobody has any more is told by `onGone`.
   */
  onReport(
    callback: (report: NumberedReport) => void,
    { fromExecSeq, onGone }: ReportOptions = {},
  ): Subscription {
    const stream = new ReportStream({
      ...{ fromExecSeq, pause },
      onReport: (report) => callSafely(callback, report),
      onGone: (gone) => callSafely(onGone, gone),
      ask: async (from, to) => {
        const subject = resendSubject(this.account)
        return historyOf(await this.link.query(subject, { from, to }, FOR_EVER))
      },
    })
    const unsubscribe = this.link.subscribe(
      execSubject(this.account),
      (reports) => {
        stream.take((reports as readonly object[]).filter(isNumbered))
        if (stream.hasGap) kept.renew()
      },
      (problem) => kept.fail(problem),
    )
    const end = () => {
      unsubscribe()
      stream.stop()
    }
    const kept = this.link.keep({ renew: () => stream.catchUp(), end })
    return kept
  }

  /** Balances and positions, or the refusal (`UNKNOWN_ACCOUNT`); very many as {@link orders}. */
  async balances(options?: AskOptions): Promise<BalancesAnswer | Report> {
    const balances: BalancesAnswer['balances'] = []
    const positions: BalancesAnswer['positions'] = []
    for (let behind = {}; ; ) {
      const page = await this.#query<BalancesAnswer>('balances', options, behind)
      if (!('balances' in page)) return page
      balances.push(...page.balances)
      positions.push(...page.positions)
      const { more, ...answer } = page
      if (more !== true) return { ...answer, balances, positions }
      const [asset, symbol] = [balances.at(-1)?.asset, positions.at(-1)?.symbol]
      behind = { ...(asset && { after: asset }), ...(symbol && { afterSymbol: symbol }) }
    }
  }

  /**
   * Open orders, or the refusal (`UNKNOWN_ACCOUNT`). Very many come page by page, each as of its
   * own `seq`; the answer has the last one's.
   */
  async orders(options?: AskOptions): Promise<OrdersAnswer | Report> {
    const orders: OpenOrder[] = []
    for (let behind = {}; ; ) {
      const page = await this.#query<OrdersAnswer>('orders', options, behind)
      if (!('orders' in page)) return page
      orders.push(...page.orders)
      const { more, ...answer } = page
      const last = page.orders.at(-1)
      if (more !== true || last === undefined) return { ...answer, orders }
      behind = { after: last.orderId }
    }
  }

  async #send(verb: OrderVerb, body: object, options?: AskOptions): Promise<Reply> {
    return replyOf(await this.link.ask(orderSubject(this.account, verb), body, options))
  }

  async #query<T>(what: QueryName, options?: AskOptions, body = {}): Promise<T | Report> {
    const said = await this.link.query(querySubject(this.account, what), body, options)
    return said as T | Report
  }
}

/** The reply as callers get it. */
export function replyOf({ said, isUnsure }: { said: Said; isUnsure: boolean }): Reply {
  const reply = said as unknown as Report
  return isUnsure ? { ...reply, repeated: true } : reply
}

function historyOf(said: Said): HistoryAnswer {
  const { kind, reports, code } = said
  const [oldest, newest] = [Number(said.oldest ?? 0), Number(said.newest)]
  if (code === 'HISTORY_GONE') return { kind: 'gone', oldest, newest }
  if (kind !== 'reports') throw refusedProblem(said)
  return { kind, reports: (reports as object[]).filter(isNumbered), newest }
}
