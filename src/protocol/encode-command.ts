// From a binary command back to the JSON that a publisher would have sent: the inverse of
// decode.ts. What it gives decodes to the same words.

import { unreachable } from '../lib/assert.ts'
import { unpackId } from './client-id.ts'
import {
  BOTH_SIDES,
  CM,
  CMF,
  COMMAND_NAMES,
  COMMAND_WORDS,
  CommandKind,
  type CommandLog,
  type CommandName,
  KILL_CANCEL_ALL,
  KILL_ON,
} from './command-log.ts'
import { formatUnits } from './decimal.ts'
import type { Directory } from './directory.ts'
import type { Asset, Instrument, LimitsChange } from './instrument.ts'
import { instrumentFields } from './instrument-json.ts'
import { LIMIT_NAMES, LIMITS, type LimitKind, type LimitSetting } from './limits.ts'
import {
  Flag,
  isMarket,
  SelfTrade,
  Side,
  selfTradeOf,
  sideOf,
  timeInForceOf,
} from './order-flags.ts'
import { formatPrice, formatQty } from './report-json.ts'

type Fields = { [field: string]: unknown }

const TIME_IN_FORCE_NAMES = ['GTC', 'IOC', 'FOK'] as const
const SELF_TRADE_NAMES = Object.keys(SelfTrade) as (keyof typeof SelfTrade)[]
const SIDE_NAMES = Object.keys(Side) as (keyof typeof Side)[]

/**
 * The command at place `number` of `log`, as docs/commands.md has it. `names` must know every name
 * that it uses or defines. What is as by default is left out.
 */
export function encodeCommand(log: CommandLog, number: number, names: Directory): Fields {
  const at = number * COMMAND_WORDS
  const cmd = COMMAND_NAMES[log.i32[at + CM.kind]] as CommandName
  return { cmd, ...fieldsOf(cmd, log, at, names) }
}

function fieldsOf(cmd: CommandName, log: CommandLog, at: number, names: Directory): Fields {
  const { i32, f64 } = log
  const account = () => ({ account: names.accountOf(i32[at + CM.account]) })
  const symbol = () => ({ symbol: names.instrumentOf(i32[at + CM.symbol]).symbol })
  const accountIfAny = () => (i32[at + CM.account] === 0 ? {} : account())
  const symbolIfAny = () => (i32[at + CM.symbol] === 0 ? {} : symbol())
  const definition = () => log.definitions[f64[(at >> 1) + CMF.definition]]
  const flags = i32[at + CM.flags]
  switch (cmd) {
    case 'new':
      return newOrder(log, at, names)
    case 'cancel':
      return { ...account(), ...symbol(), ...targetOf(log, at) }
    case 'replace': {
      const { price, orderQty } = priceAndQty(log, at, names)
      const clOrdId = unpackId(i32, at + CM.id)
      return { ...account(), ...symbol(), clOrdId, ...targetOf(log, at), price, orderQty }
    }
    case 'massCancel': {
      const side = flags === BOTH_SIDES ? {} : { side: SIDE_NAMES[flags] }
      return { ...account(), ...symbolIfAny(), ...side }
    }
    case 'deposit':
    case 'withdraw':
    case 'transfer':
      return money(log, at, names)
    case 'asset': {
      const { asset, decimals } = definition() as Asset
      return { asset, decimals }
    }
    case 'instrument':
      return { ...instrumentFields(definition() as Instrument, names) }
    case 'account':
    case 'suspend':
    case 'activate':
      return account()
    case 'halt':
    case 'resume':
      return symbol()
    case 'killSwitch': {
      const cancelAll = (flags & KILL_CANCEL_ALL) === 0 ? {} : { cancelAll: true }
      return { ...accountIfAny(), on: (flags & KILL_ON) !== 0, ...cancelAll }
    }
    case 'limits': {
      const { settings } = definition() as LimitsChange
      return { ...accountIfAny(), ...symbolIfAny(), ...limits(settings) }
    }
    case 'time':
      return { now: new Date(f64[(at >> 1) + CMF.nowMs]).toISOString() }
    default:
      return unreachable(cmd)
  }
}

function newOrder(log: CommandLog, at: number, names: Directory): Fields {
  const { i32 } = log
  const flags = i32[at + CM.flags]
  const { price, orderQty } = priceAndQty(log, at, names)
  const selfTrade = selfTradeOf(flags)
  return {
    account: names.accountOf(i32[at + CM.account]),
    clOrdId: unpackId(i32, at + CM.id),
    symbol: names.instrumentOf(i32[at + CM.symbol]).symbol,
    side: SIDE_NAMES[sideOf(flags)],
    ...(isMarket(flags) ? { ordType: 'market' } : { ordType: 'limit', price }),
    orderQty,
    timeInForce: TIME_IN_FORCE_NAMES[timeInForceOf(flags)],
    ...((flags & Flag.postOnly) === 0 ? {} : { postOnly: true }),
    ...((flags & Flag.reduceOnly) === 0 ? {} : { reduceOnly: true }),
    ...(selfTrade === 0 ? {} : { selfTradePrevention: SELF_TRADE_NAMES[selfTrade] }),
  }
}

function priceAndQty({ i32, f64 }: CommandLog, at: number, names: Directory) {
  const instrument = names.instrumentOf(i32[at + CM.symbol])
  return {
    price: formatPrice(f64[(at >> 1) + CMF.priceTicks], instrument),
    orderQty: formatQty(f64[(at >> 1) + CMF.qtyLots], instrument),
  }
}

/** The order that a cancel or replace names, as it was named. */
function targetOf({ i32, f64 }: CommandLog, at: number): Fields {
  const orderId = f64[(at >> 1) + CMF.orderId]
  if (orderId !== 0) return { orderId: String(orderId) }
  return { origClOrdId: unpackId(i32, at + CM.orig) }
}

function money({ i32, f64 }: CommandLog, at: number, names: Directory): Fields {
  const { asset, decimals } = names.assetOf(i32[at + CM.asset])
  const isTransfer = i32[at + CM.kind] === CommandKind.transfer
  return {
    account: names.accountOf(i32[at + CM.account]),
    ...(isTransfer ? { to: names.accountOf(i32[at + CM.to]) } : {}),
    asset,
    amount: formatUnits(f64[(at >> 1) + CMF.amount], decimals),
    transferId: unpackId(i32, at + CM.id),
  }
}

function limits(settings: LimitsChange['settings']): Fields {
  const fields: Fields = {}
  for (const name of LIMIT_NAMES) {
    const setting = settings[name]
    if (setting !== undefined) fields[name] = formatLimit(setting, LIMITS[name].kind)
  }
  return fields
}

/** A limit's setting as it is sent; see {@link LimitKind} for what it is inside. */
export function formatLimit(setting: LimitSetting, kind: LimitKind): unknown {
  if (setting === null || setting === 'off') return setting
  switch (kind) {
    case 'switch':
      return setting === 1
    case 'hours':
      return `${timeOfDay(Math.floor(setting / 1440))}-${timeOfDay(setting % 1440)}`
    case 'count':
    case 'milliseconds':
      return setting
    case 'fraction':
    case 'base':
    case 'quote':
    case 'loss':
      return formatUnits(setting, 6)
    default:
      return unreachable(kind)
  }
}

function timeOfDay(minutes: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}
