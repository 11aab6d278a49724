// A thousand clients, each over a connection of its own that stays open, each with an order and its
// cancel every few seconds: by a timetable, so that a slow answer delays no later order.

import { sleep } from 'k6'
import { Counter, Trend } from 'k6/metrics'
import { summaryTrendStats, thresholds, turn } from './flow.js'
import { setup as begin } from './shared.js'

const { CLIENTS, RATE = '200', SECONDS = '30' } = __ENV
const [clients, rate, seconds] = [CLIENTS, RATE, SECONDS].map(Number)
if (clients > rate * seconds) throw new Error('not every client has a turn in this time')
/** From one turn of a client to its next. */
const PERIOD_MS = (clients * 1000) / rate

/** From when a turn was due to its last answer. */
const turnMs = new Trend('turn_duration', true)
/** Clients that have had a turn. */
const clientsServed = new Counter('clients_served')

export const options = {
  scenarios: {
    clients: { executor: 'constant-vus', vus: clients, duration: `${SECONDS}s` },
  },
  thresholds: {
    ...thresholds,
    'http_req_duration{name:new}': ['p(95)<500', 'p(99)<1000'],
    'http_req_duration{name:cancel}': ['p(95)<500', 'p(99)<1000'],
    turn_duration: ['p(99)<2000'],
    // Each has its own, and none is opened a second time.
    connections_opened: [`count==${clients}`],
    clients_served: [`count==${clients}`],
    // Who waits for an answer begins nothing: few turns are a failure, however fast they were.
    iterations: [`count>=${(rate * seconds) / 2}`],
  },
  summaryTrendStats,
}

export function setup() {
  begin()
  return { startMs: Date.now() }
}

export default function ({ startMs }) {
  const dueMs = startMs + ((__VU - 1) * 1000) / rate + __ITER * PERIOD_MS
  sleep(Math.max(0, dueMs - Date.now()) / 1000)
  turn()
  if (__ITER === 0) clientsServed.add(1)
  turnMs.add(Date.now() - dueMs)
}
