// Reports to their account's streams, without a gap: each is sent the next one or waits. Who has no
// room, or begins in the past, is sent from the history; where that has gone on, it is told so.

import type { Report } from '../../../protocol/report-json.ts'
import type { Reports } from '../../../protocol/reports.ts'
import { EXEC_REPORTS_MAX, RESEND_REPORTS_MAX } from '../../bounds.ts'
import type { ReportHistory } from '../../history.ts'
import type { Owed, StreamConnection } from './connection.ts'
import { reportsBytes } from './words.ts'

type History = Pick<ReportHistory, 'range'>

export class ReportsSubscription implements Owed {
  private readonly connection: StreamConnection
  private readonly history: History
  private readonly onEnd: () => void
  /** The `execSeq` of the report to send next; undefined: whichever comes. */
  private next: number | undefined
  /** It is sent from the history, once there is room. */
  private isBehind = false

  constructor(
    connection: StreamConnection,
    history: History,
    { next, onEnd }: { next: number | undefined; onEnd: () => void },
  ) {
    this.connection = connection
    this.history = history
    this.next = next
    this.onEnd = onEnd
  }

  /** Sends what is there already. */
  begin(): void {
    if (this.next !== undefined) this.followUp()
  }

  /** Reports `first` to `last`, which are in the history. */
  offer(first: number, last: number, bytes: Uint8Array): void {
    this.next ??= first
    if (this.isBehind || last < this.next) return
    if (first !== this.next || !this.connection.hasRoom) return this.followUp()
    this.connection.send(bytes)
    this.next = last + 1
  }

  /** A message out of the history; the next one follows once this one is written. */
  catchUp(): boolean {
    const { connection, next } = this
    const { account } = connection.principal
    if (next === undefined) return true
    const found = this.history.range(account, next, next + RESEND_REPORTS_MAX - 1)
    if (found.kind === 'gone') {
      this.end()
      const { oldest, newest } = found
      const where = { feed: 'reports', field: 'from', oldest, newest }
      connection.refuse({ kind: 'refused', code: 'HISTORY_GONE', text: GONE, ...where })
      return true
    }
    const { reports, newest } = found
    if (reports.length > 0) connection.send(reportsBytes(account, reports))
    this.next = next + reports.length
    this.isBehind = this.next <= newest
    return !this.isBehind
  }

  end(): void {
    this.connection.forget(this)
    this.onEnd()
  }

  private followUp(): void {
    if (this.connection.hasRoom && this.catchUp()) return
    this.isBehind = true
    this.connection.owe(this)
  }
}

const GONE =
  'those reports are no longer in memory, and the feed has ended; the table order_audit has them'

export class ReportsChannel {
  private readonly history: History
  private readonly byAccount = new Map<string, Set<ReportsSubscription>>()

  constructor(history: History) {
    this.history = history
  }

  /**
   * Subscribes a stream to its account's reports from number `from` on, without it: to those that
   * come; {@link ReportsSubscription.begin} sends what is there. Or where memory begins and ends,
   * if it does not reach back so far. `onEnd` is told when it ends.
   */
  subscribe(
    connection: StreamConnection,
    from: number | undefined,
    onEnd: () => void,
  ): { readonly subscription: ReportsSubscription; readonly newest: number } | Gone {
    const { account } = connection.principal
    const found = this.history.range(account, from ?? 1, from ?? 0)
    if (found.kind === 'gone') return found
    const { newest } = found
    const of = this.byAccount.get(account) ?? new Set()
    this.byAccount.set(account, of)
    const subscription: ReportsSubscription = new ReportsSubscription(connection, this.history, {
      next: from ?? (newest === 0 ? undefined : newest + 1),
      onEnd: () => {
        of.delete(subscription)
        if (of.size === 0 && this.byAccount.get(account) === of) this.byAccount.delete(account)
        onEnd()
      },
    })
    of.add(subscription)
    return { subscription, newest }
  }

  /** Sends reports that the history has, all in order; each account's written once for all. */
  take(reports: Reports): void {
    if (this.byAccount.size === 0) return
    const gathered = new Map<string, Report[]>()
    for (let number = 0; number < reports.length; number += 1) {
      const account = reports.accountAt(number)
      if (account === undefined || !this.byAccount.has(account)) continue
      const of = gathered.get(account)
      if (of === undefined) gathered.set(account, [reports.at(number)])
      else of.push(reports.at(number))
    }
    this.send(gathered)
  }

  private send(gathered: ReadonlyMap<string, readonly Report[]>): void {
    for (const [account, reports] of gathered) {
      for (let at = 0; at < reports.length; at += EXEC_REPORTS_MAX) {
        const part = reports.slice(at, at + EXEC_REPORTS_MAX)
        const [first, last] = [part[0].execSeq as number, part.at(-1)?.execSeq as number]
        const bytes = reportsBytes(account, part)
        for (const each of this.byAccount.get(account) ?? []) each.offer(first, last, bytes)
      }
    }
  }
}

type Gone = Extract<ReturnType<ReportHistory['range']>, { kind: 'gone' }>
