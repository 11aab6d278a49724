// Recent reports by account and `execSeq`, for being sent again: bounded, the oldest out first.

import { assert } from '../lib/assert.ts'
import type { PublishedBefore, SaidMessage } from '../persistence/said-table.ts'
import type { Report } from '../protocol/report-json.ts'
import { REPORT_WORDS } from '../protocol/report-log.ts'
import type { Reports } from '../protocol/reports.ts'
import {
  HISTORY_BYTES_MAX,
  HISTORY_REPORTS_MAX,
  RESEND_REPORTS_MAX,
  SAID_BYTES_MAX,
  SAID_REPORTS_MAX,
} from './bounds.ts'
import { runsByAccount } from './by-account.ts'
import { decodeReports, encodeFrame } from './frame.ts'

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

/** Reports numbered `first` to `first + count - 1`. */
interface Block {
  readonly first: number
  readonly count: number
  readonly size: number
  /** A message as it went out; or those of replayed ones, each made an object when it is wanted. */
  readonly of: Uint8Array | { readonly reports: Reports; readonly numbers: readonly number[] }
}

interface AccountLog {
  readonly account: string
  /** Gapless; those before `head` are gone. */
  readonly blocks: (Block | undefined)[]
  head: number
  /** The number behind the newest. */
  next: number
}

export interface HistoryOptions {
  readonly reportsMax?: number
  readonly bytesMax?: number
}

/**
 * Keeps messages of reports in the order of their going out, over all accounts: their bytes, which
 * cost the garbage collector less than the objects in them. An account costs a few words for ever,
 * so that "gone" can be told from "never was"; the exchange's bound on accounts bounds that.
 */
export class ReportHistory {
  readonly #reportsMax: number
  readonly #bytesMax: number
  readonly #accounts = new Map<string, AccountLog>()
  /** Whose message came first, second …: one entry a message; those before `#head` are gone. */
  #arrivals: AccountLog[] = []
  #head = 0
  #count = 0
  #bytes = 0
  #newestBefore: PublishedBefore['newestOf'] = () => 0

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
    return this.#count
  }

  /** The bytes of their messages. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Keeps `count` reports of an account, from number `first` on, in the message they went out in.
   * The first of an account may have any number, each later one the next; what is known already
   * (published again after a recovery) changes nothing.
   */
  add(account: string, first: number, count: number, bytes: Uint8Array): void {
    this.#add(account, { first, count, size: bytes.length, of: bytes })
  }

  /** As {@link add}, of all that went out before this start; before anything else is added. */
  remember({ messages, reports, newestOf }: PublishedBefore): void {
    this.#newestBefore = newestOf
    for (const { account, first, count, bytes } of messages) this.add(account, first, count, bytes)
    for (const each of reports) this.#addReplayed(each)
  }

  #addReplayed(reports: Reports): void {
    for (const { account, first, numbers } of runsByAccount(reports)) {
      const { length: count } = numbers
      this.#add(account, { first, count, size: count * RECORD_BYTES, of: { reports, numbers } })
    }
  }

  /** The newest messages, oldest first, for the next start to remember: so much at most. */
  newest(reportsMax = SAID_REPORTS_MAX, bytesMax = SAID_BYTES_MAX): SaidMessage[] {
    const found: SaidMessage[] = []
    const seen = new Map<AccountLog, number>()
    let [reports, bytes] = [0, 0]
    for (let at = this.#arrivals.length - 1; at >= this.#head; at -= 1) {
      const log = this.#arrivals[at]
      const behind = (seen.get(log) ?? 0) + 1
      seen.set(log, behind)
      const block = log.blocks[log.blocks.length - behind] as Block
      const { first, count } = block
      const message = messageOf(block)
      reports += count
      bytes += message.length
      if (reports > reportsMax || bytes > bytesMax) break
      found.push({ account: log.account, first, count, bytes: message })
    }
    return found.reverse()
  }

  #add(account: string, block: Block): void {
    const { first, count, size } = block
    let log = this.#accounts.get(account)
    if (log === undefined) {
      log = { account, blocks: [], head: 0, next: first }
      this.#accounts.set(account, log)
    }
    if (first + count <= log.next) return
    assert(first <= log.next, `the reports of ${account} have no gap`)
    log.blocks.push(block)
    log.next = first + count
    this.#arrivals.push(log)
    this.#count += count
    this.#bytes += size
    while (this.#count > this.#reportsMax || (this.#bytes > this.#bytesMax && this.#count > 0)) {
      this.#dropOldest()
    }
  }

  /**
   * The account's reports numbered `from` to `to` (both included, whole, `from` at least 1), at
   * most `RESEND_REPORTS_MAX` of them. An account without a report has `newest` 0.
   */
  range(account: string, from: number, to: number): HistoryAnswer {
    const log = this.#accounts.get(account)
    if (log === undefined) return nothingKept(this.#newestBefore(account), from, to)
    const newest = log.next - 1
    const oldest = log.blocks[log.head]?.first ?? log.next
    if (from < oldest && from <= to) return { kind: 'gone', oldest, newest }
    const last = Math.min(to, newest, from + RESEND_REPORTS_MAX - 1)
    const reports: NumberedReport[] = []
    for (let at = blockOf(log, from); from + reports.length <= last; at += 1) {
      const block = log.blocks[at] as Block
      const skipped = from + reports.length - block.first
      reports.push(...reportsIn(block, skipped, last - block.first + 1))
    }
    return { kind: 'reports', reports, newest }
  }

  #dropOldest(): void {
    const log = this.#arrivals[this.#head]
    this.#head += 1
    const { count, size } = log.blocks[log.head] as Block
    this.#count -= count
    this.#bytes -= size
    // Let go at once: the arrays are only shortened now and then.
    log.blocks[log.head] = undefined
    log.head += 1
    if (log.head > 32 && log.head * 2 > log.blocks.length) {
      log.blocks.splice(0, log.head)
      log.head = 0
    }
    if (this.#head > 1024 && this.#head * 2 > this.#arrivals.length) {
      this.#arrivals = this.#arrivals.slice(this.#head)
      this.#head = 0
    }
  }
}

/** Of an account of which nothing is kept. */
const nothingKept = (newest: number, from: number, to: number): HistoryAnswer =>
  from <= newest && from <= to
    ? { kind: 'gone', oldest: newest + 1, newest }
    : { kind: 'reports', reports: [], newest }

/** A record of a replayed report. */
const RECORD_BYTES = REPORT_WORDS * 4

/** The block's reports from `from` to `to`, counted from 0, `to` not included. */
function reportsIn({ of }: Block, from: number, to: number): NumberedReport[] {
  if (of instanceof Uint8Array) return decodeReports(of).slice(from, to) as NumberedReport[]
  return of.numbers.slice(from, to).map((number) => of.reports.at(number)) as NumberedReport[]
}

const messageOf = (block: Block): Uint8Array =>
  block.of instanceof Uint8Array ? block.of : encodeFrame(reportsIn(block, 0, block.count), 'json')

/** Where the block is that has number `wanted`, or that ends before it; by halving. */
function blockOf({ blocks, head }: AccountLog, wanted: number): number {
  let [low, high] = [head, blocks.length - 1]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((blocks[middle] as Block).first <= wanted) low = middle
    else high = middle - 1
  }
  return low
}
