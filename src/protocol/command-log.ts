// Commands in binary: 32 words each, names already resolved to handles, decimals to integers.
//
//   i32 0  kind            1  account            2  symbol, or asset for transfers
//       3  order flags, or 1 for "cancel all", or a transfer's receiving account
//       4  .. 11 clOrdId or transferId           12 .. 19 origClOrdId
//   f64 10 priceTicks, or an amount, or the clock in ms
//       11 qtyLots         12 target orderId     13 number of the definition
//       14 seq, stamped when the round is cut            15 reserved, zero
//
// Definitions and limits are wide and rare: they travel as objects beside the records.

import { RecordLog } from '../lib/record-log.ts'
import type { Asset, Instrument, LimitsChange } from './instrument.ts'

export const COMMAND_WORDS = 32

/** Kinds of command. Numbers are part of the journal: only ever add at the end. */
export const CommandKind = {
  none: 0,
  new: 1,
  cancel: 2,
  replace: 3,
  massCancel: 4,
  deposit: 5,
  withdraw: 6,
  transfer: 7,
  asset: 8,
  instrument: 9,
  account: 10,
  halt: 11,
  resume: 12,
  suspend: 13,
  activate: 14,
  killSwitch: 15,
  limits: 16,
  time: 17,
} as const
export type CommandKind = (typeof CommandKind)[keyof typeof CommandKind]
export type CommandName = Exclude<keyof typeof CommandKind, 'none'>

/** Names of the kinds by number. */
export const COMMAND_NAMES = Object.keys(CommandKind) as (keyof typeof CommandKind)[]

export const CM = {
  kind: 0,
  account: 1,
  symbol: 2,
  asset: 2,
  flags: 3,
  to: 3,
  id: 4,
  orig: 12,
} as const
export const CMF = {
  priceTicks: 10,
  amount: 10,
  nowMs: 10,
  qtyLots: 11,
  orderId: 12,
  definition: 13,
  seq: 14,
} as const

const DOUBLES = COMMAND_WORDS >> 1
const { seq: SEQ } = CMF

/** In the flags word of massCancel: side 0, 1, or this for both. */
export const BOTH_SIDES = 2
/** In the flags word of killSwitch. */
export const KILL_ON = 1
export const KILL_CANCEL_ALL = 2

/** A definition that travels beside its command. */
export type Definition = Asset | Instrument | LimitsChange | { readonly account: string }

export class CommandLog extends RecordLog {
  /** Definitions of the commands in the log, by number. */
  readonly definitions: Definition[] = []

  constructor(initial = 256) {
    super(COMMAND_WORDS, initial)
  }

  /** Appends a command with its first four words, the rest zero; returns its first word. */
  add(kind: CommandKind, account: number, symbol: number, flags: number): number {
    const base = this.appendZeroed()
    const { i32 } = this
    i32[base] = kind
    i32[base + CM.account] = account
    i32[base + CM.symbol] = symbol
    i32[base + CM.flags] = flags
    return base
  }

  /** Puts a definition beside the command that starts at word `base`. */
  define(base: number, definition: Definition): void {
    this.f64[(base >> 1) + CMF.definition] = this.definitions.length
    this.definitions.push(definition)
  }

  /** Gives the commands in the log their numbers, from `firstSeq`. */
  stamp(firstSeq: number): void {
    const { f64, count } = this
    for (let number = 0; number < count; number += 1) {
      f64[number * DOUBLES + SEQ] = firstSeq + number
    }
  }

  override clear(): void {
    super.clear()
    if (this.definitions.length > 0) this.definitions.length = 0
  }
}
