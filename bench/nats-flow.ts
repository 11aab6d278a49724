// Orders for the benchmark over NATS, and their publisher: it keeps so many on their way, or sends
// them by a timetable, and looks at every reply once the clock has stopped.

import type { NatsConnection } from '@nats-io/transport-node'
import { Packr } from 'msgpackr/index-no-eval'
import { assert } from '../src/lib/assert.ts'
import { KeptMessages } from './kept-messages.ts'

export const packr = new Packr({ useRecords: false, mapsAsObjects: true })

/** Traders in pairs, who trade with each other. */
const PAIRS = 32
const SYMBOLS = 8
export const BATCH = 100
const MONEY = '1000000000'
/** Messages after which nothing of a flow is left open: what was would meet a later order. */
export const GROUP = 4

/** What the market begins with. */
export function scene(): object[] {
  const commands: object[] = [{ cmd: 'asset', asset: 'USD', decimals: 2 }]
  for (let symbol = 0; symbol < SYMBOLS; symbol += 1) {
    const base = `X${symbol}`
    commands.push({ cmd: 'asset', asset: base, decimals: 0 })
    const units = { tickSize: '0.01', lotSize: '1', takerFeeRate: '0.0001' }
    commands.push({ cmd: 'instrument', symbol: `S${symbol}`, base, quote: 'USD', ...units })
  }
  for (let trader = 0; trader < PAIRS * 2; trader += 1) {
    const account = `trader-${trader}`
    commands.push({ cmd: 'account', account })
    const assets = ['USD', `X${(trader >> 1) % SYMBOLS}`]
    for (const asset of assets) {
      commands.push({ cmd: 'deposit', account, asset, amount: MONEY, transferId: asset })
    }
  }
  return commands
}

/** A message: where to, what, and what each of its commands must come to. */
export interface Message {
  readonly subject: string
  readonly body: unknown
  readonly answers: readonly string[]
}

export type Flow = (number: number) => Message

/**
 * Four commands in turn: an order rests, is canceled, another one rests, and the partner trades
 * with it. So six reports to four commands.
 */
export function singles(run: string): Flow {
  return (number) => {
    const { buyer, seller, symbol } = pairOf(number >> 2)
    const turn = number & 3
    const clOrdId = `${run}-${number}`
    if (turn === 1) {
      const body = { symbol, origClOrdId: `${run}-${number - 1}` }
      return { subject: subjectOf(buyer, 'cancel'), body, answers: ['canceled'] }
    }
    const [trader, side] = turn === 3 ? [seller, 'sell'] : [buyer, 'buy']
    const body = orderOf({ clOrdId, symbol, side })
    return { subject: subjectOf(trader, 'new'), body, answers: ['new'] }
  }
}

/** The same in batches: 100 rest, the partner trades with them, and two of orders and cancels. */
export function batches(run: string): Flow {
  return (number) => {
    const { buyer, seller, symbol } = pairOf(number >> 2)
    const turn = number & 3
    const [trader, side] = turn === 1 ? [seller, 'sell'] : [buyer, 'buy']
    const body = Array.from({ length: BATCH }, (_, at) => {
      const isCancel = turn > 1 && at % 2 === 1
      if (isCancel) return { cmd: 'cancel', symbol, origClOrdId: `${run}-${number}-${at - 1}` }
      return { cmd: 'new', ...orderOf({ clOrdId: `${run}-${number}-${at}`, symbol, side }) }
    })
    const answers = body.map(({ cmd }) => (cmd === 'new' ? 'new' : 'canceled'))
    return { subject: subjectOf(trader, 'batch'), body, answers }
  }
}

/** The same messages to a service that gives them back. */
export const echoed =
  (flow: Flow): Flow =>
  (number) => {
    const { body, answers } = flow(number)
    return { subject: 'bench.echo.0', body, answers: answers.map(() => 'echo') }
  }

function pairOf(group: number): { buyer: string; seller: string; symbol: string } {
  const pair = group % PAIRS
  // In turn, so that nobody runs out of anything.
  const isSwapped = Math.floor(group / PAIRS) % 2 === 1
  const [one, other] = [`trader-${pair * 2}`, `trader-${pair * 2 + 1}`]
  const symbol = `S${pair % SYMBOLS}`
  return isSwapped ? { buyer: other, seller: one, symbol } : { buyer: one, seller: other, symbol }
}

const subjectOf = (trader: string, verb: string) => `onefill.v1.order.${trader}.${verb}`
const orderOf = (of: { clOrdId: string; symbol: string; side: string }) => ({
  ...{ ...of, ordType: 'limit', price: '167.52', orderQty: '10', timeInForce: 'GTC' },
})

let inboxes = 0
/** Of the run under way: one publisher at a time. Made for the first, as it takes its memory. */
let replies: KeptMessages | undefined

/** What went over the wire in a run. */
export interface Sent {
  readonly messages: number
  readonly seconds: number
  /** Nanoseconds from each message's time to its reply. */
  readonly nanos: Float64Array
}

