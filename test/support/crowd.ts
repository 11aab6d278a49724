// A crowd: a thousand orders of one account that can pay for exactly one of them, sent by many
// producers at once, as binary commands through the core.

import type { Core } from '../../src/actors/core.ts'
import { assert } from '../../src/lib/assert.ts'
import { ID_WORDS, packId } from '../../src/protocol/client-id.ts'
import { Code } from '../../src/protocol/codes.ts'
import { CM, CMF, CommandKind, CommandLog } from '../../src/protocol/command-log.ts'
import { decode } from '../../src/protocol/decode.ts'
import { Directory } from '../../src/protocol/directory.ts'
import { Side } from '../../src/protocol/order-flags.ts'
import { ExecType, REPORT_WORDS, RP, RPF } from '../../src/protocol/report-log.ts'
import type { Prng } from './prng.ts'

/** Many buys of one symbol; many sells of one share; buys spread over all symbols. */
export type Kind = 'buys' | 'sells' | 'spread'
export const KINDS: readonly Kind[] = ['buys', 'sells', 'spread']

export const ORDERS = 1_000
export const SYMBOLS = 16
const PRODUCERS = 40
const ORDERS_EACH = ORDERS / PRODUCERS
const PRICE_TICKS = 10_000
const ROUND_SIZE_MAX = 5_000
/** What a refusal for want of money, or of shares, says. */
const SHORT: ReadonlySet<number> = new Set([Code.INSUFFICIENT_FUNDS, Code.INSUFFICIENT_HOLDINGS])

/** One account with money, or a share, for one order. */
interface Repetition {
  readonly kind: Kind
  readonly account: string
  readonly handle: number
  /** Orders sent, by producer, and the producers that have more. */
  readonly sent: number[]
  readonly producers: number[]
  /** The number of the order that came first: the one to be accepted. */
  first: number
}

/** What the reports said about an account. */
interface Tally {
  accepted: number
  trades: number
  refused: number
  other: number
  /** Of the accepted order's id: the words that tell it from the others. */
  id: number
}

/** Ids whose second words tell them apart. */
const IDS = new Int32Array(ORDERS * ID_WORDS)
for (let order = 0; order < ORDERS; order += 1)
  packId(`buy-${String(order).padStart(5, '0')}`, IDS, order * ID_WORDS)

export class Crowd {
  readonly core: Core
  /** `met`: of those accepted, how many were filled. */
  readonly counts = { repetitions: 0, orders: 0, met: 0, rounds: 0 }
  private readonly random: Prng
  private readonly names = new Directory()
  private readonly commands = new CommandLog()
  private readonly tallies = new Map<number, Tally>()
  private accounts = 0
  private makerOrders = 0

  constructor(core: Core, random: Prng) {
    this.core = core
    this.random = random
    this.send({ cmd: 'asset', asset: 'USD', decimals: 2 })
    for (let symbol = 0; symbol < SYMBOLS; symbol += 1) {
      const name = `S${symbol}`
      this.send({ cmd: 'asset', asset: name, decimals: 0 })
      this.send({
        ...{ cmd: 'instrument', symbol: name, base: name, quote: 'USD', takerFeeRate: '0.01' },
        ...{ tickSize: '0.01', lotSize: '1', referencePrice: '100' },
      })
    }
    this.send({ cmd: 'account', account: 'maker' })
    const deposit = { cmd: 'deposit', account: 'maker', amount: '1000000000' }
    this.send({ ...deposit, asset: 'USD', transferId: 'USD' })
    for (let symbol = 0; symbol < SYMBOLS; symbol += 1) {
      this.send({ ...deposit, asset: `S${symbol}`, transferId: `S${symbol}` })
    }
    this.finish()
  }

  /**
   * So many repetitions side by side: their producers take turns as the dice fall. `isMet`:
   * somebody's orders wait for those that are accepted.
   */
  play(kind: Kind, count: number, isMet: boolean): void {
    const { random } = this
    const reps = Array.from({ length: count }, () => this.prepare(kind))
    if (isMet) this.meet(kind, count)
    this.finish()
    const waiting = [...reps]
    let size = this.roundSize()
    while (waiting.length > 0) {
      const at = random.int(0, waiting.length - 1)
      this.order(waiting[at])
      if (waiting[at].producers.length === 0) waiting.splice(at, 1)
      if (this.commands.count < size) continue
      this.start()
      size = this.roundSize()
    }
    this.finish()
    for (const rep of reps) this.check(rep, isMet)
    // What nobody met is not to be met by the next.
    for (const account of ['maker', ...reps.map((rep) => rep.account)]) {
      this.send({ cmd: 'massCancel', account })
    }
    this.finish()
    for (const rep of reps) this.checkAfter(rep, isMet)
    this.tallies.clear()
  }

  // --- what is sent ----------------------------------------------------------------------------

  private prepare(kind: Kind): Repetition {
    this.accounts += 1
    const account = `a${this.accounts}`
    this.send({ cmd: 'account', account })
    const [asset, amount] = kind === 'sells' ? ['S0', '1'] : ['USD', '101']
    this.send({ cmd: 'deposit', account, asset, amount, transferId: 'd' })
    const sent = Array.from({ length: PRODUCERS }, () => 0)
    const handle = this.names.account(account)
    this.tallies.set(handle, { accepted: 0, trades: 0, refused: 0, other: 0, id: 0 })
    return { kind, account, handle, sent, producers: [...sent.keys()], first: -1 }
  }

