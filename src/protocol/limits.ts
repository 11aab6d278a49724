// The limits that risk rules obey: their names on the wire, their kinds and their defaults.
//
// A limit is set per account and symbol, per account, per symbol or for all. The order of this list
// is the order of the rules, and with it of their refusals.

/** What a limit's value is, and what unit its integer has inside. */
export type LimitKind =
  /** true or false, inside 1 or 0 */
  | 'switch'
  /** "HH:MM-HH:MM", inside start minute × 1440 + end minute */
  | 'hours'
  /** a whole number */
  | 'count'
  /** milliseconds */
  | 'milliseconds'
  /** a fraction, inside millionths */
  | 'fraction'
  /** a decimal of base units, inside millionths; lots where it is applied */
  | 'base'
  /**
   * a decimal of quote units, inside millionths; smallest units, rounded down, where it is applied
   */
  | 'quote'
  /** like quote, but rounded up: refuses at the limit, not above it */
  | 'loss'

interface LimitSpec {
  readonly kind: LimitKind
  /** In force where nothing is set. */
  readonly initial: number
  /** In force where it is switched off. */
  readonly off: number
}

const unlimited = Number.POSITIVE_INFINITY

export const LIMITS = {
  tradingAllowed: { kind: 'switch', initial: 1, off: 1 },
  tradingHours: { kind: 'hours', initial: -1, off: -1 },
  reduceOnly: { kind: 'switch', initial: 0, off: 0 },
  maxOrdersPerSecond: { kind: 'count', initial: unlimited, off: unlimited },
  duplicateWindowMs: { kind: 'milliseconds', initial: 10_000, off: 0 },
  maxOrderQty: { kind: 'base', initial: unlimited, off: unlimited },
  maxOrderValue: { kind: 'quote', initial: unlimited, off: unlimited },
  priceDeviation: { kind: 'fraction', initial: 50_000, off: unlimited },
  marketSlippage: { kind: 'fraction', initial: 50_000, off: 0 },
  maxOpenOrders: { kind: 'count', initial: 10_000, off: unlimited },
  maxPositions: { kind: 'count', initial: unlimited, off: unlimited },
  maxExposure: { kind: 'quote', initial: unlimited, off: unlimited },
  maxDailyLoss: { kind: 'loss', initial: unlimited, off: unlimited },
} as const satisfies Record<string, LimitSpec>

export type LimitName = keyof typeof LIMITS

/** All limits in order; a limit's number is its place. */
export const LIMIT_NAMES = Object.keys(LIMITS) as LimitName[]

/** A limit's number by its name: `Limit.maxOrderQty`. */
export const Limit = Object.freeze(
  Object.fromEntries(LIMIT_NAMES.map((name, number) => [name, number])),
) as { readonly [name in LimitName]: number }

/**
 * One setting in a limits command: a value in the kind's unit, 'off', or null to take the setting
 * away.
 */
export type LimitSetting = number | 'off' | null

/** Parts of one in a `fraction`, `base` or `quote` limit: such values have at most six decimals. */
export const MILLIONTHS = 1_000_000
