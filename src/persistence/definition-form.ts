// What a definition read from the journal must look like, before the engine may see it.

import { ASSET_DECIMALS_MAX, ASSETS_MAX, ID_CHARS_MAX, INTEGER_MAX } from '../protocol/bounds.ts'
import { CommandKind } from '../protocol/command-log.ts'
import type { Instrument } from '../protocol/instrument.ts'
import { LIMIT_NAMES, type LimitName } from '../protocol/limits.ts'

type Fields = { readonly [field: string]: unknown }
type Check = (value: unknown) => boolean

const isName: Check = (value) =>
  typeof value === 'string' && value.length > 0 && value.length <= ID_CHARS_MAX
const isInteger: Check = (value) => Number.isSafeInteger(value)
const upTo =
  (max: number, min = 0): Check =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
const isCount = upTo(INTEGER_MAX)

const ASSET = { asset: isName, decimals: upTo(ASSET_DECIMALS_MAX) }
const ACCOUNT = { account: isName }
const INSTRUMENT: { readonly [field in keyof Instrument]: Check } = {
  symbol: isName,
  base: upTo(ASSETS_MAX, 1),
  quote: upTo(ASSETS_MAX, 1),
  tickUnits: isCount,
  tickDecimals: isCount,
  lotUnits: isCount,
  lotDecimals: isCount,
  quotePerTickLot: isCount,
  basePerLot: isCount,
  makerFeeRate: isInteger,
  takerFeeRate: isCount,
  holdFeeRate: isCount,
  minQtyLots: isCount,
  maxQtyLots: isCount,
  minNotional: isCount,
  maxNotional: isCount,
  minPriceTicks: isCount,
  maxPriceTicks: isCount,
  referenceTicks: isCount,
}

/**
 * What is wrong with the definition of a command of this kind, account and symbol, or undefined if
 * it is as decode.ts makes them.
 */
export function findDefinitionFault(
  kind: number,
  account: number,
  symbol: number,
  value: unknown,
): string | undefined {
  if (typeof value !== 'object' || value === null) return 'is no object'
  const definition = value as Fields
  switch (kind) {
    case CommandKind.asset:
      return fieldFault(definition, ASSET)
    case CommandKind.instrument:
      return fieldFault(definition, INSTRUMENT)
    case CommandKind.account:
      return fieldFault(definition, ACCOUNT)
    default:
  }
  const is = (expected: unknown) => (found: unknown) => found === expected
  const limits = { account: is(account), symbol: is(symbol), settings: hasSettings }
  return fieldFault(definition, limits)
}

/** Exactly these fields, each as its check wants it. */
function fieldFault(definition: Fields, checks: { [field: string]: Check }): string | undefined {
  for (const [field, isGood] of Object.entries(checks)) {
    if (!Object.hasOwn(definition, field)) return `has no ${field}`
    if (!isGood(definition[field])) return `has a bad ${field}`
  }
  const extra = Object.keys(definition).find((field) => !Object.hasOwn(checks, field))
  return extra === undefined ? undefined : 'has a field too many'
}

function hasSettings(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.entries(value).every(
    ([name, setting]) =>
      LIMIT_NAMES.includes(name as LimitName) &&
      (setting === null || setting === 'off' || isCount(setting)),
  )
}