/** One run of a flow through a connection. */
export class Publisher {
  private readonly connection: NatsConnection
  private readonly flow: Flow
  private readonly inbox: string
  private readonly replies: KeptMessages
  private readonly dueMs: number[] = []
  private nanos = new Float64Array(2 ** 16)
  private onReply = () => {}

  constructor(connection: NatsConnection, flow: Flow) {
    inboxes += 1
    this.connection = connection
    this.flow = flow
    replies ??= new KeptMessages()
    replies.clear()
    this.replies = replies
    this.inbox = `bench.reply.${process.pid}.${inboxes}`
  }

  /** Keeps `window` messages on their way for `seconds`. */
  saturate(seconds: number, window: number): Promise<Sent> {
    return this.run((startMs, goOn, end) => {
      const fill = () => {
        if (performance.now() - startMs >= seconds * 1_000) {
          while (this.dueMs.length % GROUP > 0) this.send(performance.now())
          return end()
        }
        while (this.dueMs.length - this.replies.count < window) this.send(performance.now())
      }
      let isDue = false
      this.onReply = () => {
        // Not for each one: what came together is answered together.
        if (isDue || this.dueMs.length - this.replies.count > window * 0.75) return
        isDue = true
        setImmediate(() => {
          isDue = false
          goOn(fill)
        })
      }
      goOn(fill)
    })
  }

  /** So many messages a second, each timed from when it should have been sent. */
  openLoop(seconds: number, perSecond: number): Promise<Sent> {
    const count = Math.floor((seconds * perSecond) / GROUP) * GROUP
    return this.run((startMs, goOn, end) => {
      const dueAt = (number: number) => startMs + (number * 1_000) / perSecond
      const sendDue = () => {
        const nowMs = performance.now()
        while (this.dueMs.length < count && dueAt(this.dueMs.length) <= nowMs) {
          this.send(dueAt(this.dueMs.length))
        }
        if (this.dueMs.length === count) end()
        else setTimeout(() => goOn(sendDue), 1)
      }
      goOn(sendDue)
    })
  }

  /** One message after another. */
  lone(count: number): Promise<Sent> {
    return this.run((_, goOn, end) => {
      const next = () => {
        if (this.dueMs.length === count) end()
        else this.send(performance.now())
      }
      this.onReply = () => goOn(next)
      goOn(next)
    })
  }

  /** Until all is answered; then looks at the replies. */
  private async run(
    start: (startMs: number, goOn: (work: () => void) => void, end: () => void) => void,
  ): Promise<Sent> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    let isEnding = false
    const goOn = (work: () => void) => {
      try {
        if (!isEnding) work()
        if (isEnding && this.replies.count === this.dueMs.length) resolve()
      } catch (error) {
        reject(error)
      }
    }
    const subscription = this.connection.subscribe(this.inbox, {
      callback: (_, { data }) => {
        this.took(data)
        if (!isEnding) this.onReply()
        else if (this.replies.count === this.dueMs.length) resolve()
      },
    })
    await this.connection.flush()
    const startMs = performance.now()
    start(startMs, goOn, () => {
      isEnding = true
    })
    await promise
    const seconds = (performance.now() - startMs) / 1_000
    subscription.unsubscribe()
    this.check()
    return { messages: this.replies.count, seconds, nanos: this.nanos }
  }

  private send(dueMs: number): void {
    const { subject, body } = this.flow(this.dueMs.length)
    this.dueMs.push(dueMs)
    this.connection.publish(subject, packr.pack(body), { reply: this.inbox })
  }

  private took(data: Uint8Array): void {
    const number = this.replies.count
    this.replies.add(data)
    if (number === this.nanos.length) {
      const more = new Float64Array(number * 2)
      more.set(this.nanos)
      this.nanos = more
    }
    this.nanos[number] = (performance.now() - this.dueMs[number]) * 1e6
  }

  /** Every order has its own durable reply, and it says what it must. */
  private check(): void {
    let number = -1
    for (const data of this.replies.all()) {
      number += 1
      const { body, answers } = this.flow(number)
      const reply = packr.unpack(data)
      const said: { [field: string]: unknown }[] = Array.isArray(reply) ? reply : [reply]
      const sent = (Array.isArray(body) ? body : [body]) as { [field: string]: unknown }[]
      assert(said.length === sent.length, `reply ${number} answers each command`)
      said.forEach((report, at) => {
        const { clOrdId, origClOrdId = clOrdId } = sent[at]
        const isIts = report.clOrdId === (clOrdId ?? origClOrdId) || report.clOrdId === origClOrdId
        const isEcho = answers[at] === 'echo'
        const isRight = isEcho || (report.execType === answers[at] && Number(report.seq) > 0)
        assert((isIts || isEcho) && isRight, `the reply to ${number}: ${JSON.stringify(report)}`)
      })
    }
  }
}
