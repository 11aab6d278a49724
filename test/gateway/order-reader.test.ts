// Orders read straight into binary are, word by word, those that the way by objects makes of the
// same frame; what that way refuses is never taken.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Packr } from 'msgpackr/index-no-eval'
import { expect, test } from 'vitest'
import { decodeFrame } from '../../src/gateway/frame.ts'
import { OrderReader } from '../../src/gateway/order-reader.ts'
import { bodyOf, type OrderVerb } from '../../src/gateway/subjects.ts'
import { COMMAND_WORDS, CommandLog } from '../../src/protocol/command-log.ts'
import { decode } from '../../src/protocol/decode.ts'
import { Directory } from '../../src/protocol/directory.ts'
import { Prng } from '../support/prng.ts'
import { type Value, write, writeMap } from './msgpack-writer.ts'

const packr = new Packr({ useRecords: false, mapsAsObjects: true })

const names = new Directory()
const definitions = [
  { cmd: 'asset', asset: 'USD', decimals: 6 },
  { cmd: 'asset', asset: 'BTC', decimals: 8 },
  { cmd: 'asset', asset: 'YEN', decimals: 0 },
  ...instrument('BTC-USD', 'BTC', 'USD', '0.01', '0.0001'),
  ...instrument('a_symbol-of-exactly-36-characters_ok', 'BTC', 'USD', '0.25', '0.5'),
  ...instrument('YB', 'BTC', 'YEN', '5', '1'),
  { cmd: 'account', account: 'alice' },
  { cmd: 'account', account: 'bob' },
]
function instrument(symbol: string, base: string, quote: string, tick: string, lot: string) {
  return [{ cmd: 'instrument', symbol, base, quote, tickSize: tick, lotSize: lot }]
}
for (const each of definitions) expect(decode(each, names, new CommandLog())).toBeUndefined()

interface To {
  readonly kind: 'order'
  readonly account: string
  readonly verb: OrderVerb
}

/** The way by objects: all of the frame's commands, undefined if one is refused. */
function slowly(bytes: Uint8Array, to: To): CommandLog | undefined {
  const frame = decodeFrame(bytes)
  if (!frame.ok) return undefined
  const log = new CommandLog()
  for (const command of frame.commands) {
    const said = bodyOf(to, command)
    if (said.kind !== 'body' || decode(said.body, names, log) !== undefined) return undefined
  }
  return log
}

const wordsOf = ({ i32, count }: CommandLog) => Array.from(i32.subarray(0, count * COMMAND_WORDS))

const reader = new OrderReader()

/** Whether the reader takes it; then it is what the other way makes of it. */
function compare(bytes: Uint8Array, to: To): boolean {
  const isRead = reader.read(bytes, to, names)
  if (!isRead) return false
  const meant = slowly(bytes, to)
  if (meant === undefined) throw new Error(`taken: ${Buffer.from(bytes).toString('hex')}`)
  expect(wordsOf(reader.log)).toEqual(wordsOf(meant))
  return true
}

const order = {
  ...{ clOrdId: 'c-1', symbol: 'BTC-USD', side: 'buy', ordType: 'limit', price: '65000.25' },
  ...{ orderQty: '0.0100' },
}
const to = (verb: OrderVerb, account = 'alice'): To => ({ kind: 'order', account, verb })

test.each<[string, OrderVerb, object]>([
  ['a limit order', 'new', order],
  [
    'all that it may have',
    'new',
    { ...order, timeInForce: 'GTC', postOnly: true, reduceOnly: true },
  ],
  ['with its account and cmd', 'new', { cmd: 'new', account: 'alice', ...order }],
  ['IOC', 'new', { ...order, side: 'sell', timeInForce: 'IOC', postOnly: false }],
  ['FOK', 'new', { ...order, timeInForce: 'FOK', symbol: 'YB', price: '15', orderQty: '3.000' }],
  [
    'the longest names',
    'new',
    {
      ...order,
      symbol: 'a_symbol-of-exactly-36-characters_ok',
      price: '1.25',
      orderQty: '0.5',
      clOrdId: '~'.repeat(36),
    },
  ],
  ['a cancel', 'cancel', { symbol: 'BTC-USD', origClOrdId: 'c-1' }],
  ['a cancel by orderId', 'cancel', { symbol: 'BTC-USD', orderId: '9007199254740991' }],
  [
    'a replace',
    'replace',
    { clOrdId: 'c-2', symbol: 'BTC-USD', price: '1', orderQty: '1', origClOrdId: 'c-1' },
  ],
  [
    'a replace by orderId',
    'replace',
    { clOrdId: 'c-2', symbol: 'BTC-USD', price: '1', orderQty: '1', orderId: '7' },
  ],
  ['one of a batch', 'batch', { cmd: 'new', ...order }],
  [
    'a batch',
    'batch',
    [
      { cmd: 'new', ...order },
      { cmd: 'cancel', symbol: 'YB', orderId: '1' },
    ],
  ],
  ['many', 'new', Array.from({ length: 1_000 }, () => order)],
])('%s is read', (_, verb, value) => {
  expect(compare(packr.pack(value), to(verb))).toBe(true)
})

