// Random commands that reach every rule: a rough picture of ids and prices, and dice.

import {
  ASSETS,
  everyLimit,
  instrumentOf,
  type Json,
  LATE_DEFINITIONS,
  LIMIT_NAMES,
  limitValue,
  MARKETS,
  type Market,
  stepCount,
  steps,
} from './markets.ts'
import { Prng } from './prng.ts'
import { spoil } from './spoil.ts'

type KnownOrder = {
  account: string
  symbol: string
  side: string
  clOrdId: string
  orderId: string
  price: number
  qty: number
}

/** How one seed's run differs from another's. */
export type Profile = {
  submissionsRemembered: number
  clockFromStart: boolean
  /** Commands that change what is allowed come this often. */
  adminWeight: number
  wildPrices: boolean
  /** How many ticks from the middle orders are placed. */
  spread: number
  /** Prices over thousands of ticks and hundreds of open orders. */
  wide: boolean
}

/** What is available to an account, in whole smallest units as text. */
export type AvailableOf = (account: string, asset: string) => string

const HISTORY_MAX = 150
const DAY_MS = 86_400_000
const OPEN_TARGET = 60
const OPEN_TARGET_WIDE = 400

export class Generator {
  readonly profile: Profile
  private readonly random: Prng
  private readonly accounts: string[]
  private readonly markets: Market[]
  private availableOf: AvailableOf = () => '0'
  private readonly open = new Map<string, KnownOrder>()
  private readonly history: Json[] = []
  private readonly queue: unknown[] = []
  /** What takes back the restrictions that are in force, by what they restrict. */
  private readonly undo = new Map<string, Json>()
  private now = Date.UTC(2026, 0, 2, 13, 0, 0)
  private idCount = 0

