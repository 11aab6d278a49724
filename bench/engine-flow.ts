// Commands for the whole engine: exchange-core's mix of 9 % GTC, 3 % IOC, 6 % cancel and 82 %
// replace.
//
// A replace is only worth measuring if its order is open, and only an engine knows which are. So
// the flow is drawn against an engine that reads its own reports, recorded in binary, and timed in
// a second run.

import { Engine } from '../src/engine/engine.ts'
import { Prng } from '../src/lib/prng.ts'
import { packId } from '../src/protocol/client-id.ts'
import { CM, CMF, COMMAND_WORDS, CommandKind, CommandLog } from '../src/protocol/command-log.ts'
import { decode } from '../src/protocol/decode.ts'
import { Directory } from '../src/protocol/directory.ts'
import { orderFlags, Side, TimeInForce } from '../src/protocol/order-flags.ts'
import { ExecType, OrdStatus, REPORT_WORDS, RP, RPF } from '../src/protocol/report-log.ts'
import { type Flow, Op } from './flow.ts'

/** What a flow is made for. */
export interface EngineFlowOptions {
  readonly accounts: number
  readonly symbols: number
  /** Symbols that each account trades in; its resting orders are spread over them. */
  readonly symbolsPerAccount: number
  /** Resting orders that the flow keeps, over all symbols. */
  readonly resting: number
  readonly commands: number
  readonly seed: number
  /** Where prices start, in ticks; the configured reference price. */
  readonly midTicks: number
}

/** The small case of the benchmarks. */
export const SMALL: EngineFlowOptions = {
  accounts: 1_000,
  symbols: 16,
  symbolsPerAccount: 16,
  resting: 16_000,
  commands: 3_000_000,
  seed: 1,
  midTicks: 10_000,
}

/** Commands in a round: what collects while the round before runs, under full load. */
export const ROUND = 250

const MID_SWING_TICKS = 20
const MID_PERIOD = 2_000_000
const LOTS_MAX = 100
/** Handles of the first account and symbol; before it are the house accounts. */
const FIRST_ACCOUNT = 3
const FIRST_SYMBOL = 1

/** An engine with funded accounts and no orders. */
export function fundedEngine(of: EngineFlowOptions, submissionsRemembered?: number): Engine {
  const engine = new Engine({
    ordersInitial: Math.max(of.resting, of.accounts),
    ...(submissionsRemembered === undefined ? {} : { submissionsRemembered }),
  })
  const names = new Directory()
  const log = new CommandLog()
  const give = (command: unknown) => {
    const refusal = decode(command, names, log)
    if (refusal !== undefined) throw new Error(JSON.stringify({ command, refusal }))
    if (log.count < ROUND) return
    engine.round(log)
    log.clear()
  }
  give({ cmd: 'asset', asset: 'USD', decimals: 4 })
  for (let symbol = 0; symbol < of.symbols; symbol += 1) {
    const base = `B${symbol}`
    give({ cmd: 'asset', asset: base, decimals: 0 })
    const fees = { makerFeeRate: '0', takerFeeRate: '0.00015' }
    const units = { tickSize: '0.01', lotSize: '1', referencePrice: String(of.midTicks / 100) }
    give({ cmd: 'instrument', symbol: `S${symbol}`, base, quote: 'USD', ...units, ...fees })
  }
  give({ cmd: 'limits', priceDeviation: '0.5', maxOpenOrders: 'off' })
  give({ cmd: 'time', now: '2026-01-02T14:30:00.000Z' })
  for (let n = 0; n < of.accounts; n += 1) {
    const account = `A${n}`
    give({ cmd: 'account', account })
    give({ cmd: 'deposit', account, asset: 'USD', amount: '100000000', transferId: 'usd' })
    for (let k = 0; k < of.symbolsPerAccount; k += 1) {
      const asset = `B${symbolOf(of, n, k) - FIRST_SYMBOL}`
      give({ cmd: 'deposit', account, asset, amount: '1000000', transferId: asset })
    }
  }
  engine.round(log)
  return engine
}

