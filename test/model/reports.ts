// The JSON the model answers with.

import { type Account, notional } from './account.ts'
import { type BookEvent, type BookOrder, remainder } from './book.ts'
import type { Command, IntakeRefusal, NewOrder, Replace } from './intake.ts'
import type { Names } from './names.ts'
import { abs, format, formatSteps, pow10, roundHalfUp } from './numbers.ts'

export type Report = Record<string, unknown>

const ECHOED_AT_INTAKE = [
  'cmd',
  'account',
  'symbol',
  'clOrdId',
  'origClOrdId',
  'orderId',
  'transferId',
]

export function intakeRefusal(input: unknown, refusal: IntakeRefusal): Report {
  const report: Report = { execType: 'rejected', code: refusal.refused }
  if (refusal.field !== undefined) report.field = refusal.field
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return report
  for (const name of ECHOED_AT_INTAKE) {
    const value = (input as Report)[name]
    if (Object.hasOwn(input, name) && typeof value === 'string') report[name] = value
  }
  return report
}

export function clockText(now: number | null): Report {
  return now === null ? {} : { transactTime: new Date(now).toISOString() }
}

/** What a report on this command repeats of it. */
export function echo(command: Command): Report {
  switch (command.cmd) {
    case 'new':
      return { cmd: 'new', account: command.account, ...echoNew(command) }
    case 'replace':
      return { cmd: 'replace', account: command.account, ...echoReplace(command) }
    case 'cancel':
      return {
        cmd: 'cancel',
        account: command.account,
        symbol: command.instrument.symbol,
        ...command.target,
      }
    case 'deposit':
    case 'withdraw':
    case 'transfer':
      return {
        cmd: command.cmd,
        account: command.account,
        ...(command.to === null ? {} : { to: command.to }),
        asset: command.asset.name,
        amount: format(command.amount, command.asset.decimals),
        transferId: command.transferId,
      }
    case 'asset':
    case 'instrument':
    case 'account':
      return { cmd: command.cmd, ...command.names }
    case 'time':
      return { cmd: 'time' }
    default: {
      const report: Report = { cmd: command.cmd }
      if ('account' in command && command.account !== null) report.account = command.account
      if ('symbol' in command && command.symbol !== null) report.symbol = command.symbol
      if ('side' in command && command.side !== null) report.side = command.side
      return report
    }
  }
}

function echoNew(command: NewOrder): Report {
  const { instrument, price } = command
  return {
    clOrdId: command.clOrdId,
    symbol: instrument.symbol,
    side: command.side,
    ordType: command.ordType,
    timeInForce: command.timeInForce,
    ...(price === null ? {} : { price: formatSteps(price, instrument.tickSize) }),
    orderQty: formatSteps(command.orderQty, instrument.lotSize),
  }
}

function echoReplace(command: Replace): Report {
  const { instrument } = command
  return {
    clOrdId: command.clOrdId,
    symbol: instrument.symbol,
    ...command.target,
    price: formatSteps(command.price, instrument.tickSize),
    orderQty: formatSteps(command.orderQty, instrument.lotSize),
  }
}

/** The order's fields in a report or in the answer to `orders`. */
export function orderFields(order: BookOrder): Report {
  const { tickSize, lotSize } = order.instrument
  const leaves = order.open ? remainder(order) : 0n
  const fields: Report = {
    orderId: order.orderId,
    clOrdId: order.clOrdId,
    account: order.account,
    symbol: order.instrument.symbol,
    side: order.side,
    ordType: order.ordType,
    timeInForce: order.timeInForce,
    price: formatSteps(order.price, tickSize),
    orderQty: formatSteps(order.orderQty, lotSize),
    cumQty: formatSteps(order.cumQty, lotSize),
    leavesQty: formatSteps(leaves, lotSize),
  }
  if (order.cumQty > 0n) fields.avgPx = averagePrice(order)
  return fields
}

/** Rounded half up at four digits beyond the tick's. */
function averagePrice(order: BookOrder): string {
  const { tickSize } = order.instrument
  const scaled = roundHalfUp(order.filledValue * tickSize.digits * 10_000n, order.cumQty)
  return format(scaled, tickSize.scale + 4)
}

export function openStatus(order: BookOrder): string {
  return order.cumQty > 0n ? 'partiallyFilled' : 'new'
}

export function eventReport(event: BookEvent, fee: bigint | null): Report {
  const { order, trade, kind } = event
  const { tickSize, lotSize, quote } = order.instrument
  const report: Report = { execType: kind, ordStatus: statusAfter(event), ...orderFields(order) }
  if (event.code !== undefined) report.code = event.code
  if (event.origClOrdId !== undefined) report.origClOrdId = event.origClOrdId
  if (trade !== undefined) {
    report.lastPx = formatSteps(trade.price, tickSize)
    report.lastQty = formatSteps(trade.qty, lotSize)
    report.tradeId = String(trade.tradeId)
    report.aggressor = event.aggressor
    report.fee = format(fee!, quote.decimals)
    report.feeAsset = quote.name
  }
  return report
}

function statusAfter(event: BookEvent): string {
  switch (event.kind) {
    case 'trade':
      return event.order.open ? 'partiallyFilled' : 'filled'
    case 'new':
    case 'replaced':
    case 'restated':
      return openStatus(event.order)
    default:
      return event.kind
  }
}

export function balancesAnswer(seq: number, account: Account, names: Names): Report {
  const balances = [...names.assets.values()].map((asset) => ({
    asset: asset.name,
    available: format(account.availableOf(asset.name), asset.decimals),
    held: format(account.heldOf(asset.name), asset.decimals),
  }))
  const positions = []
  for (const [symbol, instrument] of names.instruments) {
    const position = account.positions.get(symbol) ?? { lots: 0n, cost: 0n, realised: 0n }
    const { tickSize, lotSize, quote } = instrument
    const size = abs(position.lots)
    // The cost is in the quote's smallest units: one lot at one tick costs M of them.
    const ticks = size * notional(instrument, 1n, 1n)
    const scaled = size === 0n ? 0n : roundHalfUp(position.cost * tickSize.digits * pow10(4), ticks)
    positions.push({
      symbol,
      qty: formatSteps(position.lots, lotSize),
      avgCost: format(scaled, tickSize.scale + 4),
      realised: format(position.realised, quote.decimals),
      openBuyQty: formatSteps(account.openLots(symbol, 'buy'), lotSize),
      openSellQty: formatSteps(account.openLots(symbol, 'sell'), lotSize),
    })
  }
  return { query: 'balances', seq, account: account.name, balances, positions }
}

export function bookSide(orders: BookOrder[], depth: number): Report[] {
  const levels: { price: bigint; qty: bigint; orders: number; first: BookOrder }[] = []
  for (const order of orders) {
    const last = levels.at(-1)
    if (last !== undefined && last.price === order.price) {
      last.qty += remainder(order)
      last.orders++
    } else {
      levels.push({ price: order.price, qty: remainder(order), orders: 1, first: order })
    }
  }
  return levels.slice(0, depth).map((level) => ({
    price: formatSteps(level.price, level.first.instrument.tickSize),
    qty: formatSteps(level.qty, level.first.instrument.lotSize),
    orders: level.orders,
  }))
}
