// The price levels of books: any price the tick allows, memory by levels in use, not by price
// range.
//
// Thirty-two neighbouring prices make a page: a bitmap of the occupied ones and a level each. A
// side of a book keeps its pages sorted, the best one last: near the touch a price is found in the
// last page or two, far from it by binary search, and the next best price is a bit scan. Sides,
// page lists, pages and levels of all books of a shard are records of shared arrays, so that
// look-ahead can read them without following objects: docs/decisions/0014.

import { RecordPool } from '../../lib/record-pool.ts'
import { Side } from '../../protocol/order-flags.ts'
import * as listForms from './page-lists.ts'
import { PageLists } from './page-lists.ts'

/** Level, 8 words: f64 0 priceTicks, 1 total lots; i32 4 head, 5 tail, 6 orders, 7 page. */
export const LEVEL = { words: 8, ticks: 0, lots: 1, head: 4, tail: 5, orders: 6, page: 7 } as const

/** Page, 36 words: f64 0 key; i32 2 bitmap, 4.. the level at each of 32 prices. */
export const PAGE_LAYOUT = { words: 36, slots: 4 } as const

/**
 * Side, 16 words: f64 0 the best level's price, 0 if the side is empty; i32 2 the best level, 3
 * pages, 4 the first entry of its page list, 5 entries there is room for; f64 5 and 6 the keys of
 * the best page and the next, i32 14 and 15 these pages, 0 if there is none: the end of the list
 * once more, because most orders are there. The record of the bids also has what the book itself
 * remembers: f64 3 trades, 4 the last trade's price.
 */
export const SIDE = {
  words: 16,
  bestTicks: 0,
  best: 2,
  count: 3,
  first: 4,
  room: 5,
  trades: 3,
  lastTradeTicks: 4,
  bestKey: 5,
  nextKey: 6,
  bestPage: 14,
  nextPage: 15,
} as const

// V8 builds a module's private constants into the machine code, but loads exported ones at each
// use.
const { words: LEVEL_WORDS, ticks: TICKS, page: PAGE } = LEVEL
const LEVEL_DOUBLES = LEVEL_WORDS / 2
const PAGE_WORDS = PAGE_LAYOUT.words
const PAGE_DOUBLES = PAGE_WORDS / 2
const BITMAP = 2
const SLOTS = PAGE_LAYOUT.slots
const PRICES_PER_PAGE = 32
const { words: SIDE_WORDS, bestTicks: BEST_TICKS, best: BEST, count: COUNT, first: FIRST } = SIDE
const { room: ROOM, bestKey: BEST_KEY, nextKey: NEXT_KEY } = SIDE
const { bestPage: BEST_PAGE, nextPage: NEXT_PAGE } = SIDE
const SIDE_DOUBLES = SIDE_WORDS / 2
const { RUN_MIN } = listForms
const { words: ENTRY_WORDS, page: ENTRY_PAGE } = listForms.ENTRY
const ENTRY_DOUBLES = ENTRY_WORDS / 2
const BUY = Side.buy

/**
 * The levels of all books of a shard. Side `book * 2` is a book's bids, the next its asks; books
 * are numbered from 1.
 */
export class LevelStore {
  readonly levels: RecordPool
  readonly pages: RecordPool
  /** Words of side `n` start at `n * 16`. Replaced by {@link reserve}. */
  sideWords = new Int32Array(0)
  /** Doubles of side `n` start at `n * 8`. Replaced by {@link reserve}. */
  sideDoubles = new Float64Array(0)
  /**
   * By side: its pages from the worst prices to the best. A key is the page's lowest price, negated
   * for asks: keys ascend.
   */
  readonly lists: PageLists

  constructor(initial: number) {
    this.levels = new RecordPool('levels', LEVEL_WORDS, initial)
    this.pages = new RecordPool('pages', PAGE_WORDS, Math.max(4, initial >> 3))
    this.lists = new PageLists(4)
    this.reserve(1)
  }

  /** Makes room for the sides of books up to `book`. */
  reserve(book: number): void {
    const words = (book + 1) * 2 * SIDE_WORDS
    if (words <= this.sideWords.length) return
    const sideWords = new Int32Array(Math.max(words, this.sideWords.length * 2))
    sideWords.set(this.sideWords)
    this.sideWords = sideWords
    this.sideDoubles = new Float64Array(sideWords.buffer)
  }

  /** Bytes of memory behind all of them. */
  get bytes(): number {
    return this.levels.bytes + this.pages.bytes + this.sideWords.byteLength + this.lists.bytes
  }

