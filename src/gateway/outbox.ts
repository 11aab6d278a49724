// What must arrive: reports and replies, kept until the server is known to have them.
//
// The client drops what is published while it is disconnected (docs/decisions/0022-nats-client.md),
// and nobody says how much of what was written before had arrived. So all that is not confirmed by
// an answered PING is published again, in order, after a reconnect; consumers drop repeats. What
// bounds it is who waits for it: no more goes out while too much is not certain
// (src/durable/publication.ts).

import type { NatsConnection } from '@nats-io/transport-node'
import { NatsProblem } from './nats-problem.ts'

/** What an outbox needs of a connection. */
export type OutboxConnection = Pick<NatsConnection, 'publish' | 'flush'>

/** Between two questions, in ms: what is sent meanwhile is confirmed by one answer. */
const ASK_EVERY_MS = 2

interface Sent {
  readonly subject: string
  readonly bytes: Uint8Array
}

interface Waiting {
  readonly upTo: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class Outbox {
  private readonly connection: OutboxConnection
  /** In order; the first of them has number `first`. */
  private sent: Sent[] = []
  private first = 0
  private isConnected = true
  private isAsking = false
  private isEnded = false
  private askedMs = 0
  private timer: NodeJS.Timeout | undefined
  private readonly waiting: Waiting[] = []

  constructor(connection: OutboxConnection) {
    this.connection = connection
  }

  /** Messages that are not known to have arrived. */
  get unconfirmed(): number {
    return this.sent.length
  }

  /** Sends a message, now or when the server is back. */
  send(subject: string, bytes: Uint8Array): void {
    if (this.isEnded) return
    this.sent.push({ subject, bytes })
    if (this.isConnected) this.connection.publish(subject, bytes)
  }

  /** Resolves once the server has all that was sent so far; rejects if it ends before. */
  certain(): Promise<void> {
    if (this.isEnded) return Promise.reject(ended())
    if (this.sent.length === 0) return Promise.resolve()
    const upTo = this.first + this.sent.length
    return new Promise((resolve, reject) => {
      this.waiting.push({ upTo, resolve, reject })
      this.askSoon()
    })
  }

  /** The connection is lost; what is sent from now on waits. */
  lost(): void {
    this.isConnected = false
  }

  /** The connection is there again: all that may not have arrived goes out once more. */
  back(): void {
    this.isConnected = true
    for (const { subject, bytes } of this.sent) this.connection.publish(subject, bytes)
    void this.ask()
  }

  /** Nothing arrives any more: who waits for it learns that. */
  end(): void {
    this.isEnded = true
    this.isConnected = false
    clearTimeout(this.timer)
    this.sent = []
    for (const { reject } of this.waiting.splice(0)) reject(ended())
  }

  /** Now, with what was just published, if the last time is long enough ago. */
  private askSoon(): void {
    if (this.isAsking || this.timer !== undefined) return
    const waitMs = this.askedMs + ASK_EVERY_MS - performance.now()
    if (waitMs <= 0) return void this.ask()
    this.timer = setTimeout(() => {
      this.timer = undefined
      void this.ask()
    }, waitMs)
  }

  /** One question under way at a time: what is sent meanwhile is in the next. */
  private async ask(): Promise<void> {
    if (this.isAsking) return
    this.isAsking = true
    this.askedMs = performance.now()
    const upTo = this.first + this.sent.length
    try {
      if (this.isConnected) {
        await this.connection.flush()
        if (!this.isEnded) this.confirm(upTo)
      }
    } catch {
      // Disconnected before the answer: `back` asks again.
      return
    } finally {
      this.isAsking = false
    }
    if (this.isConnected && this.waiting.length > 0) this.askSoon()
  }

  private confirm(upTo: number): void {
    this.sent = this.sent.slice(upTo - this.first)
    this.first = upTo
    const done = this.waiting.findIndex((waiting) => waiting.upTo > upTo)
    for (const { resolve } of this.waiting.splice(0, done < 0 ? this.waiting.length : done)) {
      resolve()
    }
  }
}

const ended = () =>
  new NatsProblem(
    'NATS_FAILED',
    'NATS was away: reports that it may not have come again after the next start.',
  )
