// Many connections that ask and are answered, each question until there is an answer: what an
// exchange that was killed did not say is asked again in the same words.

import { connect, type NatsConnection } from '@nats-io/transport-node'
import { Packr } from 'msgpackr/index-no-eval'
import { connectionOf } from '../../src/gateway/nats-address.ts'

const packr = new Packr({ useRecords: false, mapsAsObjects: true })
/** Without an answer for so long, a question is asked again, in ms. */
const AGAIN_MS = 1_000
/** Refusals after which the same may be sent again. */
const AGAIN = new Set(['NOT_LEADING', 'JOURNAL_UNAVAILABLE', 'OVERLOADED'])

/** What is known of a reply; more is in it. */
export interface Reply {
  readonly execType?: string
  readonly code?: string
  readonly duplicate?: boolean
  readonly seq?: number
}

interface Asked {
  readonly subject: string
  readonly bytes: Uint8Array
  readonly number: number
  readonly resolve: (reply: Reply) => void
  sentMs: number
}

export class Crowd {
  /** Questions that were asked more than once. */
  repeated = 0
  private readonly connections: readonly NatsConnection[]
  /** By connection, by number. */
  private readonly waiting: readonly Map<number, Asked>[]
  private readonly inboxes: readonly string[]
  private readonly timer: NodeJS.Timeout
  private asked = 0

  private constructor(connections: readonly NatsConnection[]) {
    this.connections = connections
    this.waiting = connections.map(() => new Map())
    this.inboxes = connections.map((_, n) => `_INBOX.load.${process.pid}.${n}.`)
    connections.forEach((connection, n) => {
      const inbox = this.inboxes[n]
      connection.subscribe(`${inbox}*`, {
        callback: (_, { subject, data }) => {
          this.take(n, Number(subject.slice(inbox.length)), data)
        },
      })
    })
    this.timer = setInterval(() => this.askAgain(), AGAIN_MS / 4)
  }

  /** Opens so many connections. */
  static async open(url: string, size: number): Promise<Crowd> {
    const options = { ...connectionOf(url), maxReconnectAttempts: -1, reconnectTimeWait: 100 }
    const connections = await Promise.all(Array.from({ length: size }, () => connect(options)))
    const crowd = new Crowd(connections)
    await Promise.all(connections.map((connection) => connection.flush()))
    return crowd
  }

  get size(): number {
    return this.connections.length
  }

  /** Questions without an answer. */
  get open(): number {
    return this.waiting.reduce((sum, { size }) => sum + size, 0)
  }

  /** Asks over one of the connections; resolves with the answer, whenever it comes. */
  ask(connection: number, subject: string, body: unknown): Promise<Reply> {
    this.asked += 1
    const number = this.asked
    return new Promise((resolve) => {
      const asked = { subject, bytes: packr.pack(body), number, resolve, sentMs: 0 }
      this.waiting[connection].set(number, asked)
      this.send(connection, asked)
    })
  }

  async close(): Promise<void> {
    clearInterval(this.timer)
    await Promise.all(this.connections.map((connection) => connection.close()))
  }

  private send(connection: number, asked: Asked): void {
    asked.sentMs = performance.now()
    const reply = this.inboxes[connection] + asked.number
    this.connections[connection].publish(asked.subject, asked.bytes, { reply })
  }

  private take(connection: number, number: number, data: Uint8Array): void {
    const asked = this.waiting[connection].get(number)
    // Nobody serves: asked again in its time. An answer that comes twice is an answer.
    if (asked === undefined || data.length === 0) return
    const reply = packr.unpack(data) as Reply
    if (AGAIN.has(reply.code ?? '')) return
    this.waiting[connection].delete(number)
    asked.resolve(reply)
  }

  private askAgain(): void {
    const beforeMs = performance.now() - AGAIN_MS
    this.waiting.forEach((waiting, connection) => {
      for (const asked of waiting.values()) {
        if (asked.sentMs >= beforeMs) continue
        this.repeated += 1
        this.send(connection, asked)
      }
    })
  }
}
