// A flow: order messages as columns of typed arrays, so that feeding them costs the timed loop
// nothing.

/** What a message asks for. */
export const Op = { limit: 0, cancel: 1, replace: 2 } as const

/**
 * Messages `0 .. length - 1`. A limit has all columns; a replace has the order's new price and new
 * total quantity; a cancel has id, symbol and owner. `id` counts orders from 1.
 */
export class Flow {
  readonly name: string
  readonly op: Uint8Array
  readonly id: Int32Array
  readonly symbol: Int32Array
  readonly owner: Int32Array
  readonly side: Uint8Array
  readonly priceTicks: Int32Array
  readonly qtyLots: Int32Array
  readonly flags: Uint8Array
  /** Messages so far, at most the capacity it was made with. */
  length = 0
  /** The highest order id. */
  orders = 0

  constructor(name: string, capacity: number) {
    this.name = name
    this.op = new Uint8Array(capacity)
    this.id = new Int32Array(capacity)
    this.symbol = new Int32Array(capacity)
    this.owner = new Int32Array(capacity)
    this.side = new Uint8Array(capacity)
    this.priceTicks = new Int32Array(capacity)
    this.qtyLots = new Int32Array(capacity)
    this.flags = new Uint8Array(capacity)
  }

  /** Appends a message. */
  add(
    op: number,
    id: number,
    symbol: number,
    owner: number,
    side: number,
    priceTicks: number,
    qtyLots: number,
    flags: number,
  ): void {
    const at = this.length
    this.length = at + 1
    this.op[at] = op
    this.id[at] = id
    this.symbol[at] = symbol
    this.owner[at] = owner
    this.side[at] = side
    this.priceTicks[at] = priceTicks
    this.qtyLots[at] = qtyLots
    this.flags[at] = flags
    if (id > this.orders) this.orders = id
  }
}

/** Orders as a generator believes them to be, by id; it sees no answers. */
export class Drawn {
  readonly symbol: Int32Array
  readonly owner: Int32Array
  readonly side: Uint8Array
  readonly priceTicks: Int32Array
  readonly qtyLots: Int32Array
  count = 0

  constructor(capacity: number) {
    this.symbol = new Int32Array(capacity + 1)
    this.owner = new Int32Array(capacity + 1)
    this.side = new Uint8Array(capacity + 1)
    this.priceTicks = new Int32Array(capacity + 1)
    this.qtyLots = new Int32Array(capacity + 1)
  }

  /** Notes a new order; returns its id. */
  add(symbol: number, owner: number, side: number, priceTicks: number, qtyLots: number): number {
    this.count += 1
    const id = this.count
    this.symbol[id] = symbol
    this.owner[id] = owner
    this.side[id] = side
    this.priceTicks[id] = priceTicks
    this.qtyLots[id] = qtyLots
    return id
  }
}
