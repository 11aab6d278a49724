// The exchange as a library: JSON commands in, JSON reports out, one thread, no I/O.

import { createHash, randomInt } from 'node:crypto'
import {
  AC,
  ACCOUNT_WORDS,
  BA,
  BAF,
  BALANCE_WORDS,
  FIF,
  FILLS_WORDS,
  OR,
  ORDER_WORDS,
  ORF,
  PO,
  POF,
  POSITION_WORDS,
} from './engine/account/records.ts'
import { Engine, type EngineOptions } from './engine/engine.ts'
import { checkState } from './engine/invariants.ts'
import { readMarketState, readState, writeState } from './engine/state.ts'
import { assert } from './lib/assert.ts'
import { COMMANDS_PER_ROUND_MAX } from './protocol/bounds.ts'
import { unpackId } from './protocol/client-id.ts'
import { Code, codeText } from './protocol/codes.ts'
import { CommandLog } from './protocol/command-log.ts'
import { formatUnits } from './protocol/decimal.ts'
import { decode, type IntakeRefusal, type Query } from './protocol/decode.ts'
import { Directory } from './protocol/directory.ts'
import { isMarket, Side, sideOf, timeInForceOf } from './protocol/order-flags.ts'
import {
  formatAverage,
  formatPrice,
  formatQty,
  type Report,
  readReport,
} from './protocol/report-json.ts'
import { POSTING_WORDS, REPORT_WORDS, RPF } from './protocol/report-log.ts'

export type { Report } from './protocol/report-json.ts'

/** What a round answers: reports in order, then answers to queries. */
export type Answer = Report | QueryAnswer

/** One level of a book. */
export interface BookLevel {
  price: string
  qty: string
  orders: number
}
export interface BalancesAnswer {
  query: 'balances'
  seq: number
  account: string
  balances: { asset: string; available: string; held: string }[]
  positions: {
    symbol: string
    qty: string
    avgCost: string
    realised: string
    openBuyQty: string
    openSellQty: string
  }[]
}
export interface BookAnswer {
  query: 'book'
  seq: number
  symbol: string
  bids: BookLevel[]
  asks: BookLevel[]
}
export interface OrdersAnswer {
  query: 'orders'
  seq: number
  account: string
  orders: OpenOrder[]
}
export interface OpenOrder {
  orderId: string
  clOrdId: string
  symbol: string
  side: 'buy' | 'sell'
  ordType: 'limit' | 'market'
  timeInForce: string
  ordStatus: string
  price: string
  orderQty: string
  cumQty: string
  leavesQty: string
  avgPx: string
}
export type QueryAnswer = BalancesAnswer | BookAnswer | OrdersAnswer

/** A line of a transaction; the lines of one `tx` sum to zero per asset. */
export interface Posting {
  tx: string
  account: string
  asset: string
  amount: string
}

/** What {@link createExchange} can be told. All of it but `postings` is part of the state. */
export type ExchangeOptions = Pick<EngineOptions, 'postings' | 'submissionsRemembered'>

/** Echoed in the refusal of a line, where they are strings. */
const ECHOED = [
  'cmd',
  'account',
  'symbol',
  'clOrdId',
  'origClOrdId',
  'orderId',
  'transferId',
] as const

/** Longest string that a refusal echoes. */
const ECHO_CHARS_MAX = 64

/**
 * Makes an empty exchange.
 *
 *     const exchange = createExchange()
 *     exchange.execute({ cmd: 'asset', asset: 'USD', decimals: 2 })
 */
export function createExchange(options: ExchangeOptions = {}): Exchange {
  return new Exchange(new Engine({ ...options, hashSeed: randomInt(2 ** 31) }), new Directory())
}

/**
 * Makes an exchange from what {@link Exchange.serialize} gave. `submissionsRemembered` is part of
 * that.
 */