/** The k-th symbol that the n-th account trades in. */
function symbolOf(of: EngineFlowOptions, n: number, k: number): number {
  return FIRST_SYMBOL + ((n * of.symbolsPerAccount + k) % of.symbols)
}

/** A recorded flow: how many of the first commands only fill the books, then the mix. */
export interface EngineFlow {
  readonly options: EngineFlowOptions
  readonly words: Int32Array
  readonly filling: number
  readonly count: number
}

/** Draws, runs and records a flow. */
export function recordFlow(options: EngineFlowOptions): EngineFlow {
  const recorder = new Recorder(options)
  while (recorder.openCount < options.resting) recorder.round(true)
  const filling = recorder.count
  while (recorder.count < filling + options.commands) recorder.round(false)
  return { options, words: recorder.words, filling, count: recorder.count }
}

class Recorder {
  words: Int32Array
  count = 0
  openCount = 0
  private readonly of: EngineFlowOptions
  private readonly engine: Engine
  private readonly log = new CommandLog(ROUND)
  private readonly prng: Prng
  private ids = 0
  /** Open orders in no order, and each one's place; by orderId. */
  private readonly open: {
    id: number
    account: number
    symbol: number
    side: Side
    name: string
  }[] = []
  private readonly place = new Map<number, number>()
  private readonly names: string[] = []

  constructor(of: EngineFlowOptions) {
    this.of = of
    this.engine = fundedEngine(of)
    this.prng = new Prng(of.seed)
    this.words = new Int32Array((of.commands + of.resting * 2) * COMMAND_WORDS)
  }

  round(isFilling: boolean): void {
    const { log, engine } = this
    log.clear()
    this.names.length = 0
    const firstSeq = engine.seq + 1
    for (let n = 0; n < ROUND; n += 1) this.draw(isFilling)
    engine.round(log)
    this.follow(firstSeq)
    const size = log.count * COMMAND_WORDS
    if ((this.count + log.count) * COMMAND_WORDS > this.words.length) {
      const words = new Int32Array(this.words.length * 2)
      words.set(this.words)
      this.words = words
    }
    this.words.set(log.i32.subarray(0, size), this.count * COMMAND_WORDS)
    this.count += log.count
  }

  private draw(isFilling: boolean): void {
    const { prng, open, of } = this
    // New orders and cancels pull the number of resting orders to the wanted one.
    const share = isFilling ? 0 : prng.next() * 100
    if (share < 9) return this.submit(false)
    if (share < 12) return this.submit(true)
    const order = open[prng.int(open.length)]
    if (share < 18 && this.openCount > of.resting) return this.cancel(order)
    this.replace(order)
  }

  private submit(isImmediate: boolean): void {
    const { prng, of } = this
    const n = prng.int(of.accounts)
    const symbol = symbolOf(of, n, prng.int(of.symbolsPerAccount))
    const side = prng.next() < 0.5 ? Side.buy : Side.sell
    const timeInForce = isImmediate ? TimeInForce.IOC : TimeInForce.GTC
    const at = this.log.add(
      CommandKind.new,
      FIRST_ACCOUNT + n,
      symbol,
      orderFlags({ side, timeInForce }),
    )
    this.fill(at, side, isImmediate)
  }

  private replace(order: (typeof this.open)[number]): void {
    const at = this.log.add(CommandKind.replace, order.account, order.symbol, 0)
    packId(order.name, this.log.i32, at + CM.orig)
    this.fill(at, order.side, this.prng.next() < 0.01)
  }

  private cancel(order: (typeof this.open)[number]): void {
    const at = this.log.add(CommandKind.cancel, order.account, order.symbol, 0)
    packId(order.name, this.log.i32, at + CM.orig)
    this.names.push('')
  }

