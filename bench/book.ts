// The book alone: five flows with all events written, and nodejs-order-book on one of them.

import { assert } from '../src/lib/assert.ts'
import { type Audit, audit, depthOf } from './audit.ts'
import type { Flow } from './flow.ts'
import { FLOW_NAMES, type FlowName, makeFlow } from './flows.ts'
import { replay } from './replay.ts'
import type { BenchOptions, Report, Table } from './report.ts'
import { RivalFlow, rivalDepth } from './rival.ts'
import { extremes, type Measured, measure, rate, ratio, type Variant } from './rounds.ts'

const MESSAGES = 2_000_000
const MESSAGES_QUICK = 200_000
const ROUNDS = 7
const ROUNDS_QUICK = 5
const SHARED_FLOW: FlowName = 'routine 2%'

export function run({ quick }: BenchOptions): Report {
  const length = quick ? MESSAGES_QUICK : MESSAGES
  const flows = FLOW_NAMES.map((name) => makeFlow(name, length))
  const audits = flows.map(provenAudit)
  const shared = FLOW_NAMES.indexOf(SHARED_FLOW)
  const agreement = agree(length)
  const ours = flows.map((flow, at) => onefill(flow, audits[at]))
  const rival = rivalVariant(flows[shared], audits[shared])
  const measured = measure([...ours, rival.variant], quick ? ROUNDS_QUICK : ROUNDS)
  const theirs = measured[measured.length - 1]
  const books = measured.slice(0, -1)
  const { slowest, fastest } = extremes(books)
  return {
    name: 'book alone',
    tables: [ratesTable(books, theirs), factsTable(flows, audits)],
    demands: [
      { what: `slowest flow (${slowest.name}), M msg/s`, value: rate(slowest) / 1e6, atLeast: 7 },
      {
        what: `slowest flow (${slowest.name}) / fastest (${fastest.name})`,
        value: ratio(slowest, fastest),
        atLeast: 0.6,
      },
      {
        what: `slowest flow (${slowest.name}) / nodejs-order-book on ${SHARED_FLOW}`,
        value: ratio(slowest, theirs),
        atLeast: 15,
      },
    ],
    notes: [agreement, rival.note],
  }
}

/** A flow's audit, having seen that a second replay gives the same bytes. */
function provenAudit(flow: Flow): Audit {
  const first = audit(flow)
  assert(audit(flow).hash === first.hash, `${flow.name}: the same events on every run`)
  return first
}

function onefill(flow: Flow, proven: Audit): Variant {
  const result = (events: number, depth: string) => `${events} events, ${depth}`
  return {
    name: flow.name,
    expected: result(proven.events, proven.depth),
    run: () => {
      const { book, seconds, events } = replay(flow)
      return { ops: flow.length, seconds, result: result(events, depthOf(book)) }
    },
  }
}

/**
 * Shows that the two books do the same: on the shared flow drawn so that every replace queues anew,
 * their trades and their resting depth must be equal.
 */
function agree(length: number): string {
  const flow = makeFlow(SHARED_FLOW, length, { requeueOnly: true })
  const ours = audit(flow)
  const theirs = new RivalFlow(flow).run()
  assert(theirs.tradedLots === ours.tradedLots, 'both books trade the same lots')
  assert(rivalDepth(theirs.book) === ours.depth, 'both books rest the same depth')
  const lots = ours.tradedLots.toLocaleString('en-US')
  return (
    `with replaces that change the price only, both books trade the same ${lots} lots ` +
    `and end with the same ${ours.levels} levels`
  )
}

/**
 * The rival on the timed flow. It queues anew where Onefill keeps an order's place, so another
 * order of the level fills now and then; what it trades must be within a thousandth, and the same
 * in every run.
 */
function rivalVariant(flow: Flow, proven: Audit): { variant: Variant; note: string } {
  const calls = new RivalFlow(flow)
  const first = calls.run()
  const apart = Math.abs(first.tradedLots / proven.tradedLots - 1)
  assert(apart < 0.001, 'nodejs-order-book trades what Onefill trades, but for queue places')
  const variant = {
    name: `nodejs-order-book, ${flow.name}`,
    expected: rivalDepth(first.book),
    run: () => {
      const { book, seconds } = calls.run()
      return { ops: flow.length, seconds, result: rivalDepth(book) }
    },
  }
  const note =
    'on the timed flow nodejs-order-book gives up the place of orders whose quantity falls; ' +
    `its traded lots differ by ${(apart * 100).toFixed(3)} %`
  return { variant, note }
}

function ratesTable(books: Measured[], theirs: Measured): Table {
  return {
    title: 'Million messages per second, all events written (medians; ratios are medians by round)',
    columns: ['flow', 'M msg/s', 'ns/msg', '/ static', '/ nodejs-order-book'],
    rows: [...books, theirs].map((measured) => [
      measured.name,
      rate(measured) / 1e6,
      1e9 / rate(measured),
      ratio(measured, books[0]),
      ratio(measured, theirs),
    ]),
  }
}

function factsTable(flows: Flow[], audits: Audit[]): Table {
  return {
    title: 'What the flows do',
    columns: [
      'flow',
      'messages',
      'limits',
      'trades',
      'canceled',
      'cancel refused',
      'replaced',
      'replace refused',
      'events',
      'resting at most',
      'levels at end',
      'hash of events',
    ],
    rows: audits.map((facts, at) => [
      flows[at].name,
      facts.messages,
      facts.limits,
      facts.trades,
      facts.canceled,
      facts.cancelRejected,
      facts.replaced,
      facts.replaceRejected,
      facts.events,
      facts.restingMax,
      facts.levels,
      facts.hash,
    ]),
  }
}