export function restoreExchange(
  bytes: Uint8Array,
  options: Pick<ExchangeOptions, 'postings'> = {},
): Exchange {
  const sections = readSections(bytes)
  const accounts = JSON.parse(
    new TextDecoder().decode(sections.next().value as Uint8Array),
  ) as string[]
  const state = readMarketState(sections.next().value as Uint8Array)
  const { submissionsRemembered } = state
  const engine = new Engine({ ...options, submissionsRemembered, hashSeed: randomInt(2 ** 31) })
  readState(engine, state, sections)
  assert(sections.next().done === true, 'nothing is behind the last section')
  const names = new Directory()
  for (const asset of state.assets) names.addAsset(asset)
  for (const instrument of state.instruments) names.addInstrument(instrument)
  for (const account of accounts.slice(names.accounts.length - 1)) names.addAccount(account)
  return new Exchange(engine, names)
}

/** Commands in, reports out; `submit` and `run` for streams, `execute` for a round at once. */
export class Exchange {
  private readonly engine: Engine
  private readonly names: Directory
  private readonly commands = new CommandLog()
  private readonly refusals: { before: number; report: Report }[] = []
  private readonly queries: Query[] = []

  constructor(engine: Engine, names: Directory) {
    this.engine = engine
    this.names = names
  }

  /** The `seq` of the last command that ran; 0 before the first. */
  get seq(): number {
    return this.engine.seq
  }

  /** Commands waiting for the next round. At COMMANDS_PER_ROUND_MAX, run it. */
  get waiting(): number {
    return this.commands.count
  }

  /**
   * Runs one round of these commands; returns their reports and the answers to queries among them.
   */
  execute(commands: unknown): Answer[] {
    const answers: Answer[] = []
    for (const command of Array.isArray(commands) ? commands : [commands]) {
      if (this.waiting === COMMANDS_PER_ROUND_MAX) this.runInto(answers)
      this.submit(command)
    }
    this.runInto(answers)
    return answers
  }

  /**
   * Adds a command to the next round. A bad one is refused there, in its place, with the number of
   * its `line` if one is given. Never throws.
   */
  submit(command: unknown, line?: number): void {
    const decoded = decode(command, this.names, this.commands)
    if (decoded === undefined) return
    if ('query' in decoded) this.queries.push(decoded)
    else this.refuse(decoded, command, line)
  }

  /** Adds the refusal of a line that is not even JSON to the next round. */
  refuse(refusal: IntakeRefusal, command: unknown, line?: number): void {
    const { code, field } = refusal
    const report: Report = { execType: 'rejected', code, field, text: codeText(Code[code]) }
    if (line !== undefined) report.line = line
    for (const name of ECHOED) {
      const value = (command as { [name: string]: unknown } | null)?.[name]
      if (typeof value === 'string' && value.length <= ECHO_CHARS_MAX) report[name] = value
    }
    this.refusals.push({ before: this.commands.count, report })
  }

  /** Runs a round of what is waiting; returns its reports in order, then the answers to queries. */
  run(): Answer[] {
    const answers: Answer[] = []
    this.runInto(answers)
    return answers
  }

  private runInto(answers: Answer[]): void {
    const { engine, names, commands, refusals, queries } = this
    const firstSeq = engine.seq + 1
    engine.round(commands)
    let refusal = 0
    const { reports } = engine
    for (let number = 0; number < reports.count; number += 1) {
      const at = number * REPORT_WORDS
      const command = reports.f64[(at >> 1) + RPF.seq] - firstSeq
      while (refusal < refusals.length && refusals[refusal].before <= command) {
        answers.push(refusals[refusal].report)
        refusal += 1
      }
      answers.push(readReport(reports, at, names))
    }
    for (; refusal < refusals.length; refusal += 1) answers.push(refusals[refusal].report)
    for (const query of queries) answers.push(this.answer(query))
    commands.clear()
    refusals.length = 0
    queries.length = 0
  }

