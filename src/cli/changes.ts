// What differs between two states, by the names and decimals that people know.

import { AccountFlag } from '../engine/account/records.ts'
import type { MarketState } from '../engine/state.ts'
import type { Exchange } from '../exchange.ts'
import type { Directory } from '../protocol/directory.ts'
import { formatLimit } from '../protocol/encode-command.ts'
import { LIMITS, type LimitName } from '../protocol/limits.ts'
import { formatPrice } from '../protocol/report-json.ts'

export type Fields = { readonly [field: string]: unknown }

/** One thing that changed; null where it was not there before, or is not any more. */
export interface Change {
  readonly what: string
  /** What says which one it is. */
  readonly key: { readonly [field: string]: string }
  readonly before: Fields | null
  readonly after: Fields | null
}

/** A state at a round's end, and how to ask it. */
export interface View {
  readonly exchange: Exchange
  readonly names: Directory
  readonly market: MarketState
}

export type Views = readonly [before: View, after: View]

/** Assets, instruments and accounts that are new, the clock, switches, reference prices, limits. */
export function* marketChanges(views: Views): Generator<Change> {
  const [before, after] = views
  const since = <T>(of: (view: View) => readonly T[]) => of(after).slice(of(before).length)
  for (const { asset, decimals } of since(({ market }) => market.assets)) {
    yield { what: 'asset', key: { asset }, before: null, after: { decimals } }
  }
  for (const { symbol } of since(({ market }) => market.instruments)) {
    yield { what: 'instrument', key: { symbol }, before: null, after: {} }
  }
  for (const account of since(({ names }) => names.accounts)) {
    yield { what: 'account', key: { account: String(account) }, before: null, after: {} }
  }
  yield* differences('market', both(views, clockOf))
  yield* differences('instrument', both(views, instrumentsOf), { isOnlyChanged: true })
  yield* differences('limits', both(views, limitsOf))
}

/** Balances, positions, open orders and switches of an account; `flags` before and after. */
export function* accountChanges(
  views: Views,
  account: string,
  flags: readonly [number, number],
): Generator<Change> {
  const none = { available: '0', held: '0' }
  const changes = [
    ...differences('account', [switchesOf(account, flags[0]), switchesOf(account, flags[1])]),
    ...differences('balance', both(views, balancesOf, account), { none }),
    ...differences('position', both(views, positionsOf, account), { none: NO_POSITION }),
    ...differences('order', both(views, ordersOf, account)),
  ]
  yield* changes
  if (changes.length > 0 || views[0].names.account(account) === 0) return
  // What rules remember, ids for instance, is in the state too, and no query tells it.
  yield { what: 'memory', key: { account }, before: {}, after: {} }
}

/** Levels of a symbol's book. */
export function bookChanges(views: Views, symbol: string): Iterable<Change> {
  return differences('level', both(views, levelsOf, symbol), { none: { qty: '0', orders: 0 } })
}

/** Things of one kind by what tells them apart. */
type Things = Map<string, { readonly key: Change['key']; readonly fields: Fields }>
type Pair = [Things, Things]

const both = (views: Views, of: (view: View, name: string) => Things, name = ''): Pair => [
  of(views[0], name),
  of(views[1], name),
]

const NO_POSITION = {
  ...{ qty: '0', avgCost: '0', realised: '0' },
  ...{ openBuyQty: '0', openSellQty: '0' },
}

/** `none`: what a thing that is not there comes to; `isOnlyChanged`: not what is new. */
function* differences(
  what: string,
  [before, after]: Pair,
  { none = null, isOnlyChanged = false }: { none?: Fields | null; isOnlyChanged?: boolean } = {},
): Generator<Change> {
  for (const id of new Set([...before.keys(), ...after.keys()])) {
    const [old, now] = [before.get(id), after.get(id)]
    if (JSON.stringify(old?.fields) === JSON.stringify(now?.fields)) continue
    if (isOnlyChanged && old === undefined) continue
    const { key } = (now ?? old) as { key: Change['key'] }
    yield { what, key, before: old?.fields ?? none, after: now?.fields ?? none }
  }
}

function clockOf({ market: { nowMs, killed } }: View): Things {
  const clock = nowMs === 0 ? null : new Date(nowMs).toISOString()
  return new Map([['', { key: {}, fields: { clock, killSwitch: killed } }]])
}

function instrumentsOf({ market }: View): Things {
  const { instruments, halted, referenceTicks } = market
  return new Map(
    instruments.map((instrument, at) => {
      const ticks = referenceTicks[at]
      const referencePrice = ticks === 0 ? null : formatPrice(ticks, instrument)
      const { symbol } = instrument
      return [symbol, { key: { symbol }, fields: { referencePrice, halted: halted[at] === 1 } }]
    }),
  )
}

function limitsOf({ market, names }: View): Things {
  return new Map(
    market.limits.map(({ account, symbol, settings }) => {
      const key = {
        account: account === 0 ? 'all' : names.accountOf(account),
        symbol: symbol === 0 ? 'all' : names.instrumentOf(symbol).symbol,
      }
      const fields = Object.entries(settings).map(([name, setting]) => [
        name,
        formatLimit(setting, LIMITS[name as LimitName].kind),
      ])
      return [`${account} ${symbol}`, { key, fields: Object.fromEntries(fields) }]
    }),
  )
}

function switchesOf(account: string, flags: number): Things {
  const suspended = (flags & AccountFlag.suspended) !== 0
  const killSwitch = (flags & AccountFlag.killed) !== 0
  return new Map([[account, { key: { account }, fields: { suspended, killSwitch } }]])
}

function balancesOf({ exchange, names }: View, account: string): Things {
  if (names.account(account) === 0) return new Map()
  const { balances } = exchange.balances(account)
  return new Map(
    balances.map(({ asset, ...fields }) => [asset, { key: { account, asset }, fields }]),
  )
}

function positionsOf({ exchange, names }: View, account: string): Things {
  if (names.account(account) === 0) return new Map()
  const { positions } = exchange.balances(account)
  return new Map(
    positions.map(({ symbol, ...fields }) => [symbol, { key: { account, symbol }, fields }]),
  )
}

function ordersOf({ exchange, names }: View, account: string): Things {
  if (names.account(account) === 0) return new Map()
  const { orders } = exchange.orders(account)
  return new Map(
    orders.map(({ orderId, ...fields }) => [orderId, { key: { account, orderId }, fields }]),
  )
}

function levelsOf({ exchange, names }: View, symbol: string): Things {
  const things: Things = new Map()
  if (names.symbol(symbol) === 0) return things
  const { bids, asks } = exchange.book(symbol, Number.POSITIVE_INFINITY)
  for (const [side, levels] of Object.entries({ bid: bids, ask: asks })) {
    for (const { price, ...fields } of levels) {
      things.set(`${side} ${price}`, { key: { symbol, side, price }, fields })
    }
  }
  return things
}
