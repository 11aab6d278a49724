// Brings near what the next messages will touch in the books; the match phase's part of what
// account/lookahead.ts does for the hold phase, and for the same reason.
//
// Each step reads only by what the step before has brought near, and branches on nothing that it
// reads itself: a branch guessed wrong on a record that is far away would stop all reads behind it.

import type { RecordLog } from '../../lib/record-log.ts'
import * as messageForms from '../messages.ts'
import * as levelForms from './levels.ts'
import * as storeForms from './store.ts'

const { MESSAGE_WORDS, MS, MSF } = messageForms
const {
  words: ORDER_WORDS,
  id: ID,
  before: BEFORE,
  behind: BEHIND,
  level: AT,
} = storeForms.BOOK_ORDER
const { words: LEVEL_WORDS, head: HEAD, tail: TAIL, orders: ORDERS, page: PAGE } = levelForms.LEVEL
const { words: PAGE_WORDS, slots: SLOTS } = levelForms.PAGE_LAYOUT
const { words: SIDE_WORDS, bestTicks: BEST_TICKS, best: BEST } = levelForms.SIDE
const { bestKey: BEST_KEY, bestPage: BEST_PAGE, nextPage: NEXT_PAGE } = levelForms.SIDE

/** Messages walked together. */
export const BLOCK = 32

export class BookLookahead {
  private readonly store: storeForms.BookStore
  /** By place in the block: the order named, and the word of a page that has its price's level. */
  private readonly orders = new Int32Array(BLOCK)
  private readonly slots = new Int32Array(BLOCK)
  /** By place in the block: what it will trade with first, the level, then the order; or 0. */
  private readonly makers = new Int32Array(BLOCK)
  /** What the reads add up to; kept so that they are not optimised away. */
  private sum = 0

  constructor(store: storeForms.BookStore) {
    this.store = store
  }

  /** Walks messages `from` to `to - 1`, at most {@link BLOCK}. */
  run(messages: RecordLog, from: number, to: number): void {
    this.readSides(messages, from, to)
    this.readPages(messages, from, to)
    this.readOrders(to - from)
    this.readNeighbours(to - from)
    this.readEmptied(to - from)
  }

  private readSides(messages: RecordLog, from: number, to: number): void {
    const { i32, f64 } = messages
    const { ids, levels } = this.store
    const { sideWords } = levels
    let sum = 0
    for (let number = from; number < to; number += 1) {
      const at = number * MESSAGE_WORDS
      sum += ids.touch(f64[(at >> 1) + MSF.orderId])
      const s = recordOf(levels, i32[at + MS.symbol], i32[at + MS.flags])
      sum += sideWords[s] + sideWords[s + SIDE_WORDS - 1] + sideWords[s ^ SIDE_WORDS]
    }
    this.sum += sum & 1
  }

  private readPages(messages: RecordLog, from: number, to: number): void {
    const { i32, f64 } = messages
    const { ids, levels } = this.store
    const { sideWords, sideDoubles } = levels
    const pages = levels.pages.i32
    const levelWords = levels.levels.i32
    const { orders, slots, makers } = this
    let sum = 0
    for (let number = from; number < to; number += 1) {
      const at = number * MESSAGE_WORDS
      const n = number - from
      const flags = i32[at + MS.flags]
      const priceTicks = f64[(at >> 1) + MSF.priceTicks]
      orders[n] = ids.guess(f64[(at >> 1) + MSF.orderId])
      const s = recordOf(levels, i32[at + MS.symbol], flags)
      const sell = (flags & 1) !== 0
      const slot = priceTicks & 31
      const key = sell ? slot - priceTicks : priceTicks - slot
      // Most prices are on the best page or the next to it; others are not worth a search.
      const near = sideDoubles[(s >> 1) + BEST_KEY] === key ? BEST_PAGE : NEXT_PAGE
      const word = sideWords[s + near] * PAGE_WORDS + SLOTS + slot
      slots[n] = word
      sum += pages[word]
      const opposite = s ^ SIDE_WORDS
      const ticks = sideDoubles[(opposite >> 1) + BEST_TICKS]
      const crosses = sell ? ticks >= priceTicks : ticks <= priceTicks
      const maker = crosses ? sideWords[opposite + BEST] : 0
      makers[n] = maker
      sum += levelWords[maker * LEVEL_WORDS] + levelWords[maker * LEVEL_WORDS + PAGE]
    }
    this.sum += sum & 1
  }

  private readOrders(count: number): void {
    const { orders: named, slots, makers } = this
    const orders = this.store.orders.i32
    const levels = this.store.levels.levels.i32
    const pages = this.store.levels.pages.i32
    let sum = 0
    for (let n = 0; n < count; n += 1) {
      const o = named[n] * ORDER_WORDS
      sum += orders[o] + orders[o + ORDER_WORDS - 1]
      const level = pages[slots[n]] * LEVEL_WORDS
      sum += levels[level] + levels[level + PAGE]
      const maker = levels[makers[n] * LEVEL_WORDS + HEAD]
      makers[n] = maker
      sum += orders[maker * ORDER_WORDS] + orders[maker * ORDER_WORDS + ORDER_WORDS - 1]
    }
    this.sum += sum & 1
  }

  private readNeighbours(count: number): void {
    const { orders: named, slots, makers } = this
    const { ids } = this.store
    const { i32: orders, f64 } = this.store.orders
    const levels = this.store.levels.levels.i32
    const pages = this.store.levels.pages.i32
    let sum = 0
    for (let n = 0; n < count; n += 1) {
      const o = named[n] * ORDER_WORDS
      sum += orders[orders[o + BEFORE] * ORDER_WORDS + BEHIND]
      sum += orders[orders[o + BEHIND] * ORDER_WORDS + BEFORE]
      const old = orders[o + AT] * LEVEL_WORDS
      sum += levels[old] + levels[old + PAGE]
      const level = pages[slots[n]] * LEVEL_WORDS
      sum += orders[levels[level + TAIL] * ORDER_WORDS + BEHIND]
      const maker = makers[n] * ORDER_WORDS
      if (maker !== 0) {
        sum += ids.touch(f64[(maker >> 1) + ID])
        sum += orders[orders[maker + BEHIND] * ORDER_WORDS + BEFORE]
      }
    }
    this.sum += sum & 1
  }

  /** The pages of levels that will have no order left. */
  private readEmptied(count: number): void {
    const { orders: named } = this
    const orders = this.store.orders.i32
    const levels = this.store.levels.levels.i32
    const pages = this.store.levels.pages.i32
    let sum = 0
    for (let n = 0; n < count; n += 1) {
      const old = orders[named[n] * ORDER_WORDS + AT] * LEVEL_WORDS
      if (levels[old + ORDERS] === 1) sum += pages[levels[old + PAGE] * PAGE_WORDS]
    }
    this.sum += sum & 1
  }
}

/** The first word of a side's record; of record 0 if the book has none yet. */
function recordOf(levels: levelForms.LevelStore, symbol: number, flags: number): number {
  const s = (symbol * 2 + (flags & 1)) * SIDE_WORDS
  return s < levels.sideWords.length ? s : 0
}
