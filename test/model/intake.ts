// Reads one JSON object as a command: form, names, precision and size (rows 1 to 6 of the
// refusals).

import { type Asset, definitionText, type Instrument, type Names } from './names.ts'
import {
  type Decimal,
  multiply,
  oneUnit,
  parseDecimal,
  pow10,
  SAFE_MAX,
  stepsIn,
} from './numbers.ts'

export type Target = { orderId: string } | { origClOrdId: string }
export type Side = 'buy' | 'sell'
export type Stp = 'cancelNewest' | 'cancelOldest' | 'cancelBoth' | 'decrement'

export type NewOrder = {
  cmd: 'new'
  account: string
  clOrdId: string
  instrument: Instrument
  side: Side
  ordType: 'limit' | 'market'
  price: bigint | null
  orderQty: bigint
  timeInForce: 'GTC' | 'IOC' | 'FOK'
  postOnly: boolean
  reduceOnly: boolean
  stp: Stp
}
export type Replace = {
  cmd: 'replace'
  account: string
  clOrdId: string
  instrument: Instrument
  target: Target
  price: bigint
  orderQty: bigint
}
export type Cancel = { cmd: 'cancel'; account: string; instrument: Instrument; target: Target }
export type Transfer = {
  cmd: 'deposit' | 'withdraw' | 'transfer'
  account: string
  to: string | null
  asset: Asset
  amount: bigint
  transferId: string
}
/** `null` takes the setting away, `'off'` switches the rule off. */
export type LimitValue = null | 'off' | boolean | number | bigint | { from: number; to: number }

export type Command =
  | NewOrder
  | Replace
  | Cancel
  | Transfer
  | { cmd: 'asset' | 'instrument' | 'account'; names: Record<string, string> }
  | { cmd: 'massCancel'; account: string; symbol: string | null; side: Side | null }
  | { cmd: 'halt' | 'resume'; symbol: string }
  | { cmd: 'suspend' | 'activate'; account: string }
  | { cmd: 'killSwitch'; account: string | null; on: boolean; cancelAll: boolean }
  | {
      cmd: 'limits'
      account: string | null
      symbol: string | null
      settings: Map<string, LimitValue>
    }
  | { cmd: 'time'; now: number }

export type IntakeRefusal = { refused: string; field?: string }

type Fields = Record<string, unknown>
type Kind = (value: unknown) => boolean

const NAME = /^[A-Za-z0-9_-]{1,36}$/
const ID = /^[!-~]{1,36}$/
const HOURS = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/

const isName: Kind = (value) => typeof value === 'string' && NAME.test(value)
const isId: Kind = (value) => typeof value === 'string' && ID.test(value)
const isOrderId: Kind = (value) =>
  typeof value === 'string' && /^[1-9]\d{0,15}$/.test(value) && BigInt(value) <= SAFE_MAX
const isPositive: Kind = (value) => (parseDecimal(value)?.digits ?? 0n) > 0n
const isRate: Kind = (value) => parseDecimal(value, true) !== null
const isWhole: Kind = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const isDecimals: Kind = (value) => isWhole(value) && (value as number) <= 12
const isBoolean: Kind = (value) => typeof value === 'boolean'
const oneOf = (...words: string[]): Kind => {
  return (value) => typeof value === 'string' && words.includes(value)
}
const isTime: Kind = (value) => {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value)) {
    return false
  }
  const time = Date.parse(value)
  return time > 0 && new Date(time).toISOString() === value
}
const isHours: Kind = (value) => {
  const parts = typeof value === 'string' ? HOURS.exec(value) : null
  if (parts === null) return false
  const [, h1, m1, h2, m2] = parts.map(Number)
  return h1 < 24 && m1 < 60 && h2 < 24 && m2 < 60
}
const orOff = (kind: Kind): Kind => {
  return (value) => value === null || value === 'off' || kind(value)
}
const isMicro: Kind = (value) => {
  const decimal = parseDecimal(value)
  return decimal !== null && decimal.scale <= 6
}

