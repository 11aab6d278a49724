// Market data on its way out: trades as they come, books looked at now and then, snapshots for who
// asks. Who misses a message sees it by the numbers and asks.

import type { BookAnswer, QueryAnswer } from '../engine/answers.ts'
import type { Report } from '../protocol/report-json.ts'
import { DEPTH_LEVELS_MAX, TRADES_MAX } from './bounds.ts'
import { MarketData, type TradeMessage } from './market-data.ts'
import { marketDataSubject } from './subjects.ts'

/** Messages of depth from one whole snapshot in the feed to the next. */
const SNAPSHOT_EVERY = 100

export interface MarketFeedOptions {
  /** At least so long between two updates of a symbol's depth, in ms. */
  readonly depthEveryMs: number
  /** Asks the exchange; undefined while this process does not lead. */
  readonly query: (query: object) => Promise<QueryAnswer | Report> | undefined
  /** Sends a message; false if it could not be. */
  readonly publish: (subject: string, message: unknown) => boolean
  /** Something broke that cannot. */
  readonly onFault: (error: unknown) => void
}

export class MarketFeed {
  private readonly options: MarketFeedOptions
  private readonly market: MarketData
  /** Symbols whose subscribers have missed a message that could not be sent. */
  private readonly missed = new Set<string>()
  private timer: NodeJS.Timeout | undefined
  private trades: TradeMessage[] = []

  constructor(options: MarketFeedOptions) {
    this.options = options
    const { depthEveryMs } = options
    this.market = new MarketData({ intervalMs: depthEveryMs, snapshotEvery: SNAPSHOT_EVERY })
  }

  /** Looks at a report, all of them in order; {@link flush} sends what came of them. */
  observe(report: Report): void {
    const trade = this.market.observe(report)
    if (trade !== undefined) this.trades.push(trade)
  }

  /** A report says that a symbol's book is another one, and no more than that. */
  changed(symbol: string): void {
    this.market.changed(symbol)
  }

  /** Sends the trades, by symbol. */
  flush(): void {
    if (this.trades.length > 0) {
      const bySymbol = Map.groupBy(this.trades, ({ symbol }) => symbol)
      this.trades = []
      for (const [symbol, trades] of bySymbol) this.publishTrades(symbol, trades)
    }
    this.schedule()
  }

  /** What a symbol's subscribers have; asks for its book if nothing was published yet. */
  async snapshot(symbol: string): Promise<unknown> {
    const known = this.market.snapshot(symbol)
    if (known !== undefined) return known
    const answer = await this.options.query({ cmd: 'book', symbol, depth: DEPTH_LEVELS_MAX })
    if (answer !== undefined && 'bids' in answer) this.publishBook(answer)
    return this.market.snapshot(symbol) ?? answer
  }

  /** After an outage: whole books, for who missed changes of them. */
  catchUp(): void {
    const symbols = [...this.missed]
    this.missed.clear()
    for (const symbol of symbols) {
      const whole = this.market.snapshot(symbol)
      if (whole !== undefined) this.send(symbol, 'depth', whole)
    }
  }

  close(): void {
    clearTimeout(this.timer)
    this.timer = undefined
  }

  private publishTrades(symbol: string, trades: readonly TradeMessage[]): void {
    const subject = marketDataSubject(symbol, 'trades')
    for (let from = 0; from < trades.length; from += TRADES_MAX) {
      this.options.publish(subject, trades.slice(from, from + TRADES_MAX))
    }
  }

  private publishBook(answer: BookAnswer): void {
    const { depth, bbo } = this.market.update(answer)
    if (depth !== undefined) this.send(depth.symbol, 'depth', depth)
    if (bbo !== undefined) this.send(bbo.symbol, 'bbo', bbo)
  }

  private send(symbol: string, feed: 'depth' | 'bbo', message: unknown): void {
    const isSent = this.options.publish(marketDataSubject(symbol, feed), message)
    if (!isSent) this.missed.add(symbol)
  }

  private schedule(): void {
    if (this.timer !== undefined) return
    const dueMs = this.market.nextDueMs()
    if (dueMs === undefined) return
    const waitMs = Math.max(0, dueMs - performance.now())
    this.timer = setTimeout(() => {
      this.timer = undefined
      try {
        this.askBooks()
      } catch (error) {
        this.options.onFault(error)
      }
    }, waitMs)
  }

  private askBooks(): void {
    for (const symbol of this.market.due(performance.now())) {
      const asked = this.options.query({ cmd: 'book', symbol, depth: DEPTH_LEVELS_MAX })
      if (asked === undefined) {
        this.market.failed(symbol)
        continue
      }
      asked
        .then(
          (answer) => {
            if ('bids' in answer) this.publishBook(answer)
            else this.market.failed(symbol)
            this.schedule()
          },
          // Nothing goes on: nobody leads here any more.
          () => this.market.failed(symbol),
        )
        .catch(this.options.onFault)
    }
    this.schedule()
  }
}
