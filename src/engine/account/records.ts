// The layout of the accounts' records: words and doubles of each kind (see lib/record-pool.ts).

/** Account, 12 words. The handle is the account's number. */
export const ACCOUNT_WORDS = 12
export const AC = {
  /** Bits of {@link AccountFlag}. */
  flags: 0,
  /** Open orders, those accepted in this round included. */
  openOrders: 1,
  /** Symbols with a position or an open order. */
  activeSymbols: 2,
  /** Orders accepted in the second `rateSecond`. */
  rateCount: 3,
  /** Open orders by ascending orderId. */
  firstOrder: 4,
  lastOrder: 5,
  firstBalance: 6,
  firstPosition: 7,
} as const
export const ACF = {
  rateSecond: 4,
  /** Reports written about the account so far: the `execSeq` of the last one. */
  execSeq: 5,
} as const
export const AccountFlag = { exists: 1, suspended: 2, killed: 4, ownLimits: 8 } as const

/** Balance of one account in one asset, 12 words. available >= 0 (but for $external), held >= 0. */
export const BALANCE_WORDS = 12
export const BAF = { key: 0, available: 1, held: 2, realisedToday: 3 } as const
export const BA = {
  /** Trading day of `realisedToday`; on any other day it counts as 0. */
  day: 8,
  next: 9,
  account: 10,
  asset: 11,
} as const

/** Position of one account in one symbol, 18 words. */
export const POSITION_WORDS = 18
export const POF = {
  key: 0,
  /** Signed lots from trades. */
  lots: 1,
  /** What `lots` cost at trade prices, quote smallest units, >= 0; 0 when `lots` is 0. */
  cost: 2,
  /** Realised profit less fees, quote smallest units. */
  realised: 3,
  /** Lots that open orders could still buy and sell. */
  openBuy: 4,
  openSell: 5,
} as const
export const PO = {
  baseBalance: 12,
  quoteBalance: 13,
  openOrders: 14,
  next: 15,
  account: 16,
  symbol: 17,
} as const

/** Open order, 20 words, from acceptance by the account until its last event has settled. */
export const ORDER_WORDS = 20
export const ORF = {
  orderId: 0,
  priceTicks: 1,
  /** Lots left; negative while a replace is in flight: minus the handle of its InFlight record. */
  leaves: 2,
} as const
export const OR = {
  id: 6,
  position: 14,
  /** Content of the submission: fingerprint << 1 | came from a replace. */
  content: 15,
  /** Flag word (protocol/order-flags.ts). */
  flags: 16,
  /** Its Fills record; 0, the record of zeros, until its first fill. */
  fills: 17,
  before: 18,
  behind: 19,
} as const

/**
 * What an order has traded so far, 6 words. Most resting orders never trade: they share record 0.
 */
export const FILLS_WORDS = 6
export const FIF = {
  cum: 0,
  /** Notional of its fills, for the average price. */
  notional: 1,
  /** Fraction of a fee paid ahead, in ten-millionths of the quote's smallest unit; see fees.ts. */
  carry: 2,
} as const

/** An order with replaces in flight in this round, 16 words. */
export const IN_FLIGHT_WORDS = 16
export const IFF = {
  leaves: 0,
  /** What the order holds now: quote units of a buy, lots of a sell. */
  reserved: 1,
  /** Lots it counts as open. */
  lots: 2,
  /** Largest remainder and highest price among the versions in flight. */
  lotsMax: 3,
  ticksMax: 4,
  /** Latest version: price and total quantity. */
  lastTicks: 5,
  lastQty: 6,
} as const
/** `count` of replaces without an outcome; `order` 0 once the order is closed. */
export const IF = { count: 14, order: 15 } as const

/** Accounts, symbols and assets pair up in one number: a safe integer. */
export const pairKey = (account: number, other: number): number => account * 0x10_0000 + other
