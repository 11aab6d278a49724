// The difference between two looks at one side of a book, and a subscriber's book that differences
// are applied to.

import type { BookLevel } from '../engine/answers.ts'
import type { DepthMessage } from './market-data.ts'

/** What makes `before` into `after`: levels as they are now, and with `qty` "0" what is gone. */
export function changesOf(before: readonly BookLevel[], after: readonly BookLevel[]): BookLevel[] {
  const old = new Map(before.map((level) => [level.price, level]))
  const changes: BookLevel[] = []
  for (const level of after) {
    const known = old.get(level.price)
    if (known === undefined || known.qty !== level.qty || known.orders !== level.orders) {
      changes.push(level)
    }
    old.delete(level.price)
  }
  for (const price of old.keys()) changes.push({ price, qty: '0', orders: 0 })
  return changes
}

/** What a message did to a {@link DepthView}. */
export type DepthOutcome =
  /** The view is the book at the message's `seq`. */
  | 'applied'
  /** It is older than the view: nothing to do. */
  | 'old'
  /** Something before it is missing: ask for a snapshot, and show what came meanwhile after it. */
  | 'gap'

/** One symbol's depth as a subscriber keeps it. */
export class DepthView {
  #feedSeq = 0
  #seq = 0
  readonly #bids = new Map<string, BookLevel>()
  readonly #asks = new Map<string, BookLevel>()

  /** The last message that was applied; 0 before the first. */
  get feedSeq(): number {
    return this.#feedSeq
  }

  /** The command that the book is consistent with. */
  get seq(): number {
    return this.#seq
  }

  /** Levels from the best (highest) price. */
  get bids(): BookLevel[] {
    return [...this.#bids.values()].sort((x, y) => comparePrices(y.price, x.price))
  }

  /** Levels from the best (lowest) price. */
  get asks(): BookLevel[] {
    return [...this.#asks.values()].sort((x, y) => comparePrices(x.price, y.price))
  }

  /**
   * A publisher that starts anew counts `feedSeq` from 1, while `seq` goes on; so age is told by
   * `seq`, and an update belongs here if it changes the very book that is here.
   */
  apply(message: DepthMessage): DepthOutcome {
    const { feedSeq, type } = message
    if (this.#feedSeq > 0 && message.seq <= this.#seq) return 'old'
    const isNext = feedSeq === this.#feedSeq + 1 && message.fromSeq === this.#seq
    if (type === 'update' && (this.#feedSeq === 0 || !isNext)) return 'gap'
    if (type === 'snapshot') {
      this.#bids.clear()
      this.#asks.clear()
    }
    put(this.#bids, message.bids)
    put(this.#asks, message.asks)
    this.#feedSeq = feedSeq
    this.#seq = message.seq
    return 'applied'
  }
}

function put(side: Map<string, BookLevel>, levels: readonly BookLevel[]): void {
  for (const level of levels) {
    if (level.qty === '0') side.delete(level.price)
    else side.set(level.price, level)
  }
}

/** By value: decimal strings without sign, of any number of digits. */
function comparePrices(one: string, other: string): number {
  const [oneWhole, oneRest = ''] = one.split('.')
  const [otherWhole, otherRest = ''] = other.split('.')
  if (oneWhole.length !== otherWhole.length) return oneWhole.length - otherWhole.length
  if (oneWhole !== otherWhole) return oneWhole < otherWhole ? -1 : 1
  return oneRest === otherRest ? 0 : oneRest < otherRest ? -1 : 1
}
