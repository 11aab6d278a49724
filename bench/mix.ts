// The whole engine's mix, as exchange-core tests with it: 9 % GTC, 3 % IOC, 6 % cancel, 82 %
// replace.
//
// Drawn without a book, and yet every cancel and replace finds its order open: buys rest below the
// symbol's mid and sells above, so nothing trades by chance. For a trade an order is first replaced
// to the mid, where it stands alone, and an immediate-or-cancel order then takes it. The number of
// open orders is steady: of each nine new ones six are canceled and three filled.

import { Prng } from '../src/lib/prng.ts'
import { orderFlags, Side, TimeInForce } from '../src/protocol/order-flags.ts'
import { Drawn, Flow, Op } from './flow.ts'

const GTC_SHARE = 0.09
const IOC_SHARE = 0.03
const CANCEL_SHARE = 0.06
/** Replaces that only lower the quantity. */
const SHRINK_SHARE = 0.1
/** Lots that an immediate-or-cancel order may ask for beyond what is there; they expire. */
const BEYOND_LOTS_MAX = 10
/** Median and largest distance of an order from the mid. */
const DISTANCE_TICKS = 8
const DISTANCE_TICKS_MAX = 500
const QTY_MAX = 100

export interface MixOptions {
  accounts: number
  symbols: number
  /** Open orders, made by the flow's first messages and then kept. */
  resting: number
  /** Messages of the mix itself, behind the first `resting` ones. */
  messages: number
  /** Every symbol's mid price. */
  midTicks: number
  seed: number
}

const DEFAULTS: MixOptions = {
  accounts: 1000,
  symbols: 16,
  resting: 16_000,
  messages: 2_000_000,
  midTicks: 10_000,
  seed: 1,
}

/** `resting` new orders, then `messages` of the mix. */
export function makeMix(options?: Partial<MixOptions>): Flow {
  const all = { ...DEFAULTS, ...options }
  const mix = new Mix(all)
  for (let left = all.resting; left > 0; left -= 1) mix.newOrder()
  for (let left = all.messages; left > 0; left -= 1) mix.message()
  return mix.flow
}

class Mix {
  readonly flow: Flow
  private readonly options: MixOptions
  private readonly random: Prng
  private readonly orders: Drawn
  /** Ids of the open orders that stand away from the mid, in no order. */
  private readonly open: Int32Array
  private openCount = 0
  /** By symbol: the order at its mid, or 0. */
  private readonly atMid: Int32Array
  /** Symbols with an order at the mid, oldest first. */
  private readonly ready: number[] = []

  constructor(options: MixOptions) {
    const { resting, messages, symbols, seed } = options
    this.options = options
    this.random = new Prng(seed)
    this.flow = new Flow('mix', resting + messages)
    this.orders = new Drawn(resting + messages)
    this.open = new Int32Array(resting + messages)
    this.atMid = new Int32Array(symbols)
  }

  message(): void {
    const draw = this.random.next()
    if (draw < GTC_SHARE || this.openCount === 0) this.newOrder()
    else if (draw < GTC_SHARE + IOC_SHARE && this.ready.length > 0) this.take()
    else if (draw < GTC_SHARE + IOC_SHARE + CANCEL_SHARE) this.cancel()
    else this.replace()
  }

  newOrder(): void {
    const { random, options, orders, flow } = this
    const side = random.int(2)
    const symbol = random.int(options.symbols)
    const owner = random.int(options.accounts)
    const price = this.drawPrice(side)
    const qty = 1 + random.int(QTY_MAX)
    const id = orders.add(symbol, owner, side, price, qty)
    flow.add(Op.limit, id, symbol, owner, side, price, qty, side)
    this.open[this.openCount] = id
    this.openCount += 1
  }

  private cancel(): void {
    const { symbol, owner, side } = this.orders
    const at = this.random.int(this.openCount)
    const id = this.open[at]
    this.close(at)
    this.flow.add(Op.cancel, id, symbol[id], owner[id], side[id], 0, 0, 0)
  }

  private replace(): void {
    const { random, orders } = this
    const at = random.int(this.openCount)
    const id = this.open[at]
    const symbol = orders.symbol[id]
    // As many orders go to the mid as there are immediate-or-cancel orders to take them.
    const wanted = this.ready.length < Math.min(4, this.atMid.length)
    if (wanted && this.atMid[symbol] === 0) {
      this.close(at)
      this.atMid[symbol] = id
      this.ready.push(symbol)
      orders.priceTicks[id] = this.options.midTicks
    } else if (orders.qtyLots[id] > 1 && random.chance(SHRINK_SHARE)) {
      orders.qtyLots[id] = 1 + random.int(orders.qtyLots[id] - 1)
    } else {
      orders.priceTicks[id] = this.drawPrice(orders.side[id])
    }
    const { owner, side, priceTicks, qtyLots } = orders
    this.flow.add(
      Op.replace,
      id,
      symbol,
      owner[id],
      side[id],
      priceTicks[id],
      qtyLots[id],
      side[id],
    )
  }

  /** An immediate-or-cancel order for the oldest order at a mid, from another account. */
  private take(): void {
    const { random, orders, options, flow } = this
    const symbol = this.ready[0]
    const maker = this.atMid[symbol]
    const side = orders.side[maker] === Side.buy ? Side.sell : Side.buy
    const owner = (orders.owner[maker] + 1 + random.int(options.accounts - 1)) % options.accounts
    const qty = orders.qtyLots[maker] + random.int(BEYOND_LOTS_MAX + 1)
    const id = orders.add(symbol, owner, side, options.midTicks, qty)
    const flags = orderFlags({ side, timeInForce: TimeInForce.IOC })
    flow.add(Op.limit, id, symbol, owner, side, options.midTicks, qty, flags)
    this.atMid[symbol] = 0
    this.ready.shift()
  }

  /** Forgets the open order at a place of the list. */
  private close(at: number): void {
    this.openCount -= 1
    this.open[at] = this.open[this.openCount]
  }

  private drawPrice(side: number): number {
    const drawn = 1 + Math.floor(DISTANCE_TICKS * (1 / (1 - this.random.next()) - 1))
    const distance = Math.min(drawn, DISTANCE_TICKS_MAX)
    const { midTicks } = this.options
    return side === Side.buy ? midTicks - distance : midTicks + distance
  }
}
