// Feeds a flow to Onefill's book, every event written; a watcher may look at them before they are
// cleared.

import { EventLog, OrderBook, type Side } from '../src/book.ts'
import { type Flow, Op } from './flow.ts'

/** Messages between two clearings of the events, as a round of a busy engine would have. */
const ROUND_MESSAGES = 4096

/** Sees the events `0 .. events.count - 1` before they are cleared. */
export type Watcher = (events: EventLog) => void

export interface Replayed {
  book: OrderBook
  seconds: number
  events: number
}

/**
 * The last book. A collection that finds no live object of a shape makes V8 drop the shape and all
 * code built on it; as a program always has a book, the next replay shall not begin without that
 * code.
 */
export const kept: { book?: OrderBook } = {}

/** Runs messages `0 .. length - 1` of a flow through a new book. */
export function replay(flow: Flow, length = flow.length, watch?: Watcher): Replayed {
  const log = new EventLog(2 * ROUND_MESSAGES)
  const book = new OrderBook(log)
  kept.book = book
  let events = 0
  const start = performance.now()
  for (let from = 0; from < length; from += ROUND_MESSAGES) {
    feed(flow, from, Math.min(length, from + ROUND_MESSAGES), book)
    watch?.(log)
    events += log.count
    log.clear()
  }
  return { book, seconds: (performance.now() - start) / 1000, events }
}

/** Sends messages `from .. to - 1`. */
export function feed(flow: Flow, from: number, to: number, book: OrderBook): void {
  const { op, id, owner, side, priceTicks, qtyLots, flags } = flow
  for (let at = from; at < to; at += 1) {
    const kind = op[at]
    if (kind === Op.limit) {
      book.limit(id[at], owner[at], side[at] as Side, priceTicks[at], qtyLots[at], flags[at])
    } else if (kind === Op.cancel) {
      book.cancel(id[at], owner[at])
    } else {
      book.replace(id[at], owner[at], priceTicks[at], qtyLots[at])
    }
  }
}
