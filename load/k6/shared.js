// What the k6 scripts share: that they begin, how an order of theirs looks, what an answer was.

import { sleep } from 'k6'
import http from 'k6/http'
import { Counter, Trend } from 'k6/metrics'

const { BASE_URL, BEGUN_URL } = __ENV

/** What the exchange itself says that requests took, in its header Server-Timing. */
const exchangeMs = new Trend('exchange_duration', true)

/** Connections that were opened: a request over one that is open already connects in no time. */
const connections = new Counter('connections_opened')

/** Tells whoever started us that all users are ready. */
export function setup() {
  if (BEGUN_URL !== undefined) http.get(BEGUN_URL, { tags: { name: 'begun' } })
}

export const headersOf = (token) => ({
  authorization: `Bearer ${token}`,
  'content-type': 'application/json',
})

/** Sends an order. */
export function submit(token, order, tags = { name: 'new' }) {
  const body = JSON.stringify({ ordType: 'limit', timeInForce: 'GTC', ...order })
  return timed(http.post(`${BASE_URL}/v1/orders`, body, { headers: headersOf(token), tags }), tags)
}

/** Cancels an order by its clOrdId. */
export function cancel(token, clOrdId, symbol, tags = { name: 'cancel' }) {
  const url = `${BASE_URL}/v1/orders/${clOrdId}?by=clOrdId&symbol=${symbol}`
  return timed(http.del(url, null, { headers: headersOf(token), tags }), tags)
}

/** Looks at something. */
export function look(token, path, tags = { name: 'look' }) {
  return timed(http.get(`${BASE_URL}${path}`, { headers: headersOf(token), tags }), tags)
}

/** No answer at all, or one that says "not now": the same may be sent again. */
export const isOutage = ({ status }) => status === 0 || status === 503

/** Waits as long as the answer says, or a moment where there was none. */
export function waitFor({ headers }) {
  const seconds = Number(headers?.['Retry-After'] ?? Number.NaN)
  sleep(Number.isNaN(seconds) ? 0.2 : seconds)
}

function timed(response, tags) {
  const [, ms] = /\bapp;dur=([0-9.]+)/.exec(response.headers['Server-Timing'] ?? '') ?? []
  if (ms !== undefined) exchangeMs.add(Number(ms), tags)
  if (response.timings.connecting > 0) connections.add(1)
  return response
}