  /**
   * Balances and positions of an account (`$fees` and `$external` too). Throws for an unknown one.
   */
  balances(account: string): BalancesAnswer {
    const handle = this.names.account(account)
    assert(handle !== 0, `an account named ${account} exists`)
    const { accounts, balances, positions } = this.engine.accounts
    const answer: BalancesAnswer = {
      query: 'balances',
      seq: this.seq,
      account,
      balances: [],
      positions: [],
    }
    const found: number[] = []
    let balance = accounts.i32[handle * ACCOUNT_WORDS + AC.firstBalance]
    for (; balance !== 0; balance = balances.i32[balance * BALANCE_WORDS + BA.next])
      found.push(balance)
    const assetOf = (at: number) => balances.i32[at * BALANCE_WORDS + BA.asset]
    for (const at of found.sort((x, y) => assetOf(x) - assetOf(y))) {
      const { asset, decimals } = this.names.assetOf(assetOf(at))
      const f = at * (BALANCE_WORDS >> 1)
      const available = balances.f64[f + BAF.available]
      const held = balances.f64[f + BAF.held]
      if (available === 0 && held === 0) continue
      answer.balances.push({
        asset,
        available: formatUnits(available, decimals),
        held: formatUnits(held, decimals),
      })
    }
    const held: number[] = []
    let position = accounts.i32[handle * ACCOUNT_WORDS + AC.firstPosition]
    for (; position !== 0; position = positions.i32[position * POSITION_WORDS + PO.next])
      held.push(position)
    const symbolOf = (at: number) => positions.i32[at * POSITION_WORDS + PO.symbol]
    for (const at of held.sort((x, y) => symbolOf(x) - symbolOf(y))) {
      const line = this.positionLine(at)
      if (line !== undefined) answer.positions.push(line)
    }
    return answer
  }

  /** Aggregated levels of a symbol's book from the best prices. Throws for an unknown symbol. */
  book(symbol: string, depth = 10): BookAnswer {
    const handle = this.names.symbol(symbol)
    assert(handle !== 0, `an instrument named ${symbol} exists`)
    const instrument = this.names.instrumentOf(handle)
    const levels = (side: Side) =>
      this.engine
        .book(handle)
        .depth(side, depth)
        .map((level) => ({
          price: formatPrice(level.priceTicks, instrument),
          qty: formatQty(level.qtyLots, instrument),
          orders: level.orders,
        }))
    return { query: 'book', seq: this.seq, symbol, bids: levels(Side.buy), asks: levels(Side.sell) }
  }

  /** Open orders of an account by ascending `orderId`. Throws for an unknown one. */
  orders(account: string): OrdersAnswer {
    const handle = this.names.account(account)
    assert(handle !== 0, `an account named ${account} exists`)
    const { accounts, orders } = this.engine.accounts
    const answer: OrdersAnswer = { query: 'orders', seq: this.seq, account, orders: [] }
    let order = accounts.i32[handle * ACCOUNT_WORDS + AC.firstOrder]
    for (; order !== 0; order = orders.i32[order * ORDER_WORDS + OR.behind]) {
      answer.orders.push(this.openOrder(order))
    }
    return answer
  }

  /** Postings of the last round; empty unless the exchange was made with `postings: true`. */
  postings(): Posting[] {
    const { log } = this.engine.postings
    const lines: Posting[] = []
    for (let number = 0; number < log.count; number += 1) {
      const at = number * POSTING_WORDS
      const { asset, decimals } = this.names.assetOf(log.i32[at + 1])
      lines.push({
        tx: `${log.f64[(at >> 1) + 2]}-${log.i32[at + 2]}`,
        account: this.names.accountOf(log.i32[at]),
        asset,
        amount: formatUnits(log.f64[(at >> 1) + 3], decimals),
      })
    }
    return lines
  }

