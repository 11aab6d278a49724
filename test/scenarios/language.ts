// The language of the stories in this folder: what a line says, as commands of docs/commands.md.
//
//   asset USD decimals 4                  a market's assets come by themselves: quote 2, base 0
//   market NVDA/USD tick 0.01 lot 1 maker 0 taker 0.001 reference 100 minQty 2 ...
//   market NVDA-EUR = NVDA/EUR tick ...   a symbol of another name than its base
//   alice has 1000 USD                    makes the account, deposits under a new id
//   alice: buy 5 NVDA @ 100 as a-1 ...    IOC, FOK, GTC, post-only, reduce-only, cancel-newest,
//                                         cancel-oldest, cancel-both, decrement
//   alice: sell 5 NVDA at market as a-2 FOK
//   alice: cancel NVDA a-1                by client id; `#a-1`: by the order id that a-1 got
//   alice: replace NVDA a-1 with 5 @ 101 as a-3
//   alice: cancel all [NVDA] [buy|sell]
//   alice: deposit 5 USD as d-1           also withdraw, and transfer 5 USD to bob as t-1
//   halt NVDA, resume NVDA, suspend alice, activate alice
//   kill switch on [for alice] [cancel all]
//   limit maxOrderQty 5 maxPositions off [for alice] [in NVDA]
//   time 2026-01-02 14:30:00[.000]
//   raw {"cmd": ...}                      any JSON
//
// `round` and `end` around indented lines make one round of them. `show alice`, `show book NVDA`,
// `show orders alice`, `show postings` and `show reports` (as JSON) ask between rounds; `exchange
// remembers 5 commands` comes first, if at all. `story: title` begins a story; what stands before
// the first sets the scene for each. Answers are indented by four.

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
      form('asset {asset} decimals {decimals}'),
      ({ asset, decimals }) => this.asset(asset, Number(decimals)),
    ],
    [
      form('market ({symbol} = )?{base}/{quote}{rest=( \\S+ \\S+)*}'),
      ({ symbol, base, quote, rest }) => [
        ...(this.assets.has(quote) ? [] : this.asset(quote, 2)),
        ...(this.assets.has(base) ? [] : this.asset(base, 0)),
        { cmd: 'instrument', symbol: symbol ?? base, base, quote, ...marketFields(rest) },
      ],
    ],
    [form('account {account}'), ({ account }) => this.account(account)],
    [
      form('{account} has {amount} {asset}'),
      ({ account, amount, asset }) => {
        const transferId = `gift-${++this.gifts}`
        const deposit = { cmd: 'deposit', account, asset, amount, transferId }
        return [...(this.accounts.has(account) ? [] : this.account(account)), deposit]
      },
    ],
    [
      form(
        '{account}: {side=buy|sell} {orderQty} {symbol} (@ {price}|at market)',
        ' as {clOrdId}{rest=( \\S+)*}',
      ),
      ({ price, rest, ...order }) => {
        const type = price === undefined ? { ordType: 'market' } : { ordType: 'limit', price }
        return [{ cmd: 'new', ...order, ...type, ...orderFields(rest) }]
      },
    ],
    [
      form('{account}: cancel {symbol} {target=\\S*[\\d#]\\S*}'),
      ({ target, ...order }) => [{ cmd: 'cancel', ...order, ...this.target(target) }],
    ],
    [
      form('{account}: replace {symbol} {target} with {orderQty} @ {price} as {clOrdId}'),
      ({ target, ...order }) => [{ cmd: 'replace', ...order, ...this.target(target) }],
    ],
    [
      form('{account}: cancel all( {symbol=(?!buy|sell)\\S+})?( {side=buy|sell})?'),
      (groups) => [{ cmd: 'massCancel', ...present(groups) }],
    ],
    [
      form(
        '{account}: {cmd=deposit|withdraw|transfer} {amount} {asset}( to {to})?',
        ' as {transferId}',
      ),
      (groups) => [present(groups)],
    ],
    [form('{cmd=halt|resume} {symbol}'), (groups) => [groups]],
    [form('{cmd=suspend|activate} {account}'), (groups) => [groups]],
    [
      form('kill switch {on=on|off}( for {account})?{cancelAll=( cancel all)?}'),
      ({ on, cancelAll, ...groups }) => {
        const all = cancelAll === '' ? {} : { cancelAll: true }
        return [{ cmd: 'killSwitch', on: on === 'on', ...present(groups), ...all }]
      },
    ],
    [
      form('limit{limits=( [a-z]+[A-Z]\\S+ \\S+)+}( for {account})?( in {symbol})?'),
      ({ limits, ...groups }) => [{ cmd: 'limits', ...present(groups), ...limitFields(limits) }],
    ],
    [
      form('time {date=\\d+-\\d\\d-\\d\\d} {clock=\\d\\d:\\d\\d:\\d\\d}{ms=(\\.\\d+)?}'),
      ({ date, clock, ms }) => [{ cmd: 'time', now: `${date}T${clock}${ms || '.000'}Z` }],
    ],
    [form('raw {json=.+}'), ({ json }) => [JSON.parse(json) as Json]],
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

/** A line's form: `{name}` is a word, `{name=...}` what a regular expression says. */
function form(...parts: string[]): RegExp {
  const source = parts
    .join('')
    .replaceAll(/\{(\w+)\}/g, '(?<$1>\\S+)')
    .replaceAll(/\{(\w+)=([^}]+)\}/g, '(?<$1>$2)')
  return new RegExp(`^${source}$`)
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
  return Object.fromEntries(
    pairs(text).map(([word, value]) => [MARKET_FIELDS[word] ?? word, value]),
  )
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
