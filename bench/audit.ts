// Proves a replay right before its time counts: hashes every event and books every lot in and out.

import {
  EV,
  EVENT_WORDS,
  EVF,
  EventKind,
  type EventLog,
  type OrderBook,
  Side,
} from '../src/book.ts'
import { assert } from '../src/lib/assert.ts'
import type { Flow } from './flow.ts'
import { replay } from './replay.ts'

/** What a flow did to the book; the same on every run and machine. */
export interface Audit {
  messages: number
  events: number
  /** Over all words of all events, in order. */
  hash: string
  /** Lots: what came in equals what went out and what rests. */
  submittedLots: number
  /** Lots that replaces added to open orders, less those they took away. */
  replacedLots: number
  tradedLots: number
  canceledLots: number
  expiredLots: number
  restingLots: number
  limits: number
  trades: number
  canceled: number
  cancelRejected: number
  replaced: number
  replaceRejected: number
  restingOrders: number
  restingMax: number
  levels: number
  /** Prices and lots of all levels, by which two books can be compared. */
  depth: string
}

/** Replays a flow with every event checked against the order's own ledger. */
export function audit(flow: Flow, length = flow.length): Audit {
  const ledger = new Ledger(flow.orders)
  const { book, events } = replay(flow, length, (log) => ledger.take(log))
  const { tally, counts, open } = ledger
  const restingLots = sumLots(book, Side.buy) + sumLots(book, Side.sell)
  const out = 2 * tally.traded + tally.canceled + tally.expired + restingLots
  assert(tally.submitted + tally.replaced === out, `${flow.name}: lots in = lots out + resting`)
  assert(open === book.ordersCount, `${flow.name}: every order is resting or reported closed`)
  assert(tally.traded === tally.tradedMaker, `${flow.name}: both sides trade the same`)
  return {
    messages: length,
    events,
    hash: (ledger.hash >>> 0).toString(16).padStart(8, '0'),
    submittedLots: tally.submitted,
    replacedLots: tally.replaced,
    tradedLots: tally.traded,
    canceledLots: tally.canceled,
    expiredLots: tally.expired,
    restingLots,
    limits: counts[EventKind.accepted],
    trades: counts[EventKind.tradeTaker],
    canceled: counts[EventKind.canceled],
    cancelRejected: counts[EventKind.cancelRejected],
    replaced: counts[EventKind.replaced],
    replaceRejected: counts[EventKind.replaceRejected],
    restingOrders: book.ordersCount,
    restingMax: ledger.openMax,
    levels: book.depth(Side.buy, Infinity).length + book.depth(Side.sell, Infinity).length,
    depth: depthOf(book),
  }
}

/** All levels of both sides as text, best first. */
export function depthOf(book: OrderBook): string {
  const side = (of: Side) =>
    book.depth(of, Infinity).map(({ priceTicks, qtyLots }) => `${priceTicks}:${qtyLots}`)
  return `${side(Side.buy).join(' ')} | ${side(Side.sell).join(' ')}`
}

/** Every order's open lots, moved by its events alone. */
class Ledger {
  readonly tally = {
    submitted: 0,
    replaced: 0,
    traded: 0,
    tradedMaker: 0,
    canceled: 0,
    expired: 0,
  }
  /** Events by kind. */
  readonly counts = new Array<number>(Object.keys(EventKind).length).fill(0)
  hash = 0x811c9dc5 | 0
  open = 0
  openMax = 0
  private readonly leaves: Float64Array

  constructor(orders: number) {
    this.leaves = new Float64Array(orders + 1)
  }

  take(log: EventLog): void {
    let { hash } = this
    const words = log.count * EVENT_WORDS
    for (let word = 0; word < words; word += 1) {
      hash = Math.imul(hash ^ log.i32[word], 0x01000193)
      hash ^= hash >>> 15
    }
    this.hash = hash
    for (let number = 0; number < log.count; number += 1) this.book(log, number)
  }

  private book(log: EventLog, number: number): void {
    const { tally, leaves } = this
    const f = (number * EVENT_WORDS) >> 1
    const kind = log.i32[number * EVENT_WORDS + EV.kind] & 255
    const id = log.f64[f + EVF.orderId]
    const qty = log.f64[f + EVF.qtyLots]
    const left = log.f64[f + EVF.leavesLots]
    const before = leaves[id]
    this.counts[kind] += 1
    let after = before
    if (kind === EventKind.accepted) {
      assert(before === 0, `order ${id} is new`)
      tally.submitted += left
      after = left
    } else if (kind === EventKind.tradeTaker || kind === EventKind.tradeMaker) {
      assert(before - qty === left, `order ${id} loses what it trades`)
      if (kind === EventKind.tradeTaker) tally.traded += qty
      else tally.tradedMaker += qty
      after = left
    } else if (kind === EventKind.canceled || kind === EventKind.expired) {
      assert(before === left, `order ${id} gives back what it has`)
      if (kind === EventKind.canceled) tally.canceled += left
      else tally.expired += left
      after = 0
    } else if (kind === EventKind.replaced) {
      assert(before > 0, `order ${id} is open`)
      tally.replaced += left - before
      after = left
    }
    if (before === 0 && after > 0) this.open += 1
    if (before > 0 && after === 0) this.open -= 1
    if (this.open > this.openMax) this.openMax = this.open
    leaves[id] = after
  }
}

function sumLots(book: OrderBook, side: Side): number {
  return book.depth(side, Infinity).reduce((sum, level) => sum + level.qtyLots, 0)
}
