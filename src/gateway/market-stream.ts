// Market data out over NATS: as it comes, and whole again for whoever has missed what could not be
// sent, the server being away or slow.

import type { FrameFormat } from './frame.ts'
import type { LooseBox } from './loose-box.ts'
import type { MarketFeed } from './market-feed.ts'
import type { MarketMessage } from './market-message.ts'
import { marketDataSubject } from './subjects.ts'

export class MarketStream {
  private readonly feed: Pick<MarketFeed, 'addTaker' | 'standing'>
  private readonly loose: Pick<LooseBox, 'send'>
  private readonly format: FrameFormat
  /** Symbols whose subscribers have missed a change of the book. */
  private readonly missed = new Set<string>()

  constructor(
    feed: Pick<MarketFeed, 'addTaker' | 'standing'>,
    loose: Pick<LooseBox, 'send'>,
    format: FrameFormat,
  ) {
    this.feed = feed
    this.loose = loose
    this.format = format
    feed.addTaker((message) => this.send(message))
  }

  /** There is room again: whole books, and the best of them, of symbols that were missed. */
  catchUp(): void {
    const symbols = [...this.missed]
    this.missed.clear()
    for (const symbol of symbols) {
      for (const message of this.feed.standing(symbol)) this.send(message)
    }
  }

  private send(message: MarketMessage): void {
    const { symbol, feed } = message
    const isSent = this.loose.send(marketDataSubject(symbol, feed), message.in(this.format))
    // Trades are not sent again: `tradeId` and the reports have them.
    if (!isSent && feed !== 'trades') this.missed.add(symbol)
  }
}