  /** Orders that wait, a tick better than the crowd asks for, wherever the crowd may come. */
  private meet(kind: Kind, count: number): void {
    const [side, price] = kind === 'sells' ? ['buy', '101'] : ['sell', '99']
    const terms = { side, ordType: 'limit', price, orderQty: '1' }
    for (let symbol = 0; symbol < (kind === 'spread' ? SYMBOLS : 1); symbol += 1) {
      for (let number = 0; number < count; number += 1) {
        this.makerOrders += 1
        const clOrdId = `m${this.makerOrders}`
        this.send({ cmd: 'new', account: 'maker', clOrdId, symbol: `S${symbol}`, ...terms })
      }
    }
  }

  /** The next order of one of the producers. */
  private order(rep: Repetition): void {
    const { random, commands } = this
    const { kind, handle, sent, producers } = rep
    const at = random.int(0, producers.length - 1)
    const producer = producers[at]
    const number = producer * ORDERS_EACH + sent[producer]
    sent[producer] += 1
    if (sent[producer] === ORDERS_EACH) producers.splice(at, 1)
    const symbol = kind === 'spread' ? random.int(1, SYMBOLS) : 1
    const base = commands.add(
      CommandKind.new,
      handle,
      symbol,
      kind === 'sells' ? Side.sell : Side.buy,
    )
    for (let word = 0; word < ID_WORDS; word += 1) {
      commands.i32[base + CM.id + word] = IDS[number * ID_WORDS + word]
    }
    commands.f64[(base >> 1) + CMF.priceTicks] = PRICE_TICKS
    commands.f64[(base >> 1) + CMF.qtyLots] = 1
    if (rep.first < 0) rep.first = number
    this.counts.orders += 1
  }

  private send(command: object): void {
    const refusal = decode(command, this.names, this.commands)
    assert(refusal === undefined, `a command is understood: ${JSON.stringify(refusal)}`)
  }

  // --- rounds ----------------------------------------------------------------------------------

  /** Small and large ones, as often. */
  private roundSize(): number {
    return Math.ceil(ROUND_SIZE_MAX ** this.random.next())
  }

  private start(): void {
    while (!this.core.canStart) this.take(true)
    this.core.start(this.commands)
    this.commands.clear()
    this.counts.rounds += 1
    while (this.take(false)) {}
  }

  private finish(): void {
    this.start()
    while (this.take(true)) {}
  }

  private take(isPatient: boolean): boolean {
    const finished = this.core.take(isPatient)
    if (finished === undefined) return false
    const { i32, f64, count } = finished.reports
    for (let number = 0; number < count; number += 1) {
      const at = number * REPORT_WORDS
      const tally = this.tallies.get(i32[at + RP.account])
      if (tally !== undefined) tallyUp(tally, i32, at)
      assert(f64[(at >> 1) + RPF.seq] >= finished.firstSeq, 'a report is of its round')
    }
    return true
  }

  // --- what must have come of it ---------------------------------------------------------------

  private check(rep: Repetition, isMet: boolean): void {
    const { accepted, trades, refused, other, id } = this.tallies.get(rep.handle) as Tally
    const what = `${rep.account}: ${accepted} accepted, ${trades} traded, ${refused} refused`
    const isOne = accepted === 1 && refused === ORDERS - 1 && trades === (isMet ? 1 : 0)
    // The account's definition and its deposit are reported too.
    assert(isOne && other === 2, what)
    assert(id === IDS[rep.first * ID_WORDS + 1], `${rep.account}: the first is accepted`)
    const own = this.balances(rep)
    if (rep.kind === 'sells') {
      assert(isMet ? own === 'USD 99.99 0' : own === 'S0 0 1', `${rep.account} has ${own}`)
    } else {
      const share = /^USD 1\.01 0, S\d+ 1 0$/
      assert(isMet ? share.test(own) : own === 'USD 0 101', `${rep.account} has ${own}`)
    }
    this.counts.met += trades
    this.counts.repetitions += 1
  }

  /** What was held and not used has come back. */
  private checkAfter(rep: Repetition, isMet: boolean): void {
    if (isMet) return
    const own = this.balances(rep)
    assert(own === (rep.kind === 'sells' ? 'S0 1 0' : 'USD 101 0'), `${rep.account} has ${own}`)
  }

  private balances({ handle }: Repetition): string {
    return this.core
      .holdings(handle)
      .balances.map(({ asset, available, held }) => `${asset} ${available} ${held}`)
      .join(', ')
  }
}

function tallyUp(tally: Tally, i32: Int32Array, at: number): void {
  const execType = i32[at + RP.execType] & 255
  const code = i32[at + RP.execType] >>> 8
  if (execType === ExecType.new) {
    tally.accepted += 1
    tally.id = i32[at + RP.id + 1]
  } else if (execType === ExecType.trade) tally.trades += 1
  else if (execType === ExecType.rejected && SHORT.has(code)) tally.refused += 1
  else tally.other += 1
}
