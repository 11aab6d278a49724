// A shard of symbol actors: their books, and the phase of a round that changes them.

import { RecordLog } from '../../lib/record-log.ts'
import * as commandLog from '../../protocol/command-log.ts'
import * as eventLog from '../../protocol/event-log.ts'
import { EventLog } from '../../protocol/event-log.ts'
import * as messageForms from '../messages.ts'
import { Book } from './book.ts'
import * as lookaheadForms from './lookahead.ts'
import { BookLookahead } from './lookahead.ts'
import { Matching } from './matching.ts'
import { BookStore } from './store.ts'

// V8 folds constants only in the module that declares them: docs/decisions/0007.
const { CommandKind } = commandLog
const { EVENT_WORDS, EVF, EventKind } = eventLog
const { BLOCK } = lookaheadForms
const { MESSAGE_WORDS, MS, MSF } = messageForms

export class BookShard {
  readonly store: BookStore
  /** By symbol, as far as there were orders; its place is its number in the store. */
  readonly books: (Book | undefined)[] = [undefined]
  /** What the books said in the last round, in (seq, index) order. */
  readonly events = new EventLog()
  /** Symbols that traded in the last round, one entry for each command that did. */
  readonly traded = new RecordLog(2, 64)
  private readonly told = new Set<number>()
  private readonly lookahead: BookLookahead
  private readonly matching: Matching

  /** `ordersInitial`: resting orders to make room for at the start. */
  constructor(ordersInitial = 256) {
    this.store = new BookStore(this.events, ordersInitial)
    this.lookahead = new BookLookahead(this.store)
    this.matching = new Matching(this.store)
  }

  /** The book of a symbol, empty if nothing was ever ordered. */
  book(symbol: number): Book {
    const { books } = this
    while (books.length <= symbol) books.push(new Book(this.store, this.matching, books.length))
    return books[symbol] as Book
  }

  /** Phase two: each order message at its book. */
  match(messages: RecordLog): void {
    const { events, matching, books } = this
    const { i32, f64 } = messages
    events.clear()
    this.traded.clear()
    const { count } = messages
    for (let number = 0; number < count; number += 1) {
      if (number % BLOCK === 0) {
        this.lookahead.run(messages, number, Math.min(number + BLOCK, count))
      }
      const at = number * MESSAGE_WORDS
      const f = at >> 1
      const symbol = i32[at + MS.symbol]
      const account = i32[at + MS.account]
      const kind = i32[at + MS.kind]
      events.begin(f64[f + MSF.seq], symbol, i32[at + MS.index])
      const tag = i32[at + MS.tag]
      if (kind === CommandKind.transfer) {
        this.passOn(EventKind.credited, 0, account, f64[f + MSF.qtyLots])
        continue
      }
      if (kind === CommandKind.deposit) {
        const deposited = EventKind.deposited | (tag << 8)
        this.passOn(deposited, i32[at + MS.flags], account, f64[f + MSF.qtyLots])
        continue
      }
      if (symbol >= books.length) this.book(symbol)
      const orderId = f64[f + MSF.orderId]
      const aux = f64[f + MSF.aux]
      const { trades } = matching
      if (kind === CommandKind.cancel) {
        matching.cancel(symbol, orderId, account, tag, aux)
      } else if (kind === CommandKind.replace) {
        matching.replace(
          symbol,
          orderId,
          account,
          tag,
          f64[f + MSF.priceTicks],
          f64[f + MSF.qtyLots],
          aux,
        )
      } else {
        const flags = i32[at + MS.flags]
        matching.submit(
          symbol,
          orderId,
          account,
          tag,
          flags,
          f64[f + MSF.priceTicks],
          f64[f + MSF.qtyLots],
          aux,
        )
      }
      if (matching.trades !== trades) {
        const entry = this.traded.append()
        this.traded.i32[entry] = symbol
      }
    }
  }

  /**
   * Adds the last prices of the symbols that traded to the events: the reference prices of the
   * next round, for accounts elsewhere.
   */
  tellReferences(): void {
    const { events, traded } = this
    this.told.clear()
    for (let number = 0; number < traded.count; number += 1) {
      const symbol = traded.i32[number * 2]
      if (this.told.has(symbol)) continue
      this.told.add(symbol)
      events.begin(events.seq, symbol, -1)
      const event = events.append(EventKind.reference, 0, 0, 0)
      const f = event * (EVENT_WORDS >> 1)
      events.f64[f + EVF.orderId] = 0
      events.f64[f + EVF.priceTicks] = this.book(symbol).lastTradeTicks
    }
  }

  /** The message that is being matched, or was when it broke off: its seq and its symbol. */
  whereabouts(): { seq: number; symbol: number } {
    return { seq: this.events.seq, symbol: this.events.symbol }
  }

  /** A transfer's or deposit's amount on its way to an account of another shard. */
  private passOn(kindAndCode: number, flags: number, account: number, amount: number): void {
    const { events } = this
    const number = events.append(kindAndCode, flags, account, 0)
    events.f64[number * (EVENT_WORDS >> 1) + EVF.qtyLots] = amount
  }
}
