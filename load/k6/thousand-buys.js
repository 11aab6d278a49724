// A thousand virtual users, one buy each, all at once, against money for one: exactly one is
// accepted, the others lack the money, and the account is never negative.

import { check } from 'k6'
import http from 'k6/http'
import { Counter } from 'k6/metrics'

const BUYERS = 1000
const { BASE_URL, TOKEN, ACCOUNT, SYMBOL, PRICE, RUN } = __ENV

const accepted = new Counter('accepted')
const lackFunds = new Counter('lack_funds')
const others = new Counter('other_answers')

export const options = {
  scenarios: {
    rush: { executor: 'per-vu-iterations', vus: BUYERS, iterations: 1, maxDuration: '60s' },
  },
  thresholds: {
    accepted: ['count==1'],
    lack_funds: [`count==${BUYERS - 1}`],
    other_answers: ['count==0'],
    checks: ['rate==1'],
  },
  // 422 is an answer here.
  summaryTrendStats: ['min', 'med', 'p(95)', 'p(99)', 'max'],
}

http.setResponseCallback(http.expectedStatuses(201, 422))

const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }

export default function () {
  const order = {
    ...{ clOrdId: `${RUN}-${__VU}`, symbol: SYMBOL, side: 'buy', ordType: 'limit' },
    ...{ price: PRICE, orderQty: '1', timeInForce: 'GTC' },
  }
  const { status, body } = http.post(`${BASE_URL}/v1/orders`, JSON.stringify(order), { headers })
  const { code } = JSON.parse(body)
  if (status === 201) accepted.add(1)
  else if (status === 422 && code === 'INSUFFICIENT_FUNDS') lackFunds.add(1)
  else {
    console.error(`unexpected: ${status} ${body}`)
    others.add(1)
  }
}

export function teardown() {
  const { status, body } = http.get(`${BASE_URL}/v1/accounts/${ACCOUNT}`, {
    headers,
    responseCallback: http.expectedStatuses(200),
  })
  const { balances } = JSON.parse(body)
  const money = balances.find(({ asset }) => asset === 'RUSH')
  check(money, {
    'the balance can be read': () => status === 200,
    'nothing is left': ({ available }) => available === '0',
    'one order is paid for': ({ held }) => held === PRICE,
  })
}
