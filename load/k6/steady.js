// A mixed flow at one rate: orders that rest, cancels of them, looks at the book. Open loop: k6
// starts an iteration when it is due, whether the ones before are answered or not.

import { summaryTrendStats, thresholds, turn } from './flow.js'

const { RATE = '200', SECONDS = '20' } = __ENV

export { setup } from './shared.js'

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
  thresholds: { ...thresholds, dropped_iterations: ['count==0'] },
  summaryTrendStats,
}

export default turn