  /**
   * SHA-256 over the digests of all actors: equal states have equal hashes, whatever their history.
   */
  stateHash(): string {
    const whole = createHash('sha256')
    for (const section of this.sections()) {
      whole.update(createHash('sha256').update(section).digest())
    }
    return whole.digest('hex')
  }

  /**
   * The whole state in canonical bytes, for {@link restoreExchange}. Commands that wait are not in
   * it.
   */
  serialize(): Uint8Array {
    const parts: Uint8Array[] = []
    for (const section of this.sections()) {
      const length = new Uint8Array(4)
      new DataView(length.buffer).setUint32(0, section.length, true)
      parts.push(length, section.slice())
    }
    return Buffer.concat(parts)
  }

  /** Checks every invariant of the state; throws a Fault at the first that does not hold. Slow. */
  check(): void {
    checkState(this.engine)
  }

  private *sections(): Generator<Uint8Array> {
    yield new TextEncoder().encode(JSON.stringify(this.names.accounts.slice(1)))
    yield* writeState(this.engine)
  }

  private answer(query: Query): QueryAnswer {
    const { names } = this
    if (query.query === 'book')
      return this.book(names.instrumentOf(query.handle).symbol, query.depth)
    const account = names.accountOf(query.handle)
    return query.query === 'balances' ? this.balances(account) : this.orders(account)
  }

  private positionLine(position: number): BalancesAnswer['positions'][number] | undefined {
    const { i32, f64 } = this.engine.accounts.positions
    const f = position * (POSITION_WORDS >> 1)
    const instrument = this.names.instrumentOf(i32[position * POSITION_WORDS + PO.symbol])
    const lots = f64[f + POF.lots]
    const realised = f64[f + POF.realised]
    const hasOpen = i32[position * POSITION_WORDS + PO.openOrders] > 0
    if (lots === 0 && realised === 0 && !hasOpen) return undefined
    return {
      symbol: instrument.symbol,
      qty: formatQty(lots, instrument),
      avgCost: formatAverage(f64[f + POF.cost], Math.abs(lots), instrument),
      realised: formatUnits(realised, this.names.assetOf(instrument.quote).decimals),
      openBuyQty: formatQty(f64[f + POF.openBuy], instrument),
      openSellQty: formatQty(f64[f + POF.openSell], instrument),
    }
  }

  private openOrder(order: number): OpenOrder {
    const { orders, positions, fills } = this.engine.accounts
    const o = order * ORDER_WORDS
    const of = o >> 1
    const symbol = positions.i32[orders.i32[o + OR.position] * POSITION_WORDS + PO.symbol]
    const instrument = this.names.instrumentOf(symbol)
    const flags = orders.i32[o + OR.flags]
    const leaves = orders.f64[of + ORF.leaves]
    const f = orders.i32[o + OR.fills] * (FILLS_WORDS >> 1)
    const cum = fills.f64[f + FIF.cum]
    return {
      orderId: String(orders.f64[of + ORF.orderId]),
      clOrdId: unpackId(orders.i32, o + OR.id),
      symbol: instrument.symbol,
      side: sideOf(flags) === Side.buy ? 'buy' : 'sell',
      ordType: isMarket(flags) ? 'market' : 'limit',
      timeInForce: (['GTC', 'IOC', 'FOK'] as const)[timeInForceOf(flags)],
      ordStatus: cum === 0 ? 'new' : 'partiallyFilled',
      price: formatPrice(orders.f64[of + ORF.priceTicks], instrument),
      orderQty: formatQty(leaves + cum, instrument),
      cumQty: formatQty(cum, instrument),
      leavesQty: formatQty(leaves, instrument),
      avgPx: formatAverage(fills.f64[f + FIF.notional], cum, instrument),
    }
  }
}

function* readSections(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  while (at < bytes.length) {
    const length = view.getUint32(at, true)
    assert(at + 4 + length <= bytes.length, 'a state is not cut short')
    yield bytes.subarray(at + 4, at + 4 + length)
    at += 4 + length
  }
}
