// The same orders for nodejs-order-book, in its own words: string ids, option objects, and a modify
// whose size is what shall be left. They are made beforehand, some thousands at a time so that they
// do not burden its garbage collector; its timed part is nothing but calls to its book.
//
// Where the two books differ: its `modify` always queues the order anew, Onefill keeps the place
// when only the quantity falls; its `size` is the quantity left, Onefill's the total with what is
// filled, so the size to ask for is known only from a replay. Self-trade prevention stays off: no
// flow has an order meet its own account's.

import { type LimitOrderOptions, OrderBook as Rival, Side } from 'nodejs-order-book'
import { EV, EVENT_WORDS, EVF, EventKind, type EventLog } from '../src/book.ts'
import { type Flow, Op } from './flow.ts'
import { replay } from './replay.ts'

/** Calls made ready at a time. */
const CALLS_AHEAD = 50_000

/** Its type for this is not among its exports. */
type RivalTimeInForce = NonNullable<LimitOrderOptions['timeInForce']>

/** A message made ready: what to call and with what. */
interface Call {
  op: number
  id: string
  options: LimitOrderOptions
}

export interface RivalRun {
  book: Rival
  seconds: number
  /** Lots that incoming orders traded. */
  tradedLots: number
}

/** What it takes to ask of the rival what messages `0 .. length - 1` of a flow ask of Onefill. */
export class RivalFlow {
  readonly length: number
  private readonly flow: Flow
  /** By message: the lots a replace shall leave open. */
  private readonly leaves: Int32Array
  /**
   * Its last book, so that a collection does not drop the code built on it; see `kept` in
   * replay.ts.
   */
  kept = new Rival()

  constructor(flow: Flow, length = flow.length) {
    this.flow = flow
    this.length = length
    this.leaves = leavesAfterReplace(flow, length)
  }

  /** Runs the flow through a new book of nodejs-order-book. */
  run(): RivalRun {
    const book = new Rival()
    let seconds = 0
    let tradedLots = 0
    for (let from = 0; from < this.length; from += CALLS_AHEAD) {
      const calls = this.calls(from, Math.min(this.length, from + CALLS_AHEAD))
      const start = performance.now()
      tradedLots += send(book, calls)
      seconds += (performance.now() - start) / 1000
    }
    this.kept = book
    return { book, seconds, tradedLots }
  }

  private calls(from: number, to: number): Call[] {
    const { flow, leaves } = this
    const calls: Call[] = []
    for (let at = from; at < to; at += 1) {
      // Its own benchmark names orders by number too; names that are none make it up to a quarter
      // slower.
      const id = String(flow.id[at])
      const options = {
        id,
        side: flow.side[at] === 0 ? Side.BUY : Side.SELL,
        price: flow.priceTicks[at],
        size: flow.op[at] === Op.replace ? leaves[at] : flow.qtyLots[at],
        timeInForce: (flow.flags[at] >> 2 === 0 ? 'GTC' : 'IOC') as RivalTimeInForce,
      }
      calls.push({ op: flow.op[at], id, options })
    }
    return calls
  }
}

function send(book: Rival, calls: Call[]): number {
  let tradedLots = 0
  for (const { op, id, options } of calls) {
    if (op === Op.limit) {
      tradedLots += options.size - book.limit(options).quantityLeft
    } else if (op === Op.cancel) {
      book.cancel(id)
    } else {
      const answer = book.modify(id, options)
      if (answer.err === null) tradedLots += options.size - answer.quantityLeft
    }
  }
  return tradedLots
}

/**
 * By message: the lots an accepted replace leaves open; for a refused one the quantity as it was
 * sent.
 */
function leavesAfterReplace(flow: Flow, length: number): Int32Array {
  const leaves = flow.qtyLots.slice(0, length)
  replay(flow, length, (log: EventLog) => {
    for (let number = 0; number < log.count; number += 1) {
      if ((log.i32[number * EVENT_WORDS + EV.kind] & 255) !== EventKind.replaced) continue
      const f = (number * EVENT_WORDS) >> 1
      leaves[log.f64[f + EVF.seq] - 1] = log.f64[f + EVF.leavesLots]
    }
  })
  return leaves
}

/** All levels of both sides as text, best first, in the form of `depthOf` in audit.ts. */
export function rivalDepth(book: Rival): string {
  const [asks, bids] = book.depth()
  const side = (levels: [number, number][]) =>
    levels.map(([price, size]) => `${price}:${size}`).join(' ')
  return `${side(bids)} | ${side(asks)}`
}
