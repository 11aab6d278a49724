// The language of the stories in this folder: what a line says, as commands of docs/commands.md.
//
//   asset USD decimals 4                        (assets of a market come by themselves: quote 2, base 0)
//   market NVDA/USD tick 0.01 lot 1 [maker R] [taker R] [reference P] [minQty Q] [maxQty Q] ...
//   market NVDA-EUR = NVDA/EUR tick ...         a symbol of another name than its base
//   alice has 1000 USD                          makes the account, deposits under a new id
//   alice: buy 5 NVDA @ 100 as a-1 [IOC|FOK|GTC] [post-only] [reduce-only] [cancel-newest|cancel-oldest|
//                                              cancel-both|decrement]
//   alice: sell 5 NVDA at market as a-2 [FOK]
//   alice: cancel NVDA a-1                      by client id; `#a-1`: by the order id that a-1 got
//   alice: replace NVDA a-1 with 5 @ 101 as a-3
//   alice: cancel all [NVDA] [buy|sell]
//   alice: deposit 5 USD as d-1                 also withdraw, and transfer 5 USD to bob as t-1
//   halt NVDA, resume NVDA, suspend alice, activate alice
//   kill switch on [for alice] [cancel all]
//   limit maxOrderQty 5 maxPositions off [for alice] [in NVDA]
//   time 2026-01-02 14:30:00[.000]
//   raw {"cmd": ...}                            any JSON

export type Json = Record<string, unknown>

/** Words of a market line that are not field names. */
const MARKET_FIELDS: { [word: string]: string } = {
  tick: 'tickSize',
  lot: 'lotSize',
  maker: 'makerFeeRate',
  taker: 'takerFeeRate',
  reference: 'referencePrice',
}

/** Words behind an order and the fields they set. */
const ORDER_WORDS: { [word: string]: Json } = {
  GTC: { timeInForce: 'GTC' },
  IOC: { timeInForce: 'IOC' },
  FOK: { timeInForce: 'FOK' },
  'post-only': { postOnly: true },
  'reduce-only': { reduceOnly: true },
  'cancel-newest': { selfTradePrevention: 'cancelNewest' },
  'cancel-oldest': { selfTradePrevention: 'cancelOldest' },
  'cancel-both': { selfTradePrevention: 'cancelBoth' },
  decrement: { selfTradePrevention: 'decrement' },
}

/** Limits whose value is a JSON number. */
const WHOLE_LIMITS = new Set([
  'maxOrdersPerSecond',
  'duplicateWindowMs',
  'maxOpenOrders',
  'maxPositions',
])

type Groups = { [name: string]: string }

/** Translates lines; remembers what it defined, and which order ids the exchange gave. */
export class Language {
  private readonly assets = new Set<string>()
  private readonly accounts = new Set<string>()
  private readonly orderIds = new Map<string, string>()
  private gifts = 0

  /** Remembers what `#clOrdId` stands for. */
  learn(clOrdId: string, orderId: string): void {
    this.orderIds.set(clOrdId, orderId)
  }

  /** Lines that prepare a story; what they do is not reported unless it is refused. */
  static isSetup(line: string): boolean {
    return /^(asset|market|account) /.test(line) || /^\S+ has /.test(line)
  }

  /** The commands of a line. Throws for a line that is none. */
  commands(line: string): Json[] {
    for (const [form, translate] of this.forms) {
      const groups = form.exec(line)?.groups
      if (groups !== undefined) return translate({ ...groups })
    }
    throw new Error(`not a line of the scenario language: ${line}`)
  }

