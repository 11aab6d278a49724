// The price levels of books: any price the tick allows, memory by levels in use, not by price
// range.
//
// Thirty-two neighbouring prices make a page: a bitmap of the occupied ones and a level each. A
// side of a book keeps its pages sorted, the best one last: near the touch a price is found in the
// last page or two, far from it by binary search, and the next best price is a bit scan. Pages and
// levels of all books of a shard share two pools.

import { RecordPool } from '../../lib/record-pool.ts'
import { Side } from '../../protocol/order-flags.ts'

/** Level, 8 words: f64 0 priceTicks, 1 total lots; i32 4 head, 5 tail, 6 orders, 7 page. */
export const LEVEL = { words: 8, ticks: 0, lots: 1, head: 4, tail: 5, orders: 6, page: 7 } as const

// V8 builds a module's private constants into the machine code, but loads exported ones at each
// use.
const { words: LEVEL_WORDS, ticks: TICKS, page: PAGE } = LEVEL
const LEVEL_DOUBLES = LEVEL_WORDS / 2
const BUY = Side.buy

/** Page, 36 words: f64 0 key; i32 2 bitmap, 4.. the level at each of 32 prices. */
export const PAGE_LAYOUT = { words: 36, slots: 4 } as const
const PAGE_WORDS = PAGE_LAYOUT.words
const PAGE_DOUBLES = PAGE_WORDS / 2
const BITMAP = 2
const SLOTS = PAGE_LAYOUT.slots
const PRICES_PER_PAGE = 32

/** The levels and pages of all books of a shard. */
export class LevelStore {
  readonly levels: RecordPool
  readonly pages: RecordPool

  constructor(initial: number) {
    this.levels = new RecordPool('levels', LEVEL_WORDS, initial)
    this.pages = new RecordPool('pages', PAGE_WORDS, Math.max(4, initial >> 3))
  }
}

/** One side of one book: its levels by price. */
export class BookSide {
  readonly side: Side
  /** The best level's handle, 0 if the side is empty. */
  best = 0
  private readonly levels: RecordPool
  private readonly pagePool: RecordPool
  /**
   * Pages from the worst prices to the best. A key is the page's lowest price, negated for asks:
   * keys ascend.
   */
  private pages = new Int32Array(4)
  private keys = new Float64Array(4)
  private count = 0

  constructor(side: Side, store: LevelStore) {
    this.side = side
    this.levels = store.levels
    this.pagePool = store.pages
  }

  /** The level at a price, created empty if there is none. */
  levelAt(priceTicks: number): number {
    const slot = slotOf(priceTicks)
    const lowest = priceTicks - slot
    const page = this.pageFor(this.side === BUY ? lowest : -lowest)
    const found = this.pagePool.i32[page * PAGE_WORDS + SLOTS + slot]
    return found !== 0 ? found : this.addLevel(page, slot, priceTicks)
  }

  /**
   * The page of a price if it is the best or the next to it, else 0. Reads no page and no level.
   */
  nearPage(priceTicks: number): number {
    const { keys, count } = this
    const lowest = priceTicks - slotOf(priceTicks)
    const key = this.side === BUY ? lowest : -lowest
    if (count > 0 && keys[count - 1] === key) return this.pages[count - 1]
    return count > 1 && keys[count - 2] === key ? this.pages[count - 2] : 0
  }

  /** Takes an empty level out. */
  removeLevel(level: number): void {
    const { levels, pagePool } = this
    const page = levels.i32[level * LEVEL_WORDS + PAGE]
    const slot = slotOf(levels.f64[level * LEVEL_DOUBLES + TICKS])
    const at = page * PAGE_WORDS
    pagePool.i32[at + SLOTS + slot] = 0
    const bitmap = pagePool.i32[at + BITMAP] & ~(1 << slot)
    pagePool.i32[at + BITMAP] = bitmap
    levels.release(level)
    if (bitmap === 0) this.removePage(page)
    if (level === this.best) this.best = this.bestOfLastPage()
  }

