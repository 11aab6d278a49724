// A small live market, for people who want to see the exchange work: makers quote around a price
// that wanders, takers hit them. It goes through NATS, as any publisher would.

import {
  connect,
  type NatsConnection,
  PermissionViolationError,
  RequestError,
} from '@nats-io/transport-node'
import { decodeFrame } from '../gateway/frame.ts'
import { connectionOf } from '../gateway/nats-address.ts'
import { adminSubject, marketDataSubject, orderSubject } from '../gateway/subjects.ts'
import type { Log } from './log.ts'
import { Inability } from './outcome.ts'

/** Prices in cents, and how wide the makers quote; quantities are whole shares. */
const MARKETS = [
  { symbol: 'NVDA', cents: 16_750, qtyMax: 40 },
  { symbol: 'AAPL', cents: 27_120, qtyMax: 30 },
  { symbol: 'TSLA', cents: 39_480, qtyMax: 20 },
] as const
const MAKERS = ['demo-maker-1', 'demo-maker-2'] as const
const TAKERS = ['demo-taker-1', 'demo-taker-2', 'demo-taker-3'] as const
/** For people who try it. */
const PEOPLE = ['alice', 'bob'] as const

/** One maker quotes one symbol anew each time, in turn. */
const QUOTE_MS = 150
const TAKE_MS = 100
const SUMMARY_MS = 5_000
const REQUEST_MS = 10_000
/** Levels that a maker quotes on each side. */
const LEVELS = 3
/** The price stays so near to where it began: within what the rules of risk allow. */
const WANDER = 0.02

type Json = Record<string, unknown>

/** Assets, instruments, accounts with money: the same again changes nothing. */
function scene(): Json[] {
  const symbols = MARKETS.map(({ symbol }) => symbol)
  const assets = [
    { cmd: 'asset', asset: 'USD', decimals: 4 },
    ...symbols.map((asset) => ({ cmd: 'asset', asset, decimals: 0 })),
  ]
  const instruments = MARKETS.map(({ symbol, cents }) => ({
    ...{ cmd: 'instrument', symbol, base: symbol, quote: 'USD', tickSize: '0.01', lotSize: '1' },
    ...{ makerFeeRate: '-0.0001', takerFeeRate: '0.0003', referencePrice: decimal(cents) },
  }))
  const accounts = [...MAKERS, ...TAKERS, ...PEOPLE].flatMap((account) => {
    const isOurs = account.startsWith('demo-')
    const deposit = (asset: string, amount: string) => ({
      ...{ cmd: 'deposit', account, asset, amount, transferId: `demo-${asset}` },
    })
    return [
      { cmd: 'account', account },
      deposit('USD', isOurs ? '1000000000' : '1000000'),
      ...symbols.map((asset) => deposit(asset, isOurs ? '10000000' : '1000')),
      // They say the same again and again, which is no mistake of theirs.
      ...(isOurs ? [{ cmd: 'limits', account, duplicateWindowMs: 'off' }] : []),
    ]
  })
  return [...assets, ...instruments, ...accounts]
}

const decimal = (cents: number): string => (cents / 100).toFixed(2)
const below = (limit: number): number => Math.floor(Math.random() * limit)

export class Demo {
  private readonly connection: NatsConnection
  private readonly log: Log
  private readonly timers: NodeJS.Timeout[] = []
  private readonly prices = new Map<string, number>(MARKETS.map((m) => [m.symbol, m.cents]))
  private readonly lastPrices = new Map<string, string>()
  /** Ids are never used twice, over restarts too. */
  private readonly run = Date.now().toString(36)
  private ids = 0
  private turns = 0
  private orders = 0
  private trades = 0
  private sinceMs = performance.now()

  private constructor(connection: NatsConnection, log: Log) {
    this.connection = connection
    this.log = log
  }

  /** Connects, defines and funds what is needed, and begins to trade. Throws an Inability. */
  static async start(url: string, log: Log): Promise<Demo> {
    const connection = await connect({
      ...connectionOf(url),
      ...{ name: 'onefill demo', maxReconnectAttempts: -1, ignoreAuthErrorAbort: true },
    })
    const demo = new Demo(connection, log)
    try {
      await demo.prepare()
    } catch (error) {
      await connection.close()
      throw error
    }
    demo.begin()
    return demo
  }

