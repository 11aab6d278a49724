// Sends the harness's commands to the engine and reads its reports: into the street book, into the
// tally of shares, and into the hash that says whether two replays were the same. The harness sends
// only what the engine must accept, so a refusal or an unexpected report is a fault and throws.
import { createHash } from 'node:crypto'
import {
  type Command,
  type ExchangePort,
  openingCommands,
  priceText,
  priceTicks,
  type Report,
  street,
  takers,
} from './exchange-port.ts'
import { opposite, type Side } from './format.ts'
import { type Resting, StreetBook } from './street-book.ts'

/** What a taker met: one resting order's part of it. */
export type Fill = {
  readonly id: string
  readonly anon: boolean
  readonly ticks: number
  readonly qty: number
}

/** What a submission needs; a forgotten order is remembered as this. */
export type Slip = {
  readonly id: string
  readonly version: number
  readonly leavesQty: number
}

const anonPrefix = 'anon'

export class Desk {
  exchange: ExchangePort
  /** The instrument's name, and its base asset's. */
  readonly symbol: string
  readonly book = new StreetBook()
  /** Shares, both accounts: submitted = resting + executed + canceled after every round. */
  readonly tally = { submitted: 0, resting: 0, executed: 0, canceled: 0 }
  commandCount = 0
  reportCount = 0
  #hash = createHash('sha256')
  #anonCount = 0
  #takerCount = 0
  #takerLeaves = 0
  #fills: Fill[] = []

  constructor(exchange: ExchangePort, symbol: string) {
    this.exchange = exchange
    this.symbol = symbol
    this.round(openingCommands(symbol))
  }

  /** The hash over every report line so far. */
  reportHash(): string {
    return this.#hash.copy().digest('hex')
  }

  newAnonId(): string {
    this.#anonCount++
    return anonPrefix + this.#anonCount
  }

  submit(slip: Slip, side: Side, ticks: number): Command {
    return {
      cmd: 'new',
      account: street,
      clOrdId: clOrdIdOf(slip.id, slip.version),
      symbol: this.symbol,
      side,
      ordType: 'limit',
      price: priceText(ticks),
      orderQty: String(slip.leavesQty),
      timeInForce: 'GTC',
    }
  }

  cancel(order: Resting): Command {
    return { cmd: 'cancel', account: street, symbol: this.symbol, origClOrdId: order.clOrdId }
  }

  /** Takes `qty` out of the order without a trade; what is left keeps its place in the queue. */
  reduce(order: Resting, qty: number): Command {
    if (qty === order.leavesQty) return this.cancel(order)
    return {
      cmd: 'replace',
      account: street,
      symbol: this.symbol,
      origClOrdId: order.clOrdId,
      clOrdId: clOrdIdOf(order.id, order.version + 1),
      price: priceText(order.ticks),
      orderQty: String(order.orderQty - qty),
    }
  }

  /** Cancels the whole level and, if `qty` is above zero, puts one anonymous order in its place. */
  replaceByAnon(side: Side, ticks: number, qty: number): Command[] {
    const commands = this.book.queue(side, ticks).map((order) => this.cancel(order))
    if (qty > 0)
      commands.push(this.submit({ id: this.newAnonId(), version: 0, leavesQty: qty }, side, ticks))
    return commands
  }

  /** Sends a taker against the resting `side` and returns whom it met, in the engine's order. */
  take(side: Side, ticks: number, qty: number): Fill[] {
    this.#fills = []
    this.#takerCount++
    this.round([
      {
        cmd: 'new',
        account: takers,
        clOrdId: `taker${this.#takerCount}`,
        symbol: this.symbol,
        side: opposite(side),
        ordType: 'limit',
        price: priceText(ticks),
        orderQty: String(qty),
        timeInForce: 'IOC',
      },
    ])
    return this.#fills
  }

  round(commands: Command[]): void {
    if (commands.length === 0) return
    this.commandCount += commands.length
    for (const report of this.exchange.execute(commands)) {
      this.reportCount++
      this.#hash.update(`${JSON.stringify(report)}\n`)
      this.#read(report as Report)
    }
  }

  #read(report: Report): void {
    if (report.execType === 'accepted') return
    if (report.execType === 'rejected' || report.duplicate === true) throw unexpected(report)
    if (report.account === street) this.#readStreet(report)
    else this.#readTaker(report)
  }

  #readStreet(report: Report): void {
    if (report.execType === 'new') {
      const orderQty = Number(report.orderQty)
      const leavesQty = Number(report.leavesQty)
      const [id, version = '0'] = report.clOrdId.split('.')
      this.book.add({
        id,
        anon: id.startsWith(anonPrefix),
        side: report.side,
        ticks: priceTicks(report.price),
        version: Number(version),
        clOrdId: report.clOrdId,
        orderQty,
        cumQty: 0,
        leavesQty,
      })
      this.tally.submitted += orderQty
      this.tally.resting += leavesQty
      return
    }
    const order = this.book.byClOrdId(report.origClOrdId ?? report.clOrdId)
    if (order === undefined) throw unexpected(report)
    if (report.execType === 'trade') this.#readMakerTrade(order, report)
    else if (report.execType === 'replaced') this.#readReplaced(order, report)
    else if (report.execType === 'canceled') this.#readCanceled(order, report)
    else throw unexpected(report)
  }

  #readMakerTrade(order: Resting, report: Report): void {
    const qty = Number(report.lastQty)
    const ticks = priceTicks(report.lastPx)
    if (ticks !== order.ticks || qty <= 0) throw unexpected(report)
    this.tally.executed += qty
    order.cumQty = Number(report.cumQty)
    this.#leave(order, report)
    this.#fills.push({ id: order.id, anon: order.anon, ticks, qty })
  }

  #readReplaced(order: Resting, report: Report): void {
    const orderQty = Number(report.orderQty)
    this.tally.canceled += order.orderQty - orderQty
    order.orderQty = orderQty
    this.#leave(order, report)
    this.book.rename(order, report.clOrdId, order.version + 1)
  }

  #readCanceled(order: Resting, report: Report): void {
    this.tally.canceled += Number(report.orderQty) - Number(report.cumQty)
    if (Number(report.leavesQty) !== 0) throw unexpected(report)
    this.tally.resting -= order.leavesQty
    this.book.remove(order)
  }

  /** Takes the report's leavesQty over and drops an order that has nothing left. */
  #leave(order: Resting, report: Report): void {
    const leavesQty = Number(report.leavesQty)
    if (order.orderQty !== order.cumQty + leavesQty) throw unexpected(report)
    this.tally.resting += leavesQty - order.leavesQty
    order.leavesQty = leavesQty
    if (leavesQty === 0) this.book.remove(order)
  }

  #readTaker(report: Report): void {
    const leavesQty = Number(report.leavesQty)
    if (report.execType === 'new') this.tally.submitted += Number(report.orderQty)
    else if (report.execType === 'trade') this.tally.executed += Number(report.lastQty)
    else if (report.execType === 'expired' && report.code === 'IOC_REMAINDER')
      this.tally.canceled += Number(report.orderQty) - Number(report.cumQty)
    else throw unexpected(report)
    this.tally.resting += leavesQty - this.#takerLeaves
    this.#takerLeaves = leavesQty
  }
}

function clOrdIdOf(id: string, version: number): string {
  return version === 0 ? id : `${id}.${version}`
}

function unexpected(report: Report): Error {
  return new Error(`unexpected report: ${JSON.stringify(report)}`)
}
