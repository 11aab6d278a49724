// C3: what must hold whatever the file says, from the engine's answers alone. The window is checked
// after every message; the whole book, its orders and the balances behind it every 1,000 messages.
import type { Desk } from './desk.ts'
import {
  type BookAnswer,
  type BookLevel,
  houseAccounts,
  priceTicks,
  quoteAsset,
  quoteDecimals,
  street,
  takers,
} from './exchange-port.ts'
import type { Findings } from './findings.ts'
import { isWorse, Side } from './format.ts'
import { totalQty } from './street-book.ts'

export const messagesPerWholeCheck = 1_000
const depthMax = 1_000
/** One tick times one lot in the quote asset's smallest unit. */
const minorPerTickLot = 100n

export function checkWindow(desk: Desk, answer: BookAnswer, where: string, found: Findings): void {
  const bid = answer.bids.length > 0 ? priceTicks(answer.bids[0].price) : 0
  const ask = answer.asks.length > 0 ? priceTicks(answer.asks[0].price) : Infinity
  found.check(bid < ask, () => `${where}: best bid ${bid} not below best ask ${ask}`)
  checkLevels(desk, Side.buy, answer.bids, where, found)
  checkLevels(desk, Side.sell, answer.asks, where, found)
  const { submitted, resting, executed, canceled } = desk.tally
  found.check(
    submitted === resting + executed + canceled,
    () => `${where}: submitted ${submitted} = ${resting} + ${executed} + ${canceled} fails`,
  )
}

function checkLevels(
  desk: Desk,
  side: Side,
  levels: readonly BookLevel[],
  where: string,
  found: Findings,
): void {
  let before: number | undefined
  for (const { price, qty, orders } of levels) {
    const ticks = priceTicks(price)
    const queue = desk.book.queue(side, ticks)
    const sorted = before === undefined || isWorse(side, ticks, before)
    const sized = Number(qty) > 0 && queue.every((order) => order.leavesQty > 0)
    const summed = Number(qty) === totalQty(queue) && orders === queue.length
    found.check(
      sorted && sized && summed,
      () => `${where}: ${side} ${price} says ${qty} in ${orders}, orders say ${totalQty(queue)}`,
    )
    before = ticks
  }
}

export function checkWhole(desk: Desk, where: string, found: Findings): void {
  const { exchange } = desk
  exchange.check()
  const book = exchange.book(desk.symbol, depthMax)
  checkWindow(desk, book, where, found)
  const levelCount = desk.book.prices(Side.buy).length + desk.book.prices(Side.sell).length
  found.check(
    book.bids.length + book.asks.length === levelCount,
    () => `${where}: the book has other levels than its orders`,
  )
  const shares = [...book.bids, ...book.asks].reduce((sum, level) => sum + Number(level.qty), 0)
  found.check(
    shares === desk.tally.resting,
    () => `${where}: ${shares} rest in the book, reports say ${desk.tally.resting}`,
  )
  checkOrders(desk, where, found)
  checkMoney(desk, book, where, found)
}

/** The account's open orders are exactly the orders the reports left open. */
function checkOrders(desk: Desk, where: string, found: Findings): void {
  const { orders } = desk.exchange.orders(street)
  found.check(orders.length === desk.book.orderCount, () => `${where}: other open orders`)
  for (const { clOrdId, side, price, leavesQty } of orders) {
    const order = desk.book.byClOrdId(clOrdId)
    found.check(
      order?.side === side &&
        order.ticks === priceTicks(price) &&
        order.leavesQty === Number(leavesQty),
      () => `${where}: open order ${clOrdId} is not as reported`,
    )
  }
  const { orders: left } = desk.exchange.orders(takers)
  found.check(left.length === 0, () => `${where}: a taker's order is open`)
}

/** No money made or lost, and the holds are exactly what rests. */
function checkMoney(desk: Desk, book: BookAnswer, where: string, found: Findings): void {
  for (const asset of [quoteAsset, desk.symbol]) {
    const sum = [street, takers, ...houseAccounts]
      .map((account) => balance(desk, account, asset))
      .reduce((total, { available, held }) => total + available + held, 0n)
    found.check(sum === 0n, () => `${where}: ${asset} balances sum to ${sum}`)
  }
  const bidNotional = book.bids
    .map(({ price, qty }) => BigInt(priceTicks(price)) * BigInt(qty) * minorPerTickLot)
    .reduce((sum, notional) => sum + notional, 0n)
  const askQty = book.asks.reduce((sum, { qty }) => sum + BigInt(qty), 0n)
  found.check(
    balance(desk, street, quoteAsset).held === bidNotional &&
      balance(desk, street, desk.symbol).held === askQty &&
      balance(desk, takers, quoteAsset).held === 0n &&
      balance(desk, takers, desk.symbol).held === 0n,
    () => `${where}: holds are not what rests`,
  )
}

function balance(desk: Desk, account: string, asset: string): { available: bigint; held: bigint } {
  const { balances } = desk.exchange.balances(account)
  const line = balances.find((entry) => entry.asset === asset)
  const decimals = asset === quoteAsset ? quoteDecimals : 0
  return {
    available: minorUnits(line?.available, decimals),
    held: minorUnits(line?.held, decimals),
  }
}

function minorUnits(text = '0', decimals: number): bigint {
  const [whole, fraction = ''] = text.split('.')
  return BigInt(whole + fraction.padEnd(decimals, '0'))
}
