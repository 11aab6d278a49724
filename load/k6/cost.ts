// What a run of k6 cost, and whom: processor time by process, and the exchange's own time of a
// request apart from what k6 and the machine add to it.

import type { Table } from '../../bench/report.ts'
import type { K6Outcome, Metric } from './k6.ts'

/** The tables of one run. */
export function costTables({ metrics, cpuMicros }: K6Outcome): Table[] {
  const requests = metrics.http_reqs?.count ?? 0
  const all = Object.values(cpuMicros).reduce((sum, micros) => sum + micros, 0)
  const rows = Object.entries(cpuMicros).map(([name, micros]) => [
    ...[name, micros / Math.max(1, requests), `${Math.round((micros / all) * 100)} %`],
  ])
  const processors: Table = {
    title: `processor time over ${requests.toLocaleString('en-US')} requests`,
    columns: ['process', 'µs a request', 'of all'],
    rows,
  }
  const times = ['new', 'cancel', 'book'].flatMap((name) => {
    const seen = metrics[`http_req_duration{name:${name}}`]
    const own = metrics[`exchange_duration{name:${name}}`]
    return [
      ...(seen === undefined ? [] : [timesRow(`${name}, as k6 sees it`, seen)]),
      ...(own === undefined ? [] : [timesRow(`${name}, in the exchange`, own)]),
    ]
  })
  const columns = ['ms', 'p50', 'p95', 'p99', 'max']
  return [
    // Read on Linux alone.
    ...(all > 0 ? [processors] : []),
    ...(times.length > 0 ? [{ title: 'time of a request', columns, rows: times }] : []),
  ]
}

const timesRow = (name: string, of: Metric): (string | number)[] => [
  ...[name, ...[of.med, of['p(95)'], of['p(99)'], of.max].map((ms) => ms.toFixed(1))],
]
