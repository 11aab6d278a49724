// What the books of a shard share: pools of orders, levels and pages, one map from order id to
// record, one event log.

import { IdMap } from '../../lib/id-map.ts'
import { RecordPool } from '../../lib/record-pool.ts'
import type { EventLog } from '../../protocol/event-log.ts'
import { LevelStore } from './levels.ts'

/**
 * Resting order, 12 words: f64 0 id, 1 leavesLots, 2 cumLots; i32 6 before and 7 behind in the
 * queue, 8 level, 9 owner, 10 tag: the owner's own number, 11 flags in the low 12 bits, the book's
 * number above.
 */
export const BOOK_ORDER = {
  words: 12,
  id: 0,
  leaves: 1,
  cum: 2,
  before: 6,
  behind: 7,
  level: 8,
  owner: 9,
  tag: 10,
  flags: 11,
  flagBits: 12,
} as const

/** Books are numbered from 1 to this. */
export const BOOKS_MAX = 2 ** (32 - BOOK_ORDER.flagBits) - 1

export class BookStore {
  readonly orders: RecordPool
  readonly ids: IdMap
  readonly levels: LevelStore
  readonly events: EventLog

  /** `ordersInitial` is only the first size of the pools; they grow. */
  constructor(events: EventLog, ordersInitial: number) {
    this.events = events
    this.orders = new RecordPool('book orders', BOOK_ORDER.words, ordersInitial)
    this.ids = new IdMap(this.orders, BOOK_ORDER.id, ordersInitial)
    this.levels = new LevelStore(Math.max(16, ordersInitial >> 2))
  }

  /** Bytes of memory behind orders, their map, levels, pages and sides. */
  get bytes(): number {
    return this.orders.bytes + this.ids.bytes + this.levels.bytes
  }
}
