// A shard of symbol actors as a role: match what the accounts hold, tell them what came of it.

import { levelsOf } from '../engine/answers.ts'
import type { RestingOrder } from '../engine/book/book.ts'
import { BookShard } from '../engine/book/book-shard.ts'
import { MESSAGE_WORDS, MS, MSF } from '../engine/messages.ts'
import { readBook } from '../engine/restore.ts'
import { writeBook } from '../engine/state.ts'
import { assert, Fault } from '../lib/assert.ts'
import type { RecordLog } from '../lib/record-log.ts'
import { CommandLog } from '../protocol/command-log.ts'
import { EV, EVENT_WORDS, EventKind } from '../protocol/event-log.ts'
import { Gathering } from './gathering.ts'
import { Inlet } from './inlet.ts'
import type { FaultReport, Letter, Mail, Section, Sections } from './letters.ts'
import { Mark } from './marks.ts'
import type { Outlet } from './outlet.ts'
import { homeOf } from './placement.ts'
import type { RingConsumer } from './ring.ts'
import { commandAt, type Role } from './role.ts'

/** The rings and the mail that end in a shard of symbols, or begin there. */
export interface BookLinks {
  readonly mail: Mail
  /** Brings marks only: that a letter is there. */
  readonly commands: RingConsumer
  /** By shard of accounts. */
  readonly messages: readonly RingConsumer[]
  readonly events: readonly Outlet[]
}

/** `ordersInitial`: resting orders to make room for at the start. */
export interface BookRoleOptions {
  readonly ordersInitial?: number
}

const MESSAGE_ORDER = { seq: MSF.seq, index: MS.index, id: MSF.orderId }

/** The symbols of one shard. Its rings and its mail are its only way in and out. */
export class BookRole implements Role {
  isStopped = false
  private readonly shard: BookShard
  private readonly links: BookLinks
  private readonly commands: Inlet<CommandLog>
  private readonly messages: Gathering
  /** A state that waits for the accounts' open orders. */
  private loading: readonly Section[] | undefined
  /** The question at hand, or the last one if no round came since. */
  private asked = ''

  constructor(options: BookRoleOptions, links: BookLinks) {
    this.links = links
    this.shard = new BookShard(options.ordersInitial)
    this.commands = new Inlet(links.commands, new CommandLog())
    this.messages = new Gathering(links.messages, MESSAGE_WORDS, MESSAGE_ORDER)
  }

  step(): boolean {
    let isMoved = this.flush()
    isMoved = this.commands.drain() || isMoved
    isMoved = this.messages.drain() || isMoved
    if (this.commands.mark !== 0) {
      this.open(this.links.mail.take() as Letter)
      isMoved = true
    }
    if (!this.isReady()) return isMoved
    if (this.messages.inlets[0].mark === Mark.load) this.load()
    else this.match()
    this.flush()
    return true
  }

  canStep(): boolean {
    return (
      this.commands.mark !== 0 ||
      this.commands.canDrain() ||
      this.messages.canDrain() ||
      this.links.events.some((outlet) => outlet.canFlush()) ||
      this.isReady()
    )
  }

  whereabouts(): Omit<FaultReport, 'message' | 'stack'> {
    const { seq, symbol } = this.shard.whereabouts()
    if (this.asked !== '') {
      const actor = undefined
      return { phase: `asked for ${this.asked}`, round: 0, seq, actor, command: '' }
    }
    const { inlets } = this.messages
    const command = inlets
      .map(({ log }) => commandAt(log, MS.kind, MSF.seq, seq))
      .find((name) => name !== '')
    const actor = symbol === 0 ? undefined : { kind: 'symbol' as const, handle: symbol }
    return { phase: 'match', round: inlets[0].round, seq, actor, command: command ?? '' }
  }

  /** Whether all accounts have said all of a round, and the last round's events are out. */
  private isReady(): boolean {
    const { messages, links } = this
    if (!messages.isComplete) return false
    if (messages.inlets[0].mark === Mark.load && this.loading === undefined) return false
    return links.events.every(({ isFlushed }) => isFlushed)
  }

  private flush(): boolean {
    let isMoved = false
    for (const outlet of this.links.events) isMoved = outlet.flush() || isMoved
    return isMoved
  }

  // --- a round ---------------------------------------------------------------------------------

  private match(): void {
    const { shard, messages } = this
    this.asked = ''
    const { seq, round } = messages.inlets[0]
    shard.match(messages.records())
    shard.tellReferences()
    this.sendEvents()
    for (const outlet of this.links.events) outlet.putMark(Mark.round, 0, seq, round)
    messages.clear()
  }

  private sendEvents(): void {
    const { events } = this.links
    const { i32, count } = this.shard.events
    if (events.length === 1) return events[0].putRun(i32, 0, count)
    for (let number = 0; number < count; number += 1) {
      const at = number * EVENT_WORDS
      if (i32[at + EV.kind] === EventKind.reference) {
        for (const outlet of events) outlet.put(i32, at)
      } else events[homeOf(i32[at + EV.owner], events.length)].put(i32, at)
    }
  }

  // --- letters ---------------------------------------------------------------------------------

  private open(letter: Letter): void {
    const { shard } = this
    const { mail } = this.links
    this.commands.clear()
    this.asked = letter.what
    switch (letter.what) {
      case 'levels':
        return mail.post({
          reply: levelsOf(shard, letter.symbol, letter.instrument, letter.depth),
        })
      case 'sections':
        return mail.post({ reply: this.sections(letter.symbols) })
      case 'load':
        this.loading = letter.sections
        return
      case 'usage':
        return mail.post({ reply: null })
      case 'stop':
        this.isStopped = true
        return
      default:
        throw new Fault(`a shard of symbols is asked for ${letter.what}`)
    }
  }

  private sections(symbols: readonly number[]): Sections {
    const write = (symbol: number): Section => {
      this.links.mail.beat()
      return [symbol, writeBook(this.shard, symbol)]
    }
    return { sections: symbols.map(write) }
  }

  /** The accounts have told all open orders; now the books can take them in their queues' order. */
  private load(): void {
    const { shard, messages } = this
    const orders = new Map<number, RestingOrder>()
    for (const { log } of messages.inlets) {
      this.links.mail.beat()
      for (let number = 0; number < log.count; number += 1) {
        const order = readOrder(log, number)
        orders.set(order.orderId, order)
      }
    }
    for (const [symbol, bytes] of this.loading ?? []) {
      this.links.mail.beat()
      readBook(shard, symbol, bytes, orders)
    }
    for (const inlet of messages.inlets) {
      assert(inlet.mark === Mark.load, 'all accounts load at the same time')
      inlet.log.trim()
    }
    messages.clear()
    this.loading = undefined
    this.links.mail.post({ reply: null })
  }
}

function readOrder({ i32, f64 }: RecordLog, number: number): RestingOrder {
  const at = number * MESSAGE_WORDS
  const f = at >> 1
  return {
    orderId: f64[f + MSF.orderId],
    owner: i32[at + MS.account],
    tag: i32[at + MS.tag],
    flags: i32[at + MS.flags],
    priceTicks: f64[f + MSF.priceTicks],
    leavesLots: f64[f + MSF.qtyLots],
    cumLots: f64[f + MSF.aux],
  }
}
