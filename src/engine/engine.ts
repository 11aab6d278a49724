// The exchange as one deterministic state machine: rounds of binary commands in, binary reports
// out.
//
// Here all actors live in one thread ("inline"): one shard of accounts, one of books. No I/O, no
// clock, no randomness: state and reports are a function of the commands and of how they are cut
// into rounds. The same shards run in worker threads: see actors/.

import { assert } from '../lib/assert.ts'
import type { RecordLog } from '../lib/record-log.ts'
import type { CommandLog } from '../protocol/command-log.ts'
import type { Page } from '../protocol/decode.ts'
import type { Instrument } from '../protocol/instrument.ts'
import type { ReportLog } from '../protocol/report-log.ts'
import { AccountShard, type AccountShardOptions } from './account/account-shard.ts'
import type { AccountStore } from './account/account-store.ts'
import type { Postings } from './account/postings.ts'
import {
  type BookAnswer,
  execSeqsOf,
  type Holdings,
  holdingsOf,
  levelsOf,
  type OrdersPage,
  openOrdersOf,
} from './answers.ts'
import type { Book } from './book/book.ts'
import { BookShard } from './book/book-shard.ts'
import type { BookStore } from './book/store.ts'
import { checkState } from './invariants.ts'
import type { Market } from './market.ts'
import { EngineLoader, readMarketState, type StateLoader } from './restore.ts'
import { writeState } from './state.ts'

export type EngineOptions = AccountShardOptions

/** A round that is over. Its logs are valid until the next call of `take`. */
export interface FinishedRound {
  /** The `seq` of its first command. */
  readonly firstSeq: number
  /** In (seq, index) order. */
  readonly reports: ReportLog
  /** Empty unless postings are enabled. */
  readonly postings: RecordLog
}

export class Engine {
  /** Commands handled so far; the next one's `seq` is one more. */
  seq = 0
  readonly accountShard: AccountShard
  readonly bookShard: BookShard
  private finished: FinishedRound | undefined
  /** Stays true if a round breaks off: the state is then of no round, and no more are run. */
  private isInRound = false

  constructor(options: EngineOptions = {}) {
    this.accountShard = new AccountShard(options)
    this.bookShard = new BookShard(options.ordersInitial)
  }

  /** The reports of the last round, in (seq, index) order. */
  get reports(): AccountShard['reports'] {
    return this.accountShard.reports
  }

  /** The postings of the last round, if enabled. */
  get postings(): Postings {
    return this.accountShard.postings
  }

  get submissionsRemembered(): number {
    return this.accountShard.submissionsRemembered
  }

  get market(): Market {
    return this.accountShard.market
  }

  get accounts(): AccountStore {
    return this.accountShard.store
  }

  get bookStore(): BookStore {
    return this.bookShard.store
  }

  get books(): readonly (Book | undefined)[] {
    return this.bookShard.books
  }

  /** Runs one round; its reports are in `reports` until the next. */
  round(commands: CommandLog): void {
    const { accountShard, bookShard } = this
    assert(!this.isInRound, 'no round has broken off before')
    this.isInRound = true
    const firstSeq = this.seq + 1
    commands.stamp(firstSeq)
    accountShard.hold(commands, firstSeq)
    bookShard.match(accountShard.messages)
    accountShard.settle(commands, bookShard.events)
    this.publishReferences()
    this.seq += commands.count
    this.isInRound = false
  }

  // What actors/core.ts asks of whoever runs rounds.

  get canStart(): boolean {
    return this.finished === undefined
  }

  start(commands: CommandLog): void {
    this.finished = { firstSeq: this.seq + 1, reports: this.reports, postings: this.postings.log }
    this.round(commands)
  }

  take(): FinishedRound | undefined {
    const { finished } = this
    this.finished = undefined
    return finished
  }

  holdings(account: number, page?: Page): Holdings {
    return holdingsOf(this.accountShard, account, page)
  }

  openOrders(account: number, page?: Page): OrdersPage {
    return openOrdersOf(this.accountShard, account, page)
  }

  execSeqs(): Float64Array {
    return execSeqsOf(this.accountShard)
  }

  levels(symbol: number, instrument: Instrument, depth: number): Pick<BookAnswer, 'bids' | 'asks'> {
    return levelsOf(this.bookShard, symbol, instrument, depth)
  }

  sections(): Iterable<Uint8Array> {
    return writeState(this)
  }

  load(market: Uint8Array): StateLoader {
    return new EngineLoader(this, readMarketState(market))
  }

  check(): void {
    checkState(this)
  }

  /** The book of a symbol, empty if nothing was ever ordered. */
  book(symbol: number): Book {
    return this.bookShard.book(symbol)
  }

  /** The round is over: its last trades are the reference prices of the next. */
  private publishReferences(): void {
    const { traded } = this.bookShard
    for (let number = 0; number < traded.count; number += 1) {
      const symbol = traded.i32[number * 2]
      this.market.referenceTicks[symbol] = this.book(symbol).lastTradeTicks
    }
  }
}
