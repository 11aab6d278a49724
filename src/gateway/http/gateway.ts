// The exchange's side of HTTP: commands in, each answered once durable; accounts and markets for
// who asks. It decides nothing about money.
//
// There is none without somebody who says who asks: whoever makes one has to say how.

import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Reports } from '../../protocol/reports.ts'
import type { ReportHistory } from '../history.ts'
import { MarketFeed } from '../market-feed.ts'
import { ReportStream } from '../report-stream.ts'
import { Clerk, type HttpDesk } from './clerk.ts'
import { addDocuments } from './documents.ts'
import { addRoutes } from './front.ts'
import { lookRoutes } from './look-routes.ts'
import { openApiOf } from './openapi.ts'
import { ORDER_ROUTES } from './order-routes.ts'
import type { Authenticate, Throttles } from './principal.ts'
import { RecentTrades } from './recent-trades.ts'
import type { Route } from './routes.ts'
import { addServerTiming } from './server-timing.ts'
import { addDoor } from './stream/door.ts'
import type { Market } from './stream/market-channel.ts'
import { Streams, type StreamsOptions } from './stream/streams.ts'

export interface HttpGatewayOptions {
  /** Says who sent a request. */
  readonly authenticate: Authenticate
  /** Count what an account asks; without them, nothing is too much. */
  readonly throttles?: Throttles | undefined
  /** Where reports that went out are kept; without it, they are kept here. */
  readonly history?: Pick<ReportHistory, 'range'> | undefined
  /** Where market data is made, once somebody leads; without it, it is made here. */
  readonly market?: (() => Market) | undefined
  /** Of market data that is made here: at least so long between two updates of a depth, in ms. */
  readonly depthEveryMs?: number
  /** Other bounds of streams than those of `bounds.ts`. */
  readonly streamBounds?: StreamsOptions['bounds']
  /** A request is answered within so many ms of being taken in, if only by UNANSWERED. */
  readonly answerMs?: number
  /** Answers say how long they took, in `Server-Timing`; default false. */
  readonly serverTiming?: boolean
  /** Of this program, as the document tells it. */
  readonly version?: string
  /** How requests are authenticated, as OpenAPI describes it; by name. */
  readonly securitySchemes?: Readonly<Record<string, object>>
  /** A command was not taken in, or a request not carried out, with this code. */
  readonly onRefused?: (code: string) => void
  /** A request met a fault of ours. */
  readonly onError?: (error: unknown) => void
}

/** Longer than a commit ever takes while Postgres is well. */
const ANSWER_MS = 5_000
/** What is under way is given so long at the end, in ms. */
const CLOSE_MS = 2_000

/** Bearer tokens, as OpenAPI describes them. */
export const BEARER = { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } }
/** For reports that are kept, and sent nowhere. */
const NOWHERE = { send() {} }

export class HttpGateway {
  /** The OpenAPI document. */
  readonly document: object
  private readonly options: HttpGatewayOptions
  private readonly clerk: Clerk
  private readonly trades = new RecentTrades()
  /** Undefined: somebody else keeps them. */
  private readonly reports: ReportStream | undefined
  /** Undefined: somebody else makes market data. */
  private readonly market: MarketFeed | undefined
  private readonly streams: Streams
  private desk: HttpDesk | undefined
  private readonly routes: readonly Route[]
  private readonly underWay = new Set<Promise<unknown>>()

  constructor(options: HttpGatewayOptions) {
    this.options = options
    const { answerMs = ANSWER_MS, onRefused = () => {}, version = '0.0.0' } = options
    this.clerk = new Clerk(answerMs, onRefused)
    let { history } = options
    if (history === undefined) {
      this.reports = new ReportStream(NOWHERE, 'msgpack')
      history = this.reports.history
    }
    const { onError = () => {}, throttles = {}, streamBounds: bounds, depthEveryMs } = options
    if (options.market === undefined) {
      const query = (asked: object) => this.desk?.query(asked)
      this.market = new MarketFeed({ depthEveryMs, query, onFault: onError })
    }
    this.streams = new Streams({ history, throttles, onRefused, onError, bounds })
    this.routes = [...ORDER_ROUTES, ...lookRoutes({ history, trades: this.trades })]
    const { securitySchemes = BEARER } = options
    this.document = openApiOf(this.routes, { version, securitySchemes })
  }

  /** Adds its routes to a server's part for `/v1`. */
  addTo(server: FastifyInstance): void {
    const { authenticate, throttles = {}, serverTiming = false } = this.options
    const { onError = () => {}, onRefused = () => {} } = this.options
    const { clerk, underWay, streams } = this
    const during = async <T>(work: Promise<T>): Promise<T> => {
      underWay.add(work)
      try {
        return await work
      } finally {
        underWay.delete(work)
      }
    }
    if (serverTiming) addServerTiming(server)
    const doing = { clerk, onError, onRefused, during }
    addRoutes(server, this.routes, { authenticate, throttles, ...doing })
    addDocuments(server, this.document)
    addDoor(server, { authenticate, throttles, streams, onRefused, onError })
  }

  /** Serves whoever leads: from now on commands are taken in. */
  open(desk: HttpDesk): void {
    this.desk = desk
    this.clerk.open(desk)
    this.streams.open(this.options.market?.() ?? (this.market as MarketFeed))
  }

  /** Streams that are open, and bytes that they have not taken. */
  get streamStats(): { readonly open: number; readonly bufferedBytes: number } {
    const { count: open, bufferedBytes } = this.streams
    return { open, bufferedBytes }
  }

  /** Takes reports, all of them in order. What it throws is a fault. */
  readonly takeReports = async (reports: Reports): Promise<void> => {
    this.clerk.settle(reports)
    this.trades.take(reports)
    // First what is kept: streams are sent from there too.
    this.reports?.take(reports)
    this.reports?.flush()
    this.streams.send(reports)
    this.market?.take(reports)
    this.market?.flush()
  }

  /** Takes nothing in any more; what was taken in is still answered, and streams go on. */
  finishTaking(): void {
    this.clerk.finishTaking()
    this.streams.finishTaking()
  }

  /** Nothing goes on: who waits is told at once that nobody can say what came of it. */
  stopTaking(): void {
    this.desk = undefined
    this.clerk.abandon()
    this.market?.close()
    this.streams.finishTaking()
  }

  /** Ends the intake and the streams, and waits within a bound until who waited is answered. */
  async close(msMax = CLOSE_MS): Promise<void> {
    this.stopTaking()
    const closed = this.streams.close()
    const late = new AbortController()
    await Promise.race([
      Promise.allSettled(this.underWay),
      delay(msMax, undefined, { signal: late.signal }).catch(() => {}),
    ])
    late.abort()
    await closed
  }
}