test.each<[string, OrderVerb, object]>([
  ['another account', 'new', { ...order, account: 'bob' }],
  ['another cmd', 'new', { ...order, cmd: 'cancel' }],
  ['no cmd in a batch', 'batch', order],
  ['a market order', 'new', { ...order, ordType: 'market', price: undefined }],
  ['more precision', 'new', { ...order, price: '1.001' }],
  ['nothing', 'new', { ...order, orderQty: '0.00' }],
  ['not a tick', 'new', { ...order, symbol: 'YB', price: '7', orderQty: '1' }],
  ['a large price', 'new', { ...order, price: '9007199254740992' }],
  ['no digit behind the point', 'new', { ...order, price: '1.' }],
  ['no digit before it', 'new', { ...order, price: '.1' }],
  ['two points', 'new', { ...order, price: '1.0.0' }],
  ['41 digits', 'new', { ...order, price: '1'.padStart(41, '0') }],
  ['a sign', 'new', { ...order, price: '+1' }],
  ['post-only IOC', 'new', { ...order, postOnly: true, timeInForce: 'IOC' }],
  ['an unknown symbol', 'new', { ...order, symbol: 'BTC-USE' }],
  ['an unknown field', 'new', { ...order, text: 'x' }],
  ['a long id', 'new', { ...order, clOrdId: 'x'.repeat(37) }],
  ['an id with a space', 'new', { ...order, clOrdId: 'a b' }],
  ['an empty id', 'new', { ...order, clOrdId: '' }],
  ['two targets', 'cancel', { symbol: 'YB', orderId: '1', origClOrdId: 'x' }],
  ['no target', 'cancel', { symbol: 'YB' }],
  ['a fraction of an order', 'cancel', { symbol: 'YB', orderId: '1.0' }],
  ['a zero in front', 'cancel', { symbol: 'YB', orderId: '01' }],
  ['beyond 2^53', 'cancel', { symbol: 'YB', orderId: '9007199254740993' }],
  ['a number', 'new', { ...order, price: 1 }],
  ['an empty batch', 'batch', []],
  ['a batch with one that is refused', 'new', [order, { ...order, side: 'hold' }]],
  ['too many', 'new', Array.from({ length: 1_001 }, () => order)],
])('%s is left to the other way', (_, verb, value) => {
  expect(compare(packr.pack(value), to(verb))).toBe(false)
})

test('a field that is there twice', () => {
  const fields = Object.entries(order)
  const mapOf = (all: [string, string][]) =>
    Buffer.concat([Buffer.from([0x80 + all.length]), ...all.flat().map((text) => packr.pack(text))])
  expect(compare(mapOf(fields), to('new'))).toBe(true)
  for (const field of fields) expect(compare(mapOf([...fields, field]), to('new'))).toBe(false)
})

test('an account that does not exist, and bytes behind the frame', () => {
  expect(reader.read(packr.pack(order), to('new', 'carol'), names)).toBe(false)
  const bytes = packr.pack(order)
  expect(compare(Buffer.concat([bytes, Buffer.from([0xc0])]), to('new'))).toBe(false)
  for (let end = 0; end < bytes.length; end += 1) {
    expect(compare(bytes.subarray(0, end), to('new'))).toBe(false)
  }
})

test('another directory: its names and no others', () => {
  const others = new Directory()
  for (const each of definitions.slice(0, 3)) decode(each, others, new CommandLog())
  for (const each of [
    ...instrument('YB', 'BTC', 'YEN', '7', '1'),
    { cmd: 'account', account: 'alice' },
  ]) {
    decode(each, others, new CommandLog())
  }
  const bytes = packr.pack({ ...order, symbol: 'YB', price: '35', orderQty: '1' })
  expect(reader.read(bytes, to('new'), names)).toBe(true)
  expect(reader.log.f64[10]).toBe(7)
  expect(reader.read(bytes, to('new'), others)).toBe(true)
  expect(reader.log.f64[10]).toBe(5)
  expect(reader.read(packr.pack(order), to('new'), others)).toBe(false)
})

const TEXTS = ['', '0', '1', '00', '1.0', '0.01', '5', '65000.25', '1e3', '-1', 'x', '0.00001']
const SYMBOLS = ['BTC-USD', 'YB', 'a_symbol-of-exactly-36-characters_ok', 'NONE', 'btc-usd']

