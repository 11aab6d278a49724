// What the phases of a round hand to each other: fixed-size records, so that rings can carry them.

/** From an account to a book, 16 words; what the book answers is in protocol/event-log.ts.
 *  i32 0 kind: new, cancel or replace; transfers and deposits pass through on the way to account 2
 *      1 order flags, of a deposit its OutcomeKind  2 account  3 tag, of a deposit the code
 *      4 symbol, of a transfer or deposit the asset
 *      5 index of its first event, -1 for the cancels of a mass cancel
 *  f64 3 seq  4 orderId  5 priceTicks  6 qtyLots  7 aux: a replace's submission */
export const MESSAGE_WORDS = 16
export const MS = { kind: 0, flags: 1, account: 2, tag: 3, symbol: 4, index: 5 } as const
export const MSF = { seq: 3, orderId: 4, priceTicks: 5, qtyLots: 6, aux: 7 } as const

/** From the hold phase to the settle phase, for commands that no book has to see, 8 words.
 *  i32 0 kind  1 number of the command in the round  2 code  3 orders affected; f64 2 orderId. */
export const OUTCOME_WORDS = 8
export const OC = { kind: 0, command: 1, code: 2, affected: 3 } as const
export const OCF = { orderId: 2 } as const

export const OutcomeKind = {
  rejected: 1,
  /** Seen before: the first outcome again. */
  duplicate: 2,
  accepted: 3,
  /** A deposit, withdrawal or transfer whose amount the sender holds. */
  transfer: 4,
  /** A shard's part in a command that another shard reports. */
  part: 5,
} as const
export type OutcomeKind = (typeof OutcomeKind)[keyof typeof OutcomeKind]
