// What books and accounts say happened: fixed-size records in one growing buffer, reused round
// after round.
//
// One record is one event for one order's owner; a trade is two records, the taker's first. Words:
//   i32 0  kind, in the low byte, and code << 8
//       1  the order's flag word (order-flags.ts)
//       2  owner: the account           3  tag: the owner's own number for the order
//       4  symbol                       5  index within the command; -1: the order's id
//   f64 3  seq of the command           4  orderId
//       5  priceTicks                   6  qtyLots: of the fill, else of the order
//       7  leavesLots                   8  cumLots
//       9  aux: a trade's number, else what came with the order message

export const EVENT_WORDS = 20

/**
 * What an event says. The order of the names is the order of their numbers; only add at the end.
 */
export const EventKind = {
  none: 0,
  accepted: 1,
  /** A fill for the incoming order. */
  tradeTaker: 2,
  /** A fill for the resting order. */
  tradeMaker: 3,
  /** Taken out on request; leavesLots is what was left. */
  canceled: 4,
  /** Taken out by rule `code`; leavesLots is what was left. */
  expired: 5,
  /** priceTicks, leavesLots and qtyLots (the new total) are in force. */
  replaced: 6,
  /** Shrunk by rule `code`; leavesLots is what is left. */
  restated: 7,
  /** A new order was refused with `code`. */
  rejected: 8,
  /** A replace was refused with `code`; the order stays as it was. */
  replaceRejected: 9,
  /** A cancel was refused with `code`. */
  cancelRejected: 10,
  /** No book's: the owner receives qtyLots smallest units of asset `symbol` from another shard. */
  credited: 11,
  /** No order's: the symbol's last trade of the round, priceTicks. */
  reference: 12,
  /**
   * No book's: what became, elsewhere, of a deposit of qtyLots smallest units of asset `symbol` to
   * the owner; `flags` say which outcome (engine/messages.ts).
   */
  deposited: 13,
} as const
export type EventKind = (typeof EventKind)[keyof typeof EventKind]

export const EV = {
  kind: 0,
  flags: 1,
  owner: 2,
  tag: 3,
  symbol: 4,
  index: 5,
} as const
export const EVF = {
  seq: 3,
  orderId: 4,
  priceTicks: 5,
  qtyLots: 6,
  leavesLots: 7,
  cumLots: 8,
  aux: 9,
} as const

/** One event as an object, for people and tests; the hot path reads the arrays. */
export interface BookEvent {
  kind: keyof typeof EventKind
  code: number
  seq: number
  index: number
  orderId: number
  owner: number
  tag: number
  flags: number
  symbol: number
  priceTicks: number
  qtyLots: number
  leavesLots: number
  cumLots: number
  /** The number of the trade in its symbol, from 1, on trades. */
  aux: number
}

// Words by name, for this file: V8 builds a module's private constants into the machine code, but
// loads what is exported or imported at each use.
const WORDS = EVENT_WORDS
const { flags: FLAGS, owner: OWNER, tag: TAG, symbol: SYMBOL, index: INDEX } = EV
const { seq: SEQ } = EVF

const KIND_NAMES = Object.keys(EventKind) as (keyof typeof EventKind)[]

/** Events to read: those of an {@link EventLog}, or records that a ring brought. */
export interface EventRecords {
  readonly i32: Int32Array
  readonly f64: Float64Array
  readonly count: number
}

export class EventLog implements EventRecords {
  i32: Int32Array
  f64: Float64Array
  /** Events in the log. */
  count = 0
  /** The command whose events are being written; stamped on each. */
  seq = 0
  symbol = 0
  /** The next event's index within the command; stays -1 where the order's id is the index. */
  index = 0
  private capacity: number

  constructor(initial = 1024) {
    this.capacity = initial
    const buffer = new ArrayBuffer(initial * EVENT_WORDS * 4)
    this.i32 = new Int32Array(buffer)
    this.f64 = new Float64Array(buffer)
  }

  /**
   * Starts a command's events: they are stamped with `seq` and `symbol`, and count from `index`.
   */
  begin(seq: number, symbol: number, index: number): void {
    this.seq = seq
    this.symbol = symbol
    this.index = index
  }

  /**
   * Appends a record stamped with the command; returns its number. The caller fills in the rest.
   */
  append(kindAndCode: number, flags: number, owner: number, tag: number): number {
    const number = this.count
    if (number === this.capacity) this.grow()
    this.count = number + 1
    const { i32, index } = this
    const base = number * WORDS
    i32[base] = kindAndCode
    i32[base + FLAGS] = flags
    i32[base + OWNER] = owner
    i32[base + TAG] = tag
    i32[base + SYMBOL] = this.symbol
    i32[base + INDEX] = index
    if (index >= 0) this.index = index + 1
    this.f64[(base >> 1) + SEQ] = this.seq
    return number
  }

  /** Forgets all events; the memory stays. */
  clear(): void {
    this.count = 0
  }

  /** The event with the given number, as an object. */
  at(number: number): BookEvent {
    const { i32, f64 } = this
    const i = number * EVENT_WORDS
    const f = i >> 1
    return {
      kind: KIND_NAMES[i32[i] & 255],
      code: i32[i] >>> 8,
      seq: f64[f + EVF.seq],
      index: i32[i + EV.index],
      orderId: f64[f + EVF.orderId],
      owner: i32[i + EV.owner],
      tag: i32[i + EV.tag],
      flags: i32[i + EV.flags],
      symbol: i32[i + EV.symbol],
      priceTicks: f64[f + EVF.priceTicks],
      qtyLots: f64[f + EVF.qtyLots],
      leavesLots: f64[f + EVF.leavesLots],
      cumLots: f64[f + EVF.cumLots],
      aux: f64[f + EVF.aux],
    }
  }

  /** All events, oldest first, as objects. */
  *[Symbol.iterator](): Generator<BookEvent> {
    for (let number = 0; number < this.count; number += 1) yield this.at(number)
  }

  private grow(): void {
    this.capacity *= 2
    const buffer = new ArrayBuffer(this.capacity * EVENT_WORDS * 4)
    const i32 = new Int32Array(buffer)
    i32.set(this.i32)
    this.i32 = i32
    this.f64 = new Float64Array(buffer)
  }
}
