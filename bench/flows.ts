// Five order flows that differ in the way the mid price goes: static, a routine 2 % swing, crashes
// of 25, 40 and 60 %. They are drawn without knowing any book: what the orders meet is the book's
// affair.
//
// Orders stand at a power-law distance from the mid, most within some ticks of it, and live the
// longer the farther away they stand and the shorter the faster the mid comes towards them; one in
// ten stands far out and is patient. 15 % are immediate-or-cancel; 95 % of the others are canceled
// later, the rest stand at the touch until they trade; 20 % of all orders are replaced once (half
// of them to a new price at the mid of that moment, half to a lower quantity); 2 % of cancels come
// twice.

import { Prng } from '../src/lib/prng.ts'
import { orderFlags, Side, TimeInForce } from '../src/protocol/order-flags.ts'
import { Drawn, Flow, Op } from './flow.ts'

const MID_TICKS = 1_000_000
const IOC_SHARE = 0.15
const CANCELED_SHARE = 0.95
const REPLACED_SHARE = 0.2
const CANCELED_TWICE_SHARE = 0.02
const QTY_MAX = 100
/**
 * An immediate-or-cancel order takes less than an order brings: some 5 % of what rests is to trade.
 */
const IOC_QTY_MAX = 60
/**
 * P(distance > d) = 1 / (1 + d / m): the median order stands m = 8 ticks from the mid, 1 % beyond
 * 800.
 */
const DISTANCE_TICKS = 8
const DISTANCE_TICKS_MAX = 50_000
/** Mean life of an order at the mid, in messages; it grows with the distance. */
const LIFE_MESSAGES = 100
/**
 * Mean life of an order that the mid comes towards, as a share of the time the mid needs to get
 * there.
 */
const LIFE_BEFORE_MID = 0.4
/**
 * Patient orders carry the book's depth: their median distance and mean life, wherever the mid
 * goes.
 */
const PATIENT_SHARE = 0.1
const PATIENT_DISTANCE_TICKS = 160
const PATIENT_LIFE_MESSAGES = 100_000

/** The mid price over the flow's time `t` in [0, 1), as a factor. */
export const PATHS = {
  static: () => 1,
  'routine 2%': (t: number) => 1 + 0.01 * Math.sin(4 * Math.PI * t),
  'crash 25%': (t: number) => 1 - 0.25 * fall(t),
  'crash 40%': (t: number) => 1 - 0.4 * fall(t),
  'crash 60%': (t: number) => 1 - 0.6 * fall(t),
} as const
export type FlowName = keyof typeof PATHS
export const FLOW_NAMES = Object.keys(PATHS) as FlowName[]

/**
 * A crash falls smoothly through the middle third of the flow; a quarter of the fall comes back.
 */
function fall(t: number): number {
  const smooth = (x: number) => (x <= 0 ? 0 : x >= 1 ? 1 : x * x * (3 - 2 * x))
  return smooth((t - 1 / 3) * 3) - 0.25 * smooth((t - 0.75) * 5)
}

export interface FlowOptions {
  accounts: number
  symbols: number
  seed: number
  /** Replaces change the price only, so that every book queues them anew: for comparing books. */
  requeueOnly: boolean
}

const DEFAULTS: FlowOptions = { accounts: 1000, symbols: 1, seed: 1, requeueOnly: false }

/**
 * The named flow in `length` messages. Buyers have even account numbers, sellers odd ones, so that
 * no order can meet its own account's and books without self-trade prevention see the same trades.
 */
