// How a story tells what the exchange answered: one short line a report or answer.

import type { BalancesAnswer, BookAnswer, OrdersAnswer, Posting, Report } from '../../src/index.ts'

/** One line for a report. `withSymbol`: the story has more than one market. */
export function tellReport(report: Report, withSymbol: boolean): string {
  const again = report.duplicate ? ' (duplicate)' : ''
  const of = withSymbol && report.symbol !== undefined ? ` ${report.symbol}` : ''
  const order = `${report.side} ${report.orderQty}${of} @ ${report.price}`
  const id = report.clOrdId ?? ''
  switch (report.execType) {
    case 'new': {
      // A duplicate echoes the command: a market order's has no price.
      const at = report.price === undefined ? 'at market' : `@ ${report.price}`
      return `new ${id} ${report.side} ${report.orderQty}${of} ${at}${again}`
    }
    case 'replaced': {
      if (report.duplicate) return `replaced ${id} (was ${named(report)})${again}`
      const left = report.leavesQty === report.orderQty ? '' : ` left ${report.leavesQty}`
      return `replaced ${id} (was ${report.origClOrdId}) ${order}${left}`
    }
    case 'trade': {
      const role = report.aggressor ? 'taker' : 'maker'
      const state = report.ordStatus === 'filled' ? 'filled' : `left ${report.leavesQty}`
      const fill = `${report.lastQty}${of} @ ${report.lastPx}`
      return `trade ${id} ${fill} ${role} fee ${report.fee} ${state}`
    }
    case 'canceled':
      return `canceled ${id} filled ${report.cumQty} of ${report.orderQty}`
    case 'expired':
      return `expired ${id} filled ${report.cumQty} of ${report.orderQty}: ${report.code}`
    case 'restated':
      return `restated ${id} ${report.orderQty} left ${report.leavesQty}: ${report.code}`
    case 'rejected':
      return `rejected ${rejectedName(report)} ${report.code}${fieldOf(report)}${again}`
    case 'accepted':
      return `accepted ${report.cmd}${detailOf(report)}${again}`
    default:
      throw new Error(`an execType without words: ${JSON.stringify(report)}`)
  }
}

/** What an order command is called: its id, else the order it is about, else the command. */
function rejectedName(report: Report): string {
  const isCancel = report.cmd === 'cancel'
  const name = report.clOrdId ?? report.transferId ?? (isCancel ? `cancel ${named(report)}` : '')
  return name === '' ? String(report.cmd) : name
}

function named(report: Report): string {
  return report.origClOrdId ?? `#${report.orderId}`
}

function fieldOf(report: Report): string {
  return report.field === undefined ? '' : ` ${report.field}`
}

function detailOf(report: Report): string {
  if (report.affected !== undefined) return ` of ${report.affected}`
  if (report.transferId !== undefined)
    return ` ${report.transferId} ${report.amount} ${report.asset}`
  return ''
}

/** Balances, then positions. */
export function tellBalances({ balances, positions }: BalancesAnswer): string {
  const money = balances.map((line) => `${line.asset} ${line.available} held ${line.held}`)
  const held = positions.map((line) => {
    const openBuy = line.openBuyQty === '0' ? '' : ` buying ${line.openBuyQty}`
    const openSell = line.openSellQty === '0' ? '' : ` selling ${line.openSellQty}`
    const at = line.qty === '0' ? '' : ` at ${line.avgCost}`
    return `${line.symbol} ${line.qty}${at} realised ${line.realised}${openBuy}${openSell}`
  })
  return `${money.join(', ') || 'nothing'}${held.length > 0 ? ' | ' : ''}${held.join(', ')}`
}

/** Best prices in the middle: bids, then asks. */
export function tellBook({ bids, asks }: BookAnswer): string[] {
  const level = ({ price, qty, orders }: BookAnswer['bids'][number]) =>
    `${qty} @ ${price} (${orders})`
  return [`bids ${bids.map(level).join(', ') || '-'}`, `asks ${asks.map(level).join(', ') || '-'}`]
}

export function tellOrders({ orders }: OrdersAnswer, withSymbol: boolean): string[] {
  if (orders.length === 0) return ['no orders']
  return orders.map((order) => {
    const of = withSymbol ? ` ${order.symbol}` : ''
    const filled = order.cumQty === '0' ? '' : ` filled ${order.cumQty} at ${order.avgPx}`
    return `${order.clOrdId} ${order.side} ${order.orderQty}${of} @ ${order.price}${filled}`
  })
}

/** A line a transaction. */
export function tellPostings(postings: Posting[]): string[] {
  const transactions = new Map<string, string[]>()
  for (const { tx, account, asset, amount } of postings) {
    const lines = transactions.get(tx) ?? []
    transactions.set(tx, lines)
    lines.push(`${account} ${amount} ${asset}`)
  }
  const told = [...transactions].map(([tx, lines]) => `${tx}: ${lines.join(', ')}`)
  return told.length > 0 ? told : ['no postings']
}
