// Which fields each kind of command has in the journal, and their bounds: one table for writing and
// for reading.

import {
  ACCOUNTS_MAX,
  ASSETS_MAX,
  COMMANDS_PER_ROUND_MAX,
  SYMBOLS_MAX,
} from '../protocol/bounds.ts'
import {
  BOTH_SIDES,
  COMMAND_NAMES,
  CommandKind,
  type CommandName,
  KILL_CANCEL_ALL,
  KILL_ON,
} from '../protocol/command-log.ts'
import { Flag } from '../protocol/order-flags.ts'

/** A command's fields in the order of their bytes; bits of a form. */
export const Field = {
  account: 1,
  /** The symbol, or a transfer's asset. */
  symbol: 2,
  /** Flags, or a transfer's receiving account. */
  flags: 4,
  id: 8,
  /** The order meant: its client id, or else its `orderId`. */
  target: 16,
  /** A price, an amount or the clock. */
  value: 32,
  qty: 64,
  definition: 128,
} as const

interface Form {
  readonly fields: number
  /** Bounds of the first three fields, inclusive; [0, 0] where a kind has no such field. */
  readonly account: Bounds
  readonly symbol: Bounds
  readonly flags: Bounds
}
type Bounds = readonly [min: number, max: number]

const { account, symbol, flags, id, target, value, qty, definition } = Field
const NONE: Bounds = [0, 0]
const ACCOUNT: Bounds = [1, ACCOUNTS_MAX]
const ACCOUNT_OR_ALL: Bounds = [0, ACCOUNTS_MAX]
const ASSET: Bounds = [1, ASSETS_MAX]
const SYMBOL: Bounds = [1, SYMBOLS_MAX]
const SYMBOL_OR_ALL: Bounds = [0, SYMBOLS_MAX]
const ORDER_FLAGS: Bounds = [0, (4 << Flag.selfTradeShift) - 1]

const ofSymbol: Form = { fields: symbol, account: NONE, symbol: SYMBOL, flags: NONE }
const ofAccount: Form = { fields: account, account: ACCOUNT, symbol: NONE, flags: NONE }
const ofOrder: Form = {
  fields: account | symbol | target,
  account: ACCOUNT,
  symbol: SYMBOL,
  flags: NONE,
}
const ofMoney: Form = {
  fields: account | symbol | id | value,
  account: ACCOUNT,
  symbol: ASSET,
  flags: NONE,
}

/** Part of format version 1: a change of it is another version. */
const FORMS: { readonly [name in CommandName]: Form } = {
  new: {
    fields: account | symbol | flags | id | value | qty,
    account: ACCOUNT,
    symbol: SYMBOL,
    flags: ORDER_FLAGS,
  },
  cancel: ofOrder,
  replace: { ...ofOrder, fields: account | symbol | id | target | value | qty },
  massCancel: {
    fields: account | symbol | flags,
    account: ACCOUNT,
    symbol: SYMBOL_OR_ALL,
    flags: [0, BOTH_SIDES],
  },
  deposit: ofMoney,
  withdraw: ofMoney,
  transfer: { ...ofMoney, fields: ofMoney.fields | flags, flags: ACCOUNT },
  asset: { ...ofSymbol, fields: symbol | definition, symbol: ASSET },
  instrument: { ...ofSymbol, fields: symbol | definition },
  account: { ...ofAccount, fields: account | definition },
  halt: ofSymbol,
  resume: ofSymbol,
  suspend: ofAccount,
  activate: ofAccount,
  killSwitch: {
    fields: account | flags,
    account: ACCOUNT_OR_ALL,
    symbol: NONE,
    flags: [0, KILL_ON | KILL_CANCEL_ALL],
  },
  limits: {
    fields: account | symbol | definition,
    account: ACCOUNT_OR_ALL,
    symbol: SYMBOL_OR_ALL,
    flags: NONE,
  },
  time: { fields: value, account: NONE, symbol: NONE, flags: NONE },
}

// By kind, for the loops: plain numbers in typed arrays.

/** The fields of a kind; 0 for a number that is no kind. */
export const FIELDS = new Uint8Array(256)
export const ACCOUNT_MIN = new Int32Array(256)
export const ACCOUNT_MAX = new Int32Array(256)
export const SYMBOL_MIN = new Int32Array(256)
export const SYMBOL_MAX = new Int32Array(256)
export const FLAGS_MIN = new Int32Array(256)
export const FLAGS_MAX = new Int32Array(256)
for (const [name, form] of Object.entries(FORMS) as [CommandName, Form][]) {
  const kind = CommandKind[name]
  FIELDS[kind] = form.fields
  ;[ACCOUNT_MIN[kind], ACCOUNT_MAX[kind]] = form.account
  ;[SYMBOL_MIN[kind], SYMBOL_MAX[kind]] = form.symbol
  ;[FLAGS_MIN[kind], FLAGS_MAX[kind]] = form.flags
}

/** Bytes that a packed client id can have. */
export const ID_BYTES_MAX = 32

/** Bytes of a definition's JSON; the longest that decode.ts can make has fewer than 1,000. */
export const DEFINITION_BYTES_MAX = 2_048

/**
 * Bytes of a command but for its definition: kind, three numbers of at most 5, two ids with their
 * lengths, two numbers of at most 8, and the length of a definition; rounded up.
 */
export const COMMAND_BYTES_MAX = 128

/** Bytes of a round's head: its length, two numbers of at most 8, one of at most 3; rounded up. */
export const HEAD_BYTES_MAX = 32

/** The largest round there can be. */
export const ROUND_BYTES_MAX =
  HEAD_BYTES_MAX + COMMANDS_PER_ROUND_MAX * (COMMAND_BYTES_MAX + DEFINITION_BYTES_MAX)

/** A kind's name for messages, whatever the number. */
export const nameOfKind = (kind: number): string => COMMAND_NAMES[kind] ?? `kind ${kind}`
