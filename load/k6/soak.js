// The mixed flow for long, at a rate that leaves room: as fast at the end as at the beginning.
// What the exchange's memory does meanwhile is looked at by whoever started this.

import { summaryTrendStats, thresholds, turn } from './flow.js'

const { RATE = '100', SECONDS = '600' } = __ENV

export { setup } from './shared.js'

/** Its first and its last tenth are told apart by this tag. */
const TENTH = Math.max(1, Math.floor(Number(SECONDS) / 10))
const phase = (part, start, length) => ({
  executor: 'constant-arrival-rate',
  rate: Number(RATE),
  timeUnit: '1s',
  startTime: `${start}s`,
  duration: `${length}s`,
  preAllocatedVUs: 50,
  maxVUs: 1000,
  tags: { part },
})

export const options = {
  scenarios: {
    first: phase('first', 0, TENTH),
    middle: phase('middle', TENTH, Number(SECONDS) - 2 * TENTH),
    last: phase('last', Number(SECONDS) - TENTH, TENTH),
  },
  thresholds: {
    ...thresholds,
    dropped_iterations: ['count==0'],
    'http_req_duration{part:first}': ['p(99)<500'],
    'http_req_duration{part:last}': ['p(99)<500'],
  },
  summaryTrendStats,
}

export default turn
