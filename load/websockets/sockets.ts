// A process of its own that holds the far ends of many streams, so that they cost whoever measures
// nothing: idle ones, some that do not read, some that read and look for gaps.

import { setTimeout as delay } from 'node:timers/promises'
import { WebSocket } from 'ws'

/** What it is asked to do; each is answered once, in order. */
export type Order =
  | { readonly do: 'open'; readonly url: string; readonly tokens: string[]; readonly count: number }
  | { readonly do: 'slow'; readonly url: string; readonly tokens: string[]; readonly each: number }
  | {
      readonly do: 'listen'
      readonly url: string
      readonly tokens: string[]
      readonly each: number
    }
  | { readonly do: 'watch'; readonly url: string; readonly tokens: string[] }
  | { readonly do: 'resume'; readonly url: string; readonly tokens: string[] }
  | { readonly do: 'quiet' | 'look' }
  | { readonly do: 'close' }

/** What it has found by then. */
export interface Found {
  readonly idleOpen: number
  readonly idleLost: number
  /** Messages that listeners have heard, and the one of them that has heard least. */
  readonly listened: number
  readonly listenedLeast: number
  /** By account of those that read: the last report that was heard, and gaps before it. */
  readonly watched: readonly Heard[]
  /** By account of the slow ones: over a stream that was cut, and one that went on from there. */
  readonly resumed: readonly Heard[]
  readonly error?: string
}

export interface Heard {
  readonly last: number
  readonly gaps: number
}

/** Streams that are opened at a time. */
const AT_ONCE = 100
/** A port and an address have 28,000 ways to go out; with more addresses there is room for more. */
const ADDRESSES = 8

let opened = 0

function connect(url: string, token: string): Promise<WebSocket> {
  opened += 1
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/stream`, {
    headers: { authorization: `Bearer ${token}` },
    ...{ localAddress: `127.0.0.${2 + (opened % ADDRESSES)}`, perMessageDeflate: false },
  })
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.once('open', () => {
      socket.removeListener('error', reject)
      // Its end is told by 'close'.
      socket.on('error', () => {})
      resolve(socket)
    })
  })
}

/** Reports of an account, in order and without a gap, over one stream after another. */
class Reader {
  last = 0
  gaps = 0
  socket: WebSocket | undefined

  async open(url: string, token: string, from?: number): Promise<void> {
    const socket = await connect(url, token)
    this.socket = socket
    const subscribed = Promise.withResolvers<void>()
    socket.on('message', (data) => {
      const { event, code, message } = JSON.parse(data.toString())
      if (event === 'subscribed') subscribed.resolve()
      if (event === 'refused') subscribed.reject(new Error(`refused: ${code}`))
      if (event === undefined) this.take(message)
    })
    socket.send(JSON.stringify({ cmd: 'subscribe', feed: 'reports', ...(from && { from }) }))
    await subscribed.promise
  }

  private take(reports: readonly { readonly execSeq: number }[]): void {
    for (const { execSeq } of reports) {
      if (this.last !== 0 && execSeq !== this.last + 1) this.gaps += 1
      this.last = execSeq
    }
  }
}

const idle: WebSocket[] = []
let idleLost = 0
const watchers: Reader[] = []
/** The first slow reader of each account. */
const slow: Reader[] = []
/** Those of which only their number matters. */
const others: WebSocket[] = []
/** By listener: messages that it has heard. */
const listened: number[] = []

async function openIdle({ url, tokens, count }: Extract<Order, { do: 'open' }>): Promise<void> {
  for (let from = 0; from < count; from += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - from) }, async (_, n) => {
      const socket = await connect(url, tokens[(from + n) % tokens.length])
      socket.on('close', () => {
        idleLost += 1
      })
      idle.push(socket)
    })
    await Promise.all(some)
  }
}

/** They hear of a symbol's depth, each of one of eight. */
async function openListeners({ url, tokens, each }: Extract<Order, { do: 'listen' }>) {
  for (const token of tokens) {
    const some = Array.from({ length: each }, async (_, n) => {
      const socket = await connect(url, token)
      const listener = listened.push(0) - 1
      const subscribed = new Promise((resolve) => socket.once('message', resolve))
      socket.on('message', () => {
        listened[listener] += 1
      })
      const symbol = `S${n % 8}`
      socket.send(JSON.stringify({ cmd: 'subscribe', feed: 'depth', symbol }))
      await subscribed
      others.push(socket)
    })
    await Promise.all(some)
  }
}

/** They ask for all that there was, and then read no more. */
async function openSlow({ url, tokens, each }: Extract<Order, { do: 'slow' }>): Promise<void> {
  for (const token of tokens) {
    const reader = new Reader()
    await reader.open(url, token, 1)
    reader.socket?.pause()
    slow.push(reader)
    for (let n = 1; n < each; n += 1) {
      const socket = await connect(url, token)
      socket.send(JSON.stringify({ cmd: 'subscribe', feed: 'reports', from: 1 }))
      socket.pause()
      others.push(socket)
    }
  }
}

/** What the system had kept for them is read; then they go on where that ended. */
async function resume({ url, tokens }: Extract<Order, { do: 'resume' }>): Promise<void> {
  for (const socket of others) socket.terminate()
  for (const [n, reader] of slow.entries()) {
    const { socket } = reader
    if (socket !== undefined && socket.readyState !== WebSocket.CLOSED) {
      const closed = new Promise((resolve) => socket.once('close', resolve))
      socket.resume()
      await closed
    }
    await reader.open(url, tokens[n], reader.last + 1)
  }
}

function look(): Found {
  const heard = ({ last, gaps }: Reader): Heard => ({ last, gaps })
  const [watched, resumed] = [watchers.map(heard), slow.map(heard)]
  const idleOpen = idle.filter(({ readyState }) => readyState === WebSocket.OPEN).length
  const all = listened.reduce((sum, count) => sum + count, 0)
  const least = { listened: all, listenedLeast: Math.min(...listened) }
  return { idleOpen, idleLost, ...least, watched, resumed }
}

async function carryOut(order: Order): Promise<void> {
  switch (order.do) {
    case 'open':
      return openIdle(order)
    case 'listen':
      return openListeners(order)
    case 'quiet':
      for (const socket of others.splice(0)) socket.terminate()
      return
    case 'slow':
      return openSlow(order)
    case 'watch':
      for (const token of order.tokens) {
        const reader = new Reader()
        await reader.open(order.url, token)
        watchers.push(reader)
      }
      return
    case 'resume':
      return resume(order)
    case 'look':
      // What is on its way is let in first.
      await delay(100)
      return
    case 'close':
      for (const socket of idle) socket.removeAllListeners('close').terminate()
      idle.length = 0
  }
}

process.on('message', (order: Order) => {
  carryOut(order).then(
    () => process.send?.(look()),
    (error) => process.send?.({ ...look(), error: String(error) }),
  )
})
process.on('disconnect', () => process.exit())
