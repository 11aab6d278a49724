// Orders accepted a moment ago, for the duplicate-order rule: by content, oldest out first by the clock.

import { RecordPool } from '../../lib/record-pool.ts'
import { DUPLICATE_WINDOW_MS_MAX } from '../../protocol/bounds.ts'

/** Recent order, 12 words: f64 0 priceTicks, 1 qtyLots, 2 acceptedMs;
 *  i32 6 position, 7 side, 8 chain, 9 younger, 10 older. */
const WORDS = 12
const PRICE_TICKS = 0
const LOTS = 1
const ACCEPTED_MS = 2
const POSITION = 6
const SIDE = 7
const CHAIN = 8
const YOUNGER = 9
const OLDER = 10

/** One remembered order, as a snapshot keeps it. */
export interface RecentOrder {
  readonly position: number
  readonly side: number
  readonly priceTicks: number
  readonly lots: number
  readonly acceptedMs: number
}

export class RecentOrders {
  private readonly pool = new RecordPool('recent orders', WORDS, 64)
  private heads = new Int32Array(64)
  private oldest = 0
  private youngest = 0

  /** When the same order was last accepted, in ms, or -1. */
  lastAccepted(position: number, side: number, priceTicks: number, lots: number): number {
    const at = this.find(position, side, priceTicks, lots)
    return at === 0 ? -1 : this.pool.f64[at * (WORDS >> 1) + ACCEPTED_MS]
  }

  /** Remembers an order; `nowMs` does not go back from call to call. */
  add(position: number, side: number, priceTicks: number, lots: number, nowMs: number): void {
    this.forget(nowMs)
    let at = this.find(position, side, priceTicks, lots)
    if (at === 0) at = this.create(position, side, priceTicks, lots)
    else this.takeOut(at)
    this.pool.f64[at * (WORDS >> 1) + ACCEPTED_MS] = nowMs
    this.append(at)
  }

  /** The orders that the rule can still see at `nowMs`, oldest first. */
  *visible(nowMs: number): Generator<RecentOrder> {
    const { i32, f64 } = this.pool
    for (let at = this.oldest; at !== 0; at = i32[at * WORDS + YOUNGER]) {
      const f = at * (WORDS >> 1)
      if (nowMs - f64[f + ACCEPTED_MS] >= DUPLICATE_WINDOW_MS_MAX) continue
      yield {
        position: i32[at * WORDS + POSITION],
        side: i32[at * WORDS + SIDE],
        priceTicks: f64[f + PRICE_TICKS],
        lots: f64[f + LOTS],
        acceptedMs: f64[f + ACCEPTED_MS],
      }
    }
  }

  /** A new record in its chain, not in the line by age yet. */
  private create(position: number, side: number, priceTicks: number, lots: number): number {
    if (this.pool.count >= this.heads.length) this.grow()
    const at = this.pool.alloc()
    const { i32, f64 } = this.pool
    const f = at * (WORDS >> 1)
    const i = at * WORDS
    f64[f + PRICE_TICKS] = priceTicks
    f64[f + LOTS] = lots
    i32[i + POSITION] = position
    i32[i + SIDE] = side
    const bucket = this.bucket(position, side, priceTicks, lots)
    i32[i + CHAIN] = this.heads[bucket]
    this.heads[bucket] = at
    return at
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

  private find(position: number, side: number, priceTicks: number, lots: number): number {
    const { i32, f64 } = this.pool
    let at = this.heads[this.bucket(position, side, priceTicks, lots)]
    while (at !== 0) {
      const i = at * WORDS
      const f = i >> 1
      if (
        f64[f + PRICE_TICKS] === priceTicks &&
        f64[f + LOTS] === lots &&
        i32[i + POSITION] === position &&
        i32[i + SIDE] === side
      ) {
        return at
      }
      at = i32[i + CHAIN]
    }
    return 0
  }

  private forget(nowMs: number): void {
    const { i32, f64 } = this.pool
    while (this.oldest !== 0) {
      const at = this.oldest
      const f = at * (WORDS >> 1)
      if (nowMs - f64[f + ACCEPTED_MS] < DUPLICATE_WINDOW_MS_MAX) return
      const i = at * WORDS
      const position = i32[i + POSITION]
      const side = i32[i + SIDE]
      const bucket = this.bucket(position, side, f64[f + PRICE_TICKS], f64[f + LOTS])
      if (this.heads[bucket] === at) {
        this.heads[bucket] = i32[i + CHAIN]
      } else {
        let before = this.heads[bucket]
        while (i32[before * WORDS + CHAIN] !== at) before = i32[before * WORDS + CHAIN]
        i32[before * WORDS + CHAIN] = i32[i + CHAIN]
      }
      this.takeOut(at)
      this.pool.release(at)
    }
  }

  private bucket(position: number, side: number, priceTicks: number, lots: number): number {
    let hash = Math.imul(position * 2 + side, 0x9e3779b1)
    hash = Math.imul(hash ^ (priceTicks | 0) ^ (hash >>> 15), 0x85ebca6b)
    hash = Math.imul(hash ^ (lots | 0) ^ (hash >>> 13), 0xc2b2ae35)
    return (hash ^ (hash >>> 16)) & (this.heads.length - 1)
  }

  private grow(): void {
    this.heads = new Int32Array(this.heads.length * 2)
    const { i32, f64 } = this.pool
    for (let at = this.oldest; at !== 0; at = i32[at * WORDS + YOUNGER]) {
      const i = at * WORDS
      const f = i >> 1
      const bucket = this.bucket(
        i32[i + POSITION],
        i32[i + SIDE],
        f64[f + PRICE_TICKS],
        f64[f + LOTS],
      )
      i32[i + CHAIN] = this.heads[bucket]
      this.heads[bucket] = at
    }
  }
}
