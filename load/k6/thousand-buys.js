// A thousand virtual users, one buy each, all at once, against money for one: exactly one is
// accepted, the others lack the money, and the account is never negative.
//
// With KILLED the exchange is killed meanwhile: who has no answer, or one that says "not now",
// sends the same again under the same clOrdId until there is one. Then no answer (status 0) and
// 503 are counted as the outage's and allowed; all else is as without.

import { check } from 'k6'
import http from 'k6/http'
import { Counter } from 'k6/metrics'
import { isOutage, look, submit, waitFor } from './shared.js'

const BUYERS = 1000
const { TOKEN, ACCOUNT, SYMBOL, PRICE, RUN, KILLED, ACKS } = __ENV

const accepted = new Counter('accepted')
const lackFunds = new Counter('lack_funds')
const others = new Counter('other_answers')
/** Requests that were not answered, or with 503. */
const outage = new Counter('outage_answers')
/** Final answers that were the first outcome again: it was carried out, and the answer lost. */
const duplicates = new Counter('duplicates')

export { setup } from './shared.js'

export const options = {
  scenarios: {
    rush: { executor: 'per-vu-iterations', vus: BUYERS, iterations: 1, maxDuration: '120s' },
  },
  thresholds: {
    accepted: ['count==1'],
    lack_funds: [`count==${BUYERS - 1}`],
    other_answers: ['count==0'],
    outage_answers: [KILLED === undefined ? 'count==0' : 'count>=0'],
    duplicates: [KILLED === undefined ? 'count==0' : 'count>=0'],
    checks: ['rate==1'],
  },
  summaryTrendStats: ['min', 'med', 'p(95)', 'p(99)', 'max'],
}

// 422 is an answer here; 200 are the begin and the balance.
http.setResponseCallback(http.expectedStatuses(200, 201, 422))

export default function () {
  const clOrdId = `${RUN}-${__VU}`
  const order = { clOrdId, symbol: SYMBOL, side: 'buy', price: PRICE, orderQty: '1' }
  let answer = submit(TOKEN, order)
  while (isOutage(answer)) {
    outage.add(1)
    if (KILLED === undefined) return
    waitFor(answer)
    answer = submit(TOKEN, order)
  }
  const { status, body } = answer
  const { code, orderId, duplicate, report } = JSON.parse(body)
  if (status === 201) accepted.add(1)
  else if (status === 422 && code === 'INSUFFICIENT_FUNDS') lackFunds.add(1)
  else {
    console.error(`unexpected: ${status} ${body}`)
    others.add(1)
  }
  if (duplicate || report?.duplicate) duplicates.add(1)
  if (ACKS !== undefined) console.log(`${ACCOUNT} ${clOrdId} ${orderId ?? code}`)
}

export function teardown() {
  const path = `/v1/accounts/${ACCOUNT}`
  let answer = look(TOKEN, path)
  // All had their answers before the kill: then it meets this one.
  while (KILLED !== undefined && isOutage(answer)) {
    outage.add(1)
    waitFor(answer)
    answer = look(TOKEN, path)
  }
  const { status, body } = answer
  const { balances } = JSON.parse(body)
  const money = balances.find(({ asset }) => asset === 'RUSH')
  check(money, {
    'the balance can be read': () => status === 200,
    'nothing is left': ({ available }) => available === '0',
    'one order is paid for': ({ held }) => held === PRICE,
  })
}
