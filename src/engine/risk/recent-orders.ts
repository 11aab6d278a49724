// Orders accepted a moment ago, for the duplicate-order rule: by content, oldest out first by the
// clock.

import { HashTable } from '../../lib/hash-table.ts'
import { RecordPool } from '../../lib/record-pool.ts'
import { DUPLICATE_WINDOW_MS_MAX } from '../../protocol/bounds.ts'

/** Recent order, 10 words: f64 0 priceTicks, 1 qtyLots, 2 acceptedMs;
 *  i32 6 account, 7 symbol × 2 + side, 8 younger, 9 older. */
const WORDS = 10
const DOUBLES = WORDS / 2
const PRICE_TICKS = 0
const LOTS = 1
const ACCEPTED_MS = 2
const ACCOUNT = 6
const SYMBOL_SIDE = 7
const YOUNGER = 8
const OLDER = 9
const WINDOW_MS_MAX = DUPLICATE_WINDOW_MS_MAX

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
  private readonly pool = new RecordPool('recent orders', WORDS, 64)
  private oldest = 0
  private youngest = 0

  /** The same order's record, or 0. `hash` is what {@link hashRecent} says of the rest. */
  find(
    hash: number,
    account: number,
    symbolSide: number,
    priceTicks: number,
    lots: number,
  ): number {
    const { table } = this
    const { i32, f64 } = this.pool
    for (let slot = table.first(hash); slot >= 0; slot = table.next(hash, slot)) {
      const at = table.entryAt(slot)
      if (
        f64[at * DOUBLES + PRICE_TICKS] === priceTicks &&
        f64[at * DOUBLES + LOTS] === lots &&
        i32[at * WORDS + ACCOUNT] === account &&
        i32[at * WORDS + SYMBOL_SIDE] === symbolSide
      ) {
        return at
      }
    }
    return 0
  }

  /** When the order of a record was last accepted, in ms; -1 for record 0. */
  acceptedMs(at: number): number {
    return at === 0 ? -1 : this.pool.f64[at * DOUBLES + ACCEPTED_MS]
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
    let at = known
    if (at === 0) {
      at = this.pool.alloc()
      const { i32, f64 } = this.pool
      f64[at * DOUBLES + PRICE_TICKS] = priceTicks
      f64[at * DOUBLES + LOTS] = lots
      i32[at * WORDS + ACCOUNT] = account
      i32[at * WORDS + SYMBOL_SIDE] = symbolSide
      this.table.add(hash, at)
    } else {
      this.takeOut(at)
    }
    this.pool.f64[at * DOUBLES + ACCEPTED_MS] = nowMs
    this.append(at)
    this.forget(nowMs)
  }

  /** The orders that the rule can still see at `nowMs`, oldest first. */
  *visible(nowMs: number): Generator<RecentOrder> {
    const { i32, f64 } = this.pool
    for (let at = this.oldest; at !== 0; at = i32[at * WORDS + YOUNGER]) {
      if (nowMs - f64[at * DOUBLES + ACCEPTED_MS] >= WINDOW_MS_MAX) continue
      yield this.read(at)
    }
  }

  private read(at: number): RecentOrder {
    const { i32, f64 } = this.pool
    return {
      account: i32[at * WORDS + ACCOUNT],
      symbolSide: i32[at * WORDS + SYMBOL_SIDE],
      priceTicks: f64[at * DOUBLES + PRICE_TICKS],
      lots: f64[at * DOUBLES + LOTS],
      acceptedMs: f64[at * DOUBLES + ACCEPTED_MS],
    }
  }

  private append(at: number): void {
    const { i32 } = this.pool
    i32[at * WORDS + OLDER] = this.youngest
    i32[at * WORDS + YOUNGER] = 0
    if (this.youngest === 0) this.oldest = at
    else i32[this.youngest * WORDS + YOUNGER] = at
    this.youngest = at
  }

  private takeOut(at: number): void {
    const { i32 } = this.pool
    const older = i32[at * WORDS + OLDER]
    const younger = i32[at * WORDS + YOUNGER]
    if (older === 0) this.oldest = younger
    else i32[older * WORDS + YOUNGER] = younger
    if (younger === 0) this.youngest = older
    else i32[younger * WORDS + OLDER] = older
  }

  private forget(nowMs: number): void {
    const { f64 } = this.pool
    while (this.oldest !== 0 && nowMs - f64[this.oldest * DOUBLES + ACCEPTED_MS] >= WINDOW_MS_MAX) {
      const at = this.oldest
      const { account, symbolSide, priceTicks, lots } = this.read(at)
      this.table.remove(hashRecent(account, symbolSide, priceTicks, lots), at)
      this.takeOut(at)
      this.pool.release(at)
    }
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
