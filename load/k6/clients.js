// A thousand clients, each over a connection of its own that stays open, each with an order and its
// cancel every few seconds: by a timetable, so that a slow answer delays no later order.

import { sleep } from 'k6'
import { Trend } from 'k6/metrics'
import { summaryTrendStats, thresholds, turn } from './flow.js'
import { setup as begin } from './shared.js'

const { CLIENTS = '1000', RATE = '200', SECONDS = '30' } = __ENV
const [clients, rate] = [Number(CLIENTS), Number(RATE)]
/** From one turn of a client to its next. */
const PERIOD_MS = (clients * 1000) / rate

/** From when a turn was due to its last answer. */
const turnMs = new Trend('turn_duration', true)

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
    http_req_connecting: ['max>=0'],
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
  turnMs.add(Date.now() - dueMs)
}
