// The naive exchange: three phases over a round, written to be read and not to be fast.

import {
  Account,
  type AccountOrder,
  chargeFee,
  exactHold,
  heldAsset,
  holdWithReplace,
  need,
  notional,
  type Submission,
} from './account.ts'
import { Book, type BookEvent, newBookOrder } from './book.ts'
import type { Command, NewOrder, Replace, Transfer } from './intake.ts'
import { read } from './intake.ts'
import { type Instrument, Names } from './names.ts'
import { format, max, SAFE_MAX } from './numbers.ts'
import {
  balancesAnswer,
  bookSide,
  clockText,
  echo,
  eventReport,
  intakeRefusal,
  openStatus,
  orderFields,
  type Report,
} from './reports.ts'
import {
  type Asked,
  dayOf,
  firstRefusal,
  Limits,
  protectionPrice,
  rememberAccepted,
} from './risk.ts'

/** A command of the round that has a `seq`, with what came of it so far. */
type Slot = {
  seq: number
  command: Command
  reports: { index: number; report: Report }[]
  match: (() => void) | null
  events: { index: number; event: BookEvent }[]
  /** Why the book refused it. */
  bookRefusal: string | null
  settle: (() => void) | null
}

export type ModelOptions = { submissionsRemembered?: number }

export class Model {
  seq = 0
  readonly names = new Names()
  private readonly accounts = new Map<string, Account>()
  private readonly books = new Map<string, Book>()
  private readonly references = new Map<string, bigint | null>()
  private readonly halted = new Set<string>()
  private readonly limits = new Limits()
  private readonly remembered: number
  private killedAll = false
  private now: number | null = null
  private touched = new Set<AccountOrder>()

  constructor(options: ModelOptions = {}) {
    this.remembered = options.submissionsRemembered ?? 1_048_576
  }

  /** One round. */
  execute(inputs: unknown[]): Report[] {
    const slots: (Slot | Report)[] = []
    const queue: Slot[] = []
    for (const input of inputs) {
      const command = read(input, this.names)
      if ('refused' in command) {
        slots.push(intakeRefusal(input, command))
        continue
      }
      this.seq++
      const slot = this.slotFor(command)
      slots.push(slot)
      queue.push(slot)
      this.hold(slot)
    }
    for (const slot of queue) slot.match?.()
    for (const slot of queue) this.settle(slot)
    this.endRound()
    const reports = slots.flatMap((slot) =>
      'events' in slot ? reportsOf(slot as Slot, this.now) : [slot],
    )
    for (const report of reports) this.number(report)
    return reports
  }

  balances(name: string): Report {
    return balancesAnswer(this.seq, this.account(name), this.names)
  }

  book(symbol: string, depth = 10): Report {
    const { bids, asks } = this.bookOf(symbol)
    return {
      query: 'book',
      seq: this.seq,
      symbol,
      bids: bookSide(bids, depth),
      asks: bookSide(asks, depth),
    }
  }

  orders(name: string): Report {
    const known = [...this.account(name).orders.values()]
    known.sort((a, b) => Number(a.orderId) - Number(b.orderId))
    const orders = known.map(({ orderId, instrument }) => {
      const order = this.bookOf(instrument.symbol).find(orderId)!
      return { ...orderFields(order), ordStatus: openStatus(order) }
    })
    return { query: 'orders', seq: this.seq, account: name, orders }
  }

  /** What an account can spend of an asset, as a decimal. */
  availableOf(name: string, asset: string): string {
    return format(this.account(name).availableOf(asset), this.names.assets.get(asset)!.decimals)
  }

  symbols(): string[] {
    return [...this.names.instruments.keys()]
  }

  accountNames(): string[] {
    return [...this.names.accounts, '$fees', '$external']
  }

  private slotFor(command: Command): Slot {
    return {
      seq: this.seq,
      command,
      reports: [],
      match: null,
      events: [],
      bookRefusal: null,
      settle: null,
    }
  }

  private account(name: string): Account {
    let account = this.accounts.get(name)
    if (account === undefined) {
      account = new Account(name)
      this.accounts.set(name, account)
    }
    return account
  }