/** The limits, in the order in which their rules are asked. */
const LIMIT_KINDS: Record<string, Kind> = {
  tradingAllowed: isBoolean,
  tradingHours: isHours,
  reduceOnly: isBoolean,
  maxOrdersPerSecond: isWhole,
  duplicateWindowMs: (value) => isWhole(value) && (value as number) <= 60_000,
  maxOrderQty: isMicro,
  maxOrderValue: isMicro,
  priceDeviation: isMicro,
  marketSlippage: isMicro,
  maxOpenOrders: isWhole,
  maxPositions: isWhole,
  maxExposure: isMicro,
  maxDailyLoss: isMicro,
}

type Shape = { required: Record<string, Kind>; optional: Record<string, Kind> }

const TRANSFER = { account: isName, asset: isName, amount: isPositive, transferId: isId }
const TARGET = { origClOrdId: isId, orderId: isOrderId }

const SHAPES: Record<string, Shape> = {
  asset: { required: { asset: isName, decimals: isDecimals }, optional: {} },
  instrument: {
    required: {
      symbol: isName,
      base: isName,
      quote: isName,
      tickSize: isPositive,
      lotSize: isPositive,
    },
    optional: {
      makerFeeRate: isRate,
      takerFeeRate: isRate,
      minQty: isPositive,
      maxQty: isPositive,
      minNotional: isPositive,
      maxNotional: isPositive,
      minPrice: isPositive,
      maxPrice: isPositive,
      referencePrice: isPositive,
    },
  },
  account: { required: { account: isName }, optional: {} },
  deposit: { required: TRANSFER, optional: {} },
  withdraw: { required: TRANSFER, optional: {} },
  transfer: { required: { ...TRANSFER, to: isName }, optional: {} },
  new: {
    required: {
      account: isName,
      clOrdId: isId,
      symbol: isName,
      side: oneOf('buy', 'sell'),
      ordType: oneOf('limit', 'market'),
      orderQty: isPositive,
    },
    optional: {
      price: isPositive,
      timeInForce: oneOf('GTC', 'IOC', 'FOK'),
      postOnly: isBoolean,
      reduceOnly: isBoolean,
      selfTradePrevention: oneOf('cancelNewest', 'cancelOldest', 'cancelBoth', 'decrement'),
    },
  },
  cancel: { required: { account: isName, symbol: isName }, optional: TARGET },
  replace: {
    required: {
      account: isName,
      symbol: isName,
      clOrdId: isId,
      price: isPositive,
      orderQty: isPositive,
    },
    optional: TARGET,
  },
  massCancel: {
    required: { account: isName },
    optional: { symbol: isName, side: oneOf('buy', 'sell') },
  },
  halt: { required: { symbol: isName }, optional: {} },
  resume: { required: { symbol: isName }, optional: {} },
  suspend: { required: { account: isName }, optional: {} },
  activate: { required: { account: isName }, optional: {} },
  killSwitch: { required: { on: isBoolean }, optional: { account: isName, cancelAll: isBoolean } },
  limits: {
    required: {},
    optional: {
      account: isName,
      symbol: isName,
      ...Object.fromEntries(Object.entries(LIMIT_KINDS).map(([name, kind]) => [name, orOff(kind)])),
    },
  },
  time: { required: { now: isTime }, optional: {} },
}

export const COMMAND_KINDS = Object.keys(SHAPES)

