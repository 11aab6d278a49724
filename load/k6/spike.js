// The mixed flow at a quiet rate, five times it within a second, and the quiet rate again: what
// the spike left waiting is answered, nothing is refused, and the quiet after it is as before.

import { Trend } from 'k6/metrics'
import { summaryTrendStats, thresholds, turn } from './flow.js'

const { RATE = '80', SECONDS = '30' } = __ENV
const [rate, third] = [Number(RATE), Math.floor(Number(SECONDS) / 3)]
const TIMES = 5

export { setup } from './shared.js'

const phase = (start, length, perSecond, exec) => ({
  executor: 'constant-arrival-rate',
  rate: perSecond,
  timeUnit: '1s',
  startTime: `${start}s`,
  duration: `${length}s`,
  // To make more of them meanwhile takes k6 too long: what is due then is dropped.
  preAllocatedVUs: perSecond === rate ? 100 : 1000,
  maxVUs: 1000,
  exec,
})

export const options = {
  scenarios: {
    before: phase(0, third, rate, 'before'),
    spike: phase(third, third, rate * TIMES, 'spike'),
    // A second for what the spike has left.
    after: phase(2 * third + 1, third, rate, 'after'),
  },
  thresholds: {
    checks: thresholds.checks,
    http_req_failed: thresholds.http_req_failed,
    dropped_iterations: ['count==0'],
    turn_before: ['p(99)<1000'],
    turn_spike: ['p(99)<5000'],
    turn_after: ['p(99)<1000'],
  },
  summaryTrendStats,
}

const timed = (name) => {
  const trend = new Trend(name, true)
  return () => {
    const startMs = Date.now()
    turn()
    trend.add(Date.now() - startMs)
  }
}

export const before = timed('turn_before')
export const spike = timed('turn_spike')
export const after = timed('turn_after')