  private bookOf(symbol: string): Book {
    let book = this.books.get(symbol)
    if (book === undefined) {
      book = new Book()
      this.books.set(symbol, book)
    }
    return book
  }

  /** A report of a command that has its place in history counts for the account that it names. */
  private number(report: Report): void {
    if (report.seq === undefined || report.account === undefined) return
    const account = this.account(report.account as string)
    account.reports++
    report.execSeq = account.reports
  }

  // ---- hold

  private hold(slot: Slot): void {
    const { command } = slot
    switch (command.cmd) {
      case 'new':
        this.holdSubmission(slot, command, () => this.holdNew(slot, command))
        return
      case 'replace':
        this.holdSubmission(slot, command, () => this.holdReplace(slot, command))
        return
      case 'deposit':
      case 'withdraw':
      case 'transfer':
        this.holdTransfer(slot, command)
        return
      case 'cancel': {
        const { account, instrument, target } = command
        const order = this.account(account).findOrder(instrument.symbol, target)
        if (order === undefined) {
          this.reject(slot, 'UNKNOWN_ORDER')
          return
        }
        slot.match = () => this.matchCancel(slot, instrument.symbol, order.orderId)
        return
      }
      case 'massCancel': {
        const { account, symbol, side } = command
        const orders = [...this.account(account).orders.values()].filter(
          (order) =>
            (symbol === null || order.instrument.symbol === symbol) &&
            (side === null || order.side === side),
        )
        this.holdMassCancel(slot, orders)
        return
      }
      default:
        this.administer(slot, command)
        return
    }
  }

  private administer(slot: Slot, command: Command): void {
    switch (command.cmd) {
      case 'account':
        this.account(command.names.account)
        break
      case 'instrument':
        this.bookOf(command.names.symbol)
        break
      case 'halt':
        this.halted.add(command.symbol)
        break
      case 'resume':
        this.halted.delete(command.symbol)
        break
      case 'suspend':
      case 'activate':
        this.account(command.account).suspended = command.cmd === 'suspend'
        break
      case 'limits':
        this.limits.set(command.account, command.symbol, command.settings)
        break
      case 'killSwitch': {
        if (command.account === null) this.killedAll = command.on
        else this.account(command.account).killed = command.on
        if (!command.cancelAll) break
        const accounts =
          command.account === null ? [...this.accounts.values()] : [this.account(command.account)]
        this.holdMassCancel(
          slot,
          accounts.flatMap((account) => [...account.orders.values()]),
        )
        return
      }
      case 'time':
        if (this.now !== null && command.now < this.now) {
          this.reject(slot, 'TIME_WENT_BACK')
          return
        }
        this.now = command.now
        break
    }
    this.accept(slot)
  }

  private holdMassCancel(slot: Slot, orders: AccountOrder[]): void {
    this.accept(slot, { affected: orders.length })
    slot.match = () => {
      for (const { orderId, instrument } of orders) {
        const events = this.bookOf(instrument.symbol).cancel(orderId)
        if (typeof events === 'string') continue
        for (const event of events) slot.events.push({ index: Number(orderId), event })
      }
      slot.events.sort((a, b) => a.index - b.index)
    }
  }

  /** What `new` and `replace` have in common: the memory of their ids. */
  private holdSubmission(
    slot: Slot,
    command: NewOrder | Replace,
    decide: () => string | { orderId: string },
  ): void {
    const { submissions } = this.account(command.account)
    const content = contentOf(command)
    const before = submissions.get(command.clOrdId)
    if (before !== undefined && this.isRemembered(before)) {
      this.answerAgain(slot, before, content)
      return
    }
    const decision = decide()
    const submission: Submission =
      typeof decision === 'string'
        ? { content, execType: 'rejected', code: decision, endedAt: slot.seq }
        : {
            content,
            execType: command.cmd === 'new' ? 'new' : 'replaced',
            orderId: decision.orderId,
            endedAt: null,
          }
    submissions.set(command.clOrdId, submission)
    if (typeof decision === 'string') this.reject(slot, decision)
  }

  private isRemembered(submission: Submission): boolean {
    return submission.endedAt === null || submission.endedAt >= this.seq - this.remembered
  }

