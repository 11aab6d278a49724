// Orders that want no reply each: what became of them are their accounts' reports, which come by
// the message of many.

import type { NatsConnection } from '@nats-io/transport-node'
import { assert } from '../src/lib/assert.ts'
import { type Flow, GROUP, packr } from './nats-flow.ts'

/** Reports to a command of the flows: six to four. */
export const REPORTS_PER_COMMAND = 1.5

/** Without all reports for so long after the time is up, they will not come, in ms. */
const PATIENCE_MS = 30_000

/** A report, as far as it is looked at. */
export interface Heard {
  readonly execType: string
  readonly clOrdId?: string
}

/** One run of a flow through a connection. */
export class Published {
  private readonly connection: NatsConnection
  private readonly flow: Flow
  private readonly size: number
  private sent = 0
  private reports = 0
  private onHeard = () => {}

  /** `size` commands in each message. */
  constructor(connection: NatsConnection, flow: Flow, size: number) {
    this.connection = connection
    this.flow = flow
    this.size = size
  }

  /** So many reports more have come. */
  hear(count: number): void {
    this.reports += count
    this.onHeard()
  }

  /** Keeps about `window` messages on their way for `seconds`; resolves when all have reports. */
  saturate(seconds: number, window: number): Promise<{ messages: number; seconds: number }> {
    const { promise, resolve, reject } = Promise.withResolvers<{
      readonly messages: number
      readonly seconds: number
    }>()
    const late = setTimeout(
      () => {
        reject(new Error(`${this.reports} reports came of ${this.sent} messages, and no more`))
      },
      seconds * 1_000 + PATIENCE_MS,
    )
    const perMessage = REPORTS_PER_COMMAND * this.size
    const startMs = performance.now()
    let isDue = false
    let isEnding = false
    const open = () => this.sent - this.reports / perMessage
    const goOn = () => {
      if (isEnding && open() === 0) {
        resolve({ messages: this.sent, seconds: (performance.now() - startMs) / 1_000 })
      }
      if (isEnding || isDue || open() > window * 0.75) return
      isDue = true
      // Not for each message: what came together is answered together.
      setImmediate(fill)
    }
    const fill = () => {
      isDue = false
      isEnding = performance.now() - startMs >= seconds * 1_000
      const until = isEnding ? 0 : this.reports / perMessage + window
      while (this.sent < until || this.sent % GROUP !== 0) this.send()
      // All may have come before it was known to be the end.
      if (isEnding) goOn()
    }
    this.onHeard = goOn
    fill()
    return promise.finally(() => clearTimeout(late))
  }

  /** Every command has its own report, in order, and there are no others. */
  check(reports: Iterable<Heard>): void {
    const left = new Map<string, number>()
    for (const { execType, clOrdId } of reports) {
      const key = `${execType} ${clOrdId}`
      left.set(key, (left.get(key) ?? 0) + 1)
    }
    const take = (key: string) => {
      const count = left.get(key) ?? 0
      assert(count === 1, `one report says ${key}`)
      left.delete(key)
    }
    for (let number = 0; number < this.sent; number += 1) {
      const { body, answers } = this.flow(number)
      const commands = (Array.isArray(body) ? body : [body]) as Record<string, string>[]
      commands.forEach(({ clOrdId, origClOrdId }, at) => {
        take(`${answers[at]} ${clOrdId ?? origClOrdId}`)
      })
    }
    for (const [key] of left)
      assert(key.startsWith('trade '), `a report that nobody asked for: ${key}`)
  }

  private send(): void {
    const { subject, body } = this.flow(this.sent)
    this.sent += 1
    this.connection.publish(subject, packr.pack(body))
  }
}