/** Reads a command; what it names must be known to `names`, which definitions extend. */
export function read(input: unknown, names: Names): Command | IntakeRefusal {
  const wrong = wrongField(input)
  if (wrong !== null) return { refused: 'MALFORMED', field: wrong }
  const fields = input as Fields
  const unknown = unknownName(fields, names)
  if (unknown !== null) return unknown
  switch (fields.cmd) {
    case 'asset':
      return readAsset(fields, names)
    case 'instrument':
      return readInstrument(fields, names)
    case 'account':
      names.accounts.add(fields.account as string)
      return { cmd: 'account', names: { account: fields.account as string } }
    case 'deposit':
    case 'withdraw':
    case 'transfer':
      return readTransfer(fields, names)
    case 'new':
      return readNew(fields, names)
    case 'replace':
      return readReplace(fields, names)
    case 'cancel':
      return {
        cmd: 'cancel',
        account: fields.account as string,
        instrument: names.instruments.get(fields.symbol as string)!,
        target: targetOf(fields),
      }
    case 'limits':
      return readLimits(fields)
    case 'time':
      return { cmd: 'time', now: Date.parse(fields.now as string) }
    case 'killSwitch':
      return {
        cmd: 'killSwitch',
        account: (fields.account as string) ?? null,
        on: fields.on as boolean,
        cancelAll: fields.cancelAll === true,
      }
    case 'massCancel':
      return {
        cmd: 'massCancel',
        account: fields.account as string,
        symbol: (fields.symbol as string) ?? null,
        side: (fields.side as Side) ?? null,
      }
    case 'halt':
    case 'resume':
      return { cmd: fields.cmd, symbol: fields.symbol as string }
    case 'suspend':
    case 'activate':
      return { cmd: fields.cmd, account: fields.account as string }
    default:
      throw new Error(`no such command: ${fields.cmd}`)
  }
}

/** The first field that makes the input no command, or null when its form is right. */
function wrongField(input: unknown): string | null {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return 'cmd'
  const fields = input as Fields
  if (typeof fields.cmd !== 'string' || !Object.hasOwn(SHAPES, fields.cmd)) return 'cmd'
  const { required, optional } = SHAPES[fields.cmd]
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'cmd') continue
    const kinds = Object.hasOwn(required, name) ? required : optional
    if (!Object.hasOwn(kinds, name) || !kinds[name](value)) return name
  }
  for (const name of Object.keys(required)) if (!Object.hasOwn(fields, name)) return name
  return wrongCombination(fields)
}

function wrongCombination(fields: Fields): string | null {
  const has = (name: string) => Object.hasOwn(fields, name)
  switch (fields.cmd) {
    case 'new': {
      if (fields.ordType === 'limit' && !has('price')) return 'price'
      if (fields.ordType === 'market' && has('price')) return 'price'
      if (fields.ordType === 'market' && fields.timeInForce === 'GTC') return 'timeInForce'
      const gtcLimit = fields.ordType === 'limit' && (fields.timeInForce ?? 'GTC') === 'GTC'
      return fields.postOnly === true && !gtcLimit ? 'postOnly' : null
    }
    case 'cancel':
    case 'replace':
      return has('origClOrdId') === has('orderId') ? 'origClOrdId' : null
    case 'killSwitch':
      return fields.cancelAll === true && fields.on !== true ? 'cancelAll' : null
    case 'limits':
      return Object.keys(LIMIT_KINDS).some(has) ? null : 'limits'
    default:
      return null
  }
}

function unknownName(fields: Fields, names: Names): IntakeRefusal | null {
  const defines = fields.cmd as string
  for (const field of ['asset', 'base', 'quote']) {
    if (field === defines || !Object.hasOwn(fields, field)) continue
    if (!names.assets.has(fields[field] as string)) return { refused: 'UNKNOWN_ASSET', field }
  }
  for (const field of ['account', 'to']) {
    if (field === defines || !Object.hasOwn(fields, field)) continue
    if (!names.accounts.has(fields[field] as string)) return { refused: 'UNKNOWN_ACCOUNT', field }
  }
  if (defines !== 'instrument' && Object.hasOwn(fields, 'symbol')) {
    if (!names.instruments.has(fields.symbol as string)) {
      return { refused: 'UNKNOWN_SYMBOL', field: 'symbol' }
    }
  }
  return null
}

function targetOf(fields: Fields): Target {
  return Object.hasOwn(fields, 'orderId')
    ? { orderId: fields.orderId as string }
    : { origClOrdId: fields.origClOrdId as string }
}

