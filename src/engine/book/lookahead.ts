// Brings near what the next messages will touch in the books; the match phase's part of what
// account/lookahead.ts does for the hold phase, and for the same reason.

import type { RecordLog } from '../../lib/record-log.ts'
import * as messageForms from '../messages.ts'
import * as bookForms from './book.ts'
import * as levelForms from './levels.ts'

const { MESSAGE_WORDS, MS, MSF } = messageForms
const { words: ORDER_WORDS, before: BEFORE, behind: BEHIND, level: AT } = bookForms.BOOK_ORDER
const { words: LEVEL_WORDS, tail: TAIL, page: PAGE } = levelForms.LEVEL
const { words: PAGE_WORDS, slots: SLOTS } = levelForms.PAGE_LAYOUT

/** Messages walked together. */
export const BLOCK = 32

export class BookLookahead {
  private readonly store: bookForms.BookStore
  private readonly books: readonly (bookForms.Book | undefined)[]
  /** By place in the block: the order named, and the page that its price is on. */
  private readonly orders = new Int32Array(BLOCK)
  private readonly pages = new Int32Array(BLOCK)
  private readonly levels = new Int32Array(BLOCK)
  /** What the reads add up to; kept so that they are not optimised away. */
  private sum = 0

  constructor(store: bookForms.BookStore, books: readonly (bookForms.Book | undefined)[]) {
    this.store = store
    this.books = books
  }

  /** Walks messages `from` to `to - 1`, at most {@link BLOCK}. */
  run(messages: RecordLog, from: number, to: number): void {
    this.find(messages, from, to)
    this.readOrders(messages, from, to)
    this.readNeighbours(to - from)
    this.readLevels(to - from)
  }

  private find(messages: RecordLog, from: number, to: number): void {
    const { i32, f64 } = messages
    const { ids } = this.store
    for (let number = from; number < to; number += 1) {
      const at = number * MESSAGE_WORDS
      const priceTicks = f64[(at >> 1) + MSF.priceTicks]
      const book = this.books[i32[at + MS.symbol]]
      this.orders[number - from] = ids.guess(f64[(at >> 1) + MSF.orderId])
      this.pages[number - from] =
        book === undefined ? 0 : book.nearPage(i32[at + MS.flags], priceTicks)
    }
  }

  private readOrders(messages: RecordLog, from: number, to: number): void {
    const { f64 } = messages
    const { orders, levels } = this.store
    let sum = 0
    for (let number = from; number < to; number += 1) {
      const n = number - from
      const slot = f64[((number * MESSAGE_WORDS) >> 1) + MSF.priceTicks] & 31
      this.levels[n] = levels.pages.i32[this.pages[n] * PAGE_WORDS + SLOTS + slot]
      const o = this.orders[n] * ORDER_WORDS
      sum += orders.i32[o] + orders.i32[o + ORDER_WORDS - 1]
    }
    this.sum += sum & 1
  }

  private readNeighbours(count: number): void {
    const { orders, levels } = this.store
    let sum = 0
    for (let n = 0; n < count; n += 1) {
      const o = this.orders[n] * ORDER_WORDS
      sum += orders.i32[orders.i32[o + BEFORE] * ORDER_WORDS + BEHIND]
      sum += orders.i32[orders.i32[o + BEHIND] * ORDER_WORDS + BEFORE]
      sum += levels.levels.i32[orders.i32[o + AT] * LEVEL_WORDS]
      sum += levels.levels.i32[this.levels[n] * LEVEL_WORDS]
    }
    this.sum += sum & 1
  }

  private readLevels(count: number): void {
    const { orders, levels } = this.store
    let sum = 0
    for (let n = 0; n < count; n += 1) {
      const level = orders.i32[this.orders[n] * ORDER_WORDS + AT]
      sum += levels.pages.i32[levels.levels.i32[level * LEVEL_WORDS + PAGE] * PAGE_WORDS]
      const tail = levels.levels.i32[this.levels[n] * LEVEL_WORDS + TAIL]
      sum += orders.i32[tail * ORDER_WORDS + BEHIND]
    }
    this.sum += sum & 1
  }
}
