// What an order asks for, as small integers and as bits of one word.

export const Side = { buy: 0, sell: 1 } as const
export type Side = (typeof Side)[keyof typeof Side]

export const OrdType = { limit: 0, market: 1 } as const
export type OrdType = (typeof OrdType)[keyof typeof OrdType]

export const TimeInForce = { GTC: 0, IOC: 1, FOK: 2 } as const
export type TimeInForce = (typeof TimeInForce)[keyof typeof TimeInForce]

/** Self-trade prevention: who gives way when an order meets one of its own account. */
export const SelfTrade = { cancelNewest: 0, cancelOldest: 1, cancelBoth: 2, decrement: 3 } as const
export type SelfTrade = (typeof SelfTrade)[keyof typeof SelfTrade]

/** Bits of an order's flag word. */
export const Flag = {
  sell: 1,
  market: 2,
  /** Two bits: a {@link TimeInForce}. */
  timeInForceShift: 2,
  postOnly: 1 << 4,
  reduceOnly: 1 << 5,
  /** Two bits: a {@link SelfTrade}. */
  selfTradeShift: 6,
} as const

/** Packs an order's attributes into its flag word. */
export function orderFlags(of: {
  side: Side
  ordType?: OrdType
  timeInForce?: TimeInForce
  postOnly?: boolean
  reduceOnly?: boolean
  selfTrade?: SelfTrade
}): number {
  return (
    of.side |
    ((of.ordType ?? OrdType.limit) << 1) |
    ((of.timeInForce ?? TimeInForce.GTC) << Flag.timeInForceShift) |
    (of.postOnly ? Flag.postOnly : 0) |
    (of.reduceOnly ? Flag.reduceOnly : 0) |
    ((of.selfTrade ?? SelfTrade.cancelNewest) << Flag.selfTradeShift)
  )
}

export const sideOf = (flags: number): Side => (flags & 1) as Side
export const isMarket = (flags: number): boolean => (flags & Flag.market) !== 0
export const timeInForceOf = (flags: number): TimeInForce =>
  ((flags >> Flag.timeInForceShift) & 3) as TimeInForce
export const selfTradeOf = (flags: number): SelfTrade =>
  ((flags >> Flag.selfTradeShift) & 3) as SelfTrade
