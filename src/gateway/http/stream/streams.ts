// All streams: who is let in, what each subscribes to, signs of life, and the end.

import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { WebSocket } from 'ws'
import { Code, codeText } from '../../../protocol/codes.ts'
import type { Reports } from '../../../protocol/reports.ts'
import {
  STREAM_HEARTBEAT_MS,
  STREAMS_MAX,
  STREAMS_OF_ACCOUNT_MAX,
  SUBSCRIPTIONS_MAX,
} from '../../bounds.ts'
import type { ReportHistory } from '../../history.ts'
import type { Principal, Throttles } from '../principal.ts'
import { type Problem, problemOf } from '../problem.ts'
import { type Buffers, STREAM_BOUNDS, type StreamBounds, StreamConnection } from './connection.ts'
import { type Market, MarketChannel } from './market-channel.ts'
import { ReportsChannel } from './reports-channel.ts'
import { type Ask, type Refusal, readAsk, type Wanted } from './words.ts'

export interface StreamsOptions {
  readonly history: Pick<ReportHistory, 'range'>
  /** Subscribing is a request: it asks for a book, or for what there was. */
  readonly throttles: Throttles
  readonly onRefused: (code: string) => void
  /** Something broke that cannot; the stream that met it is ended. */
  readonly onError: (error: unknown) => void
  /** Other bounds than those of `bounds.ts`. */
  readonly bounds?: Partial<StreamBounds & OwnBounds> | undefined
}

interface OwnBounds {
  readonly streams: number
  readonly ofAccount: number
  readonly subscriptions: number
  readonly heartbeatMs: number
}

const OWN_BOUNDS: OwnBounds = {
  streams: STREAMS_MAX,
  ofAccount: STREAMS_OF_ACCOUNT_MAX,
  subscriptions: SUBSCRIPTIONS_MAX,
  heartbeatMs: STREAM_HEARTBEAT_MS,
}

/** Pings go out in so many parts, so that thousands of streams do not hold up an order at once. */
const PARTS = 100
/** Peers are given so long to answer that they are closed, in ms. */
const CLOSE_MS = 1_000

/** What can be ended. */
interface Subscription {
  end(): void
}

/** A stream, and what it subscribes to by feed and symbol. */
interface Entry {
  readonly part: Set<StreamConnection>
  readonly subscriptions: Map<string, Subscription>
  /** Messages are carried out one after the other: until the last one is. */
  last: Promise<void>
  waiting: number
}

const DONE = Promise.resolve()

const keyOf = (wanted: Wanted): string =>
  wanted.feed === 'reports' ? 'reports' : `${wanted.feed} ${wanted.symbol}`

/** What answers repeat of what was asked for. */
const echoOf = ({ wanted, id }: Ask) => ({
  ...(id !== undefined && { id }),
  ...{ feed: wanted.feed },
  ...(wanted.feed !== 'reports' && { symbol: wanted.symbol }),
})

export class Streams {
  private readonly options: StreamsOptions
  private readonly bounds: StreamBounds & OwnBounds
  private readonly buffers: Buffers = { bytes: 0 }
  private readonly entries = new Map<StreamConnection, Entry>()
  private readonly parts = Array.from({ length: PARTS }, () => new Set<StreamConnection>())
  private readonly byAccount = new Map<string, number>()
  private readonly reports: ReportsChannel
  private market: MarketChannel | undefined
  private isOpen = false
  private part = 0
  private opened = 0
  private timer: NodeJS.Timeout | undefined

  constructor(options: StreamsOptions) {
    this.options = options
    this.bounds = { ...STREAM_BOUNDS, ...OWN_BOUNDS, ...options.bounds }
    this.reports = new ReportsChannel(options.history)
  }

  /** Streams that are open. */
  get count(): number {
    return this.entries.size
  }

  /** Bytes that were written to streams and that their peers have not taken. */
  get bufferedBytes(): number {
    return this.buffers.bytes
  }

  /** Lets streams in from now on; somebody leads here. */
  open(market: Market): void {
    this.market ??= new MarketChannel(market)
    this.isOpen = true
    this.timer ??= setInterval(() => this.beat(), this.bounds.heartbeatMs / PARTS)
    this.timer.unref()
  }

  /** Why one more of the account is not let in, if it is not. */
  refusalFor(account: string): Problem | undefined {
    const { streams, ofAccount } = this.bounds
    if (!this.isOpen) return problemOf('NOT_LEADING')
    if (this.count >= streams) return problemOf('OVERLOADED', { detail: FULL })
    const isOver = (this.byAccount.get(account) ?? 0) >= ofAccount
    return isOver ? problemOf('TOO_MANY_STREAMS') : undefined
  }

  /** Takes a stream in; it is good until `principal.untilMs`. */
  add(socket: WebSocket, principal: Principal): void {
    const { bounds, buffers } = this
    const connection = new StreamConnection(socket, principal, {
      ...{ bounds, buffers, onRefused: this.options.onRefused },
      onMessage: (from, data, isBinary) => this.queue(from, data, isBinary),
      onClosed: (closed) => this.remove(closed),
    })
    // Each in the next part: all have about as many.
    const part = this.parts[this.opened % PARTS]
    this.opened += 1
    part.add(connection)
    const entry = { part, subscriptions: new Map(), last: DONE, waiting: 0 }
    this.entries.set(connection, entry)
    const { account, untilMs } = principal
    this.byAccount.set(account, (this.byAccount.get(account) ?? 0) + 1)
    if (untilMs !== undefined) connection.closeAt(untilMs, Date.now())
  }

