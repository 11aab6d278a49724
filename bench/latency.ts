// One message's time in the book alone, and one command's in the whole engine, in a round of its
// own: percentiles, as a table and as .hgrm files.

import { EventLog, OrderBook } from '../src/book.ts'
import { checkState } from '../src/engine/invariants.ts'
import { assert } from '../src/lib/assert.ts'
import { CommandLog } from '../src/protocol/command-log.ts'
import { audit, depthOf } from './audit.ts'
import { fundedEngine, loadRound, recordFlow, SMALL } from './engine-flow.ts'
import { type Flow, Op } from './flow.ts'
import { type FlowName, makeFlow } from './flows.ts'
import { histogramOf, PERCENTILE_COLUMNS, percentileRow, writeHgrm } from './histogram.ts'
import { feed } from './replay.ts'
import type { BenchOptions, Report } from './report.ts'

const MESSAGES = 2_000_000
const MESSAGES_QUICK = 200_000
const FLOWS: FlowName[] = ['routine 2%', 'crash 60%']
const OP_NAMES = Object.keys(Op)
const ENGINE = 1_000_000
const ENGINE_QUICK = 100_000

export function run({ quick }: BenchOptions): Report {
  const length = quick ? MESSAGES_QUICK : MESSAGES
  const rows = [percentileRow('clock alone', histogramOf(clockNanos(length), 0, length))]
  const paths: string[] = []
  for (const name of FLOWS) {
    const flow = makeFlow(name, length)
    const nanos = timed(flow)
    const all = histogramOf(nanos, 0, length)
    rows.push(percentileRow(name, all))
    for (const [op, opName] of OP_NAMES.entries()) {
      const some = histogramOf(nanos, 0, length, (at) => flow.op[at] === op)
      rows.push(percentileRow(`  ${opName}`, some))
    }
    paths.push(writeHgrm(`book-${name}`, all))
  }
  const engine = histogramOf(engineNanos(quick), 0, quick ? ENGINE_QUICK : ENGINE)
  rows.push(percentileRow('whole engine', engine))
  paths.push(writeHgrm('engine', engine))
  return {
    name: 'latency',
    tables: [
      {
        title:
          'One message in the book alone, one command in the whole engine; a clock reading in each',
        columns: PERCENTILE_COLUMNS,
        rows,
      },
    ],
    demands: [],
    notes: [
      'p99.99 and max are mostly the machine taking the thread away, see "clock alone"',
      ...paths.map((path) => `written: ${path}`),
    ],
  }
}

/** Each message's nanoseconds in the second of two runs; the first warms up. */
function timed(flow: Flow): Float64Array {
  const proven = audit(flow)
  const nanos = new Float64Array(flow.length)
  for (let turn = 0; turn < 2; turn += 1) {
    const events = new EventLog(8192)
    const book = new OrderBook(events)
    for (let at = 0; at < flow.length; at += 1) {
      const start = performance.now()
      feed(flow, at, at + 1, book)
      nanos[at] = (performance.now() - start) * 1e6
      if (events.count > 4096) events.clear()
    }
    assert(depthOf(book) === proven.depth, `${flow.name}: the same depth as the checked replay`)
  }
  return nanos
}

/**
 * Each command's nanoseconds in the whole engine, a round a command, behind the commands that warm
 * up.
 */
function engineNanos(quick: boolean): Float64Array {
  const count = quick ? ENGINE_QUICK : ENGINE
  const flow = recordFlow({ ...SMALL, commands: count * 2 })
  const engine = fundedEngine(flow.options)
  const log = new CommandLog(1)
  const nanos = new Float64Array(count)
  const from = flow.count - count
  for (let at = 0; at < flow.count; at += 1) {
    loadRound(flow, at, at + 1, log)
    const start = performance.now()
    engine.round(log)
    if (at >= from) nanos[at - from] = (performance.now() - start) * 1e6
  }
  checkState(engine)
  return nanos
}

/** What the clock itself costs: two readings with nothing between. */
function clockNanos(count: number): Float64Array {
  const nanos = new Float64Array(count)
  for (let turn = 0; turn < 2; turn += 1) {
    for (let at = 0; at < count; at += 1) {
      const start = performance.now()
      nanos[at] = (performance.now() - start) * 1e6
    }
  }
  return nanos
}
