// What the harness knows to rest in the engine, order by order in queue order. It is built from the
// engine's reports alone: comparing it with the engine's book compares two answers of the engine.
import { isWorse, type Side } from './format.ts'

export type Resting = {
  /** The LOBSTER order id; a made-up one for an anonymous order. */
  readonly id: string
  /** True for the one order of a level that stands for size whose orders are unknown. */
  readonly anon: boolean
  readonly side: Side
  readonly ticks: number
  /** How often this id was submitted or replaced before: `clOrdId` is `id`, then `id.1`, ... */
  version: number
  clOrdId: string
  /** leavesQty + cumQty = orderQty, leavesQty > 0. */
  orderQty: number
  cumQty: number
  leavesQty: number
}

const none: readonly Resting[] = []

export class StreetBook {
  readonly #levels: Record<Side, Map<number, Resting[]>> = { buy: new Map(), sell: new Map() }
  readonly #byClOrdId = new Map<string, Resting>()
  readonly #byId = new Map<string, Resting>()

  get orderCount(): number {
    return this.#byClOrdId.size
  }

  add(order: Resting): void {
    const queue = this.#levels[order.side].get(order.ticks)
    if (queue === undefined) this.#levels[order.side].set(order.ticks, [order])
    else queue.push(order)
    this.#byClOrdId.set(order.clOrdId, order)
    this.#byId.set(order.id, order)
  }

  remove(order: Resting): void {
    const queue = this.#levels[order.side].get(order.ticks)!
    queue.splice(queue.indexOf(order), 1)
    if (queue.length === 0) this.#levels[order.side].delete(order.ticks)
    this.#byClOrdId.delete(order.clOrdId)
    this.#byId.delete(order.id)
  }

  rename(order: Resting, clOrdId: string, version: number): void {
    this.#byClOrdId.delete(order.clOrdId)
    order.clOrdId = clOrdId
    order.version = version
    this.#byClOrdId.set(clOrdId, order)
  }

  byClOrdId(clOrdId: string): Resting | undefined {
    return this.#byClOrdId.get(clOrdId)
  }

  /** The order known under this LOBSTER id at this price, if any. */
  known(id: string, side: Side, ticks: number): Resting | undefined {
    const order = this.#byId.get(id)
    return order !== undefined && order.side === side && order.ticks === ticks ? order : undefined
  }

  queue(side: Side, ticks: number): readonly Resting[] {
    return this.#levels[side].get(ticks) ?? none
  }

  anon(side: Side, ticks: number): Resting | undefined {
    return this.queue(side, ticks).find((order) => order.anon)
  }

  qty(side: Side, ticks: number): number {
    return totalQty(this.queue(side, ticks))
  }

  prices(side: Side): number[] {
    return [...this.#levels[side].keys()]
  }

  /** The best price, undefined when the side is empty. */
  best(side: Side): number | undefined {
    let best: number | undefined
    for (const ticks of this.#levels[side].keys())
      if (best === undefined || isWorse(side, best, ticks)) best = ticks
    return best
  }
}

export function totalQty(orders: readonly { readonly leavesQty: number }[]): number {
  let qty = 0
  for (const order of orders) qty += order.leavesQty
  return qty
}