  private answerAgain(slot: Slot, before: Submission, content: string): void {
    if (before.content !== content) {
      this.reject(slot, 'DUPLICATE_ID')
      return
    }
    const { execType, code, orderId } = before
    const report: Report = { execType, ...echo(slot.command), duplicate: true }
    if (code !== undefined) report.code = code
    if (orderId !== undefined) report.orderId = orderId
    slot.reports.push({ index: 0, report })
  }

  private holdNew(slot: Slot, command: NewOrder): string | { orderId: string } {
    const { instrument, side, orderQty, timeInForce } = command
    const account = this.account(command.account)
    if (account.suspended) return 'ACCOUNT_SUSPENDED'
    if (this.halted.has(instrument.symbol)) return 'HALTED'
    const quantityRefusal = quantityOutOfBounds(instrument, orderQty)
    if (quantityRefusal !== null) return quantityRefusal
    const price = command.price ?? this.protection(command)
    if (price === null) return 'NO_REFERENCE_PRICE'
    const asked: Asked = {
      account,
      instrument,
      side,
      price,
      orderQty,
      reduceOnly: command.reduceOnly,
    }
    const refusal = this.priceRefusal(asked)
    if (refusal !== null) return refusal
    if (this.isKilled(account)) return 'KILL_SWITCH'
    const riskRefusal = this.riskRefusal(asked)
    if (riskRefusal !== null) return riskRefusal
    const order: AccountOrder = {
      orderId: String(slot.seq),
      clOrdId: command.clOrdId,
      instrument,
      side,
      reduceOnly: command.reduceOnly,
      cumQty: 0n,
      carry: 0n,
      hold: 0n,
      versions: [{ price, orderQty }],
      pendingIds: [],
    }
    const hold = exactHold(order)
    if (hold > account.availableOf(heldAsset(order))) return tooPoor(side)
    account.setHold(order, hold)
    account.orders.set(order.orderId, order)
    rememberAccepted(asked, this.now)
    this.touched.add(order)
    const resting = newBookOrder(command, order.orderId, price)
    slot.match = () => {
      const events = this.bookOf(instrument.symbol).new(resting)
      slot.events = events.map((event, index) => ({ index, event }))
    }
    if (timeInForce === undefined) throw new Error('an order without time in force')
    return { orderId: order.orderId }
  }

  private holdReplace(slot: Slot, command: Replace): string | { orderId: string } {
    const { instrument, target, price, orderQty, clOrdId } = command
    const account = this.account(command.account)
    const order = account.findOrder(instrument.symbol, target)
    if (order === undefined) return 'UNKNOWN_ORDER'
    if (account.suspended) return 'ACCOUNT_SUSPENDED'
    if (this.halted.has(instrument.symbol)) return 'HALTED'
    if (orderQty <= order.cumQty) return 'QTY_ALREADY_FILLED'
    const quantityRefusal = quantityOutOfBounds(instrument, orderQty)
    if (quantityRefusal !== null) return quantityRefusal
    const { side, reduceOnly } = order
    const asked: Asked = { account, instrument, side, price, orderQty, reduceOnly, order }
    const refusal = this.priceRefusal(asked)
    if (refusal !== null) return refusal
    if (this.isKilled(account)) return 'KILL_SWITCH'
    const latest = order.versions.at(-1)!
    const onlyShrinks = price === latest.price && orderQty <= latest.orderQty
    const riskRefusal = onlyShrinks ? null : this.riskRefusal(asked)
    if (riskRefusal !== null) return riskRefusal
    const hold = max(order.hold, holdWithReplace(order, { price, orderQty }))
    if (hold - order.hold > account.availableOf(heldAsset(order))) return tooPoor(side)
    account.setHold(order, hold)
    order.versions.push({ price, orderQty })
    order.pendingIds.push(clOrdId)
    rememberAccepted(asked, this.now)
    this.touched.add(order)
    slot.match = () => {
      const book = this.bookOf(instrument.symbol)
      const events = book.replace(order.orderId, clOrdId, price, orderQty)
      if (typeof events === 'string') slot.bookRefusal = events
      else slot.events = events.map((event, index) => ({ index, event }))
    }
    return { orderId: order.orderId }
  }

