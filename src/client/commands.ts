// What a client's methods take: commands as docs/commands.md describes them, where ids may be left
// out and the account is the client's.

import { randomBytes } from 'node:crypto'
import type { LimitName } from '../protocol/limits.ts'
import type { Report } from '../protocol/report-json.ts'
import { withoutUndefined } from './wire.ts'

/** Optional here means: may be left out, or be undefined. */
type Optional<T> = { readonly [field in keyof T]?: T[field] | undefined }

/** An order; a limit order if it has a `price`, else a market order, unless `ordType` says so. */
export type NewOrder = {
  readonly symbol: string
  readonly side: 'buy' | 'sell'
  readonly orderQty: string
} & Optional<{
  /** Made if it is left out. */
  clOrdId: string
  ordType: 'limit' | 'market'
  price: string
  timeInForce: 'GTC' | 'IOC' | 'FOK'
  postOnly: boolean
  reduceOnly: boolean
  selfTradePrevention: 'cancelNewest' | 'cancelOldest' | 'cancelBoth' | 'decrement'
}>

/** Which order: exactly one of the two. */
export type Target = Optional<{ origClOrdId: string; orderId: string }>

export type Cancel = { readonly symbol: string } & Target

/** `orderQty` is the new total, what is filled included; `clOrdId` is made if it is left out. */
export type Replace = {
  readonly symbol: string
  readonly price: string
  readonly orderQty: string
} & Target &
  Optional<{ clOrdId: string }>

export type MassCancel = Optional<{ symbol: string; side: 'buy' | 'sell' }>

/** One of a batch. */
export type OrderCommand =
  | ({ readonly cmd: 'new' } & NewOrder)
  | ({ readonly cmd: 'cancel' } & Cancel)
  | ({ readonly cmd: 'replace' } & Replace)
  | ({ readonly cmd: 'massCancel' } & MassCancel)

export type Instrument = {
  readonly symbol: string
  readonly base: string
  readonly quote: string
  readonly tickSize: string
  readonly lotSize: string
} & Optional<
  Record<
    | ('makerFeeRate' | 'takerFeeRate' | 'minQty' | 'maxQty' | 'minNotional')
    | ('maxNotional' | 'minPrice' | 'maxPrice' | 'referencePrice'),
    string
  >
>

/** `transferId` is made if it is left out. */
export type Payment = {
  readonly account: string
  readonly asset: string
  readonly amount: string
} & Optional<{ transferId: string }>

/** Neither account nor symbol: for all. A limit is a value, `'off'`, or null to take it away. */
export type Limits = Optional<{ account: string; symbol: string }> &
  Optional<Record<LimitName, string | number | boolean | null>>

export type KillSwitch = { readonly on: boolean } & Optional<{
  account: string
  cancelAll: boolean
}>

/** A command of whoever runs the exchange, as docs/commands.md has it. */
export type AdminCommand = { readonly cmd: string; readonly [field: string]: unknown }

/**
 * The first report of a command, or its refusal. `repeated`: it was sent again after a try that was
 * not answered, so that try may have taken effect.
 */
export type Reply = Report & { readonly repeated?: true }

/** What makes ids of one process different from those of any other. */
const PREFIX = `${Date.now().toString(36)}-${randomBytes(6).toString('base64url')}`
let made = 0

/** An id (`clOrdId`, `transferId`) that no other process makes, nor this one again. */
export function makeId(): string {
  made += 1
  return `${PREFIX}-${made.toString(36)}`
}

/** The order as it is sent. */
export function orderBody(order: NewOrder): { readonly clOrdId: string } {
  const { clOrdId = makeId(), ordType = order.price === undefined ? 'market' : 'limit' } = order
  return { ...withoutUndefined({ ...order, ordType }), clOrdId }
}

export const replaceBody = (replace: Replace): object =>
  withoutUndefined({ ...replace, clOrdId: replace.clOrdId ?? makeId() })

export const paymentBody = (payment: Payment): object =>
  withoutUndefined({ ...payment, transferId: payment.transferId ?? makeId() })

/** One of a batch as it is sent. */
export function commandBody(command: OrderCommand): object {
  switch (command.cmd) {
    case 'new':
      return orderBody(command)
    case 'replace':
      return replaceBody(command)
    default:
      return withoutUndefined(command)
  }
}
