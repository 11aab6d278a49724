// Commands for an engine of any size, drawn round by round against its own reports, without garbage
// of its own: 9 % GTC, 3 % IOC, 6 % cancel, 82 % replace, as in engine-flow.ts, but light enough
// for ten million orders.

import { Engine } from '../src/engine/engine.ts'
import { Prng } from '../src/lib/prng.ts'
import { CM, CMF, CommandKind, CommandLog } from '../src/protocol/command-log.ts'
import { decode } from '../src/protocol/decode.ts'
import { Directory } from '../src/protocol/directory.ts'
import { orderFlags, Side, TimeInForce } from '../src/protocol/order-flags.ts'
import { ExecType, OrdStatus, REPORT_WORDS, RP, RPF } from '../src/protocol/report-log.ts'

export interface LiveOptions {
  readonly accounts: number
  readonly symbols: number
  readonly resting: number
  /** Commands in a round. */
  readonly round: number
  readonly seed: number
  /** Commands that will be run, if known: room for what the drawing remembers of each. */
  readonly commandsMax?: number
  /** Told of every round before it is run, funding and filling included. */
  readonly onRound?: (firstSeq: number, commands: CommandLog) => void
}

const SYMBOLS_PER_ACCOUNT = 2
const FIRST_ACCOUNT = 3
const MID_TICKS = 10_000
const LOTS_MAX = 100
/** How far the clock moves each round: 20,000 commands a second. */
const CLOCK_STEP_MS = 50
const IOC_FLAGS = [Side.buy, Side.sell].map((side) =>
  orderFlags({ side, timeInForce: TimeInForce.IOC }),
)
const GTC_FLAGS = [Side.buy, Side.sell].map((side) => orderFlags({ side }))

export class LiveFlow {
  readonly engine: Engine
  /** Resting orders as the reports tell. */
  open = 0
  private readonly of: LiveOptions
  private readonly log: CommandLog
  private readonly prng: Prng
  private names = 0
  private nowMs = Date.parse('2026-01-02T14:30:00.000Z')
  /** By place among the open orders: account, symbol and side, number of its client id, orderId. */
  private readonly account: Int32Array
  private readonly symbol: Int32Array
  private readonly name: Float64Array
  private readonly id: Float64Array
  /** By orderId: place + 1. */
  private placeOf: Int32Array
  /** By command of the round: number of its client id. */
  private readonly drawn: Float64Array

  constructor(of: LiveOptions) {
    this.of = of
    this.prng = new Prng(of.seed)
    this.log = new CommandLog(of.round)
    this.engine = new Engine({ ordersInitial: Math.max(of.resting, of.accounts) })
    const places = of.resting + of.round * 4
    this.account = new Int32Array(places)
    this.symbol = new Int32Array(places)
    this.name = new Float64Array(places)
    this.id = new Float64Array(places)
    this.placeOf = new Int32Array(of.commandsMax ?? 1 << 20)
    this.drawn = new Float64Array(of.round)
    this.fund()
    while (this.open < of.resting) this.round(true)
  }

  /** Draws a round, runs it and follows it; returns the milliseconds that the engine took. */
  round(isFilling = false): number {
    const { log, engine, of } = this
    const firstSeq = engine.seq + 1
    log.clear()
    this.nowMs += CLOCK_STEP_MS
    log.f64[(log.add(CommandKind.time, 0, 0, 0) >> 1) + CMF.nowMs] = this.nowMs
    for (let n = 1; n < of.round; n += 1) this.draw(n, isFilling)
    of.onRound?.(firstSeq, log)
    const start = performance.now()
    engine.round(log)
    const ms = performance.now() - start
    this.follow(firstSeq)
    return ms
  }

  /** Gives every account money and shares, all in binary. */
  private fund(): void {
    const { engine, of } = this
    const names = new Directory()
    const log = new CommandLog()
    const flush = (atLeast: number) => {
      if (log.count < atLeast) return
      of.onRound?.(engine.seq + 1, log)
      engine.round(log)
      log.clear()
    }
    const give = (command: unknown) => {
      if (decode(command, names, log) !== undefined) throw new Error(JSON.stringify(command))
    }
    give({ cmd: 'asset', asset: 'USD', decimals: 4 })
    for (let symbol = 1; symbol <= of.symbols; symbol += 1) {
      const base = `B${symbol}`
      give({ cmd: 'asset', asset: base, decimals: 0 })
      const units = { tickSize: '0.01', lotSize: '1', takerFeeRate: '0.00015' }
      give({
        cmd: 'instrument',
        symbol: `S${symbol}`,
        base,
        quote: 'USD',
        referencePrice: '100',
        ...units,
      })
    }
    give({ cmd: 'limits', priceDeviation: '0.5', maxOpenOrders: 'off' })
    for (let n = 0; n < of.accounts; n += 1) {
      const account = FIRST_ACCOUNT + n
      log.define(log.add(CommandKind.account, account, 0, 0), { account: `A${n}` })
      this.deposit(log, account, 1, 1e12)
      for (let k = 0; k < SYMBOLS_PER_ACCOUNT; k += 1)
        this.deposit(log, account, 1 + this.symbolOf(n, k), 1e8 / of.symbols + 1e6)
      flush(1_000)
    }
    flush(1)
  }