  private readonly forms: [RegExp, (groups: Groups) => Json[]][] = [
    [
      /^asset (?<asset>\S+) decimals (?<decimals>\d+)$/,
      ({ asset, decimals }) => this.asset(asset, Number(decimals)),
    ],
    [
      /^market ((?<symbol>\S+) = )?(?<base>\S+)\/(?<quote>\S+)(?<rest>( \S+ \S+)*)$/,
      ({ symbol, base, quote, rest }) => [
        ...(this.assets.has(quote) ? [] : this.asset(quote, 2)),
        ...(this.assets.has(base) ? [] : this.asset(base, 0)),
        { cmd: 'instrument', symbol: symbol ?? base, base, quote, ...marketFields(rest) },
      ],
    ],
    [/^account (?<account>\S+)$/, ({ account }) => this.account(account)],
    [
      /^(?<account>\S+) has (?<amount>\S+) (?<asset>\S+)$/,
      ({ account, amount, asset }) => {
        const transferId = `gift-${++this.gifts}`
        const deposit = { cmd: 'deposit', account, asset, amount, transferId }
        return [...(this.accounts.has(account) ? [] : this.account(account)), deposit]
      },
    ],
    [
      /^(?<account>\S+): (?<side>buy|sell) (?<orderQty>\S+) (?<symbol>\S+) (@ (?<price>\S+)|at market) as (?<clOrdId>\S+)(?<rest>( \S+)*)$/,
      ({ price, rest, ...order }) => {
        const type = price === undefined ? { ordType: 'market' } : { ordType: 'limit', price }
        return [{ cmd: 'new', ...order, ...type, ...orderFields(rest) }]
      },
    ],
    [
      /^(?<account>\S+): cancel (?<symbol>\S+) (?<target>\S*[\d#]\S*)$/,
      ({ account, symbol, target }) => [{ cmd: 'cancel', account, symbol, ...this.target(target) }],
    ],
    [
      /^(?<account>\S+): replace (?<symbol>\S+) (?<target>\S+) with (?<orderQty>\S+) @ (?<price>\S+) as (?<clOrdId>\S+)$/,
      ({ target, ...order }) => [{ cmd: 'replace', ...order, ...this.target(target) }],
    ],
    [
      /^(?<account>\S+): cancel all( (?<symbol>(?!buy|sell)\S+))?( (?<side>buy|sell))?$/,
      (groups) => [{ cmd: 'massCancel', ...present(groups) }],
    ],
    [
      /^(?<account>\S+): (?<cmd>deposit|withdraw|transfer) (?<amount>\S+) (?<asset>\S+)( to (?<to>\S+))? as (?<transferId>\S+)$/,
      (groups) => [present(groups)],
    ],
    [/^(?<cmd>halt|resume) (?<symbol>\S+)$/, (groups) => [groups]],
    [/^(?<cmd>suspend|activate) (?<account>\S+)$/, (groups) => [groups]],
    [
      /^kill switch (?<on>on|off)( for (?<account>\S+))?(?<cancelAll> cancel all)?$/,
      ({ on, cancelAll, ...groups }) => {
        const all = cancelAll === undefined ? {} : { cancelAll: true }
        return [{ cmd: 'killSwitch', on: on === 'on', ...present(groups), ...all }]
      },
    ],
    [
      /^limit(?<limits>( [a-z]+[A-Z]\S+ \S+)+)( for (?<account>\S+))?( in (?<symbol>\S+))?$/,
      ({ limits, ...groups }) => [
        { cmd: 'limits', ...present(groups), ...limitFields(limits) },
      ],
    ],
    [
      /^time (?<date>\d{4}-\d\d-\d\d) (?<clock>\d\d:\d\d:\d\d)(?<ms>\.\d{3})?$/,
      ({ date, clock, ms }) => [{ cmd: 'time', now: `${date}T${clock}${ms ?? '.000'}Z` }],
    ],
    [/^raw (?<json>.+)$/, ({ json }) => [JSON.parse(json) as Json]],
  ]

  private asset(asset: string, decimals: number): Json[] {
    this.assets.add(asset)
    return [{ cmd: 'asset', asset, decimals }]
  }

  private account(account: string): Json[] {
    this.accounts.add(account)
    return [{ cmd: 'account', account }]
  }

  private target(text: string): Json {
    if (!text.startsWith('#')) return { origClOrdId: text }
    return { orderId: this.orderIds.get(text.slice(1)) ?? text.slice(1) }
  }
}

/** Without the groups that matched nothing. */
function present(groups: Groups): Json {
  return Object.fromEntries(Object.entries(groups).filter(([, value]) => value !== undefined))
}

function pairs(text: string): [string, string][] {
  const words = text.trim().split(/ +/).filter(Boolean)
  return words.flatMap((word, i) => (i % 2 === 0 ? [[word, words[i + 1]]] : []))
}

function marketFields(text: string): Json {
  return Object.fromEntries(pairs(text).map(([word, value]) => [MARKET_FIELDS[word] ?? word, value]))
}

function orderFields(text: string): Json {
  const fields = text.trim().split(/ +/).filter(Boolean)
  for (const word of fields) {
    if (!Object.hasOwn(ORDER_WORDS, word)) throw new Error(`not a word for an order: ${word}`)
  }
  return Object.assign({}, ...fields.map((word) => ORDER_WORDS[word])) as Json
}

function limitFields(text: string): Json {
  const words: { [word: string]: unknown } = { true: true, false: false, null: null, off: 'off' }
  return Object.fromEntries(
    pairs(text).map(([name, value]) => {
      if (Object.hasOwn(words, value)) return [name, words[value]]
      return [name, WHOLE_LIMITS.has(name) ? Number(value) : value]
    }),
  )
}