/**
 * How many steps a value is. It is read in units of the step's last digit: what is finer is no
 * whole number of steps, what is beyond the safe integers in those units overflows.
 */
function countOf(value: Decimal, step: Decimal): bigint | 'tooFine' | 'tooLarge' {
  const units = stepsIn(value, oneUnit(step.scale))
  if (units === null) return 'tooFine'
  if (units > SAFE_MAX) return 'tooLarge'
  return units % step.digits === 0n ? units / step.digits : 'tooFine'
}

/** Counts of steps for several fields: first any precision that is too fine, then any size. */
function countSteps(
  fields: Fields,
  wanted: [field: string, step: Decimal, code: string][],
): Record<string, bigint | null> | IntakeRefusal {
  const counts: Record<string, bigint | null> = {}
  let overflow: IntakeRefusal | null = null
  for (const [field, step, code] of wanted) {
    counts[field] = null
    if (!Object.hasOwn(fields, field)) continue
    const count = countOf(parseDecimal(fields[field])!, step)
    if (count === 'tooFine') return { refused: code, field }
    if (count === 'tooLarge') overflow ??= { refused: 'OVERFLOW', field }
    else counts[field] = count
  }
  return overflow ?? counts
}

function isRefusal(value: object): value is IntakeRefusal {
  return 'refused' in value
}

function readTransfer(fields: Fields, names: Names): Command | IntakeRefusal {
  const asset = names.assets.get(fields.asset as string)!
  const counts = countSteps(fields, [['amount', oneUnit(asset.decimals), 'AMOUNT_PRECISION']])
  if (isRefusal(counts)) return counts
  return {
    cmd: fields.cmd as Transfer['cmd'],
    account: fields.account as string,
    to: (fields.to as string) ?? null,
    asset,
    amount: counts.amount!,
    transferId: fields.transferId as string,
  }
}

function readPriceAndQty(fields: Fields, instrument: Instrument) {
  const counts = countSteps(fields, [
    ['price', instrument.tickSize, 'PRICE_PRECISION'],
    ['orderQty', instrument.lotSize, 'QTY_PRECISION'],
  ])
  if (isRefusal(counts)) return counts
  return counts
}

function readNew(fields: Fields, names: Names): Command | IntakeRefusal {
  const instrument = names.instruments.get(fields.symbol as string)!
  const counts = readPriceAndQty(fields, instrument)
  if (isRefusal(counts)) return counts
  const market = fields.ordType === 'market'
  return {
    cmd: 'new',
    account: fields.account as string,
    clOrdId: fields.clOrdId as string,
    instrument,
    side: fields.side as Side,
    ordType: market ? 'market' : 'limit',
    price: counts.price,
    orderQty: counts.orderQty!,
    timeInForce: (fields.timeInForce as NewOrder['timeInForce']) ?? (market ? 'IOC' : 'GTC'),
    postOnly: fields.postOnly === true,
    reduceOnly: fields.reduceOnly === true,
    stp: (fields.selfTradePrevention as Stp) ?? 'cancelNewest',
  }
}

function readReplace(fields: Fields, names: Names): Command | IntakeRefusal {
  const instrument = names.instruments.get(fields.symbol as string)!
  const counts = readPriceAndQty(fields, instrument)
  if (isRefusal(counts)) return counts
  return {
    cmd: 'replace',
    account: fields.account as string,
    clOrdId: fields.clOrdId as string,
    instrument,
    target: targetOf(fields),
    price: counts.price!,
    orderQty: counts.orderQty!,
  }
}

function readLimits(fields: Fields): Command | IntakeRefusal {
  const settings = new Map<string, LimitValue>()
  for (const [name, kind] of Object.entries(LIMIT_KINDS)) {
    if (!Object.hasOwn(fields, name)) continue
    const value = fields[name]
    if (kind === isMicro && typeof value === 'string' && value !== 'off') {
      const micro = stepsIn(parseDecimal(value)!, oneUnit(6))!
      if (micro > SAFE_MAX) return { refused: 'OVERFLOW', field: name }
      settings.set(name, micro)
    } else if (kind === isHours && typeof value === 'string' && value !== 'off') {
      const [, h1, m1, h2, m2] = HOURS.exec(value)!.map(Number)
      settings.set(name, { from: h1 * 60 + m1, to: h2 * 60 + m2 })
    } else {
      settings.set(name, value as LimitValue)
    }
  }
  return {
    cmd: 'limits',
    account: (fields.account as string) ?? null,
    symbol: (fields.symbol as string) ?? null,
    settings,
  }
}

