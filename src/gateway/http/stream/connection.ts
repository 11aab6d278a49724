// One stream: what goes to its peer within a bound, what its peer sends within a rate, and whether
// the peer is still there.

import { performance } from 'node:perf_hooks'
import type { WebSocket } from 'ws'
import {
  STREAM_BUFFER_BYTES_MAX,
  STREAM_BUFFERS_BYTES_MAX,
  STREAM_MESSAGES_AT_ONCE,
  STREAM_MESSAGES_PER_S,
  STREAM_STUCK_MS,
} from '../../bounds.ts'
import type { Principal } from '../principal.ts'
import { MessageRate } from './rate.ts'
import { CLOSE, type CloseReason, eventBytes, type Refusal } from './words.ts'

/** What is bounded, for who wants other bounds than those of `bounds.ts`: tests. */
export interface StreamBounds {
  readonly bufferBytes: number
  readonly buffersBytes: number
  readonly messagesAtOnce: number
  readonly messagesPerS: number
  readonly stuckMs: number
}

export const STREAM_BOUNDS: StreamBounds = {
  bufferBytes: STREAM_BUFFER_BYTES_MAX,
  buffersBytes: STREAM_BUFFERS_BYTES_MAX,
  messagesAtOnce: STREAM_MESSAGES_AT_ONCE,
  messagesPerS: STREAM_MESSAGES_PER_S,
  stuckMs: STREAM_STUCK_MS,
}

/** Bytes that all streams together have written and their peers have not taken. */
export interface Buffers {
  bytes: number
}

/** Something that waits for room. */
export interface Owed {
  /** There is room: sends a message of what is owed; whether that was all. */
  catchUp(): boolean
}

export interface ConnectionEvents {
  readonly onMessage: (connection: StreamConnection, data: Uint8Array, isBinary: boolean) => void
  readonly onClosed: (connection: StreamConnection) => void
  /** Something was refused, or the stream is closed, with this code. */
  readonly onRefused: (code: string) => void
}

/** Answers and events may go so far beyond the bound: what a peer may ask at once is bounded. */
const TOLD_BYTES_MAX = 64 * 1024
/** How a message is sent: as text, alone. */
const TEXT = { binary: false, compress: false } as const

export class StreamConnection {
  readonly principal: Principal
  private readonly socket: WebSocket
  private readonly bounds: StreamBounds
  private readonly buffers: Buffers
  private readonly events: ConnectionEvents
  private readonly owed = new Set<Owed>()
  private readonly rate: MessageRate
  /** How many messages beyond the rate are refused before it is closed. */
  private readonly patience: MessageRate
  /** What of `buffers` is this one's. */
  private counted = 0
  /** Since when it has had no room for what it is owed, in ms. */
  private stuckSinceMs: number | undefined
  /** Whether the peer has said anything since the last ping. */
  private isHeard = true
  private isClosing = false
  private isGone = false
  private isScheduled = false
  private timer: NodeJS.Timeout | undefined

  constructor(
    socket: WebSocket,
    principal: Principal,
    {
      bounds,
      buffers,
      ...events
    }: ConnectionEvents & { readonly bounds: StreamBounds; readonly buffers: Buffers },
  ) {
    this.socket = socket
    this.principal = principal
    this.bounds = bounds
    this.buffers = buffers
    this.events = events
    const { messagesAtOnce, messagesPerS } = bounds
    const nowMs = performance.now()
    this.rate = new MessageRate(messagesAtOnce, messagesPerS, nowMs)
    this.patience = new MessageRate(messagesAtOnce, messagesPerS / 10, nowMs)
    // The library closes it by itself after an error of the protocol; the event says no more.
    socket.on('error', () => {})
    socket.on('close', () => this.closed())
    socket.on('pong', () => {
      this.isHeard = true
    })
    socket.on('ping', (data) => this.answerPing(data))
    socket.on('message', (data, isBinary) => {
      if (this.isWithinRate()) events.onMessage(this, data as Buffer, isBinary)
    })
  }

  /** Whether a message may be sent now; if not, its sender is to {@link owe} it. */
  get hasRoom(): boolean {
    const { bufferBytes, buffersBytes } = this.bounds
    const bytes = this.socket.bufferedAmount
    if (this.isClosing || bytes >= bufferBytes) return false
    return bytes === 0 || this.buffers.bytes < buffersBytes
  }

  /** Sends a message for which there is room. The bytes may be others' too: nobody changes them. */
  send(bytes: Uint8Array): void {
    if (this.isClosing) return
    this.socket.send(bytes, TEXT, this.onSent)
    this.count()
  }

