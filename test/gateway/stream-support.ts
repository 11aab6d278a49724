// A stream's client for tests: keeps all that it hears, and waits for what is to come.

import { WebSocket } from 'ws'
import type { Said } from './exchange-support.ts'

export interface StreamOptions {
  /** Whose token; empty: none. */
  readonly as?: string
  readonly protocols?: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
  readonly path?: string
  /** Whether pings are answered. */
  readonly autoPong?: boolean
}

/** Why a stream was not let in. */
export interface Turned {
  readonly status: number
  readonly type: string | undefined
  readonly body: Said
}

export class StreamClient {
  readonly socket: WebSocket
  readonly heard: Said[] = []
  readonly closed: Promise<{ code: number; reason: string }>
  private readonly waiting = new Set<() => void>()

  private constructor(socket: WebSocket) {
    this.socket = socket
    const closed = Promise.withResolvers<{ code: number; reason: string }>()
    this.closed = closed.promise
    socket.on('close', (code, reason) => {
      closed.resolve({ code, reason: reason.toString() })
      for (const look of this.waiting) look()
    })
    socket.on('error', () => {})
    socket.on('message', (data) => {
      this.heard.push(JSON.parse(data.toString()))
      for (const look of this.waiting) look()
    })
  }

  /** Resolves with the client, or with what it was turned away with. */
  static connect(url: string, options: StreamOptions = {}): Promise<StreamClient | Turned> {
    const { as = 'alice', protocols = [], headers = {}, path = '/v1/stream' } = options
    const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`, [...protocols], {
      headers: { ...(as !== '' && { authorization: `Bearer ${as}` }), ...headers },
      ...{ autoPong: options.autoPong ?? true, perMessageDeflate: false },
    })
    const client = new StreamClient(socket)
    return new Promise((resolve, reject) => {
      socket.on('open', () => resolve(client))
      socket.on('error', reject)
      socket.on('unexpected-response', (_, response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (part) => {
          text += part
        })
        response.on('end', () => {
          const { statusCode: status = 0, headers } = response
          resolve({ status, type: headers['content-type'], body: JSON.parse(text) })
        })
      })
    })
  }

  /** As {@link connect}, where it is let in. */
  static async open(url: string, options: StreamOptions = {}): Promise<StreamClient> {
    const client = await StreamClient.connect(url, options)
    if (client instanceof StreamClient) return client
    throw new Error(`turned away: ${JSON.stringify(client)}`)
  }

  send(message: object | string | Uint8Array): void {
    const isRaw = typeof message === 'string' || message instanceof Uint8Array
    this.socket.send(isRaw ? message : JSON.stringify(message))
  }

  /** Sends, and resolves with the next event. */
  async ask(message: object | string | Uint8Array): Promise<Said> {
    const from = this.heard.length
    this.send(message)
    return this.find(({ event }) => event !== undefined, from)
  }

  /** The first message that fits, there or to come; rejects when the stream is closed before. */
  find(fits: (said: Said) => boolean, from = 0): Promise<Said> {
    return this.until(() => this.heard.slice(from).find(fits))
  }

  /** Resolves with what `look` finds in what was heard, looked at again with each message. */
  until<T>(look: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const again = () => {
        const found = look()
        if (found !== undefined) resolve(found)
        else if (this.socket.readyState === WebSocket.CLOSED) reject(new Error('it was closed'))
        else return
        this.waiting.delete(again)
      }
      this.waiting.add(again)
      again()
    })
  }

  /** Messages of a feed. */
  of(feed: string): Said[] {
    return this.heard.filter((said) => said.feed === feed && said.event === undefined)
  }

  /** Numbers of the reports that were heard. */
  get execSeqs(): number[] {
    return this.of('reports').flatMap(({ message }) => message.map(({ execSeq }: Said) => execSeq))
  }

  async close(): Promise<void> {
    this.socket.close()
    await this.closed
  }
}

/** Whole numbers, both ends included. */
export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n)

/** A book as a client keeps it: out of a snapshot and what follows; gaps are faults. */
export class Book {
  feedSeq: number | undefined
  readonly bids = new Map<string, string>()
  readonly asks = new Map<string, string>()
  /** Snapshots that were taken over. */
  snapshots = 0

  take({ type, feedSeq, bids, asks }: Said): void {
    if (type === 'snapshot') {
      this.snapshots += 1
      this.bids.clear()
      this.asks.clear()
    } else if (this.feedSeq === undefined || feedSeq !== this.feedSeq + 1) {
      throw new Error(`an update ${feedSeq} behind ${this.feedSeq}`)
    }
    this.feedSeq = feedSeq
    for (const [side, levels] of [
      [this.bids, bids],
      [this.asks, asks],
    ] as const) {
      for (const { price, qty } of levels) {
        if (qty === '0') side.delete(price)
        else side.set(price, qty)
      }
    }
  }
}
