// The exchange as one deterministic state machine: rounds of binary commands in, binary reports
// out.
//
// Here all actors live in one thread ("inline"): one shard of accounts, one of books. No I/O, no
// clock, no randomness: state and reports are a function of the commands and of how they are cut
// into rounds.

import { RecordLog } from '../lib/record-log.ts'
import * as bounds from '../protocol/bounds.ts'
import type { CommandLog } from '../protocol/command-log.ts'
import * as commandLog from '../protocol/command-log.ts'
import { EventLog } from '../protocol/event-log.ts'
import { ReportLog } from '../protocol/report-log.ts'
import * as accountStore from './account/account-store.ts'
import { AccountStore } from './account/account-store.ts'
import { Administration } from './account/administration.ts'
import { HoldPhase } from './account/hold.ts'
import { Postings } from './account/postings.ts'
import { Reporter } from './account/reporter.ts'
import { SettlePhase } from './account/settle.ts'
import { Book } from './book/book.ts'
import * as lookaheadForms from './book/lookahead.ts'
import { BookLookahead } from './book/lookahead.ts'
import { Matching } from './book/matching.ts'
import { BookStore } from './book/store.ts'
import { Market } from './market.ts'
import * as messageForms from './messages.ts'

// V8 folds constants only in the module that declares them: docs/decisions/0007.
const { SUBMISSIONS_REMEMBERED } = bounds
const { CommandKind } = commandLog
const { FEES } = accountStore
const { BLOCK } = lookaheadForms
const { MESSAGE_WORDS, MS, MSF } = messageForms

export interface EngineOptions {
  /** Write double-entry postings; default false. */
  readonly postings?: boolean
  /** Commands for which a closed submission is remembered; part of the state. */
  readonly submissionsRemembered?: number
  /** Any integer that senders do not know; changes no result, see account/id-hash.ts. Default 0. */
  readonly hashSeed?: number
  /** Accounts and open orders to make room for at the start; more is made as needed. */
  readonly ordersInitial?: number
}

export class Engine {
  /** Commands handled so far; the next one's `seq` is one more. */
  seq = 0
  /** The reports of the last round, in (seq, index) order. */
  readonly reports = new ReportLog()
  /** The postings of the last round, if enabled. */
  readonly postings: Postings
  readonly submissionsRemembered: number
  readonly market = new Market()
  readonly accounts: AccountStore
  readonly bookStore: BookStore
  /** By symbol, as far as there were orders; its place is its number in the store. */
  readonly books: (Book | undefined)[] = [undefined]
  private readonly events = new EventLog()
  private readonly hold: HoldPhase
  private readonly settle: SettlePhase
  private readonly lookahead: BookLookahead
  private readonly matching: Matching
  /** Symbols that traded in this round. */
  private readonly traded = new RecordLog(2, 64)

  constructor(options: EngineOptions = {}) {
    const initial = options.ordersInitial ?? 256
    this.submissionsRemembered = options.submissionsRemembered ?? SUBMISSIONS_REMEMBERED
    this.postings = new Postings(options.postings ?? false)
    this.accounts = new AccountStore(
      this.market,
      this.submissionsRemembered,
      initial,
      options.hashSeed ?? 0,
    )
    this.bookStore = new BookStore(this.events, initial)
    this.lookahead = new BookLookahead(this.bookStore)
    this.matching = new Matching(this.bookStore)
    this.hold = new HoldPhase(this.accounts)
    const reporter = new Reporter(this.accounts, this.reports)
    this.settle = new SettlePhase(this.accounts, reporter, this.postings)
    new Administration(this.accounts).create(FEES)
  }

  /** Runs one round; its reports are in `reports` until the next. */
  round(commands: CommandLog): void {
    const firstSeq = this.seq + 1
    this.postings.log.clear()
    this.hold.run(commands, firstSeq)
    this.match()
    this.settle.run(commands, firstSeq, this.hold.outcomes, this.events)
    this.publishReferences()
    this.seq += commands.count
  }

  /** The book of a symbol, empty if nothing was ever ordered. */
  book(symbol: number): Book {
    const { books } = this
    while (books.length <= symbol) {
      books.push(new Book(this.bookStore, this.matching, books.length))
    }
    return books[symbol] as Book
  }

  /** Phase two: each order message at its book. */
  private match(): void {
    const { events, matching, books } = this
    const { messages } = this.hold
    const { i32, f64 } = messages
    events.clear()
    this.traded.clear()
    const { count } = messages
    for (let number = 0; number < count; number += 1) {
      if (number % BLOCK === 0) {
        this.lookahead.run(messages, number, Math.min(number + BLOCK, count))
      }
      const at = number * MESSAGE_WORDS
      const f = at >> 1
      const symbol = i32[at + MS.symbol]
      if (symbol >= books.length) this.book(symbol)
      const account = i32[at + MS.account]
      const tag = i32[at + MS.tag]
      const orderId = f64[f + MSF.orderId]
      const aux = f64[f + MSF.aux]
      const { trades } = matching
      events.begin(f64[f + MSF.seq], symbol, i32[at + MS.index])
      const kind = i32[at + MS.kind]
      if (kind === CommandKind.cancel) {
        matching.cancel(symbol, orderId, account, tag, aux)
      } else if (kind === CommandKind.replace) {
        matching.replace(
          symbol,
          orderId,
          account,
          tag,
          f64[f + MSF.priceTicks],
          f64[f + MSF.qtyLots],
          aux,
        )
      } else {
        const flags = i32[at + MS.flags]
        matching.submit(
          symbol,
          orderId,
          account,
          tag,
          flags,
          f64[f + MSF.priceTicks],
          f64[f + MSF.qtyLots],
          aux,
        )
      }
      if (matching.trades !== trades) {
        const entry = this.traded.append()
        this.traded.i32[entry] = symbol
      }
    }
  }

  /** The round is over: its last trades are the reference prices of the next. */
  private publishReferences(): void {
    const { traded, market } = this
    for (let number = 0; number < traded.count; number += 1) {
      const symbol = traded.i32[number * 2]
      market.referenceTicks[symbol] = this.book(symbol).lastTradeTicks
    }
  }
}