  /** A market order's price; null without a reference to start from. */
  private protection(command: NewOrder): bigint | null {
    const { instrument, side, account } = command
    const reference = this.reference(instrument)
    if (reference === null) return null
    const slippage = this.limits.get('marketSlippage', account, instrument.symbol) ?? 0n
    return protectionPrice(instrument, side, reference, slippage as bigint)
  }

  private reference(instrument: Instrument): bigint | null {
    return this.references.get(instrument.symbol) ?? instrument.referencePrice
  }

  /** The instrument's bounds on price and price × quantity. */
  private priceRefusal(asked: Asked): string | null {
    const { instrument, price, orderQty } = asked
    const { minPrice, maxPrice, minNotional, maxNotional } = instrument
    if (minPrice !== null && price < minPrice) return 'PRICE_OUT_OF_BAND'
    if (maxPrice !== null && price > maxPrice) return 'PRICE_OUT_OF_BAND'
    const amount = notional(instrument, price, orderQty)
    if (price > SAFE_MAX) return 'OVERFLOW'
    if (orderQty * instrument.B > SAFE_MAX) return 'OVERFLOW'
    if (need(instrument, amount, 0n) > SAFE_MAX) return 'OVERFLOW'
    if (minNotional !== null && amount < minNotional) return 'NOTIONAL_BELOW_MIN'
    if (maxNotional !== null && amount > maxNotional) return 'NOTIONAL_ABOVE_MAX'
    return null
  }

  private isKilled(account: Account): boolean {
    return this.killedAll || account.killed
  }

  private riskRefusal(asked: Asked): string | null {
    const { limits, now } = this
    return firstRefusal(asked, { limits, now, reference: this.reference(asked.instrument) })
  }

  private holdTransfer(slot: Slot, command: Transfer): void {
    const account = this.account(command.account)
    const memory = command.cmd === 'deposit' ? account.deposits : account.transfers
    const content = contentOf(command)
    const before = memory.get(command.transferId)
    if (before !== undefined) {
      this.answerAgain(slot, before, content)
      return
    }
    const refusal = this.moveMoney(slot, command)
    if (refusal === null) {
      memory.set(command.transferId, { content, execType: 'accepted', endedAt: null })
      this.accept(slot)
    } else {
      memory.set(command.transferId, {
        content,
        execType: 'rejected',
        code: refusal,
        endedAt: null,
      })
      this.reject(slot, refusal)
    }
  }

  private moveMoney(slot: Slot, command: Transfer): string | null {
    const { cmd, amount } = command
    const asset = command.asset.name
    const account = this.account(command.account)
    const from = cmd === 'deposit' ? this.account('$external') : account
    const to = cmd === 'deposit' ? account : this.account(command.to ?? '$external')
    if (cmd === 'deposit') {
      if (from.availableOf(asset) - amount < -SAFE_MAX) return 'OVERFLOW'
    } else {
      if (account.suspended) return 'ACCOUNT_SUSPENDED'
      if (amount > account.availableOf(asset)) return 'INSUFFICIENT_FUNDS'
    }
    from.reserve(asset, amount)
    slot.settle = () => {
      from.reserve(asset, -amount)
      from.post(asset, -amount)
      to.post(asset, amount)
    }
    return null
  }

  private matchCancel(slot: Slot, symbol: string, orderId: string): void {
    const events = this.bookOf(symbol).cancel(orderId)
    if (typeof events === 'string') slot.bookRefusal = events
    else slot.events = events.map((event, index) => ({ index, event }))
  }

  private accept(slot: Slot, more: Report = {}): void {
    slot.reports.push({
      index: 0,
      report: { execType: 'accepted', ...echo(slot.command), ...more },
    })
  }

  private reject(slot: Slot, code: string): void {
    const report: Report = { execType: 'rejected', ...echo(slot.command), code }
    if (slot.command.cmd === 'new') report.ordStatus = 'rejected'
    slot.reports.push({ index: 0, report })
  }

  // ---- settle

  private settle(slot: Slot): void {
    slot.settle?.()
    const { command, bookRefusal } = slot
    if (bookRefusal !== null) {
      this.reject(slot, bookRefusal)
      if (command.cmd === 'replace') this.forgetLater(slot, command, bookRefusal)
    }
    for (const { index, event } of slot.events) this.settleEvent(slot, index, event)
  }

