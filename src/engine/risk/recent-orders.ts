// Orders accepted a moment ago, for the duplicate-order rule: in order of acceptance, oldest out
// first by the clock.
//
// An order that is accepted again is appended again; its earlier record is marked as outlived and
// lapses where it is.

import { HashTable } from '../../lib/hash-table.ts'
import { RecordRing } from '../../lib/record-ring.ts'
import { sortOrder } from '../../lib/sort-order.ts'
import { DUPLICATE_WINDOW_MS_MAX } from '../../protocol/bounds.ts'

/** Recent order, 8 words: f64 0 priceTicks, 1 qtyLots, 2 acceptedMs; i32 6 account (0: outlived),
 *  7 symbol × 2 + side. */
const WORDS = 8
const PRICE_TICKS = 0
const LOTS = 1
const ACCEPTED_MS = 2
const ACCOUNT = 6
const SYMBOL_SIDE = 7
const WINDOW_MS_MAX = DUPLICATE_WINDOW_MS_MAX
/** Orders forgotten together. */
const FORGET_BLOCK = 32

/** One remembered order, as a snapshot keeps it. `symbolSide` is symbol × 2 + side. */
export interface RecentOrder {
  readonly account: number
  readonly symbolSide: number
  readonly priceTicks: number
  readonly lots: number
  readonly acceptedMs: number
}

export class RecentOrders {
  /** For look-ahead: `table.touch(hashRecent(…))`. */
  readonly table = new HashTable(64)
  private readonly ring = new RecordRing('recent orders', WORDS, 64)
  private readonly goneHash = new Int32Array(FORGET_BLOCK)
  /** What reads ahead add up to; kept so that they are not optimised away. */
  private sum = 0

  /** Appends an order that is read from a state; nothing finds it before {@link enterRead}. */
  appendRead({ account, symbolSide, priceTicks, lots, acceptedMs }: RecentOrder): void {
    const { ring } = this
    const at = ring.wordOf(ring.append())
    ring.i32[at + ACCOUNT] = account
    ring.i32[at + SYMBOL_SIDE] = symbolSide
    ring.f64[(at >> 1) + PRICE_TICKS] = priceTicks
    ring.f64[(at >> 1) + LOTS] = lots
    ring.f64[(at >> 1) + ACCEPTED_MS] = acceptedMs
  }

  /** Enters all that was read, oldest first. */
  enterRead(): void {
    const { ring } = this
    const { count } = ring
    const words = (n: number) => ring.wordOf(n + 1)
    const times = new Float64Array(count)
    for (let n = 0; n < count; n += 1) times[n] = ring.f64[(words(n) >> 1) + ACCEPTED_MS]
    ring.reorder(sortOrder(times))
    this.table.addMany(
      count,
      (n) => this.hashOf(words(n)),
      (n) => n + 1,
    )
  }

  /** The same order's record, or 0. `hash` is what {@link hashRecent} says of the rest. */
  find(
    hash: number,
    account: number,
    symbolSide: number,
    priceTicks: number,
    lots: number,
  ): number {
    const { table, ring } = this
    for (let slot = table.first(hash); slot >= 0; slot = table.next(hash, slot)) {
      const number = table.entryAt(slot)
      const at = ring.wordOf(number)
      if (
        ring.f64[(at >> 1) + PRICE_TICKS] === priceTicks &&
        ring.f64[(at >> 1) + LOTS] === lots &&
        ring.i32[at + ACCOUNT] === account &&
        ring.i32[at + SYMBOL_SIDE] === symbolSide
      ) {
        return number
      }
    }
    return 0
  }

  /** When the order of a record was last accepted, in ms; -1 for record 0. */
  acceptedMs(number: number): number {
    return number === 0 ? -1 : this.ring.f64[(this.ring.wordOf(number) >> 1) + ACCEPTED_MS]
  }

  /**
   * Remembers an order; `known` is its record from {@link find}. `nowMs` does not go back from call
   * to call.
   */
  add(
    hash: number,
    known: number,
    account: number,
    symbolSide: number,
    priceTicks: number,
    lots: number,
    nowMs: number,
  ): void {
    const { ring } = this
    const number = ring.append()
    const at = ring.wordOf(number)
    const { i32, f64 } = ring
    f64[(at >> 1) + PRICE_TICKS] = priceTicks
    f64[(at >> 1) + LOTS] = lots
    f64[(at >> 1) + ACCEPTED_MS] = nowMs
    i32[at + ACCOUNT] = account
    i32[at + SYMBOL_SIDE] = symbolSide
    if (known === 0) {
      this.table.add(hash, number)
    } else {
      i32[ring.wordOf(known) + ACCOUNT] = 0
      this.table.exchange(hash, known, number)
    }
    while (this.isOver(ring.oldest, nowMs)) this.forgetBlock(nowMs)
  }

  /** The orders that the rule can still see at `nowMs`, oldest first. */
  *visible(nowMs: number): Generator<RecentOrder> {
    const { ring } = this
    for (let number = ring.oldest; number !== ring.next; number = ring.after(number)) {
      if (this.isOver(number, nowMs)) continue
      const at = ring.wordOf(number)
      const { i32, f64 } = ring
      if (i32[at + ACCOUNT] === 0) continue
      yield {
        account: i32[at + ACCOUNT],
        symbolSide: i32[at + SYMBOL_SIDE],
        priceTicks: f64[(at >> 1) + PRICE_TICKS],
        lots: f64[(at >> 1) + LOTS],
        acceptedMs: f64[(at >> 1) + ACCEPTED_MS],
      }
    }
  }

  /** What {@link hashRecent} says of the record at a word of the ring. */
  private hashOf(at: number): number {
    const { i32, f64 } = this.ring
    const f = at >> 1
    return hashRecent(i32[at + ACCOUNT], i32[at + SYMBOL_SIDE], f64[f + PRICE_TICKS], f64[f + LOTS])
  }

  private isOver(number: number, nowMs: number): boolean {
    const { ring } = this
    return nowMs - ring.f64[(ring.wordOf(number) >> 1) + ACCEPTED_MS] >= WINDOW_MS_MAX
  }

  /** Lets go of a block of the oldest, of those that are over; the youngest is not. */
  private forgetBlock(nowMs: number): void {
    const { ring, table, goneHash } = this
    const { i32 } = ring
    let count = 0
    let sum = 0
    // First read all, as in lookahead.ts, then remove.
    let end = ring.oldest
    for (; count < FORGET_BLOCK && this.isOver(end, nowMs); end = ring.after(end)) {
      const at = ring.wordOf(end)
      const hash = this.hashOf(at)
      goneHash[count] = hash
      sum += table.touch(hash)
      count += 1
    }
    this.sum += sum & 1
    for (let n = 0, number = ring.oldest; n < count; n += 1, number = ring.after(number)) {
      if (i32[ring.wordOf(number) + ACCOUNT] !== 0) table.remove(goneHash[n], number)
    }
    ring.dropBefore(end)
  }
}

/** A 32-bit hash of an order's content. */
export function hashRecent(
  account: number,
  symbolSide: number,
  priceTicks: number,
  lots: number,
): number {
  const high = (priceTicks / 0x1_0000_0000) | 0
  let hash =
    Math.imul(account, 0x9e3779b1) +
    Math.imul(symbolSide, 0x85ebca77) +
    Math.imul(priceTicks | 0, 0xc2b2ae3d) +
    Math.imul(high, 0x27d4eb2f) +
    Math.imul(lots | 0, 0x165667b1)
  hash |= 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
