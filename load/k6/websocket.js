// Users that stream and trade: each subscribes to market data and to its account's reports, places
// and cancels orders over HTTP, loses its stream half-way and goes on where it ended. Every report
// arrives once, in order, without a gap.

import { check } from 'k6'
import { SharedArray } from 'k6/data'
import { WebSocket } from 'k6/experimental/websockets'
import http from 'k6/http'
import { Counter, Trend } from 'k6/metrics'

const { BASE_URL, TRADERS, RUN, ORDERS = '40' } = __ENV
const traders = new SharedArray('traders', () => JSON.parse(TRADERS))
/** An order, and its cancel. */
const REPORTS = Number(ORDERS) * 2
/** Without all reports by then, it is over, in ms. */
const PATIENCE_MS = 60_000

// Whoever started us learns that it has begun.
export { setup } from './shared.js'

const reports = new Counter('stream_reports')
const gaps = new Counter('stream_gaps')
const books = new Counter('stream_books')
const delay = new Trend('stream_report_after_answer', true)

export const options = {
  scenarios: {
    // An account has one user: what it hears is what it has done.
    users: {
      executor: 'per-vu-iterations',
      vus: traders.length,
      iterations: 1,
      maxDuration: '120s',
    },
  },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    stream_gaps: ['count==0'],
    stream_reports: [`count==${traders.length * REPORTS}`],
    stream_books: ['count>0'],
    stream_report_after_answer: ['p(95)<250'],
  },
  summaryTrendStats: ['min', 'med', 'p(95)', 'p(99)', 'max'],
}

/** What one user knows over all its streams. */
class User {
  constructor({ token, symbol }) {
    this.token = token
    this.symbol = symbol
    this.last = 0
    this.heard = 0
    this.feedSeq = undefined
    /** When each order was answered, and when it was reported, in ms. */
    this.answered = new Map()
    this.reported = new Map()
    this.isDone = false
  }

  /** Subscribes, from the report behind the last one on. */
  stream(onSubscribed) {
    const headers = { authorization: `Bearer ${this.token}` }
    const socket = new WebSocket(`${BASE_URL.replace('http', 'ws')}/v1/stream`, null, { headers })
    this.feedSeq = undefined
    let subscribed = 0
    socket.addEventListener('open', () => {
      for (const feed of ['depth', 'bbo', 'trades']) this.ask(socket, { feed, symbol: this.symbol })
      this.ask(socket, { feed: 'reports', ...(this.last > 0 && { from: this.last + 1 }) })
    })
    socket.addEventListener('message', ({ data }) => {
      const said = JSON.parse(data)
      if (said.event === undefined) return this.take(said, socket)
      check(said, { 'it is subscribed': ({ event }) => event === 'subscribed' })
      subscribed += 1
      if (subscribed === 4) onSubscribed(socket)
    })
    socket.addEventListener('error', ({ error }) => {
      check(error, { 'the stream has no error': () => false })
      console.error(error)
    })
    return socket
  }

  ask(socket, what) {
    socket.send(JSON.stringify({ cmd: 'subscribe', ...what }))
  }

  take({ feed, message }, socket) {
    if (feed === 'depth') {
      const { type, feedSeq } = message
      if (type === 'update' && feedSeq !== this.feedSeq + 1) gaps.add(1)
      this.feedSeq = feedSeq
      books.add(1)
    }
    if (feed !== 'reports') return
    for (const { execSeq, execType, clOrdId } of message) {
      if (this.last > 0 && execSeq !== this.last + 1) gaps.add(1)
      this.last = execSeq
      this.heard += 1
      reports.add(1)
      if (execType === 'new') this.reported.set(clOrdId, Date.now())
    }
    if (this.heard >= REPORTS && !this.isDone) this.finish(socket)
  }

  finish(socket) {
    this.isDone = true
    clearTimeout(this.timer)
    // The answer to the last order may still be on its way.
    setTimeout(() => {
      for (const [clOrdId, at] of this.answered) {
        delay.add(Math.max(0, (this.reported.get(clOrdId) ?? Number.NaN) - at))
      }
      check(this, {
        'each order is reported': ({ answered, reported }) =>
          [...answered.keys()].every((id) => reported.has(id)),
        'no report is beyond them': ({ heard }) => heard === REPORTS,
      })
      socket.close()
    }, 500)
  }

  async trade(from, to) {
    const headers = { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' }
    for (let n = from; n < to; n += 1) {
      const clOrdId = `${RUN}-${__VU}-${n}`
      const order = {
        ...{ clOrdId, symbol: this.symbol, side: 'buy', ordType: 'limit', orderQty: '1' },
        ...{ price: String(50 + (n % 20)), timeInForce: 'GTC' },
      }
      const url = `${BASE_URL}/v1/orders`
      const sent = await http.asyncRequest('POST', url, JSON.stringify(order), { headers })
      this.answered.set(clOrdId, Date.now())
      check(sent, { 'the order is accepted': ({ status }) => status === 201 })
      const path = `${url}/${clOrdId}?by=clOrdId&symbol=${this.symbol}`
      const gone = await http.asyncRequest('DELETE', path, null, { headers })
      check(gone, { 'the order is canceled': ({ status }) => status === 200 })
    }
  }
}

export default function () {
  const user = new User(traders[(__VU - 1) % traders.length])
  const half = Math.floor(Number(ORDERS) / 2)
  user.stream(async (first) => {
    await user.trade(0, half)
    first.close()
    // Reports of these come while nobody listens.
    await user.trade(half, half + 2)
    const second = user.stream(() => user.trade(half + 2, Number(ORDERS)))
    user.timer = setTimeout(() => {
      check(user, { 'all reports came': () => false })
      second.close()
    }, PATIENCE_MS)
  })
}