export function makeFlow(name: FlowName, length: number, options?: Partial<FlowOptions>): Flow {
  const { accounts, symbols, seed, requeueOnly } = { ...DEFAULTS, ...options }
  const path = PATHS[name]
  const random = new Prng(seed)
  const flow = new Flow(name, length)
  const orders = new Drawn(length)
  const agenda = new Agenda(length)
  let noise = 0

  /**
   * A price on a side of the mid; distance zero never happens, so orders cross only when the mid
   * moves.
   */
  const priceAt = (mid: number, side: number, distance: number) =>
    side === Side.buy ? mid - distance : mid + distance

  /**
   * How long an order is left in the book, in messages, when the mid moves by `drift` ticks a
   * message.
   */
  const drawLife = (side: number, distance: number, patient: boolean, drift: number) => {
    const towards = side === Side.buy ? -drift : drift
    const calm = LIFE_MESSAGES * (1 + distance)
    const hurried = towards > 0 ? Math.min(calm, (LIFE_BEFORE_MID * distance) / towards) : calm
    const mean = patient ? PATIENT_LIFE_MESSAGES : hurried
    return 1 + Math.floor(-Math.log(1 - random.next()) * mean)
  }

  const newOrder = (now: number, mid: number, drift: number) => {
    const side = random.int(2)
    const owner = 2 * random.int(accounts / 2) + side
    const symbol = random.int(symbols)
    if (random.chance(IOC_SHARE)) {
      const flags = orderFlags({ side: side as Side, timeInForce: TimeInForce.IOC })
      const price = priceAt(mid, side, 2 - random.int(12)) // most reach across the spread
      const qty = 1 + random.int(IOC_QTY_MAX)
      const id = orders.add(symbol, owner, side, price, qty)
      flow.add(Op.limit, id, symbol, owner, side, price, qty, flags)
      return
    }
    const leaves = random.chance(CANCELED_SHARE)
    const patient = leaves && random.chance(PATIENT_SHARE)
    const distance = leaves ? drawDistance(random, patient) : 1
    const price = priceAt(mid, side, distance)
    const qty = 1 + random.int(QTY_MAX)
    const id = orders.add(symbol, owner, side, price, qty)
    flow.add(Op.limit, id, symbol, owner, side, price, qty, side)
    const life = drawLife(side, distance, patient, drift)
    if (leaves) agenda.add(now + life, id, Act.cancel)
    if (random.chance(REPLACED_SHARE / (1 - IOC_SHARE))) {
      agenda.add(now + 1 + random.int(life), id, Act.replace)
    }
  }

  const replace = (id: number, mid: number) => {
    const side = orders.side[id]
    const qty = orders.qtyLots[id]
    if (!requeueOnly && qty > 1 && random.chance(0.5)) {
      orders.qtyLots[id] = 1 + random.int(qty - 1)
    } else {
      let price = priceAt(mid, side, drawDistance(random, false))
      if (price === orders.priceTicks[id]) price = priceAt(price, side, 1)
      orders.priceTicks[id] = price
    }
    const { symbol, owner, priceTicks, qtyLots } = orders
    flow.add(Op.replace, id, symbol[id], owner[id], side, priceTicks[id], qtyLots[id], side)
  }

  const cancel = (now: number, id: number, again: boolean) => {
    flow.add(Op.cancel, id, orders.symbol[id], orders.owner[id], orders.side[id], 0, 0, 0)
    if (!again && random.chance(CANCELED_TWICE_SHARE)) {
      agenda.add(now + 1 + random.int(50), id, Act.cancelAgain)
    }
  }

  for (let now = 0; now < length; now += 1) {
    if (name !== 'static') noise += (random.next() - 0.5) * 0.1 - noise * 0.001
    const trend = MID_TICKS * path(now / length)
    const mid = Math.round(trend + noise)
    const due = agenda.take(now)
    if (due === 0) newOrder(now, mid, MID_TICKS * path((now + 1) / length) - trend)
    else if ((due & 3) === Act.replace) replace(due >> 2, mid)
    else cancel(now, due >> 2, (due & 3) === Act.cancelAgain)
  }
  return flow
}

function drawDistance(random: Prng, patient: boolean): number {
  const median = patient ? PATIENT_DISTANCE_TICKS : DISTANCE_TICKS
  const distance = 1 + Math.floor(median * (1 / (1 - random.next()) - 1))
  return Math.min(distance, DISTANCE_TICKS_MAX)
}

/** What an agenda holds for an order. */
const Act = { cancel: 1, replace: 2, cancelAgain: 3 } as const

/** What is to be sent at which message: a list of (order, act) for each message number. */
class Agenda {
  private readonly first: Int32Array
  private readonly acts: Int32Array
  private readonly following: Int32Array
  private count = 0
  /** No act is due before this message. */
  private from = 0

  constructor(length: number) {
    this.first = new Int32Array(length)
    this.acts = new Int32Array(3 * length + 1)
    this.following = new Int32Array(3 * length + 1)
  }

  /** Plans an act; one beyond the flow's end is dropped. */
  add(due: number, id: number, act: number): void {
    if (due >= this.first.length) return
    this.count += 1
    this.acts[this.count] = (id << 2) | act
    this.following[this.count] = this.first[due]
    this.first[due] = this.count
  }

  /** The earliest act due by `now`, as `id << 2 | act`, or 0. */
  take(now: number): number {
    while (this.from < now && this.first[this.from] === 0) this.from += 1
    const entry = this.first[this.from]
    if (entry === 0) return 0
    this.first[this.from] = this.following[entry]
    return this.acts[entry]
  }
}