  private settleEvent(slot: Slot, index: number, event: BookEvent): void {
    const account = this.account(event.order.account)
    const order = account.orders.get(event.order.orderId)!
    this.touched.add(order)
    if (event.kind === 'rejected') {
      this.reject(slot, event.code!)
      this.forgetLater(slot, slot.command as NewOrder, event.code!)
    } else {
      const fee = event.kind === 'trade' ? this.settleFill(account, order, event) : null
      slot.reports.push({ index, report: eventReport(event, fee) })
    }
    if (event.kind === 'replaced') {
      this.endSubmission(account, order.clOrdId, slot.seq)
      order.clOrdId = event.order.clOrdId
    }
    order.cumQty = event.order.cumQty
    order.versions[0] = { price: event.order.price, orderQty: event.order.orderQty }
    if (event.order.open) return
    if (event.kind !== 'rejected') this.endSubmission(account, order.clOrdId, slot.seq)
    account.setHold(order, 0n)
    account.orders.delete(order.orderId)
  }

  /** Posts one order's side of a trade; gives its fee. */
  private settleFill(account: Account, order: AccountOrder, event: BookEvent): bigint {
    const { instrument, side } = order
    const { price, qty } = event.trade!
    const { makerRate, takerRate, quote, base } = instrument
    const amount = notional(instrument, price, qty)
    const fee = chargeFee(order, event.aggressor ? takerRate : makerRate, amount)
    const sign = side === 'buy' ? 1n : -1n
    account.post(base.name, sign * qty * instrument.B)
    account.post(quote.name, -sign * amount - fee)
    this.account('$fees').post(quote.name, fee)
    const realised = account.fill(instrument, side, qty, price) - fee
    account.addRealised(instrument, dayOf(this.now), realised)
    return fee
  }

  /** The book refused a submission after the account had accepted it. */
  private forgetLater(slot: Slot, command: NewOrder | Replace, code: string): void {
    const submission = this.account(command.account).submissions.get(command.clOrdId)!
    submission.execType = 'rejected'
    submission.code = code
    submission.endedAt = slot.seq
    delete submission.orderId
  }

  private endSubmission(account: Account, clOrdId: string, seq: number): void {
    account.submissions.get(clOrdId)!.endedAt = seq
  }

  private endRound(): void {
    for (const order of this.touched) {
      order.versions.length = 1
      order.pendingIds = []
      const account = this.accountOf(order)
      if (account !== undefined) account.setHold(order, exactHold(order))
    }
    this.touched.clear()
    for (const [symbol, book] of this.books) this.references.set(symbol, book.lastPrice)
  }

  /** The account that still has the order open. */
  private accountOf(order: AccountOrder): Account | undefined {
    for (const account of this.accounts.values()) {
      if (account.orders.get(order.orderId) === order) return account
    }
    return undefined
  }
}

function quantityOutOfBounds({ minQty, maxQty }: Instrument, orderQty: bigint): string | null {
  if (minQty !== null && orderQty < minQty) return 'QTY_BELOW_MIN'
  return maxQty !== null && orderQty > maxQty ? 'QTY_ABOVE_MAX' : null
}

function tooPoor(side: 'buy' | 'sell'): string {
  return side === 'buy' ? 'INSUFFICIENT_FUNDS' : 'INSUFFICIENT_HOLDINGS'
}

/** Two submissions with the same content give the same text. */
function contentOf(command: NewOrder | Replace | Transfer): string {
  const { account: _account, ...rest } = command
  return JSON.stringify(rest, (key, value) => {
    if (key === 'instrument') return value.symbol
    if (key === 'asset') return value.name
    return typeof value === 'bigint' ? value.toString() : value
  })
}

/** All reports of a round carry the clock as it is at the end of the hold phase. */
function reportsOf(slot: Slot, now: number | null): Report[] {
  slot.reports.sort((a, b) => a.index - b.index)
  return slot.reports.map(({ index, report }) => ({
    seq: slot.seq,
    execId: `${slot.seq}-${index}`,
    ...report,
    ...clockText(now),
  }))
}
