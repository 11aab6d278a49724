// A mixed flow at one rate: orders that rest, cancels of them, looks at the book. Open loop: k6
// starts an iteration when it is due, whether the ones before are answered or not.

import { check } from 'k6'
import { SharedArray } from 'k6/data'
import http from 'k6/http'

const { BASE_URL, TRADERS, RATE = '200', SECONDS = '20', RUN } = __ENV
const traders = new SharedArray('traders', () => JSON.parse(TRADERS))

export const options = {
  scenarios: {
    steady: {
      executor: 'constant-arrival-rate',
      rate: Number(RATE),
      timeUnit: '1s',
      duration: `${SECONDS}s`,
      preAllocatedVUs: 100,
      maxVUs: 1000,
    },
  },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    dropped_iterations: ['count==0'],
    'http_req_duration{name:new}': ['p(95)<250', 'p(99)<500'],
    'http_req_duration{name:cancel}': ['p(95)<250', 'p(99)<500'],
  },
  summaryTrendStats: ['min', 'med', 'p(95)', 'p(99)', 'max'],
}

export default function () {
  const { token, symbol } = traders[__ITER % traders.length]
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const clOrdId = `${RUN}-${__VU}-${__ITER}`
  const order = {
    ...{ clOrdId, symbol, side: 'buy', ordType: 'limit', price: '100', orderQty: '1' },
    timeInForce: 'GTC',
  }
  const sent = http.post(`${BASE_URL}/v1/orders`, JSON.stringify(order), {
    headers,
    tags: { name: 'new' },
  })
  check(sent, { 'the order is accepted': ({ status }) => status === 201 })
  const path = `/v1/orders/${clOrdId}?by=clOrdId&symbol=${symbol}`
  const gone = http.del(`${BASE_URL}${path}`, null, { headers, tags: { name: 'cancel' } })
  check(gone, { 'the order is canceled': ({ status }) => status === 200 })
  if (__ITER % 10 > 0) return
  const book = http.get(`${BASE_URL}/v1/book/${symbol}`, { headers, tags: { name: 'book' } })
  check(book, { 'the book can be read': ({ status }) => status === 200 })
}
