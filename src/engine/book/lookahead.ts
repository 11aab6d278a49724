// Brings near what the next messages will touch in the books; the match phase's part of what
// account/lookahead.ts does for the hold phase, and for the same reason.
//
// Each step reads only by what the step before has brought near, and branches on nothing that it
// reads itself: a branch guessed wrong on a record that is far away would stop all reads behind it.

import type { RecordLog } from '../../lib/record-log.ts'
import * as messageForms from '../messages.ts'
import * as levelForms from './levels.ts'
import * as listForms from './page-lists.ts'
import * as storeForms from './store.ts'

const { MESSAGE_WORDS, MS, MSF } = messageForms
const { words: ORDER_WORDS, before: BEFORE, behind: BEHIND, level: AT } = storeForms.BOOK_ORDER
const { words: LEVEL_WORDS, tail: TAIL, page: PAGE } = levelForms.LEVEL
const { words: PAGE_WORDS, slots: SLOTS } = levelForms.PAGE_LAYOUT
const { words: SIDE_WORDS, count: COUNT, first: FIRST } = levelForms.SIDE
const { words: ENTRY_WORDS, page: ENTRY_PAGE } = listForms.ENTRY
const ENTRY_DOUBLES = ENTRY_WORDS / 2

/** Messages walked together. */
export const BLOCK = 32

export class BookLookahead {
  private readonly store: storeForms.BookStore
  /** By place in the block: the order named, the first word of the slot of its price. */
  private readonly orders = new Int32Array(BLOCK)
  private readonly slots = new Int32Array(BLOCK)
  /** By place in the block: the last entry of the side's page list. */
  private readonly entries = new Int32Array(BLOCK)
  /** What the reads add up to; kept so that they are not optimised away. */
  private sum = 0

  constructor(store: storeForms.BookStore) {
    this.store = store
  }

  /** Walks messages `from` to `to - 1`, at most {@link BLOCK}. */
  run(messages: RecordLog, from: number, to: number): void {
    this.readSides(messages, from, to)
    this.readLists(messages, from, to)
    this.readOrders(messages, from, to)
    this.readNeighbours(to - from)
    this.readQueues(to - from)
  }

  private readSides(messages: RecordLog, from: number, to: number): void {
    const { i32, f64 } = messages
    const { ids } = this.store
    const sides = this.store.levels.sideWords
    let sum = 0
    for (let number = from; number < to; number += 1) {
      const at = number * MESSAGE_WORDS
      sum += ids.touch(f64[(at >> 1) + MSF.orderId])
      // A book without orders may have no record yet: then this is record 0.
      const book = sideIn(sides, i32[at + MS.symbol], 0)
      sum += sides[book] + sides[book + SIDE_WORDS]
    }
    this.sum += sum & 1
  }

  private readLists(messages: RecordLog, from: number, to: number): void {
    const { i32, f64 } = messages
    const { ids, levels } = this.store
    const sides = levels.sideWords
    const lists = levels.lists.i32
    let sum = 0
    for (let number = from; number < to; number += 1) {
      const at = number * MESSAGE_WORDS
      const n = number - from
      this.orders[n] = ids.guess(f64[(at >> 1) + MSF.orderId])
      const s = sideIn(sides, i32[at + MS.symbol], i32[at + MS.flags])
      const last = Math.max(1, sides[s + FIRST] + sides[s + COUNT] - 1)
      this.entries[n] = last
      sum += lists[last * ENTRY_WORDS] + lists[(last - 1) * ENTRY_WORDS]
    }
    this.sum += sum & 1
  }

  private readOrders(messages: RecordLog, from: number, to: number): void {
    const { i32, f64 } = messages
    const { orders, levels } = this.store
    const { lists } = levels
    const pages = levels.pages.i32
    let sum = 0
    for (let number = from; number < to; number += 1) {
      const n = number - from
      const at = number * MESSAGE_WORDS
      const priceTicks = f64[(at >> 1) + MSF.priceTicks]
      const slot = priceTicks & 31
      const lowest = priceTicks - slot
      const key = (i32[at + MS.flags] & 1) === 0 ? lowest : -lowest
      // Most prices are on the best page or the next to it; others are not worth a search.
      let entry = this.entries[n]
      if (lists.f64[entry * ENTRY_DOUBLES] !== key) entry -= 1
      const page = lists.i32[entry * ENTRY_WORDS + ENTRY_PAGE] * PAGE_WORDS
      this.slots[n] = page + SLOTS + slot
      sum += pages[page + SLOTS + slot]
      const o = this.orders[n] * ORDER_WORDS
      sum += orders.i32[o] + orders.i32[o + ORDER_WORDS - 1]
    }
    this.sum += sum & 1
  }

  private readNeighbours(count: number): void {
    const orders = this.store.orders.i32
    const levels = this.store.levels.levels.i32
    const pages = this.store.levels.pages.i32
    let sum = 0
    for (let n = 0; n < count; n += 1) {
      const o = this.orders[n] * ORDER_WORDS
      sum += orders[orders[o + BEFORE] * ORDER_WORDS + BEHIND]
      sum += orders[orders[o + BEHIND] * ORDER_WORDS + BEFORE]
      const old = orders[o + AT] * LEVEL_WORDS
      const level = pages[this.slots[n]] * LEVEL_WORDS
      sum += levels[old] + levels[old + PAGE] + levels[level] + levels[level + PAGE]
    }
    this.sum += sum & 1
  }

  private readQueues(count: number): void {
    const orders = this.store.orders.i32
    const levels = this.store.levels.levels.i32
    const pages = this.store.levels.pages.i32
    let sum = 0
    for (let n = 0; n < count; n += 1) {
      const old = orders[this.orders[n] * ORDER_WORDS + AT] * LEVEL_WORDS
      sum += pages[levels[old + PAGE] * PAGE_WORDS]
      const level = pages[this.slots[n]] * LEVEL_WORDS
      sum += orders[levels[level + TAIL] * ORDER_WORDS + BEHIND]
    }
    this.sum += sum & 1
  }
}

/** The first word of a side's record, or of record 0 if the book has none yet. */
function sideIn(sides: Int32Array, symbol: number, flags: number): number {
  const s = (symbol * 2 + (flags & 1)) * SIDE_WORDS
  return s + SIDE_WORDS < sides.length ? s : 0
}