  private deposit(log: CommandLog, account: number, asset: number, amount: number): void {
    const at = log.add(CommandKind.deposit, account, asset, 0)
    writeName(asset, log.i32, at + CM.id)
    log.f64[(at >> 1) + CMF.amount] = Math.floor(amount / 1e6) * 1e6
  }

  private symbolOf(n: number, k: number): number {
    return 1 + ((n * SYMBOLS_PER_ACCOUNT + k) % this.of.symbols)
  }

  private draw(n: number, isFilling: boolean): void {
    const { prng, of } = this
    const share = isFilling ? 0 : prng.next() * 100
    this.drawn[n] = 0
    if (share < 12) {
      const holder = prng.int(of.accounts)
      const symbol = this.symbolOf(holder, prng.int(SYMBOLS_PER_ACCOUNT))
      const side = prng.int(2)
      const flags = share < 9 ? GTC_FLAGS[side] : IOC_FLAGS[side]
      const at = this.log.add(CommandKind.new, FIRST_ACCOUNT + holder, symbol, flags)
      this.fill(n, at, side, share >= 9)
      return
    }
    const place = prng.int(this.open)
    const isCancel = share < 18 && this.open > of.resting
    const kind = isCancel ? CommandKind.cancel : CommandKind.replace
    const sideAndSymbol = this.symbol[place]
    const at = this.log.add(kind, this.account[place], sideAndSymbol >> 1, 0)
    writeName(this.name[place], this.log.i32, at + CM.orig)
    if (!isCancel) this.fill(n, at, sideAndSymbol & 1, false)
  }

  private fill(n: number, at: number, side: number, isCrossing: boolean): void {
    const { prng, log } = this
    this.names += 1
    this.drawn[n] = this.names
    writeName(this.names, log.i32, at + CM.id)
    // Depth from the mid by a power law.
    const depth = Math.min(200, Math.floor(1 / (0.005 + prng.next())))
    const away = isCrossing ? -1 : depth
    log.f64[(at >> 1) + CMF.priceTicks] = side === Side.buy ? MID_TICKS - away : MID_TICKS + away
    log.f64[(at >> 1) + CMF.qtyLots] = 1 + prng.int(LOTS_MAX)
  }

  private follow(firstSeq: number): void {
    const { i32, f64, count } = this.engine.reports
    for (let number = 0; number < count; number += 1) {
      const at = number * REPORT_WORDS
      const f = at >> 1
      const id = f64[f + RPF.orderId]
      const execType = i32[at + RP.execType] & 255
      const status = (i32[at + RP.flags] >>> 8) & 255
      if (execType === ExecType.new) {
        this.enter(
          id,
          i32[at + RP.account],
          i32[at + RP.symbol] * 2 + (i32[at + RP.flags] & 1),
          this.drawn[f64[f + RPF.seq] - firstSeq],
        )
      } else if (execType === ExecType.replaced) {
        this.name[this.placeOf[id] - 1] = this.drawn[f64[f + RPF.seq] - firstSeq]
      } else if (
        status === OrdStatus.filled ||
        execType === ExecType.canceled ||
        execType === ExecType.expired
      ) {
        this.leave(id)
      }
    }
  }

  private enter(id: number, account: number, symbol: number, name: number): void {
    const place = this.open
    this.open += 1
    this.account[place] = account
    this.symbol[place] = symbol
    this.name[place] = name
    this.id[place] = id
    if (id >= this.placeOf.length) {
      const placeOf = new Int32Array(this.placeOf.length * 2)
      placeOf.set(this.placeOf)
      this.placeOf = placeOf
    }
    this.placeOf[id] = place + 1
  }

  private leave(id: number): void {
    const place = this.placeOf[id] - 1
    this.open -= 1
    const last = this.open
    this.account[place] = this.account[last]
    this.symbol[place] = this.symbol[last]
    this.name[place] = this.name[last]
    this.id[place] = this.id[last]
    this.placeOf[this.id[place]] = place + 1
    this.placeOf[id] = 0
  }
}

/** A number as a packed client id of twelve characters, without a string in between. */
function writeName(number: number, words: Int32Array, at: number): void {
  let rest = number
  for (let pair = 0; pair < 3; pair += 1) {
    // Four characters of 32 kinds each, from '0' on, seven bits apart.
    const part = rest % 0x10_0000
    rest = Math.floor(rest / 0x10_0000)
    const low = (0x30 + (part & 31)) | ((0x30 + ((part >> 5) & 31)) << 7)
    const high = (0x30 + ((part >> 10) & 31)) | ((0x30 + ((part >> 15) & 31)) << 7)
    place(words, at, pair * 28, low | (high << 14))
  }
}

/** Puts 28 bits at a bit position. */
function place(words: Int32Array, at: number, bit: number, bits: number): void {
  const shift = bit & 31
  words[at + (bit >> 5)] |= bits << shift
  if (shift > 4) words[at + (bit >> 5) + 1] |= bits >>> (32 - shift)
}