  /** Sends reports that the history has, all of them in order. */
  send(reports: Reports): void {
    this.reports.take(reports)
  }

  /** Lets nobody in any more; who is in is told, and still gets what comes. */
  finishTaking(): void {
    if (!this.isOpen) return
    this.isOpen = false
    for (const connection of this.entries.keys()) connection.tell('stopping', {})
  }

  /** Closes all of them, and waits within a bound until their peers have answered. */
  async close(msMax = CLOSE_MS): Promise<void> {
    this.isOpen = false
    clearInterval(this.timer)
    for (const connection of this.entries.keys()) connection.close('GOING_AWAY')
    const untilMs = performance.now() + msMax
    while (this.count > 0 && performance.now() < untilMs) await delay(5)
    for (const connection of [...this.entries.keys()]) connection.terminate()
  }

  private queue(connection: StreamConnection, data: Uint8Array, isBinary: boolean): void {
    const entry = this.entries.get(connection)
    if (entry === undefined) return
    // Those before may wait for the exchange.
    if (entry.waiting >= this.bounds.messagesAtOnce) return connection.close('RATE_LIMITED')
    entry.waiting += 1
    entry.last = entry.last
      .then(() => this.take(connection, data, isBinary))
      .catch((error) => {
        this.options.onError(error)
        connection.terminate()
      })
      .finally(() => {
        entry.waiting -= 1
      })
  }

  private async take(
    connection: StreamConnection,
    data: Uint8Array,
    isBinary: boolean,
  ): Promise<void> {
    const ask = readAsk(data, isBinary, connection.principal.account)
    if (ask.kind === 'refused') return connection.refuse(ask)
    if (ask.kind === 'unsubscribe') {
      this.entries.get(connection)?.subscriptions.get(keyOf(ask.wanted))?.end()
      return connection.tell('unsubscribed', echoOf(ask))
    }
    const { account } = connection.principal
    const wait = await this.options.throttles.requests?.(account, 1)
    const refusal =
      wait === undefined
        ? await this.subscribe(connection, ask)
        : { ...refused('RATE_LIMITED', 'cmd', TOO_MANY), ...wait }
    if (refusal !== undefined) connection.refuse({ ...refusal, ...echoOf(ask) })
  }

  /** Subscribes, anew if it did before; or why not. */
  private async subscribe(connection: StreamConnection, ask: Ask): Promise<Refusal | undefined> {
    const { wanted } = ask
    const { account, scopes } = connection.principal
    const { subscriptions } = this.bounds
    const of = this.entries.get(connection)?.subscriptions
    const key = keyOf(wanted)
    // Closed meanwhile: nobody hears.
    if (of === undefined) return undefined
    if (!of.has(key) && of.size >= subscriptions) {
      return refused('LIMIT_REACHED', 'feed', `a stream has at most ${subscriptions} feeds`)
    }
    if (wanted.feed !== 'reports') return this.subscribeMarket(connection, ask, of)
    if (!scopes.has('read')) return refused('FORBIDDEN', 'feed', 'reports need the scope read')
    of.get(key)?.end()
    const found = this.reports.subscribe(connection, wanted.from, () => of.delete(key))
    if (!('subscription' in found)) {
      const { oldest, newest } = found
      return { ...refused('HISTORY_GONE', 'from', codeText(Code.HISTORY_GONE)), oldest, newest }
    }
    of.set(key, found.subscription)
    connection.tell('subscribed', { ...echoOf(ask), account, newest: found.newest })
    found.subscription.begin()
    return undefined
  }

  private async subscribeMarket(
    connection: StreamConnection,
    ask: Ask,
    of: Map<string, Subscription>,
  ): Promise<Refusal | undefined> {
    const { wanted } = ask
    const { market } = this
    if (market === undefined || wanted.feed === 'reports') return NOBODY
    const found = await market.snapshot(wanted.symbol)
    // Closed meanwhile: nobody hears.
    if (!this.entries.has(connection)) return undefined
    if (found === undefined || !('bids' in found)) {
      if (found === undefined || 'query' in found) return NOBODY
      const { code = 'NOT_LEADING', field = 'symbol', text = '' } = found
      return refused(code, field, text)
    }
    const key = keyOf(wanted)
    of.get(key)?.end()
    connection.tell('subscribed', echoOf(ask))
    const subscription = market.subscribe(connection, wanted.feed, wanted.symbol)
    of.set(key, {
      end() {
        of.delete(key)
        subscription.end()
      },
    })
    return undefined
  }

  private beat(): void {
    const nowMs = performance.now()
    this.part = (this.part + 1) % PARTS
    for (const connection of this.parts[this.part]) connection.beat(nowMs)
  }

  private remove(connection: StreamConnection): void {
    const entry = this.entries.get(connection)
    if (entry === undefined) return
    this.entries.delete(connection)
    entry.part.delete(connection)
    for (const subscription of [...entry.subscriptions.values()]) subscription.end()
    const { account } = connection.principal
    const left = (this.byAccount.get(account) ?? 0) - 1
    if (left > 0) this.byAccount.set(account, left)
    else this.byAccount.delete(account)
  }
}

const TOO_MANY = 'too many requests of this account; send the same again later'
const FULL = 'as many streams are open as the exchange takes; try again later'

const refused = (code: Refusal['code'], field: string, text: string): Refusal => ({
  ...{ kind: 'refused', code, field, text },
})
const NOBODY = refused('NOT_LEADING', 'cmd', codeText(Code.NOT_LEADING))