  /** Sends nothing more; orders that rest stay. */
  async stop(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer)
    await this.connection.close()
  }

  private async prepare(): Promise<void> {
    const commands = scene()
    const said = await this.connection
      .request(adminSubject('batch'), JSON.stringify(commands), { timeout: REQUEST_MS })
      .catch((error: unknown) => {
        const cause = error instanceof RequestError ? error.cause : error
        if (!(cause instanceof PermissionViolationError)) throw error
        throw new Inability(
          `The demo cannot run here: its NATS user may not trade for others (${cause.message}); ` +
            'use onefill serve, or a NATS server without users.',
        )
      })
    const replies = said.json<{ execType: string; code?: string; text?: string }[]>()
    const wrong = [replies].flat().findIndex(({ execType }) => execType === 'rejected')
    if (wrong === -1) return
    const { code, text } = replies[wrong]
    throw new Inability(
      `The demo cannot run on this exchange: ${JSON.stringify(commands[wrong])} is refused ` +
        `(${code}: ${text}); give it a folder of its own with --data.`,
    )
  }

  private begin(): void {
    for (const { symbol } of MARKETS) {
      this.connection.subscribe(marketDataSubject(symbol, 'trades'), {
        callback: (error, message) => {
          if (error === null) this.hear(symbol, message.data)
        },
      })
    }
    // Quotes of the last run first: they are not to be traded with unseen.
    for (const account of MAKERS) this.send(account, [{ cmd: 'massCancel' }])
    this.timers.push(
      setInterval(() => this.quote(), QUOTE_MS),
      setInterval(() => this.take(), TAKE_MS),
      setInterval(() => this.tell(), SUMMARY_MS),
    )
  }

  /** The next maker quotes the next symbol around where its price has wandered to. */
  private quote(): void {
    const { symbol, cents: start, qtyMax } = MARKETS[this.turns % MARKETS.length]
    const account = MAKERS[Math.floor(this.turns / MARKETS.length) % MAKERS.length]
    this.turns += 1
    const wandered = (this.prices.get(symbol) ?? start) + below(13) - 6
    const [low, high] = [start * (1 - WANDER), start * (1 + WANDER)]
    const price = Math.round(Math.min(high, Math.max(low, wandered)))
    this.prices.set(symbol, price)
    const levels = Array.from({ length: LEVELS }, (_, level) => 1 + level * 2 + below(2))
    const quotes = levels.flatMap((away) => [
      this.order(symbol, 'buy', 1 + below(qtyMax), price - away),
      this.order(symbol, 'sell', 1 + below(qtyMax), price + away),
    ])
    this.send(account, [{ cmd: 'massCancel', symbol }, ...quotes])
  }

  /** A taker buys or sells at the market. */
  private take(): void {
    const { symbol, qtyMax } = MARKETS[below(MARKETS.length)]
    const side = Math.random() < 0.5 ? 'buy' : 'sell'
    this.send(TAKERS[below(TAKERS.length)], [this.order(symbol, side, 1 + below(qtyMax))])
  }

  private order(symbol: string, side: 'buy' | 'sell', qty: number, cents?: number): Json {
    this.ids += 1
    this.orders += 1
    const clOrdId = `${this.run}-${this.ids.toString(36)}`
    const how =
      cents === undefined ? { ordType: 'market' } : { ordType: 'limit', price: decimal(cents) }
    return { cmd: 'new', clOrdId, symbol, side, orderQty: String(qty), ...how }
  }

  /** Nobody waits for the reply; while NATS is away the market pauses. */
  private send(account: string, commands: Json[]): void {
    if (this.connection.isClosed()) return
    this.connection.publish(orderSubject(account, 'batch'), JSON.stringify(commands))
  }

  private hear(symbol: string, bytes: Uint8Array): void {
    const frame = decodeFrame(bytes)
    if (!frame.ok) return
    const trades = frame.commands as { price: string }[]
    this.trades += trades.length
    this.lastPrices.set(symbol, trades.at(-1)?.price ?? '-')
  }

  private tell(): void {
    const seconds = (performance.now() - this.sinceMs) / 1000
    const ordersPerSecond = Math.round(this.orders / seconds)
    const prices = [...this.lastPrices].map(([symbol, price]) => `${symbol} ${price}`).join(', ')
    const text = `demo: ${ordersPerSecond} orders/s, ${this.trades} trades; ${prices}`
    const { trades } = this
    const last = Object.fromEntries(this.lastPrices)
    this.log.info({ event: 'demo', ordersPerSecond, trades, last }, text)
    this.orders = 0
    this.trades = 0
    this.sinceMs = performance.now()
  }
}
