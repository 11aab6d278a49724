// Market data out of books: the best bid and ask, and depth as differences with a full snapshot now
// and then. Knows no NATS and no clock.
//
// The caller says which symbols' books have `changed`, asks `due` which books to look at, and
// hands their answers to `update`. So a book that changes a thousand times in an interval is
// published once.

import type { BookAnswer, BookLevel } from '../engine/answers.ts'
import { changesOf } from './depth-changes.ts'

/** The best of either side; null where a side is empty. */
export interface BboMessage {
  readonly symbol: string
  /** Counts the messages of this feed without a gap. */
  readonly feedSeq: number
  readonly seq: number
  readonly bid: BookLevel | null
  readonly ask: BookLevel | null
}

/**
 * The levels of either side from the best on. A `snapshot` is all of them. An `update` is what has
 * changed since `feedSeq - 1`; a level with `qty` "0" is there no more.
 */
export interface DepthMessage {
  readonly type: 'snapshot' | 'update'
  readonly symbol: string
  /** Counts the messages of this feed without a gap, snapshots in the feed included. */
  readonly feedSeq: number
  /** The command that the book is consistent with. */
  readonly seq: number
  /** On an update: the `seq` of the message before, whose book it changes. */
  readonly fromSeq?: number
  readonly bids: readonly BookLevel[]
  readonly asks: readonly BookLevel[]
}

export interface MarketDataOptions {
  /** At least so long between two updates of a symbol, in milliseconds. */
  readonly intervalMs: number
  /** Every so manieth message of a symbol's depth is a snapshot; at least 1. */
  readonly snapshotEvery: number
}

interface SymbolState {
  /** Changed since it was last asked for. */
  isChanged: boolean
  /** Asked for, and not answered yet. */
  isAsked: boolean
  /** When it was last asked for. */
  askedAtMs: number
  /** What subscribers have; undefined before the first answer. */
  published: DepthMessage | undefined
  bbo: BboMessage | undefined
}

/** What is to be published now, if anything. */
export interface MarketDataOutput {
  readonly depth?: DepthMessage
  readonly bbo?: BboMessage
}

export class MarketData {
  readonly #options: MarketDataOptions
  readonly #symbols = new Map<string, SymbolState>()
  /** Symbols that are changed and not asked for. */
  readonly #waiting = new Set<string>()

  constructor(options: MarketDataOptions) {
    this.#options = options
  }

  /** The symbol's book is to be asked for. */
  changed(symbol: string): void {
    const state = this.#state(symbol)
    state.isChanged = true
    if (!state.isAsked) this.#waiting.add(symbol)
  }

  /**
   * Symbols whose books are to be asked for now: changed, and not asked for within the interval.
   * They count as asked for until `update` or `failed` comes.
   */
  due(nowMs: number): string[] {
    const symbols: string[] = []
    for (const symbol of this.#waiting) {
      const state = this.#state(symbol)
      if (nowMs - state.askedAtMs < this.#options.intervalMs) continue
      state.isChanged = false
      state.isAsked = true
      state.askedAtMs = nowMs
      symbols.push(symbol)
      this.#waiting.delete(symbol)
    }
    return symbols
  }

  /** When `due` will have something, as far as is known; undefined if nothing has changed. */
  nextDueMs(): number | undefined {
    let next: number | undefined
    for (const symbol of this.#waiting) {
      const at = this.#state(symbol).askedAtMs + this.#options.intervalMs
      if (next === undefined || at < next) next = at
    }
    return next
  }

  /** A book that was asked for could not be had: it is asked for again after the interval. */
  failed(symbol: string): void {
    const state = this.#state(symbol)
    state.isChanged = true
    this.#answered(symbol, state)
  }

  /**
   * What to publish after a symbol's book was seen. Every answer must have asked for the same
   * number of levels. One older than what is published changes nothing.
   */
  update(answer: BookAnswer): MarketDataOutput {
    const state = this.#state(answer.symbol)
    this.#answered(answer.symbol, state)
    if (state.published !== undefined && answer.seq < state.published.seq) return {}
    const depth = this.#depth(answer, state.published)
    const bbo = bboOf(answer, state.bbo)
    if (depth !== undefined) {
      const { symbol, feedSeq, seq } = depth
      state.published = { type: 'snapshot', symbol, feedSeq, seq, ...sidesOf(answer) }
    }
    if (bbo !== undefined) state.bbo = bbo
    return { ...(depth && { depth }), ...(bbo && { bbo }) }
  }

  /**
   * What subscribers of the depth have by now: updates go on from its `feedSeq`. Undefined if
   * nothing was published yet; then the book's answer, given to `update`, makes it.
   */
  snapshot(symbol: string): DepthMessage | undefined {
    return this.#symbols.get(symbol)?.published
  }

  /** The best bid and ask that were published last; undefined if none were. */
  bbo(symbol: string): BboMessage | undefined {
    return this.#symbols.get(symbol)?.bbo
  }

  #depth(answer: BookAnswer, last: DepthMessage | undefined): DepthMessage | undefined {
    const { symbol, seq } = answer
    const feedSeq = (last?.feedSeq ?? 0) + 1
    const bids = changesOf(last?.bids ?? [], answer.bids)
    const asks = changesOf(last?.asks ?? [], answer.asks)
    if (last !== undefined && bids.length === 0 && asks.length === 0) return undefined
    const isFull = last === undefined || feedSeq % this.#options.snapshotEvery === 0
    if (isFull) return { type: 'snapshot', symbol, feedSeq, seq, ...sidesOf(answer) }
    return { type: 'update', symbol, feedSeq, seq, fromSeq: last.seq, bids, asks }
  }

  #answered(symbol: string, state: SymbolState): void {
    state.isAsked = false
    if (state.isChanged) this.#waiting.add(symbol)
  }

  #state(symbol: string): SymbolState {
    const known = this.#symbols.get(symbol)
    if (known !== undefined) return known
    const state: SymbolState = {
      ...{ isChanged: false, isAsked: false, askedAtMs: Number.NEGATIVE_INFINITY },
      ...{ published: undefined, bbo: undefined },
    }
    this.#symbols.set(symbol, state)
    return state
  }
}

const sidesOf = ({ bids, asks }: BookAnswer) => ({ bids, asks })

function bboOf(answer: BookAnswer, last: BboMessage | undefined): BboMessage | undefined {
  const bid = answer.bids.at(0) ?? null
  const ask = answer.asks.at(0) ?? null
  if (last !== undefined && isSame(bid, last.bid) && isSame(ask, last.ask)) return undefined
  const { symbol, seq } = answer
  return { symbol, feedSeq: (last?.feedSeq ?? 0) + 1, seq, bid, ask }
}

function isSame(one: BookLevel | null, other: BookLevel | null): boolean {
  if (one === null || other === null) return one === other
  return one.price === other.price && one.qty === other.qty && one.orders === other.orders
}