  constructor(seed: number) {
    this.random = new Prng(seed * 7919 + 17)
    const names = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'mm-1', '__proto__']
    this.accounts = names.slice(0, this.random.int(4, 8))
    this.markets = MARKETS.slice(0, this.random.int(2, 3)).map((market) => ({ ...market }))
    this.profile = {
      submissionsRemembered: this.random.pick([1_048_576, 1_048_576, 0, 1, 7, 50]),
      clockFromStart: this.random.chance(0.8),
      adminWeight: this.random.pick([0.05, 0.2, 0.5, 1.5]),
      wildPrices: this.random.chance(0.1),
      spread: this.random.pick([2, 4, 9]),
      wide: this.random.chance(0.08),
    }
    if (this.profile.wide) {
      this.profile.wildPrices = true
      for (const market of this.markets) market.mid *= 60
    }
  }

  /** The commands every run begins with. */
  setup(): Json[] {
    const { random } = this
    const commands = [
      ...ASSETS,
      ...this.markets.map((market) => instrumentOf(random, market, this.profile.wide)),
    ]
    for (const account of this.accounts) {
      commands.push({ cmd: 'account', account })
      for (const asset of ['USD', 'EUR', 'NVDA', 'GOLD', 'MEME']) {
        if (random.chance(0.15)) continue
        const amount = String(random.pick([5, 100, 3000, 100_000]))
        commands.push({ cmd: 'deposit', account, asset, amount, transferId: `d${asset}` })
      }
    }
    if (this.profile.clockFromStart) commands.push(this.time())
    const priceDeviation = this.profile.wide ? 'off' : '0.4'
    if (random.chance(0.6)) commands.push({ cmd: 'limits', priceDeviation })
    if (random.chance(0.6)) commands.push({ cmd: 'limits', duplicateWindowMs: 50 })
    return commands
  }

  round(size: number): unknown[] {
    return Array.from({ length: size }, () => this.next())
  }

  /** Learns from the reports which orders are open, at which ids. */
  observe(reports: Json[], availableOf: AvailableOf): void {
    this.availableOf = availableOf
    for (const report of reports) {
      const orderId = report.orderId as string
      if (report.duplicate === true || report.execType === 'rejected') continue
      if (report.execType === 'new' || report.execType === 'replaced') {
        const market = this.markets.find(({ symbol }) => symbol === report.symbol)
        if (market === undefined) continue
        this.open.set(orderId, {
          account: report.account as string,
          symbol: market.symbol,
          side: report.side as string,
          clOrdId: report.clOrdId as string,
          orderId,
          price: stepCount(report.price, market.tick),
          qty: stepCount(report.orderQty, market.lot),
        })
      } else if (report.leavesQty === '0') {
        this.open.delete(orderId)
      }
    }
  }

  private next(): unknown {
    if (this.queue.length > 0) return this.queue.shift()
    const { random } = this
    const target = this.profile.wide ? OPEN_TARGET_WIDE : OPEN_TARGET
    const crowded = this.open.size > target ? 4 : 1
    const admin = this.profile.adminWeight
    const kind = random.weighted({
      new: 50,
      cancel: 5 * crowded,
      replace: 12,
      chain: 4,
      again: 4,
      massCancel: 0.6 * crowded,
      deposit: 2,
      withdraw: 2,
      transfer: 2,
      drain: 1,
      tight: 0.5,
      time: 5,
      limits: 2.5 * admin,
      killSwitch: 0.3 * admin,
      halt: 0.4 * admin,
      suspend: 0.4 * admin,
      calm: 0.2 + 0.7 * admin,
      define: 0.6,
      spoilt: 3,
    })
    switch (kind) {
      case 'new':
        return this.remember(this.newOrder())
      case 'cancel':
        return this.cancel()
      case 'replace':
        return this.remember(this.replace())
      case 'chain':
        return this.chain()
      case 'again':
        return this.again()
      case 'massCancel':
        return this.massCancel()
      case 'deposit':
      case 'withdraw':
      case 'transfer':
        return this.remember(this.transfer(kind))
      case 'drain':
        return this.remember(this.drain())
      case 'tight':
        return this.tight()
      case 'time':
        return this.time()
      case 'limits':
        return this.limits()
      case 'killSwitch':
        return this.killSwitch()
      case 'halt':
        return this.halt()
      case 'suspend':
        return this.suspend()
      case 'calm':
        return this.calm()
      case 'define':
        return this.define()
      case 'spoilt':
        return this.spoilt()
    }
  }

  private account(): string {
    return this.random.pick(this.accounts)
  }

  private market(): Market {
    return this.random.pick(this.markets)
  }

  private freshId(): string {
    return `c${this.idCount++}`
  }

  private remember(command: Json): Json {
    this.history.push(command)
    if (this.history.length > HISTORY_MAX) this.history.shift()
    return command
  }

  /** Near the middle, a little to the order's own side of it, so that books fill and cross. */
  private priceTicks(market: Market, side: unknown): number {
    const { random, profile } = this
    if (random.chance(0.02)) market.mid = Math.max(20, market.mid + random.int(-3, 3))
    const away = side === 'buy' ? -1 : 1
    if (!profile.wildPrices && !random.chance(0.06)) {
      return Math.max(1, market.mid + away * random.int(-2, profile.spread))
    }
    return Math.max(1, market.mid + random.int(1 - market.mid, market.mid - 1))
  }

  private qtyLots(): number {
    const { random } = this
    return random.chance(0.9) ? random.int(1, 9) : random.int(1, 400)
  }

  private newOrder(): Json {
    const { random } = this
    const market = this.market()
    const command: Json = {
      cmd: 'new',
      account: this.account(),
      clOrdId: this.freshId(),
      symbol: market.symbol,
      side: random.pick(['buy', 'sell']),
      ordType: random.chance(0.9) ? 'limit' : 'market',
      orderQty: steps(this.qtyLots(), market.lot),
    }
    if (command.ordType === 'market') {
      if (random.chance(0.4)) command.timeInForce = random.pick(['IOC', 'FOK'])
    } else {
      command.price = steps(this.priceTicks(market, command.side), market.tick)
      if (random.chance(0.5)) {
        command.timeInForce = random.pick(['GTC', 'GTC', 'GTC', 'GTC', 'IOC', 'FOK'])
      }
      if ((command.timeInForce ?? 'GTC') === 'GTC' && random.chance(0.15)) command.postOnly = true
    }
    if (random.chance(0.06)) command.reduceOnly = random.chance(0.9)
    if (random.chance(0.04)) command.postOnly = false
    if (random.chance(0.6)) {
      const modes = ['cancelNewest', 'cancelOldest', 'cancelBoth', 'decrement']
      command.selfTradePrevention = random.pick(modes)
    }
    if (random.chance(0.03)) this.exaggerate(command)
    return command
  }

  /** Makes a value too large for a bound, for the balance or for the safe integers. */
  private exaggerate(command: Json): void {
    const { random } = this
    const field = command.price === undefined ? 'orderQty' : random.pick(['orderQty', 'price'])
    command[field] = random.pick([
      '5000',
      '1000000',
      '30000000',
      '900000000000',
      '40000000000000',
      '9007199254740991',
      '9007199254740992',
      '99999999999999999999',
    ])
  }

  /** An open order, rather by what reports said than surely. */
  private target(): KnownOrder | null {
    const { random, open } = this
    if (open.size === 0) return null
    let skip = random.int(0, open.size - 1)
    for (const order of open.values()) if (skip-- === 0) return order
    return null
  }

  private cancel(): Json {
    const { random } = this
    const order = this.target()
    if (order === null || random.chance(0.08)) {
      return {
        cmd: 'cancel',
        account: this.account(),
        symbol: this.market().symbol,
        ...(random.chance(0.5)
          ? { origClOrdId: this.oldId() }
          : { orderId: String(random.int(0, 5000)) }),
      }
    }
    return {
      cmd: 'cancel',
      account: order.account,
      symbol: random.chance(0.97) ? order.symbol : this.market().symbol,
      ...this.targetId(order),
    }
  }

  private targetId(order: KnownOrder): Json {
    return this.random.chance(0.7) ? { origClOrdId: order.clOrdId } : { orderId: order.orderId }
  }

  private oldId(): string {
    return `c${this.random.int(Math.max(0, this.idCount - 60), this.idCount)}`
  }

  private replace(): Json {
    const { random } = this
    const order = this.target()
    if (order === null || random.chance(0.05)) {
      const market = this.market()
      return {
        cmd: 'replace',
        account: this.account(),
        symbol: market.symbol,
        origClOrdId: this.oldId(),
        clOrdId: this.freshId(),
        price: steps(this.priceTicks(market, 'buy'), market.tick),
        orderQty: steps(this.qtyLots(), market.lot),
      }
    }
    const command: Json = {
      cmd: 'replace',
      account: order.account,
      symbol: order.symbol,
      ...this.targetId(order),
      clOrdId: random.chance(0.97) ? this.freshId() : this.oldId(),
      ...this.newTerms(order),
    }
    if (random.chance(0.03)) this.exaggerate(command)
    return command
  }

  private newTerms(order: Pick<KnownOrder, 'symbol' | 'side' | 'price' | 'qty'>): Json {
    const { random } = this
    const market = this.markets.find(({ symbol }) => symbol === order.symbol)!
    const price = random.chance(0.4) ? order.price : this.priceTicks(market, order.side)
    const qty = random.chance(0.7) ? order.qty + random.int(-3, 3) : this.qtyLots()
    return {
      price: steps(Math.max(1, price), market.tick),
      orderQty: steps(Math.max(1, qty), market.lot),
    }
  }

  /** A new order and what happens to it, back to back; in one round when rounds are long enough. */
  private chain(): Json {
    const { random } = this
    const first = this.remember(this.newOrder())
    const { account, symbol } = first
    const market = this.markets.find((each) => each.symbol === symbol)!
    let id = first.clOrdId as string
    const side = first.side as string
    const price = this.priceTicks(market, side)
    const terms = { symbol: market.symbol, side, price, qty: this.qtyLots() }
    if (random.chance(0.3)) this.queue.push(this.newOrder())
    for (let count = random.int(0, 3); count > 0; count--) {
      const clOrdId = this.freshId()
      const command = { cmd: 'replace', account, symbol, origClOrdId: id, clOrdId }
      this.queue.push(this.remember({ ...command, ...this.newTerms(terms) }))
      if (random.chance(0.85)) id = clOrdId
      if (random.chance(0.2)) this.queue.push(this.newOrder())
      if (random.chance(0.1)) this.queue.push(this.again())
    }
    const end = random.int(0, 9)
    if (end < 4) this.queue.push({ cmd: 'cancel', account, symbol, origClOrdId: id })
    if (end === 4) this.queue.push({ cmd: 'massCancel', account })
    if (end === 5) this.queue.push({ cmd: 'killSwitch', account, on: true, cancelAll: true })
    if (end === 5) this.queue.push({ cmd: 'killSwitch', account, on: false })
    if (end === 6) this.queue.push(first)
    return first
  }

  /** Something sent before, once more: as it was, in other notation, or with other content. */
  private again(): Json {
    const { random } = this
    if (this.history.length === 0) return this.newOrder()
    const command = { ...random.pick(this.history) }
    const how = random.int(0, 9)
    if (how < 4) return command
    const money = command.amount !== undefined
    const field = money ? 'amount' : random.pick(['price', 'orderQty', 'side', 'symbol'])
    if (how < 6) {
      for (const name of ['price', 'orderQty', 'amount']) {
        const value = command[name]
        if (typeof value !== 'string') continue
        command[name] = value.includes('.') ? `${value}0` : `0${value}.00`
      }
      return command
    }
    if (how === 6 && command.cmd === 'new') return { ...command, reduceOnly: random.chance(0.5) }
    if (how === 7 && command.cmd === 'new') {
      return { ...command, selfTradePrevention: 'cancelNewest' }
    }
    if (how === 7 && command.orderId !== undefined) {
      return { ...command, orderId: String(Number(command.orderId) + random.int(1, 3)) }
    }
    const market = this.markets.find(({ symbol }) => symbol === command.symbol)
    if (how === 8 && market !== undefined && typeof command.price === 'string') {
      const [name, step] = random.chance(0.5) ? ['price', market.tick] : ['orderQty', market.lot]
      command[name] = steps(stepCount(command[name], step) + random.int(1, 4), step)
      return command
    }
    if (typeof command[field] !== 'string') return command
    if (field === 'side') command.side = random.pick(['buy', 'sell'])
    else if (field === 'symbol') command.symbol = this.market().symbol
    else command[field] = `1${command[field]}`
    return command
  }

  private massCancel(): Json {
    const { random } = this
    const command: Json = { cmd: 'massCancel', account: this.account() }
    if (random.chance(0.4)) command.symbol = this.market().symbol
    if (random.chance(0.4)) command.side = random.pick(['buy', 'sell'])
    return command
  }

  private transfer(cmd: 'deposit' | 'withdraw' | 'transfer'): Json {
    const { random } = this
    const asset = random.pick(['USD', 'EUR', 'NVDA', 'GOLD', 'MEME'])
    const amount = random.chance(0.97)
      ? random.pick(['1', '5', '20', '20', '150', '1000', '0.5', '0.25', '0.0001', '70000'])
      : random.pick(['9007199254740991', '9007199254740992', '900719925474', '400000000000000'])
    const command: Json = { cmd, account: this.account(), asset, amount, transferId: '' }
    if (random.chance(0.05)) {
      command.asset = 'JPY'
      command.amount = random.pick(['9007199254740991', '9007199254740990', '1', '1', '2'])
    }
    command.transferId = random.chance(0.9) ? this.freshId() : this.oldId()
    if (cmd === 'transfer') command.to = this.account()
    return command
  }

  /** Leaves an account next to nothing, so that the last unit decides what it can pay for. */
  private drain(): Json {
    const { random } = this
    const asset = random.pick(['USD', 'EUR', 'USD', 'EUR', 'GOLD'])
    const account = this.account()
    const step = { USD: '0.0001', EUR: '0.01', GOLD: '0.001' }[asset]!
    const units = stepCount(this.availableOf(account, asset), step)
    const left = random.pick([0, 1, 10, 300, 5000])
    const amount = steps(Math.max(1, units - random.int(0, left)), step)
    return { cmd: 'withdraw', account, asset, amount, transferId: this.freshId() }
  }

  /** Leaves what one lot more of an open buy costs, or a unit less; then asks for that lot. */
  private tight(): Json {
    const { random } = this
    const order = this.target()
    if (order === null || order.side !== 'buy') return this.drain()
    const market = this.markets.find(({ symbol }) => symbol === order.symbol)!
    const unit = market.quote === 'USD' ? '0.0001' : '0.01'
    const notional = Math.round((Number(market.tick) * Number(market.lot) * order.price) / +unit)
    const more = notional + Math.floor(notional * market.rate) + random.int(0, 1)
    const units = stepCount(this.availableOf(order.account, market.quote), unit)
    if (units <= more) return this.drain()
    const { account, symbol } = order
    const clOrdId = this.freshId()
    const terms = {
      price: steps(order.price, market.tick),
      orderQty: steps(order.qty + 1, market.lot),
    }
    this.queue.push({ cmd: 'replace', account, symbol, orderId: order.orderId, clOrdId, ...terms })
    const transferId = this.freshId()
    const amount = steps(units - more, unit)
    return { cmd: 'withdraw', account, asset: market.quote, amount, transferId }
  }

  private time(): Json {
    const { random } = this
    const weights = { ms: 50, s: 20, min: 6, h: 4, day: 2, edge: 4, same: 3, back: 3 }
    const step = random.weighted(weights)
    const steps = {
      ms: random.int(1, 400),
      s: random.int(400, 5000),
      min: random.int(5000, 1_200_000),
      h: random.int(1_200_000, 20_000_000),
      day: random.int(20_000_000, 200_000_000),
      edge: this.toEdge(),
      same: 0,
      back: -random.int(1, 100_000),
    }
    const time = this.now + steps[step]
    if (step !== 'back') this.now = time
    return { cmd: 'time', now: new Date(time).toISOString() }
  }

  /** Milliseconds to where trading hours or days begin or end, or to the one before. */
  private toEdge(): number {
    const { random } = this
    const minute = random.pick([0, 0, 360, 780, 1200, 1350, 1380, 1439])
    const past = this.now - minute * 60_000
    return DAY_MS - (past % DAY_MS) - random.pick([0, 0, 1])
  }

  private limits(): Json {
    const { random } = this
    const command: Json = { cmd: 'limits' }
    if (random.chance(0.6)) command.account = this.account()
    if (random.chance(0.5)) command.symbol = this.market().symbol
    for (let count = random.int(1, 3); count > 0; count--) {
      const name = random.pick(LIMIT_NAMES)
      const how = random.next()
      command[name] = how < 0.25 ? null : how < 0.35 ? 'off' : limitValue(random, name)
    }
    const scope = { ...command, ...everyLimit(null) }
    this.undo.set(`limits ${command.account} ${command.symbol}`, scope)
    return command
  }

  private killSwitch(): Json {
    const { random } = this
    const command: Json = { cmd: 'killSwitch', on: random.chance(0.4) }
    if (random.chance(0.7)) command.account = this.account()
    if (command.on === true && random.chance(0.4)) command.cancelAll = random.chance(0.8)
    const off: Json = { ...command, on: false }
    delete off.cancelAll
    this.undo.set(`killSwitch ${command.account}`, off)
    return command
  }

  private halt(): Json {
    const { symbol } = this.market()
    this.undo.set(`halt ${symbol}`, { cmd: 'resume', symbol })
    return { cmd: this.random.pick(['halt', 'resume']), symbol }
  }

  private suspend(): Json {
    const account = this.account()
    this.undo.set(`suspend ${account}`, { cmd: 'activate', account })
    return { cmd: this.random.pick(['suspend', 'activate']), account }
  }

  /** Takes back what would keep everything refused. */
  private calm(): Json {
    this.queue.push(...this.undo.values())
    this.undo.clear()
    const lax = { priceDeviation: this.profile.wide ? 'off' : '0.4', duplicateWindowMs: 50 }
    const room = this.random.chance(0.7) ? lax : {}
    this.queue.push({ cmd: 'limits', ...everyLimit(null), ...room })
    return { cmd: 'killSwitch', on: false }
  }

  private define(): Json {
    const { random } = this
    switch (random.int(0, 7)) {
      case 0:
        return random.pick(LATE_DEFINITIONS)
      case 1:
        return { cmd: 'asset', asset: 'USD', decimals: random.pick([4, 4, 5, 12, 13]) }
      case 2:
        return { cmd: 'account', account: this.account() }
      case 3:
        return random.pick(ASSETS)
      default: {
        const command = instrumentOf(
          random,
          { ...this.market(), symbol: `X${random.int(0, 1)}` },
          this.profile.wide,
        )
        const field = random.pick([
          ...['tickSize', 'lotSize', 'makerFeeRate', 'takerFeeRate', 'minQty', 'maxQty'],
          ...['minPrice', 'maxPrice', 'minNotional', 'maxNotional', 'referencePrice'],
        ])
        const value = random.pick([
          '0',
          '0.1',
          '0.00001',
          '0.00000001',
          '-0.1',
          '1',
          '2',
          '1000000',
        ])
        if (value !== '-0.1' || field.endsWith('Rate')) command[field] = value
        if (random.chance(0.15)) command.quote = random.pick([command.base, 'nothing', 'NVDA'])
        if (random.chance(0.3)) command.symbol = this.market().symbol
        return command
      }
    }
  }

  /** A command with something wrong in it. */
  private spoilt(): unknown {
    const { random } = this
    if (random.chance(0.05)) return random.pick([null, 5, 'new', [], [{}], true, {}, { cmd: 5 }])
    const makers: (() => Json)[] = [
      () => this.newOrder(),
      () => this.newOrder(),
      () => this.newOrder(),
      () => this.replace(),
      () => this.cancel(),
      () => this.massCancel(),
      () => this.transfer('transfer'),
      () => this.transfer('deposit'),
      () => this.limits(),
      () => this.killSwitch(),
      () => this.time(),
      () => this.define(),
    ]
    const command = { ...random.pick(makers)() }
    spoil(random, command)
    return command
  }
}
