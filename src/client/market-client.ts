// What anybody may see of a running exchange: books, trades, and how it is.

import { setTimeout as delay } from 'node:timers/promises'
import type { DepthMessage } from '../gateway/market-data.ts'
import { marketDataSubject, STATUS_SUBJECT } from '../gateway/subjects.ts'
import type { TradeMessage } from '../gateway/trade-message.ts'
import { isName } from '../protocol/command-schema.ts'
import { type Book, BookFeed } from './book-feed.ts'
import type { Subscription } from './link.ts'
import { type AskOptions, backOffMs, callSafely, Link, type LinkOptions } from './link.ts'
import { ClientProblem } from './problem.ts'
import { isRefusal, type Said } from './wire.ts'

export type ConnectOptions = LinkOptions

/** How the exchange is; `seq` is the last command that it took in. */
export interface Status {
  readonly status: string
  readonly seq: number | null
  /** Counts since the process started, and what else it tells. */
  readonly [field: string]: unknown
}

/** Until `close`. */
export const FOR_EVER: AskOptions = { deadlineMs: Number.POSITIVE_INFINITY }

export const pause = (tries: number): Promise<void> => delay(backOffMs(tries))

export class MarketClient {
  protected readonly link: Link

  protected constructor(link: Link) {
    this.link = link
  }

  /** Connects, for good. Throws a ClientProblem: `CANNOT_CONNECT`, `BAD_CREDENTIALS`. */
  static async connect(options: ConnectOptions): Promise<MarketClient> {
    return new MarketClient(await Link.connect(options))
  }

  /** Whether the NATS server is there now. */
  get isConnected(): boolean {
    return this.link.isThere
  }

  /**
   * Gives the symbol's best levels (fifty a side), at once and after each change that is published;
   * what was missed is asked for by itself. `ready` rejects if there is no such symbol.
   */
  book(symbol: string, callback: (book: Book) => void): Subscription {
    const feed = new BookFeed({
      ...{ symbol, pause, onBook: (book) => callSafely(callback, book) },
      ask: async () => depthOf(await this.link.query(subject('snapshot'), {}, FOR_EVER)),
    })
    const subject = (name: 'depth' | 'snapshot') => marketDataSubject(named('symbol', symbol), name)
    const unsubscribe = this.link.subscribe(
      subject('depth'),
      (messages) => {
        // Anybody may publish there where the server does not say who may: no book, no matter.
        for (const message of messages) if (isDepth(message)) feed.take(message)
        if (feed.hasGap) kept.renew()
      },
      (problem) => kept.fail(problem),
    )
    const end = () => {
      unsubscribe()
      feed.stop()
    }
    const kept = this.link.keep({ renew: () => feed.synchronise(), end })
    return kept
  }

  /**
   * Gives the symbol's trades from now on, in order and none twice. Those of an outage are not sent
   * again: their `tradeId`s, which have no gaps, show how many were missed.
   */
  trades(symbol: string, callback: (trade: TradeMessage) => void): Subscription {
    let last = 0
    const unsubscribe = this.link.subscribe(
      marketDataSubject(named('symbol', symbol), 'trades'),
      (messages) => {
        for (const trade of messages as unknown as TradeMessage[]) {
          // After a takeover some are published again.
          if (Number(trade.tradeId) <= last) continue
          last = Number(trade.tradeId)
          callSafely(callback, trade)
        }
      },
      (problem) => kept.fail(problem),
    )
    const kept = this.link.keep({ renew: () => this.link.flush(), end: unsubscribe })
    return kept
  }

  /** How the exchange is. Throws {@link Unanswered} if nobody says so until the deadline. */
  async status(options: AskOptions = {}): Promise<Status> {
    return (await this.link.query(STATUS_SUBJECT, {}, options)) as Status
  }

  /** Ends everything; what is not answered by then throws `CLOSED`. */
  close(): Promise<void> {
    return this.link.close()
  }
}

/** The name; throws {@link ClientProblem} `NOT_SENDABLE` if it cannot stand in a subject. */
export function named(what: 'account' | 'symbol', name: string): string {
  if (isName(name)) return name
  throw new ClientProblem('NOT_SENDABLE', `The ${what} is not 1 to 36 of A-Z a-z 0-9 _ -: ${name}.`)
}

/** A refusal of something that no reply can carry; it is the cause. */
export function refusedProblem(said: Said): ClientProblem {
  const { code, field, text } = said
  const what = [code, field].filter((word) => word !== undefined).join(' ')
  return new ClientProblem('REFUSED', `refused: ${what}: ${text}`, said)
}

function depthOf(said: Said): DepthMessage {
  if (isRefusal(said)) throw refusedProblem(said as Said)
  if (isDepth(said)) return said
  throw new ClientProblem('REFUSED', 'What came as a snapshot is no book.')
}

const isDepth = (said: Said | DepthMessage): said is DepthMessage =>
  Array.isArray(said.bids) && Array.isArray(said.asks)
