// A shard of account actors as a role: hold what the sequencer sends, settle what the books say.
//
// Its rounds alternate strictly: it takes no command of the next round before the last is settled
// and on its way out. While it waits for one ring it goes on emptying the others, so two roles
// that fill each other's rings never wait for each other.

import { AccountShard, type AccountShardOptions } from '../engine/account/account-shard.ts'
import { FEES } from '../engine/account/account-store.ts'
import type { Residence } from '../engine/account/residence.ts'
import { type Amounts, amountsOf, execSeqsOf, holdingsOf, openOrdersOf } from '../engine/answers.ts'
import { MESSAGE_WORDS, MS, MSF } from '../engine/messages.ts'
import { AccountsReader, readMarketState, restingOrders } from '../engine/restore.ts'
import { writeAccounts, writeMarket } from '../engine/state.ts'
import { Fault } from '../lib/assert.ts'
import { CM, CMF, CommandKind, CommandLog } from '../protocol/command-log.ts'
import { EV, EVENT_WORDS, EVF } from '../protocol/event-log.ts'
import { POSTING_WORDS, REPORT_WORDS } from '../protocol/report-log.ts'
import { Gathering } from './gathering.ts'
import { Inlet } from './inlet.ts'
import type { FaultReport, Letter, Mail, Section, Sections } from './letters.ts'
import { Mark } from './marks.ts'
import type { Outlet } from './outlet.ts'
import { homeOf } from './placement.ts'
import type { RingConsumer } from './ring.ts'
import { commandAt, type Role } from './role.ts'

/** The rings and the mail that end in a shard of accounts, or begin there. */
export interface AccountLinks {
  readonly mail: Mail
  readonly commands: RingConsumer
  /** By shard of symbols. */
  readonly messages: readonly Outlet[]
  readonly events: readonly RingConsumer[]
  readonly reports: Outlet
}

export interface AccountRoleOptions extends AccountShardOptions {
  /** This shard's number. */
  readonly shard: number
  /** How many shards of accounts there are. */
  readonly shards: number
}

const EVENT_ORDER = { seq: EVF.seq, index: EV.index, id: EVF.orderId }

/** The accounts of one shard. Its rings and its mail are its only way in and out. */
export class AccountRole implements Role {
  isStopped = false
  private readonly shard: AccountShard
  private readonly number: number
  private readonly shards: number
  private readonly links: AccountLinks
  private readonly commands: Inlet<CommandLog>
  private readonly events: Gathering
  /** Held, and not settled yet. */
  private isHeld = false
  /** The question at hand, or the last one if no round came since. */
  private asked = ''
  private readonly posting = new Int32Array(REPORT_WORDS)

  constructor(options: AccountRoleOptions, links: AccountLinks) {
    this.number = options.shard
    this.shards = options.shards
    this.links = links
    const residence: Residence = {
      shard: options.shard,
      homeOf: (account) => homeOf(account, options.shards),
    }
    this.shard = new AccountShard(options, residence)
    this.commands = new Inlet(links.commands, new CommandLog())
    this.events = new Gathering(links.events, EVENT_WORDS, EVENT_ORDER)
  }

  step(): boolean {
    let isMoved = this.flush()
    isMoved = this.commands.drain() || isMoved
    isMoved = this.events.drain() || isMoved
    if (!this.isReady()) return isMoved
    if (this.isHeld) this.settle()
    else if (this.commands.mark === Mark.letter) this.open(this.links.mail.take() as Letter)
    else this.hold()
    this.flush()
    return true
  }

  canStep(): boolean {
    const { messages, reports } = this.links
    return (
      this.commands.canDrain() ||
      this.events.canDrain() ||
      messages.some((outlet) => outlet.canFlush()) ||
      reports.canFlush() ||
      this.isReady()
    )
  }

  whereabouts(): Omit<FaultReport, 'message' | 'stack'> {
    const { seq, account, phase } = this.shard.whereabouts()
    if (this.asked !== '') {
      const actor = undefined
      return { phase: `asked for ${this.asked}`, round: 0, seq, actor, command: '' }
    }
    return {
      phase,
      round: this.commands.round,
      seq,
      actor: account === 0 ? undefined : { kind: 'account', handle: account },
      command: commandAt(this.commands.log, CM.kind, CMF.seq, seq),
    }
  }

  /** Whether the next phase can run: its input is complete, and what was said before is out. */
  private isReady(): boolean {
    const { messages, reports } = this.links
    if (this.isHeld) return this.events.isComplete
    return (
      this.commands.mark !== 0 && reports.isFlushed && messages.every(({ isFlushed }) => isFlushed)
    )
  }

  private flush(): boolean {
    const { messages, reports } = this.links
    let isMoved = reports.flush()
    for (const outlet of messages) isMoved = outlet.flush() || isMoved
    return isMoved
  }

  // --- a round ---------------------------------------------------------------------------------

