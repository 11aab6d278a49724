// What may be lost: refusals, answers to questions, market data. Who misses one asks again.
//
// The client keeps what a slow server has not taken yet without a bound, so it is counted here, by
// what was published since the last PING that was answered.

import { LOOSE_BYTES_MAX } from './bounds.ts'
import type { OutboxConnection } from './outbox.ts'

/** A PING is sent after so many bytes. */
const ASK_EVERY_BYTES = 256 * 1024

export interface LooseBoxOptions {
  readonly bytesMax?: number
  /** The server has taken what it was slow to take, of which some was dropped. */
  readonly onRoom?: () => void
}

export class LooseBox {
  /** Messages that were not sent: no server, or one too slow. */
  dropped = 0
  private readonly connection: OutboxConnection
  private readonly bytesMax: number
  private readonly onRoom: () => void
  private isConnected = true
  private isAsking = false
  /** Bytes that are not known to have arrived: with the PING under way, and since. */
  private asked = 0
  private since = 0
  /** What of {@link dropped} was told of, or went with a connection. */
  private told = 0

  constructor(
    connection: OutboxConnection,
    { bytesMax = LOOSE_BYTES_MAX, onRoom = () => {} }: LooseBoxOptions = {},
  ) {
    this.connection = connection
    this.bytesMax = bytesMax
    this.onRoom = onRoom
  }

  /** Bytes that are not known to have arrived. */
  get waitingBytes(): number {
    return this.asked + this.since
  }

  /** Sends a message if it can be; whether it was. */
  send(subject: string, bytes: Uint8Array): boolean {
    if (!this.isConnected || this.waitingBytes + bytes.length > this.bytesMax) {
      this.dropped += 1
      return false
    }
    this.connection.publish(subject, bytes)
    this.since += bytes.length
    if (this.since >= ASK_EVERY_BYTES && !this.isAsking) void this.ask()
    return true
  }

  /** The connection is lost, and all that was on its way with it. */
  lost(): void {
    this.isConnected = false
  }

  /** The connection is there again. */
  back(): void {
    this.isConnected = true
    this.since = 0
    this.asked = 0
    this.told = this.dropped
  }

  private async ask(): Promise<void> {
    this.isAsking = true
    this.asked = this.since
    this.since = 0
    // Disconnected before the answer: `back` begins anew.
    const isAnswered = await this.connection.flush().then(
      () => true,
      () => false,
    )
    this.isAsking = false
    if (isAnswered) this.asked = 0
    if (!this.isConnected) return
    if (this.since >= ASK_EVERY_BYTES) return void this.ask()
    if (!isAnswered || this.dropped === this.told) return
    this.told = this.dropped
    this.onRoom()
  }
}