  private fill(at: number, side: Side, isAggressive: boolean): void {
    const { prng, log } = this
    const mid =
      this.of.midTicks +
      Math.round(MID_SWING_TICKS * Math.sin((this.count / MID_PERIOD) * 2 * Math.PI))
    // Depth from the mid by a power law; a few cross.
    const depth = Math.min(200, Math.floor(1 / (0.005 + prng.next())))
    const away = isAggressive ? -5 : depth
    this.ids += 1
    const name = `order-${this.ids}`
    this.names.push(name)
    packId(name, log.i32, at + CM.id)
    log.f64[(at >> 1) + CMF.priceTicks] = side === Side.buy ? mid - away : mid + away
    log.f64[(at >> 1) + CMF.qtyLots] = 1 + prng.int(LOTS_MAX)
  }

  /** Reads the round's reports to know what is open now. */
  private follow(firstSeq: number): void {
    const { reports } = this.engine
    const { i32, f64 } = reports
    for (let number = 0; number < reports.count; number += 1) {
      const at = number * REPORT_WORDS
      const f = at >> 1
      const id = f64[f + RPF.orderId]
      const command = f64[f + RPF.seq] - firstSeq
      const status = (i32[at + RP.flags] >>> 8) & 255
      switch (i32[at + RP.execType] & 255) {
        case ExecType.new: {
          const side = (i32[at + RP.flags] & 1) as Side
          const order = {
            id,
            account: i32[at + RP.account],
            symbol: i32[at + RP.symbol],
            side,
            name: this.names[command],
          }
          this.place.set(id, this.open.push(order) - 1)
          this.openCount += 1
          break
        }
        case ExecType.replaced:
          this.open[this.place.get(id) as number].name = this.names[command]
          break
        case ExecType.trade:
          if (status === OrdStatus.filled) this.close(id)
          break
        case ExecType.canceled:
        case ExecType.expired:
          this.close(id)
          break
        default:
      }
    }
  }

  private close(id: number): void {
    const at = this.place.get(id) as number
    const last = this.open.pop() as (typeof this.open)[number]
    if (last.id !== id) {
      this.open[at] = last
      this.place.set(last.id, at)
    }
    this.place.delete(id)
    this.openCount -= 1
  }
}

/**
 * A book flow of one symbol as commands: each owner an account, each replace with a client id of
 * its own.
 */
export function commandsOf(flow: Flow, accounts: number): EngineFlow {
  const log = new CommandLog(flow.length)
  const midTicks = flow.priceTicks[0]
  const options = { ...SMALL, accounts, symbols: 1, symbolsPerAccount: 1, midTicks }
  const named = new Int32Array(flow.orders + 1)
  for (let at = 0; at < flow.length; at += 1) {
    const id = flow.id[at]
    const account = FIRST_ACCOUNT + flow.owner[at]
    const isLimit = flow.op[at] === Op.limit
    const kind = isLimit ? CommandKind.new : CHANGES[flow.op[at]]
    const base = log.add(kind, account, FIRST_SYMBOL, isLimit ? flow.flags[at] : 0)
    if (!isLimit) packId(`order-${id}.${named[id]}`, log.i32, base + CM.orig)
    if (flow.op[at] === Op.cancel) continue
    if (!isLimit) named[id] += 1
    packId(`order-${id}.${named[id]}`, log.i32, base + CM.id)
    log.f64[(base >> 1) + CMF.priceTicks] = flow.priceTicks[at]
    log.f64[(base >> 1) + CMF.qtyLots] = flow.qtyLots[at]
  }
  const count = Math.floor(log.count / ROUND) * ROUND
  return { options, words: log.i32, filling: 0, count }
}

const CHANGES: Readonly<Record<number, CommandKind>> = {
  [Op.cancel]: CommandKind.cancel,
  [Op.replace]: CommandKind.replace,
}

/** Copies the commands from `from` to `to - 1` of a flow into a log, as an intake ring would. */
export function loadRound(flow: EngineFlow, from: number, to: number, log: CommandLog): void {
  log.clear()
  while (log.count < to - from) log.append()
  log.i32.set(flow.words.subarray(from * COMMAND_WORDS, to * COMMAND_WORDS))
}