  /** There was no room for something: once there is, `owed` is asked. */
  owe(owed: Owed): void {
    this.owed.add(owed)
    this.stuckSinceMs ??= performance.now()
  }

  /** It is owed no more. */
  forget(owed: Owed): void {
    this.owed.delete(owed)
    if (this.owed.size === 0) this.stuckSinceMs = undefined
  }

  /** Sends an answer or an event; a peer that asks and does not read is closed. */
  tell(event: string, more: object): void {
    if (this.isClosing) return
    const bytesMax = this.bounds.bufferBytes + TOLD_BYTES_MAX
    if (this.socket.bufferedAmount > bytesMax) this.close('SLOW_READER')
    else this.send(eventBytes(event, more))
  }

  refuse({ kind: _, ...refusal }: Refusal): void {
    this.events.onRefused(refusal.code)
    this.tell('refused', refusal)
  }

  /** Its token is good until then, ms since 1970; `nowMs` is now. */
  closeAt(untilMs: number, nowMs: number): void {
    const waitMs = Math.max(0, untilMs - nowMs)
    this.timer = setTimeout(
      // A timer cannot wait longer than 24 days.
      () => (waitMs > TIMER_MS_MAX ? this.closeAt(untilMs, Date.now()) : this.expire()),
      Math.min(waitMs, TIMER_MS_MAX),
    )
    this.timer.unref()
  }

  /** Asks the peer for a sign of life; one that owes the last one is gone. */
  beat(nowMs: number): void {
    if (this.isClosing) return
    const stuckMs = this.stuckSinceMs === undefined ? 0 : nowMs - this.stuckSinceMs
    if (stuckMs > this.bounds.stuckMs) return this.close('SLOW_READER')
    if (!this.isHeard) {
      // What it has not taken may be why the ping has not come to it.
      if (this.socket.bufferedAmount > 0) return this.close('SLOW_READER')
      return this.socket.terminate()
    }
    this.isHeard = false
    this.socket.ping(NOTHING, false, this.onSent)
    this.count()
  }

  /** Says why, and ends it; the peer has a moment to answer. */
  close(reason: CloseReason): void {
    if (this.isClosing) return
    this.isClosing = true
    if (reason !== 'GOING_AWAY') this.events.onRefused(reason)
    this.socket.close(CLOSE[reason], reason)
  }

  /** Ends it at once. */
  terminate(): void {
    this.isClosing = true
    this.socket.terminate()
  }

  private expire(): void {
    this.close('TOKEN_EXPIRED')
  }

  private readonly onSent = (): void => {
    this.count()
    if (this.owed.size === 0 || this.isScheduled) return
    if (this.socket.bufferedAmount > this.bounds.bufferBytes / 4) return
    // Not in this turn: what the system takes at once would keep all others waiting.
    this.isScheduled = true
    setImmediate(this.catchUp)
  }

  /** In turn, as far as there is room. */
  private readonly catchUp = (): void => {
    this.isScheduled = false
    for (const owed of [...this.owed]) {
      if (!this.hasRoom) break
      this.owed.delete(owed)
      // Behind the others, if it is not all yet.
      if (!owed.catchUp()) this.owed.add(owed)
    }
    this.stuckSinceMs = this.owed.size === 0 ? undefined : performance.now()
  }

  private count(bytes = this.socket.bufferedAmount): void {
    if (this.isGone) return
    this.buffers.bytes += bytes - this.counted
    this.counted = bytes
  }

  /** The library would answer without a bound. */
  private answerPing(data: Buffer): void {
    if (!this.isWithinRate() || !this.hasRoom) return
    this.socket.pong(data, false, this.onSent)
    this.count()
  }

  /** Counts a message of the peer; one that is too much is refused. */
  private isWithinRate(): boolean {
    this.isHeard = true
    if (this.isClosing) return false
    const nowMs = performance.now()
    const retryAfterMs = this.rate.take(nowMs)
    if (retryAfterMs === 0) return true
    if (this.patience.take(nowMs) > 0) this.close('RATE_LIMITED')
    else this.refuse({ kind: 'refused', code: 'RATE_LIMITED', text: TOO_FAST, retryAfterMs })
    return false
  }

  private closed(): void {
    clearTimeout(this.timer)
    this.isClosing = true
    this.count(0)
    this.isGone = true
    this.owed.clear()
    this.events.onClosed(this)
  }
}

const TIMER_MS_MAX = 2 ** 31 - 1
const NOTHING = Buffer.alloc(0)
const TOO_FAST = 'too many messages; send the same again later, and fewer at once'
