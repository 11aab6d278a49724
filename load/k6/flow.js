// One turn of the mixed flow: an order that rests, its cancel, and now and then a look at the book.

import { check } from 'k6'
import { SharedArray } from 'k6/data'
import { cancel, look, submit } from './shared.js'

const { TRADERS, RUN, ACKS } = __ENV
const traders = new SharedArray('traders', () => JSON.parse(TRADERS))

/** Every answer as it must be, within bounds that a machine keeps which is not full. */
export const thresholds = {
  checks: ['rate==1'],
  http_req_failed: ['rate==0'],
  'http_req_duration{name:new}': ['p(95)<250', 'p(99)<500'],
  'http_req_duration{name:cancel}': ['p(95)<250', 'p(99)<500'],
  // Without a bound: to have it in the summary.
  'exchange_duration{name:new}': ['max>=0'],
  'exchange_duration{name:cancel}': ['max>=0'],
}

export const summaryTrendStats = ['min', 'med', 'p(95)', 'p(99)', 'max']

/** Runs a turn for one of the traders. */
export function turn() {
  const { account, token, symbol } = traders[(__VU + __ITER) % traders.length]
  const clOrdId = `${RUN}-${__VU}-${__ITER}`
  const sent = submit(token, { clOrdId, symbol, side: 'buy', price: '100', orderQty: '1' })
  check(sent, { 'the order is accepted': ({ status }) => status === 201 })
  if (ACKS !== undefined && sent.status === 201) {
    console.log(`${account} ${clOrdId} ${JSON.parse(sent.body).orderId}`)
  }
  const gone = cancel(token, clOrdId, symbol)
  check(gone, { 'the order is canceled': ({ status }) => status === 200 })
  if (__ITER % 10 > 0) return
  const book = look(token, `/v1/book/${symbol}`, { name: 'book' })
  check(book, { 'the book can be read': ({ status }) => status === 200 })
}
