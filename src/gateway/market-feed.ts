// Market data on its way out: trades as they come, books looked at now and then, snapshots for who
// asks. Made once, however many ways it leaves by. Who misses a message sees it by the numbers and
// asks.

import type { BookAnswer, QueryAnswer } from '../engine/answers.ts'
import type { Report } from '../protocol/report-json.ts'
import { REPORT_WORDS, RP } from '../protocol/report-log.ts'
import type { Reports } from '../protocol/reports.ts'
import { DEPTH_LEVELS_MAX, TRADES_MAX } from './bounds.ts'
import { type BboMessage, type DepthMessage, MarketData } from './market-data.ts'
import { MarketMessage } from './market-message.ts'
import { type TradeMessage, tradeAt } from './trade-message.ts'

/** Messages of depth from one whole snapshot in the feed to the next. */
const SNAPSHOT_EVERY = 100

/** At least so long between two updates of a symbol's depth, in ms, unless it is said. */
export const DEPTH_EVERY_MS = 50

export interface MarketFeedOptions {
  /** At least so long between two updates of a symbol's depth, in ms. */
  readonly depthEveryMs?: number | undefined
  /** Asks the exchange; undefined while this process does not lead. */
  readonly query: (query: object) => Promise<QueryAnswer | Report> | undefined
  /** Something broke that cannot. */
  readonly onFault: (error: unknown) => void
}

/** Takes each message out, at once and in order; what it throws is a fault. */
export type TakeMarket = (message: MarketMessage) => void

/** What a question for a book comes to; undefined if nobody leads here. */
type Said = QueryAnswer | Report | undefined

export class MarketFeed {
  private readonly options: MarketFeedOptions
  private readonly intervalMs: number
  private readonly market: MarketData
  private readonly takers: TakeMarket[] = []
  /** Books that are asked for because somebody wants a snapshot; one question a symbol. */
  private readonly asked = new Map<string, Promise<Said>>()
  /** Looks at books that have changed. */
  private readonly underWay = new Set<Promise<void>>()
  private timer: NodeJS.Timeout | undefined
  private trades: TradeMessage[] = []
  private isClosed = false

  constructor(options: MarketFeedOptions) {
    this.options = options
    const { depthEveryMs: intervalMs = DEPTH_EVERY_MS } = options
    this.intervalMs = intervalMs
    this.market = new MarketData({ intervalMs, snapshotEvery: SNAPSHOT_EVERY })
  }

  /** From now on `take` is given every message. */
  addTaker(take: TakeMarket): void {
    this.takers.push(take)
  }

  /** Looks at reports, all of them in order; {@link flush} sends what came of them. */
  take(reports: Reports): void {
    const { i32 } = reports.log
    for (let number = 0; number < reports.length; number += 1) {
      if (!reports.changesBook(number)) continue
      if (reports.isTakersFill(number)) this.trades.push(tradeAt(reports, number))
      const symbol = i32[number * REPORT_WORDS + RP.symbol]
      this.market.changed(reports.names.instrumentOf(symbol).symbol)
    }
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

  /**
   * What a symbol's subscribers have; asks for its book if nothing was published yet. A refusal if
   * there is no such symbol; undefined if nobody can say. What it rejects with is a fault.
   */
  async snapshot(symbol: string): Promise<DepthMessage | Said> {
    const known = this.depth(symbol)
    if (known !== undefined) return known
    let asked = this.asked.get(symbol)
    if (asked === undefined) {
      asked = this.askFor(symbol).finally(() => this.asked.delete(symbol))
      this.asked.set(symbol, asked)
    }
    const answer = await asked
    return this.depth(symbol) ?? answer
  }

  /** The whole book that subscribers of the depth have by now; undefined before the first. */
  depth(symbol: string): DepthMessage | undefined {
    return this.market.snapshot(symbol)
  }

  /** The best bid and ask that subscribers have by now. */
  bbo(symbol: string): BboMessage | undefined {
    return this.market.bbo(symbol)
  }

  /** What subscribers of a symbol's depth and best prices have by now, whole. */
  standing(symbol: string): MarketMessage[] {
    const [depth, bbo] = [this.depth(symbol), this.bbo(symbol)]
    return [
      ...(depth === undefined ? [] : [new MarketMessage('depth', symbol, depth)]),
      ...(bbo === undefined ? [] : [new MarketMessage('bbo', symbol, bbo)]),
    ]
  }

  /** After {@link close}: books are looked at again. */
  open(): void {
    this.isClosed = false
  }

  /** Looks at what has changed without waiting for its time; resolves once that is published. */
  async finish(): Promise<void> {
    await Promise.all(this.underWay)
    const symbols = this.market.due(performance.now() + this.intervalMs)
    await Promise.all(symbols.map((symbol) => this.askBook(symbol)))
  }

  /** Looks at no book any more; trades are still published. */
  close(): void {
    this.isClosed = true
    clearTimeout(this.timer)
    this.timer = undefined
  }

  private async askFor(symbol: string): Promise<Said> {
    const asked = this.options.query({ cmd: 'book', symbol, depth: DEPTH_LEVELS_MAX })
    // Nothing goes on: whoever leads next is asked again. What takers throw is not caught here.
    const answer = await asked?.catch(() => undefined)
    if (answer !== undefined && 'bids' in answer) this.publishBook(answer)
    return answer
  }

  private publishTrades(symbol: string, trades: readonly TradeMessage[]): void {
    for (let from = 0; from < trades.length; from += TRADES_MAX) {
      this.publish(new MarketMessage('trades', symbol, trades.slice(from, from + TRADES_MAX)))
    }
  }

  private publishBook(answer: BookAnswer): void {
    const { depth, bbo } = this.market.update(answer)
    if (depth !== undefined) this.publish(new MarketMessage('depth', depth.symbol, depth))
    if (bbo !== undefined) this.publish(new MarketMessage('bbo', bbo.symbol, bbo))
  }

  private publish(message: MarketMessage): void {
    for (const take of this.takers) take(message)
  }

  private schedule(): void {
    if (this.timer !== undefined || this.isClosed) return
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
      const asked = this.askBook(symbol)
      this.underWay.add(asked)
      void asked.then(() => {
        this.underWay.delete(asked)
        this.schedule()
      })
    }
    this.schedule()
  }

  /** Publishes what has changed of a book that is due; resolves when that is done, or cannot be. */
  private async askBook(symbol: string): Promise<void> {
    try {
      const asked = this.options.query({ cmd: 'book', symbol, depth: DEPTH_LEVELS_MAX })
      // Nothing goes on: nobody leads here any more.
      const answer = await asked?.catch(() => undefined)
      if (answer !== undefined && 'bids' in answer) this.publishBook(answer)
      else this.market.failed(symbol)
    } catch (error) {
      this.options.onFault(error)
    }
  }
}
