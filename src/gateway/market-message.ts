// A message of market data on its way out, written once a format however many take it: NATS, and
// everybody who streams over HTTP.

import { encodeFrame, type FrameFormat } from './frame.ts'
import type { BboMessage, DepthMessage } from './market-data.ts'
import type { Feed } from './subjects.ts'
import type { TradeMessage } from './trade-message.ts'

/** What a message of a feed holds. */
export type FeedContent = DepthMessage | BboMessage | readonly TradeMessage[]

export class MarketMessage {
  readonly feed: Feed
  readonly symbol: string
  readonly content: FeedContent
  private readonly encoded = new Map<FrameFormat, Uint8Array>()

  constructor(feed: Feed, symbol: string, content: FeedContent) {
    this.feed = feed
    this.symbol = symbol
    this.content = content
  }

  /** Its bytes, which nobody changes. */
  in(format: FrameFormat): Uint8Array {
    const known = this.encoded.get(format)
    if (known !== undefined) return known
    const bytes = encodeFrame(this.content, format)
    this.encoded.set(format, bytes)
    return bytes
  }
}
