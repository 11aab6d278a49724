// The whole engine in one thread: ids, risk chain, hold, match, settle, reports; against
// nodejs-order-book, which only matches, on the same orders: a mix of many replaces, and each of
// the five book flows as commands.

import { checkState } from '../src/engine/invariants.ts'
import { CommandLog } from '../src/protocol/command-log.ts'
import { ExecType, REPORT_WORDS } from '../src/protocol/report-log.ts'
import {
  commandsOf,
  type EngineFlow,
  fundedEngine,
  loadRound,
  ROUND,
  recordFlow,
  SMALL,
} from './engine-flow.ts'
import { rivalCalls, runRival } from './engine-rival.ts'
import { FLOW_NAMES, type FlowName, makeFlow } from './flows.ts'
import type { BenchOptions, Report } from './report.ts'
import { RivalFlow, rivalDepth } from './rival.ts'
import { type Measured, measure, rate, ratio, type Variant } from './rounds.ts'

const ROUNDS = 5
/** Commands before timing starts: more than are remembered, so that forgetting is part of it. */
const WARM = 1_100_000
const WARM_QUICK = 100_000
/** Of the rival, which is slow: it times the first commands behind the filling. */
const RIVAL_COMMANDS = 100_000

/** Length of a book flow, and how much of it warms up the whole engine. */
const FLOW_MESSAGES = 2_000_000
const FLOW_WARM = 1_200_000
const ACCOUNTS_OF_FLOWS = 1_000
const MIX =
  `Mix: ${SMALL.accounts} accounts, ${SMALL.symbols} symbols, ${SMALL.resting} resting; ` +
  '9 % GTC, 3 % IOC, 6 % cancel, 82 % replace'

export function run({ quick }: BenchOptions): Report {
  const warm = quick ? WARM_QUICK : WARM
  const flow = recordFlow({ ...SMALL, commands: quick ? 300_000 : 2_100_000 })
  // V8 keeps optimised code only while something of its kind is alive.
  const keep = fundedEngine(flow.options)
  const proven = runEngine(flow, warm, true)
  const calls = rivalCalls(flow, flow.filling + RIVAL_COMMANDS)
  const rivalResting = runRival(calls, SMALL.symbols, flow.filling).resting
  const onefill: Variant = {
    name: 'Onefill, whole engine, mix',
    expected: proven.result,
    run: () => runEngine(flow, warm, false),
  }
  const rival: Variant = {
    name: 'nodejs-order-book, matching only, mix',
    expected: String(rivalResting),
    run: () => {
      const { seconds, resting } = runRival(calls, SMALL.symbols, flow.filling)
      return { ops: RIVAL_COMMANDS, seconds, result: String(resting) }
    },
  }
  const [ours, theirs] = measure([onefill, rival], ROUNDS)
  // Flow by flow: five of them at once, with the rival's objects for each, would crowd the heap.
  const flows = FLOW_NAMES.map((name) => {
    const [oursOnFlow, theirsOnFlow] = measure(flowVariants(name, quick), ROUNDS)
    return { name, ours: oursOnFlow, theirs: theirsOnFlow, ratio: ratio(oursOnFlow, theirsOnFlow) }
  })
  const best = flows.reduce((a, b) => (b.ratio > a.ratio ? b : a))
  const row = (name: string, a: Measured, b: Measured) => [
    name,
    rate(a) / 1e6,
    1e9 / rate(a),
    rate(b) / 1e6,
    ratio(a, b),
  ]
  return {
    name: 'whole engine, inline',
    tables: [
      {
        title: `Rounds of ${ROUND}. ${MIX}`,
        columns: ['flow', 'Onefill, M/s', 'ns/command', 'nodejs-order-book, M/s', 'ratio'],
        rows: [row('mix', ours, theirs), ...flows.map((on) => row(on.name, on.ours, on.theirs))],
      },
      {
        title: 'What the timed commands of the mix did',
        columns: ['report', 'count'],
        rows: proven.counts,
      },
    ],
    demands: [
      { what: 'mix: whole engine / nodejs-order-book', value: ratio(ours, theirs), atLeast: 5 },
      {
        what: `the best of the five flows (${best.name}): whole engine / nodejs-order-book`,
        value: best.ratio,
        atLeast: 5,
      },
    ],
    notes: [
      'every run ends in the same state, whose invariants were checked before timing',
      'timing starts when as many old ids are forgotten as new ones come',
      'nodejs-order-book only matches: no accounts, no balances, no risk rules, no reports',
      `on the other flows: ${flows
        .filter((on) => on !== best)
        .map((on) => `${on.name} ${on.ratio.toFixed(2)}`)
        .join(', ')}`,
      `${keep.seq} commands fund an engine before its flow starts`,
    ],
  }
}

/** A book flow through the whole engine, and through nodejs-order-book. */
function flowVariants(name: FlowName, quick: boolean): [Variant, Variant] {
  const flow = makeFlow(name, quick ? FLOW_MESSAGES / 10 : FLOW_MESSAGES)
  const warm = quick ? FLOW_WARM / 10 : FLOW_WARM
  const commands = commandsOf(flow, ACCOUNTS_OF_FLOWS)
  const proven = runEngine(commands, warm, true)
  const rival = new RivalFlow(flow)
  const expected = rivalDepth(rival.run().book)
  return [
    {
      name: `Onefill, whole engine, ${name}`,
      expected: proven.result,
      run: () => runEngine(commands, warm, false),
    },
    {
      name: `nodejs-order-book, matching only, ${name}`,
      expected,
      run: () => {
        const { book, seconds } = rival.run()
        return { ops: flow.length, seconds, result: rivalDepth(book) }
      },
    },
  ]
}

interface EngineRun {
  ops: number
  seconds: number
  result: string
  counts: [string, number][]
}

/**
 * Runs a flow; with `isChecked` it also checks the state's invariants at the end and counts
 * reports.
 */
function runEngine(flow: EngineFlow, warm: number, isChecked: boolean): EngineRun {
  const engine = fundedEngine(flow.options)
  const log = new CommandLog(ROUND)
  const from = flow.filling + warm
  for (let at = 0; at < from; at += ROUND) {
    loadRound(flow, at, at + ROUND, log)
    engine.round(log)
  }
  const counts = new Map<string, number>()
  let reports = 0
  const start = performance.now()
  for (let at = from; at < flow.count; at += ROUND) {
    loadRound(flow, at, at + ROUND, log)
    engine.round(log)
    reports += engine.reports.count
    if (isChecked) count(engine.reports.i32, engine.reports.count, counts)
  }
  const seconds = (performance.now() - start) / 1_000
  if (isChecked) checkState(engine)
  const { orders, fills } = engine.accounts
  const result = `${reports} reports, ${orders.count} open, ${fills.count} partly filled`
  return { ops: flow.count - from, seconds, result, counts: [...counts] }
}

const NAMES = Object.keys(ExecType)

function count(i32: Int32Array, reports: number, into: Map<string, number>): void {
  for (let number = 0; number < reports; number += 1) {
    const name = NAMES[i32[number * REPORT_WORDS] & 255]
    into.set(name, (into.get(name) ?? 0) + 1)
  }
}