/** A command: mostly right, now and then with something that is wrong or odd. */
function anyCommand(random: Prng, verb: OrderVerb): [string, Value][] {
  const kind = verb === 'batch' ? random.pick(['new', 'cancel', 'replace', 'massCancel']) : verb
  const odd = <T extends Value>(value: T): Value =>
    random.chance(0.03) ? random.pick<Value>([null, 1, true, [], {}, 'é', ...TEXTS]) : value
  const id = () => odd(`id-${random.int(1, 10 ** random.int(1, 9))}`.padEnd(random.int(1, 36), '.'))
  const number = (step: number, decimals: number) =>
    odd((random.int(1, 10_000) * step).toFixed(decimals))
  const symbol = random.pick(SYMBOLS.slice(0, random.chance(0.95) ? 3 : 5))
  const [tick, lot] = symbol === 'YB' ? [5, 1] : symbol === 'BTC-USD' ? [0.01, 0.0001] : [0.25, 0.5]
  const fields: [string, Value][] = [['symbol', odd(symbol)]]
  const may = (chance: number, name: string, value: Value) => {
    if (random.chance(chance)) fields.push([name, value])
  }
  if (kind === 'new' || kind === 'replace') {
    may(0.99, 'clOrdId', id())
    may(0.99, 'price', number(tick, random.int(2, 4)))
    may(0.99, 'orderQty', number(lot, random.int(4, 6)))
  }
  if (kind === 'new') {
    may(0.99, 'side', odd(random.pick(['buy', 'sell'])))
    may(0.99, 'ordType', odd(random.pick(['limit', 'limit', 'limit', 'market'])))
    may(0.5, 'timeInForce', odd(random.pick(['GTC', 'IOC', 'FOK'])))
    may(0.2, 'postOnly', odd(random.chance(0.5)))
    may(0.2, 'reduceOnly', odd(random.chance(0.5)))
    may(0.05, 'selfTradePrevention', odd('cancelOldest'))
  } else {
    may(0.5, 'orderId', odd(String(random.int(1, 10 ** random.int(1, 15)))))
    may(fields.some(([name]) => name === 'orderId') ? 0.03 : 0.99, 'origClOrdId', id())
  }
  may(verb === 'batch' ? 0.98 : 0.3, 'cmd', odd(kind))
  may(0.3, 'account', odd(random.chance(0.97) ? 'alice' : 'bob'))
  may(0.02, random.pick(['text', 'symbol', '__proto__', 'price']), 'x')
  for (let at = fields.length - 1; at > 0; at -= 1) {
    const other = random.int(0, at)
    ;[fields[at], fields[other]] = [fields[other], fields[at]]
  }
  return fields
}

const VERBS: readonly OrderVerb[] = ['new', 'cancel', 'replace', 'batch', 'massCancel']

test.each([1, 2, 3, 4, 5])('seed %i: any frame, in any way that msgpack has for it', (seed) => {
  const random = new Prng(seed)
  let [taken, left] = [0, 0]
  for (let n = 0; n < 4_000; n += 1) {
    const verb = random.pick(VERBS)
    const isBatch = random.chance(0.3)
    const some = Array.from({ length: isBatch ? random.int(0, 20) : 1 }, () => {
      const fields = anyCommand(random, verb)
      return random.chance(0.5) ? packr.pack(Object.fromEntries(fields)) : writeMap(fields, random)
    })
    const head = random.chance(0.5) ? [0x90 + (some.length & 15)] : [0xdc, 0, some.length]
    const bytes = isBatch ? Buffer.concat([Buffer.from(head), ...some]) : some[0]
    if (compare(bytes, to(verb))) taken += 1
    else if (slowly(bytes, to(verb)) !== undefined) left += 1
    // Some bytes changed.
    for (let turn = 0; turn < 3; turn += 1) {
      const spoiled = Buffer.from(bytes)
      spoiled[random.int(0, bytes.length - 1)] = random.int(0, 255)
      compare(spoiled, to(verb))
    }
  }
  expect(taken).toBeGreaterThan(500)
  expect(left).toBeGreaterThan(50)
})

test('the corpus of bad frames', () => {
  const folder = join(import.meta.dirname, 'corpus')
  for (const file of readdirSync(folder)) {
    for (const verb of VERBS) compare(readFileSync(join(folder, file)), to(verb))
  }
})

test('what is written in the longest way is read as well', () => {
  const random = new Prng(9)
  for (let n = 0; n < 200; n += 1) {
    const bytes = write(order, random)
    const isLong = [...bytes].some((byte) => byte >= 0xda && byte <= 0xdb)
    if (!isLong && bytes[0] !== 0xdf) compare(bytes, to('new'))
  }
})