function readAsset(fields: Fields, names: Names): Command | IntakeRefusal {
  const name = fields.asset as string
  const decimals = fields.decimals as number
  const known = names.assets.get(name)
  if (known !== undefined && known.decimals !== decimals) {
    return { refused: 'ALREADY_DEFINED', field: 'asset' }
  }
  if (known === undefined) names.assets.set(name, { name, decimals })
  return { cmd: 'asset', names: { asset: name } }
}

function readInstrument(fields: Fields, names: Names): Command | IntakeRefusal {
  const symbol = fields.symbol as string
  const invalid = (field: string) => ({ refused: 'INVALID_DEFINITION', field })
  const tickSize = parseDecimal(fields.tickSize)!
  const lotSize = parseDecimal(fields.lotSize)!
  const base = names.assets.get(fields.base as string)!
  const quote = names.assets.get(fields.quote as string)!
  if (tickSize.digits > SAFE_MAX) return invalid('tickSize')
  if (lotSize.digits > SAFE_MAX) return invalid('lotSize')
  const quoteUnit = oneUnit(quote.decimals)
  const counts = countSteps(fields, [
    ['minPrice', tickSize, 'PRICE_PRECISION'],
    ['maxPrice', tickSize, 'PRICE_PRECISION'],
    ['referencePrice', tickSize, 'PRICE_PRECISION'],
    ['minQty', lotSize, 'QTY_PRECISION'],
    ['maxQty', lotSize, 'QTY_PRECISION'],
    ['minNotional', quoteUnit, 'AMOUNT_PRECISION'],
    ['maxNotional', quoteUnit, 'AMOUNT_PRECISION'],
  ])
  if (isRefusal(counts)) return invalid(counts.field!)
  const M = stepsIn(multiply(tickSize, lotSize), quoteUnit)
  const B = stepsIn(lotSize, oneUnit(base.decimals))
  if (base === quote) return invalid('quote')
  if (M === null || M > SAFE_MAX) return invalid('tickSize')
  if (B === null || B > SAFE_MAX) return invalid('lotSize')
  const makerRate = rateOf(fields.makerFeeRate)
  const takerRate = rateOf(fields.takerFeeRate)
  if (takerRate === null || takerRate < 0n || takerRate >= 10_000_000n) {
    return invalid('takerFeeRate')
  }
  if (makerRate === null || makerRate < -takerRate || makerRate >= 10_000_000n) {
    return invalid('makerFeeRate')
  }
  for (const bound of ['Qty', 'Notional', 'Price']) {
    const least = counts[`min${bound}`]
    const most = counts[`max${bound}`]
    if (least !== null && most !== null && least > most) return invalid(`max${bound}`)
  }
  const instrument = {
    symbol,
    base,
    quote,
    tickSize,
    lotSize,
    makerRate,
    takerRate,
    ...counts,
    M,
    B,
  } as unknown as Instrument
  const known = names.instruments.get(symbol)
  if (known !== undefined && definitionText(known) !== definitionText(instrument)) {
    return { refused: 'ALREADY_DEFINED', field: 'symbol' }
  }
  if (known === undefined) names.instruments.set(symbol, instrument)
  return { cmd: 'instrument', names: { symbol } }
}

/** A rate in ten-millionths; null when it has more than seven decimals. */
function rateOf(text: unknown): bigint | null {
  if (text === undefined) return 0n
  const rate = parseDecimal(text, true)!
  return rate.scale > 7 ? null : rate.digits * pow10(7 - rate.scale)
}
