// What the sequencer asks of the roles between rounds, and what they answer: wide and rare, so it
// travels as objects, in a channel of its own. A mark in the ring says when a letter is to be read.

import type { Amounts, BookAnswer, Holdings, OrdersPage } from '../engine/answers.ts'
import type { Definition } from '../protocol/command-log.ts'
import type { Page } from '../protocol/decode.ts'
import type { Instrument } from '../protocol/instrument.ts'

/** A two-way channel for objects; the order is kept. */
export interface Mail {
  post(letter: unknown): void
  /** Shows that a long answer is still being worked on. */
  beat(): void
  /** The oldest letter that came and was not taken; undefined if there is none. */
  take(): unknown
}

/** A handle of an account or a symbol, and its section of the state. */
export type Section = readonly [handle: number, bytes: Uint8Array]

/** To a role. */
export type Letter =
  /** Beside a round: the definitions of its commands. Not answered. */
  | { readonly what: 'definitions'; readonly definitions: readonly Definition[] }
  | { readonly what: 'holdings'; readonly account: number; readonly page: Page }
  | { readonly what: 'execSeqs' }
  | { readonly what: 'openOrders'; readonly account: number; readonly page: Page }
  | {
      readonly what: 'levels'
      readonly symbol: number
      readonly instrument: Instrument
      readonly depth: number
    }
  /** The sections of all actors of the shard; `symbols` are those of a shard of symbols. */
  | { readonly what: 'sections'; readonly seq: number; readonly symbols: readonly number[] }
  /** The fees that this shard has taken for `$fees`, which lives elsewhere; none are left here. */
  | { readonly what: 'takeFees' }
  /** Fees that other shards have taken. */
  | { readonly what: 'giveFees'; readonly fees: readonly Amounts[] }
  /** A state to start from: the market's section, and those of the actors that live here. */
  | {
      readonly what: 'load'
      readonly market: Uint8Array
      readonly sections: readonly Section[]
    }
  /** That the worker notes down what it has used, and answers. */
  | { readonly what: 'usage' }
  /** Ends the worker. */
  | { readonly what: 'stop' }

/** Of a shard of accounts; a shard of symbols has no market. */
export interface Sections {
  readonly market?: Uint8Array
  readonly sections: readonly Section[]
}

/** From a role. */
export interface Reply {
  readonly reply:
    | Holdings
    | OrdersPage
    | Float64Array
    | Pick<BookAnswer, 'bids' | 'asks'>
    | Sections
    | readonly Amounts[]
    | null
}

/** Where an invariant broke: enough to find the command in the journal. */
export interface FaultReport {
  readonly message: string
  readonly stack: string
  readonly actor: { readonly kind: 'account' | 'symbol'; readonly handle: number } | undefined
  /** hold, match, settle, or the question that was being answered; '' if it is not known. */
  readonly phase: string
  readonly round: number
  readonly seq: number
  /** The command's kind, where it is known. */
  readonly command: string
}
