// Market data to its subscribers: each message written once for all of them. Who has no room loses
// messages, is told so, and begins anew with what there is by then.

import { encodeFrame } from '../../frame.ts'
import type { MarketFeed } from '../../market-feed.ts'
import type { MarketMessage } from '../../market-message.ts'
import type { Feed } from '../../subjects.ts'
import type { Owed, StreamConnection } from './connection.ts'
import { marketBytes } from './words.ts'

/** What a channel needs of the feed. */
export type Market = Pick<MarketFeed, 'addTaker' | 'snapshot' | 'depth' | 'bbo'>

/** All who subscribe to a symbol's feed. */
class Group {
  readonly feed: Feed
  readonly symbol: string
  readonly members = new Set<MarketSubscription>()
  private readonly market: Market
  /** What a member begins with, and what it was made of. */
  private content: object | undefined
  private bytes: Uint8Array | undefined

  constructor(feed: Feed, symbol: string, market: Market) {
    this.feed = feed
    this.symbol = symbol
    this.market = market
  }

  /** What subscribers have by now, written once however many begin with it. */
  current(): Uint8Array | undefined {
    const { feed, symbol, market } = this
    if (feed === 'trades') return undefined
    const content = feed === 'depth' ? market.depth(symbol) : market.bbo(symbol)
    if (content !== this.content) {
      this.content = content
      this.bytes = content && marketBytes(feed, symbol, encodeFrame(content, 'json'))
    }
    return this.bytes
  }
}

export class MarketSubscription implements Owed {
  private readonly connection: StreamConnection
  private readonly group: Group
  private readonly onEnd: () => void
  /** Messages, of trades: trades, that were not sent for want of room. */
  private missed = 0

  constructor(connection: StreamConnection, group: Group, onEnd: () => void) {
    this.connection = connection
    this.group = group
    this.onEnd = onEnd
    group.members.add(this)
    if (group.feed !== 'trades') this.begin()
  }

  /** Sends a message that holds so many, or counts them as missed. */
  offer(bytes: Uint8Array, count: number): void {
    const { connection } = this
    if (this.missed === 0 && connection.hasRoom) return connection.send(bytes)
    this.missed += count
    connection.owe(this)
  }

  catchUp(): true {
    const { feed, symbol } = this.group
    // The book and the best prices make up for what is missing; trades are to be asked for.
    if (feed === 'trades') this.connection.tell('missed', { feed, symbol, count: this.missed })
    this.missed = 0
    const bytes = this.group.current()
    if (bytes !== undefined) this.connection.send(bytes)
    return true
  }

  end(): void {
    this.group.members.delete(this)
    this.connection.forget(this)
    this.onEnd()
  }

  private begin(): void {
    if (this.connection.hasRoom) {
      this.catchUp()
      return
    }
    this.missed = 1
    this.connection.owe(this)
  }
}

export class MarketChannel {
  private readonly market: Market
  private readonly groups = new Map<string, Group>()

  constructor(market: Market) {
    this.market = market
    market.addTaker((message) => this.take(message))
  }

  /** The symbol's book; a refusal if there is no such symbol; undefined if nobody can say. */
  snapshot(symbol: string): ReturnType<Market['snapshot']> {
    return this.market.snapshot(symbol)
  }

  /** Subscribes, and sends what there is by now; its book has to be known, see {@link snapshot}. */
  subscribe(connection: StreamConnection, feed: Feed, symbol: string): MarketSubscription {
    const key = `${feed} ${symbol}`
    const group = this.groups.get(key) ?? new Group(feed, symbol, this.market)
    this.groups.set(key, group)
    return new MarketSubscription(connection, group, () => {
      const isLast = group.members.size === 0 && this.groups.get(key) === group
      if (isLast) this.groups.delete(key)
    })
  }

  private take(message: MarketMessage): void {
    const { feed, symbol, content } = message
    const group = this.groups.get(`${feed} ${symbol}`)
    if (group === undefined) return
    const bytes = marketBytes(feed, symbol, message.in('json'))
    const count = Array.isArray(content) ? content.length : 1
    for (const member of group.members) member.offer(bytes, count)
  }
}
