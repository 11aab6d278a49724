// Recent reports by account and `execSeq`, for being sent again: bounded, the oldest out first.

import { assert } from '../lib/assert.ts'
import type { Report } from '../protocol/report-json.ts'
import { HISTORY_BYTES_MAX, HISTORY_REPORTS_MAX, RESEND_REPORTS_MAX } from './bounds.ts'

/** A report with its account's gapless number: 1, 2, 3 … */
export type NumberedReport = Report & { readonly account: string; readonly execSeq: number }

/** What is there of a range. */
export type HistoryAnswer =
  | {
      readonly kind: 'reports'
      /** Gapless from the first one asked for; fewer than asked for where there are no more. */
      readonly reports: readonly NumberedReport[]
      /** The account's newest number; there is more to ask for while it is above the last one's. */
      readonly newest: number
    }
  | {
      /** The first one asked for is not kept any more. */
      readonly kind: 'gone'
      /** The oldest number that is; one above `newest` if none is. */
      readonly oldest: number
      readonly newest: number
    }

interface AccountLog {
  /** Reports and their bytes, gapless; those before `head` are gone. */
  readonly reports: (NumberedReport | undefined)[]
  readonly bytes: number[]
  head: number
  /** The number behind the newest; `next - (reports.length - head)` is the oldest's. */
  next: number
}

export interface HistoryOptions {
  readonly reportsMax?: number
  readonly bytesMax?: number
}

/**
 * Keeps reports in the order of their coming, over all accounts. An account costs a few words for
 * ever, so that "gone" can be told from "never was"; the exchange's bound on accounts bounds that.
 */
export class ReportHistory {
  readonly #reportsMax: number
  readonly #bytesMax: number
  readonly #accounts = new Map<string, AccountLog>()
  /** Whose report came first, second …: one entry a report; those before `#head` are gone. */
  #arrivals: AccountLog[] = []
  #head = 0
  #bytes = 0

  constructor({
    reportsMax = HISTORY_REPORTS_MAX,
    bytesMax = HISTORY_BYTES_MAX,
  }: HistoryOptions = {}) {
    assert(reportsMax >= 1 && bytesMax >= 1, 'a history can hold something')
    this.#reportsMax = reportsMax
    this.#bytesMax = bytesMax
  }

  /** Reports that are kept. */
  get count(): number {
    return this.#arrivals.length - this.#head
  }

  /** Their bytes, as told by {@link add}. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Keeps a report of `bytes` bytes (as it went over the wire). The first of an account may have
   * any number, each later one the next; one that is known already (published again after a
   * recovery) changes nothing.
   */
  add(report: NumberedReport, bytes: number): void {
    const { account, execSeq } = report
    let log = this.#accounts.get(account)
    if (log === undefined) {
      log = { reports: [], bytes: [], head: 0, next: execSeq }
      this.#accounts.set(account, log)
    }
    if (execSeq < log.next) return
    assert(execSeq === log.next, `the reports of ${account} have no gap`)
    log.reports.push(report)
    log.bytes.push(bytes)
    log.next += 1
    this.#arrivals.push(log)
    this.#bytes += bytes
    while (this.count > this.#reportsMax || (this.#bytes > this.#bytesMax && this.count > 0)) {
      this.#dropOldest()
    }
  }

  /**
   * The account's reports numbered `from` to `to` (both included, whole, `from` at least 1), at
   * most `RESEND_REPORTS_MAX` of them. An account without a report has `newest` 0.
   */
  range(account: string, from: number, to: number): HistoryAnswer {
    const log = this.#accounts.get(account)
    if (log === undefined) return { kind: 'reports', reports: [], newest: 0 }
    const newest = log.next - 1
    const oldest = log.next - (log.reports.length - log.head)
    if (from < oldest && from <= to) return { kind: 'gone', oldest, newest }
    const last = Math.min(to, newest, from + RESEND_REPORTS_MAX - 1)
    const start = log.head + (from - oldest)
    const reports = log.reports.slice(start, Math.max(start, start + last - from + 1))
    return { kind: 'reports', reports: reports as NumberedReport[], newest }
  }

  #dropOldest(): void {
    const log = this.#arrivals[this.#head]
    this.#head += 1
    this.#bytes -= log.bytes[log.head]
    // Let go at once: the arrays are only shortened now and then.
    log.reports[log.head] = undefined
    log.head += 1
    if (log.head > 32 && log.head * 2 > log.reports.length) {
      log.reports.splice(0, log.head)
      log.bytes.splice(0, log.head)
      log.head = 0
    }
    if (this.#head > 1024 && this.#head * 2 > this.#arrivals.length) {
      this.#arrivals = this.#arrivals.slice(this.#head)
      this.#head = 0
    }
  }
}