  /** The next level behind `level`, worse by price, or 0. */
  after(level: number): number {
    const { levels, pagePool } = this
    const page = levels.i32[level * LEVEL_WORDS + PAGE]
    const slot = slotOf(levels.f64[level * LEVEL_DOUBLES + TICKS])
    const bitmap = pagePool.i32[page * PAGE_WORDS + BITMAP]
    // Bits of worse prices: below for bids, above for asks.
    const rest = this.side === BUY ? bitmap & ((1 << slot) - 1) : bitmap & (-2 << slot)
    if (rest !== 0) return this.bestIn(page, rest)
    const at = this.indexOf(pagePool.f64[page * PAGE_DOUBLES])
    if (at === 0) return 0
    const next = this.pages[at - 1]
    return this.bestIn(next, pagePool.i32[next * PAGE_WORDS + BITMAP])
  }

  private addLevel(page: number, slot: number, priceTicks: number): number {
    const { levels, pagePool } = this
    const level = levels.reuse() // it was given back empty, as a page was
    levels.f64[level * LEVEL_DOUBLES + TICKS] = priceTicks
    levels.i32[level * LEVEL_WORDS + PAGE] = page
    pagePool.i32[page * PAGE_WORDS + SLOTS + slot] = level
    pagePool.i32[page * PAGE_WORDS + BITMAP] |= 1 << slot
    const best = this.best
    if (best === 0) {
      this.best = level
    } else {
      const bestTicks = levels.f64[best * LEVEL_DOUBLES + TICKS]
      if (this.side === BUY ? priceTicks > bestTicks : priceTicks < bestTicks) {
        this.best = level
      }
    }
    return level
  }

  private bestOfLastPage(): number {
    if (this.count === 0) return 0
    const page = this.pages[this.count - 1]
    return this.bestIn(page, this.pagePool.i32[page * PAGE_WORDS + BITMAP])
  }

  /**
   * The best level among the set bits of a page: the highest price for bids, the lowest for asks.
   */
  private bestIn(page: number, bits: number): number {
    const slot = 31 - Math.clz32(this.side === BUY ? bits : bits & -bits)
    return this.pagePool.i32[page * PAGE_WORDS + SLOTS + slot]
  }

  /** The page with a key, created if there is none. */
  private pageFor(key: number): number {
    const at = this.indexOf(key)
    if (at < this.count && this.keys[at] === key) return this.pages[at]
    return this.insertPage(at, key)
  }

  /** Where a key is, or belongs: the first index whose key is not below it. */
  private indexOf(key: number): number {
    const { keys } = this
    // Most orders are near the touch: look at the best pages first.
    let high = this.count
    for (let near = 0; near < 4; near += 1) {
      if (high === 0 || keys[high - 1] < key) return high
      high -= 1
    }
    let low = 0
    while (low < high) {
      const middle = (low + high) >> 1
      if (keys[middle] < key) low = middle + 1
      else high = middle
    }
    return low
  }

  private insertPage(at: number, key: number): number {
    const { pagePool } = this
    const page = pagePool.reuse()
    pagePool.f64[page * PAGE_DOUBLES] = key
    if (this.count === this.pages.length) this.growPages()
    this.pages.copyWithin(at + 1, at, this.count)
    this.keys.copyWithin(at + 1, at, this.count)
    this.pages[at] = page
    this.keys[at] = key
    this.count += 1
    return page
  }

  private removePage(page: number): void {
    const { pagePool } = this
    const at = this.indexOf(pagePool.f64[page * PAGE_DOUBLES])
    this.pages.copyWithin(at, at + 1, this.count)
    this.keys.copyWithin(at, at + 1, this.count)
    this.count -= 1
    pagePool.release(page)
  }

  private growPages(): void {
    const pages = new Int32Array(this.pages.length * 2)
    const keys = new Float64Array(pages.length)
    pages.set(this.pages)
    keys.set(this.keys)
    this.pages = pages
    this.keys = keys
  }
}

/** A price's place in its page: its lowest five bits, which `&` takes from any safe integer. */
function slotOf(priceTicks: number): number {
  return priceTicks & (PRICES_PER_PAGE - 1)
}