  /** The best level's handle, 0 if the side is empty. */
  best(side: number): number {
    return this.sideWords[side * SIDE_WORDS + BEST]
  }

  /** The best level's price, 0 if the side is empty. */
  bestTicks(side: number): number {
    return this.sideDoubles[side * SIDE_DOUBLES + BEST_TICKS]
  }

  /** The level at a price, created empty if there is none. */
  levelAt(side: number, priceTicks: number): number {
    const slot = slotOf(priceTicks)
    const lowest = priceTicks - slot
    const key = (side & 1) === BUY ? lowest : -lowest
    let page = this.nearPage(side * SIDE_WORDS, key)
    if (page === 0) page = this.pageFor(side, key)
    const found = this.pages.i32[page * PAGE_WORDS + SLOTS + slot]
    return found !== 0 ? found : this.addLevel(side, page, slot, priceTicks)
  }

  /** Takes an empty level out. */
  removeLevel(side: number, level: number): void {
    const { levels, pages, sideWords } = this
    const page = levels.i32[level * LEVEL_WORDS + PAGE]
    const slot = slotOf(levels.f64[level * LEVEL_DOUBLES + TICKS])
    const at = page * PAGE_WORDS
    pages.i32[at + SLOTS + slot] = 0
    const bitmap = pages.i32[at + BITMAP] & ~(1 << slot)
    pages.i32[at + BITMAP] = bitmap
    levels.release(level)
    if (bitmap === 0) this.removePage(side, page)
    if (level === sideWords[side * SIDE_WORDS + BEST]) this.findBest(side)
  }

  /** The next level behind `level`, worse by price, or 0. */
  after(side: number, level: number): number {
    const { levels, pages, lists } = this
    const page = levels.i32[level * LEVEL_WORDS + PAGE]
    const slot = slotOf(levels.f64[level * LEVEL_DOUBLES + TICKS])
    const bitmap = pages.i32[page * PAGE_WORDS + BITMAP]
    // Bits of worse prices: below for bids, above for asks.
    const rest = (side & 1) === BUY ? bitmap & ((1 << slot) - 1) : bitmap & (-2 << slot)
    if (rest !== 0) return pages.i32[page * PAGE_WORDS + SLOTS + bestBit(side, rest)]
    const at = this.indexOf(side, pages.f64[page * PAGE_DOUBLES])
    if (at === this.sideWords[side * SIDE_WORDS + FIRST]) return 0
    const next = lists.i32[(at - 1) * ENTRY_WORDS + ENTRY_PAGE] * PAGE_WORDS
    return pages.i32[next + SLOTS + bestBit(side, pages.i32[next + BITMAP])]
  }

  private addLevel(side: number, page: number, slot: number, priceTicks: number): number {
    const { levels, pages, sideWords, sideDoubles } = this
    const level = levels.reuse() // it was given back empty, as a page was
    levels.f64[level * LEVEL_DOUBLES + TICKS] = priceTicks
    levels.i32[level * LEVEL_WORDS + PAGE] = page
    pages.i32[page * PAGE_WORDS + SLOTS + slot] = level
    pages.i32[page * PAGE_WORDS + BITMAP] |= 1 << slot
    const s = side * SIDE_WORDS
    const bestTicks = sideDoubles[(s >> 1) + BEST_TICKS]
    if (bestTicks === 0 || ((side & 1) === BUY ? priceTicks > bestTicks : priceTicks < bestTicks)) {
      sideWords[s + BEST] = level
      sideDoubles[(s >> 1) + BEST_TICKS] = priceTicks
    }
    return level
  }

  /** After the best level has gone: the best of the best page takes its place. */
  private findBest(side: number): void {
    const { pages, sideWords, sideDoubles } = this
    const s = side * SIDE_WORDS
    const page = sideWords[s + BEST_PAGE] * PAGE_WORDS
    if (page === 0) {
      sideWords[s + BEST] = 0
      sideDoubles[(s >> 1) + BEST_TICKS] = 0
      return
    }
    const slot = bestBit(side, pages.i32[page + BITMAP])
    sideWords[s + BEST] = pages.i32[page + SLOTS + slot]
    sideDoubles[(s >> 1) + BEST_TICKS] = Math.abs(sideDoubles[(s >> 1) + BEST_KEY]) + slot
  }

  /** The page with a key if it is the best or the next, else 0; `s`: the side's first word. */
  private nearPage(s: number, key: number): number {
    const { sideWords, sideDoubles } = this
    const f = s >> 1
    if (sideDoubles[f + BEST_KEY] === key) return sideWords[s + BEST_PAGE]
    return sideDoubles[f + NEXT_KEY] === key ? sideWords[s + NEXT_PAGE] : 0
  }

