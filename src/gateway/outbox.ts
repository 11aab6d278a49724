// What must arrive: reports and replies, kept until the server is known to have them.
//
// The client drops what is published while it is disconnected (docs/decisions/0022-nats-client.md),
// and nobody says how much of what was written before had arrived. So all that is not confirmed by
// an answered PING is published again, in order, after a reconnect; consumers drop repeats.

import type { NatsConnection } from '@nats-io/transport-node'

/** What an outbox needs of a connection. */
export type OutboxConnection = Pick<NatsConnection, 'publish' | 'flush'>

interface Sent {
  readonly subject: string
  readonly bytes: Uint8Array
}

export class Outbox {
  private readonly connection: OutboxConnection
  /** In order; the first of them has number `first`. */
  private sent: Sent[] = []
  private first = 0
  private isConnected = true
  private isAsking = false
  private readonly waiting: {
    upTo: number
    resolve: () => void
    reject: (error: unknown) => void
  }[] = []
  /** Why nothing goes out any more. */
  private end: unknown

  constructor(connection: OutboxConnection) {
    this.connection = connection
  }

  /** Messages that are not known to have arrived. */
  get unconfirmed(): number {
    return this.sent.length
  }

  /** Sends a message, now or when the server is back. */
  send(subject: string, bytes: Uint8Array): void {
    this.sent.push({ subject, bytes })
    if (this.isConnected) this.connection.publish(subject, bytes)
  }

  /** Resolves once the server has all that was sent so far; rejects if that can never be. */
  certain(): Promise<void> {
    if (this.sent.length === 0) return Promise.resolve()
    if (this.end !== undefined) return Promise.reject(this.end)
    const upTo = this.first + this.sent.length
    return new Promise((resolve, reject) => {
      this.waiting.push({ upTo, resolve, reject })
      void this.ask()
    })
  }

  /** Nothing goes out any more: who waits for what is not certain is told why. */
  close(why: unknown): void {
    this.end = why
    for (const { reject } of this.waiting.splice(0)) reject(why)
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

  /** One question under way at a time: what is sent meanwhile is in the next. */
  private async ask(): Promise<void> {
    if (this.isAsking) return
    this.isAsking = true
    while (this.isConnected && this.waiting.length > 0) {
      const upTo = this.first + this.sent.length
      try {
        await this.connection.flush()
      } catch {
        // Disconnected before the answer: `back` asks again.
        break
      }
      this.confirm(upTo)
    }
    this.isAsking = false
  }

  private confirm(upTo: number): void {
    this.sent = this.sent.slice(upTo - this.first)
    this.first = upTo
    while (this.waiting.length > 0 && this.waiting[0].upTo <= upTo) this.waiting.shift()?.resolve()
  }
}
