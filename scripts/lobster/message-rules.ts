// What one message does to the book when it is applied by itself.
import type { Desk } from './desk.ts'
import { Findings } from './findings.ts'
import { type Message, MessageType, ticksOf } from './format.ts'
import type { Resting } from './street-book.ts'

export type MessageCounts = {
  /** Executions sent as a taker, the named order being next to trade: did it fill, and alone? */
  readonly trades: Findings
  /** Executions taken out by replace or cancel: the named order was not the next to trade. */
  takenOut: number
  /** Messages that named an unseen order and took the size from the level's anonymous order. */
  fromAnon: number
  /** Levels turned into one anonymous order because they had none, or a smaller one. */
  converted: number
  /** Messages whose named order holds another size: an earlier run filled it otherwise. */
  misfits: number
  /** Messages ignored because the level holds less than they name. */
  unplaced: number
}

export function newMessageCounts(): MessageCounts {
  return { trades: new Findings(), takenOut: 0, fromAnon: 0, converted: 0, misfits: 0, unplaced: 0 }
}

export function applyMessage(desk: Desk, message: Message, counts: MessageCounts): void {
  switch (message.type) {
    case MessageType.newOrder: {
      const slip = { id: message.orderId, version: 0, leavesQty: message.qty }
      desk.round([desk.submit(slip, message.side, ticksOf(message))])
      return
    }
    case MessageType.partialCancel:
    case MessageType.fullCancel:
    case MessageType.execution:
      takeOut(desk, message, counts)
      return
    case MessageType.hiddenExecution:
    case MessageType.cross:
    case MessageType.halt:
      return
    default:
      throw new Error(`unknown message type: ${JSON.stringify(message)}`)
  }
}

function takeOut(desk: Desk, message: Message, counts: MessageCounts): void {
  const order = namedOrder(desk, message, counts) ?? anonOrder(desk, message, counts)
  if (order === undefined) return
  const { side, ticks } = order
  const { qty } = message
  if (message.type === MessageType.execution && isNext(desk, order)) {
    const fills = desk.take(side, ticks, qty)
    counts.trades.check(
      fills.length === 1 && fills[0].id === order.id && fills[0].qty === qty,
      () => `${order.id} was to trade ${qty}, the engine filled ${JSON.stringify(fills)}`,
    )
    return
  }
  if (message.type === MessageType.execution) counts.takenOut++
  desk.round([desk.reduce(order, qty)])
}

/** The order the message names, if it is known and holds what the message says it holds. */
function namedOrder(desk: Desk, message: Message, counts: MessageCounts): Resting | undefined {
  const order = desk.book.known(message.orderId, message.side, ticksOf(message))
  if (order === undefined) return undefined
  const isWhole = message.type === MessageType.fullCancel
  const fits = isWhole ? order.leavesQty === message.qty : order.leavesQty >= message.qty
  if (fits) return order
  counts.misfits++
  desk.round(desk.replaceByAnon(order.side, order.ticks, desk.book.qty(order.side, order.ticks)))
  return undefined
}

/** What stands for an unseen order: the level's anonymous one, or the whole level made into one. */
function anonOrder(desk: Desk, message: Message, counts: MessageCounts): Resting | undefined {
  const { side, qty } = message
  const ticks = ticksOf(message)
  const anon = desk.book.anon(side, ticks)
  const levelQty = desk.book.qty(side, ticks)
  if (levelQty < qty) {
    counts.unplaced++
    return undefined
  }
  counts.fromAnon++
  if (anon !== undefined && anon.leavesQty >= qty) return anon
  counts.converted++
  desk.round(desk.replaceByAnon(side, ticks, levelQty))
  return desk.book.anon(side, ticks)
}

/** True when a taker of this price would meet this order first. */
function isNext(desk: Desk, order: Resting): boolean {
  return (
    desk.book.best(order.side) === order.ticks &&
    desk.book.queue(order.side, order.ticks)[0] === order
  )
}