  /** The page with a key, created if there is none. */
  private pageFor(side: number, key: number): number {
    const { sideWords, lists } = this
    const at = this.indexOf(side, key)
    const end = sideWords[side * SIDE_WORDS + FIRST] + sideWords[side * SIDE_WORDS + COUNT]
    if (at < end && lists.f64[at * ENTRY_DOUBLES] === key) {
      return lists.i32[at * ENTRY_WORDS + ENTRY_PAGE]
    }
    return this.insertPage(side, at, key)
  }

  /** Where in its list a key is, or belongs: the first entry whose key is not below it. */
  private indexOf(side: number, key: number): number {
    const { sideWords } = this
    const { f64 } = this.lists
    let low = sideWords[side * SIDE_WORDS + FIRST]
    // Most orders are near the touch: look at the best pages first.
    let high = low + sideWords[side * SIDE_WORDS + COUNT]
    for (let near = 0; near < 4; near += 1) {
      if (high === low || f64[(high - 1) * ENTRY_DOUBLES] < key) return high
      high -= 1
    }
    while (low < high) {
      const middle = (low + high) >> 1
      if (f64[middle * ENTRY_DOUBLES] < key) low = middle + 1
      else high = middle
    }
    return low
  }

  private insertPage(side: number, at: number, key: number): number {
    const { pages, lists } = this
    const { sideWords: i32 } = this
    const page = pages.reuse()
    pages.f64[page * PAGE_DOUBLES] = key
    const s = side * SIDE_WORDS
    const count = i32[s + COUNT]
    let to = at
    if (count === i32[s + ROOM]) {
      const before = i32[s + FIRST]
      this.widen(s)
      to += i32[s + FIRST] - before
    }
    const behind = i32[s + FIRST] + count - to
    if (behind > 0) lists.move(to + 1, to, behind)
    lists.f64[to * ENTRY_DOUBLES] = key
    lists.i32[to * ENTRY_WORDS + ENTRY_PAGE] = page
    i32[s + COUNT] = count + 1
    if (behind < 2) this.findNear(s)
    return page
  }

  private removePage(side: number, page: number): void {
    const { pages, lists } = this
    const { sideWords: i32 } = this
    const at = this.indexOf(side, pages.f64[page * PAGE_DOUBLES])
    const s = side * SIDE_WORDS
    const count = i32[s + COUNT] - 1
    const behind = i32[s + FIRST] + count - at
    if (behind > 0) lists.move(at, at + 1, behind)
    i32[s + COUNT] = count
    pages.release(page)
    if (behind < 2) this.findNear(s)
  }

  /** The end of a page list has changed: writes it to the side's record, `s` its first word. */
  private findNear(s: number): void {
    const { sideWords, sideDoubles, lists } = this
    const count = sideWords[s + COUNT]
    // Entry 0 is nobody's: its page is 0.
    const best = count > 0 ? sideWords[s + FIRST] + count - 1 : 0
    const next = count > 1 ? best - 1 : 0
    sideDoubles[(s >> 1) + BEST_KEY] = lists.f64[best * ENTRY_DOUBLES]
    sideDoubles[(s >> 1) + NEXT_KEY] = lists.f64[next * ENTRY_DOUBLES]
    sideWords[s + BEST_PAGE] = lists.i32[best * ENTRY_WORDS + ENTRY_PAGE]
    sideWords[s + NEXT_PAGE] = lists.i32[next * ENTRY_WORDS + ENTRY_PAGE]
  }

  /** Gives the side whose record starts at word `s` a page list of twice the length. */
  private widen(s: number): void {
    const { lists } = this
    const { sideWords: i32 } = this
    const room = i32[s + ROOM]
    const first = lists.alloc(room === 0 ? RUN_MIN : room * 2)
    if (room > 0) {
      lists.move(first, i32[s + FIRST], room)
      lists.release(i32[s + FIRST], room)
    }
    i32[s + FIRST] = first
    i32[s + ROOM] = room === 0 ? RUN_MIN : room * 2
  }
}

/** The best of a page's set bits: the highest price for bids, the lowest for asks. */
function bestBit(side: number, bits: number): number {
  return 31 - Math.clz32((side & 1) === BUY ? bits : bits & -bits)
}

/** A price's place in its page: its lowest five bits, which `&` takes from any safe integer. */
function slotOf(priceTicks: number): number {
  return priceTicks & (PRICES_PER_PAGE - 1)
}
