// The file is a window of N levels. What moves out of it changes unseen, so it is forgotten; what
// moves into it is made equal to the file. Nothing else is ever taken from the order book file.

import type { Desk, Slip } from './desk.ts'
import type { Command } from './exchange-port.ts'
import { isWorse, type Level, type Row, type Side, sides } from './format.ts'
import { type Resting, totalQty } from './street-book.ts'

export class Window {
  readonly counts = { rowsRevealed: 0, restored: 0, adopted: 0, forgotten: 0 }
  readonly #desk: Desk
  readonly #levels: number
  readonly #remembered: Record<Side, Map<number, readonly Slip[]>> = {
    buy: new Map(),
    sell: new Map(),
  }

  constructor(desk: Desk, levels: number) {
    this.#desk = desk
    this.#levels = levels
  }

  /** Row 0 says only how much rests: one anonymous order a level. */
  seed(row: Row): void {
    for (const side of sides)
      for (const { ticks, qty } of row[side])
        this.#desk.round(this.#desk.replaceByAnon(side, ticks, qty))
  }

  /** `ownId`: the order the message submitted, which stays itself on a level that is revealed. */
  follow(prior: Row, row: Row, ownId: string | undefined): void {
    const reveals = sides.flatMap((side) => this.#reveal(side, prior, row, ownId))
    if (reveals.length > 0) this.counts.rowsRevealed++
    this.#desk.round(reveals)
    this.#desk.round(sides.flatMap((side) => this.#forget(side, row)))
  }

  #reveal(side: Side, prior: Row, row: Row, ownId: string | undefined): Command[] {
    if (prior[side].length < this.#levels) return []
    const worst = prior[side][this.#levels - 1].ticks
    const commands: Command[] = []
    for (const level of row[side]) {
      if (!isWorse(side, level.ticks, worst)) continue
      if (this.#desk.book.qty(side, level.ticks) === level.qty) continue
      const own = ownId === undefined ? undefined : this.#desk.book.known(ownId, side, level.ticks)
      commands.push(...this.#makeEqual(side, level, own))
    }
    return commands
  }

  #makeEqual(side: Side, level: Level, own: Resting | undefined): Command[] {
    const desk = this.#desk
    const { ticks } = level
    const qty = level.qty - (own?.leavesQty ?? 0)
    const remembered = this.#remembered[side].get(ticks) ?? []
    this.#remembered[side].delete(ticks)
    const commands = desk.book.queue(side, ticks).map((order) => desk.cancel(order))
    if (totalQty(remembered) === qty) {
      this.counts.restored++
      commands.push(...remembered.map((slip) => desk.submit(slip, side, ticks)))
    } else if (qty > 0) {
      this.counts.adopted++
      const anon = { id: desk.newAnonId(), version: 0, leavesQty: qty }
      commands.push(desk.submit(anon, side, ticks))
    }
    if (own !== undefined) commands.push(desk.submit(nextSlip(own), side, ticks))
    return commands
  }

  #forget(side: Side, row: Row): Command[] {
    if (row[side].length < this.#levels) return []
    const worst = row[side][this.#levels - 1].ticks
    const commands: Command[] = []
    for (const ticks of this.#desk.book.prices(side)) {
      if (!isWorse(side, ticks, worst)) continue
      const queue = this.#desk.book.queue(side, ticks)
      this.counts.forgotten++
      this.#remembered[side].set(ticks, queue.map(nextSlip))
      commands.push(...queue.map((order) => this.#desk.cancel(order)))
    }
    return commands
  }
}

function nextSlip(order: Resting): Slip {
  return { id: order.id, version: order.version + 1, leavesQty: order.leavesQty }
}