  private hold(): void {
    const { commands, shard } = this
    this.asked = ''
    if (commands.count > 0) {
      const letter = this.links.mail.take() as Extract<Letter, { what: 'definitions' }>
      commands.log.definitions.push(...letter.definitions)
    }
    shard.hold(commands.log, commands.seq)
    const { i32, count } = shard.messages
    const { messages } = this.links
    if (messages.length === 1) messages[0].putRun(i32, 0, count)
    else {
      for (let number = 0; number < count; number += 1) {
        const at = number * MESSAGE_WORDS
        messages[this.routeOf(i32, at)].put(i32, at)
      }
    }
    for (const outlet of messages) outlet.putMark(Mark.round, 0, commands.seq, commands.round)
    this.isHeld = true
  }

  /** The shard of symbols that a message goes to; transfers and deposits pass through any. */
  private routeOf(i32: Int32Array, at: number): number {
    const { length } = this.links.messages
    const kind = i32[at + MS.kind]
    const passesThrough = kind === CommandKind.transfer || kind === CommandKind.deposit
    return passesThrough ? i32[at + MS.account] % length : homeOf(i32[at + MS.symbol], length)
  }

  private settle(): void {
    const { shard, commands, events } = this
    const { reports } = this.links
    shard.settle(commands.log, events.records())
    const { i32, count } = shard.reports
    reports.putRun(i32, 0, count)
    this.putPostings()
    reports.putMark(Mark.round, 0, commands.seq, commands.round)
    commands.clear()
    events.clear()
    this.isHeld = false
  }

  /** Postings travel in the ring of reports, behind two words that say so. */
  private putPostings(): void {
    const { posting } = this
    const { i32, count } = this.shard.postings.log
    posting[0] = Mark.posting
    for (let number = 0; number < count; number += 1) {
      const at = number * POSTING_WORDS
      for (let word = 0; word < POSTING_WORDS; word += 1) posting[2 + word] = i32[at + word]
      this.links.reports.put(posting, 0)
    }
  }

  // --- letters ---------------------------------------------------------------------------------

  private open(letter: Letter): void {
    const { shard } = this
    const { mail } = this.links
    this.commands.clear()
    this.asked = letter.what
    switch (letter.what) {
      case 'holdings':
        return mail.post({ reply: holdingsOf(shard, letter.account, letter.page) })
      case 'openOrders':
        return mail.post({ reply: openOrdersOf(shard, letter.account, letter.page) })
      case 'execSeqs':
        return mail.post({ reply: execSeqsOf(shard) })
      case 'sections':
        return mail.post({ reply: this.sections(letter.seq) })
      case 'takeFees':
        return mail.post({ reply: this.takeFees() })
      case 'giveFees':
        for (const { asset, available } of letter.fees) shard.addFees(asset, available)
        return mail.post({ reply: null })
      case 'load':
        this.load(letter)
        return mail.post({ reply: null })
      case 'usage':
        return mail.post({ reply: null })
      case 'stop':
        this.isStopped = true
        return
      default:
        throw new Fault(`a shard of accounts is asked for ${letter.what}`)
    }
  }

  private sections(seq: number): Sections {
    const { shard } = this
    const here = this.residents()
    const sections: Section[] = []
    let at = 0
    for (const bytes of writeAccounts(shard, seq, here)) {
      this.links.mail.beat()
      sections.push([here[at], bytes.slice()])
      at += 1
    }
    return this.number === 0 ? { market: writeMarket(shard, seq), sections } : { sections }
  }

  /** The accounts that live here, by handle. */
  private residents(): number[] {
    const handles: number[] = []
    for (let account = 1; account <= this.shard.store.accounts.top; account += 1) {
      if (homeOf(account, this.shards) === this.number) handles.push(account)
    }
    return handles
  }

  private takeFees(): Amounts[] {
    const fees = amountsOf(this.shard, FEES)
    for (const { asset, available } of fees) this.shard.addFees(asset, -available)
    return fees
  }

  /** Reads a state and tells the books about the open orders in it. */
  private load(letter: Extract<Letter, { what: 'load' }>): void {
    const { shard } = this
    const { messages } = this.links
    const reader = new AccountsReader(shard, readMarketState(letter.market))
    for (const [account, bytes] of letter.sections) {
      this.links.mail.beat()
      reader.read(account, bytes)
    }
    reader.end()
    const record = new Int32Array(MESSAGE_WORDS)
    const doubles = new Float64Array(record.buffer)
    for (const order of restingOrders(shard.store)) {
      this.links.mail.beat()
      record[MS.kind] = CommandKind.new
      record[MS.flags] = order.flags
      record[MS.account] = order.owner
      record[MS.tag] = order.tag
      record[MS.symbol] = order.symbol
      doubles[MSF.orderId] = order.orderId
      doubles[MSF.priceTicks] = order.priceTicks
      doubles[MSF.qtyLots] = order.leavesLots
      doubles[MSF.aux] = order.cumLots
      messages[homeOf(order.symbol, messages.length)].put(record, 0)
    }
    for (const outlet of messages) outlet.putMark(Mark.load, 0, 0, 0)
  }
}
