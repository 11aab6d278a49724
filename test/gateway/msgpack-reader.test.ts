// The walk that checks and builds at once, against msgpackr for values and against a naive oracle
// for refusals.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { Packr } from 'msgpackr/index-no-eval'
import { expect, test } from 'vitest'
import { findFieldName } from '../../src/gateway/field-names.ts'
import { decodeFrame, type FrameRefusal } from '../../src/gateway/frame.ts'
import { SENTENCES } from '../../src/gateway/frame-checks.ts'
import { COMMAND_FORMS } from '../../src/protocol/command-schema.ts'
import { NEW } from '../refusals/world.ts'
import { Prng } from '../support/prng.ts'
import { wrongWith } from './msgpack-oracle.ts'
import { type Value, write, writeMap } from './msgpack-writer.ts'

const packr = new Packr({ useRecords: false, mapsAsObjects: true, int64AsType: 'number' })
const names = [
  ...new Set(
    Object.values(COMMAND_FORMS).flatMap(({ required, optional }) => [
      ...Object.keys(required),
      ...Object.keys(optional),
    ]),
  ),
  'cmd',
]
const strange = ['toString', 'valueOf', 'hasOwnProperty', '__proto', '0', '7', 'a', 'x'.repeat(64)]

const NUMBERS = [0, 1, 31, 32, 33, 64, 127, 128, 255, 256, 2 ** 15, 2 ** 16, 2 ** 24, 2 ** 31]
  .concat(2 ** 32, 2 ** 40, 2 ** 53)
  .flatMap((edge) => [edge - 1, edge, edge + 1, 1 - edge, -edge])
  .filter((value) => Number.isSafeInteger(value) && !Object.is(value, -0))

function textOf(random: Prng): string {
  const alphabet = random.pick(['abcXYZ019._-', '09.', 'aé€😀\u0000\u007f\u0080', '\u2028ab"\\'])
  const chars = [...alphabet]
  const length = random.pick([0, 1, random.int(2, 20), random.int(0, 40), random.int(40, 256)])
  let text = ''
  while (text.length < length) text += random.pick(chars)
  while (Buffer.byteLength(text) > 256) text = [...text].slice(1).join('')
  return text
}

function anyValue(random: Prng, depth: number): Value {
  const kind = random.int(0, depth > 4 ? 5 : 8)
  if (kind === 0) return null
  if (kind === 1) return random.chance(0.5)
  if (kind === 2) return random.pick(NUMBERS)
  if (kind <= 5) return textOf(random)
  if (kind === 6) return Array.from({ length: sizeOf(random) }, () => anyValue(random, depth + 1))
  return mapOf(random, depth)
}

const sizeOf = (random: Prng) => random.pick([0, 1, 3, random.int(0, 7), random.int(0, 32)])

function mapOf(random: Prng, depth: number): { [name: string]: Value } {
  const map: { [name: string]: Value } = {}
  for (let n = sizeOf(random); n > 0; n -= 1) {
    const name = random.chance(0.8) ? random.pick(names) : random.pick(strange)
    map[name] = anyValue(random, depth + 1)
  }
  return map
}

const show = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex').slice(0, 2_000)

test.each([1, 2, 3])('seed %i: all values in all their ways come out as they are', (seed) => {
  const random = new Prng(seed)
  for (let i = 0; i < 1_000; i += 1) {
    const isBatch = random.chance(0.3)
    const length = random.int(1, 5)
    const value = isBatch ? Array.from({ length }, () => mapOf(random, 2)) : mapOf(random, 1)
    const bytes = write(value, random)
    // As pieces of something larger, of both kinds, as they come from a socket.
    const piece = Buffer.concat([Buffer.from([0xc1]), bytes, Buffer.from([0xc1])]).subarray(1, -1)
    const frame = decodeFrame(random.chance(0.5) ? piece : Uint8Array.from(bytes))
    if (!frame.ok) throw new Error(`${frame.field}, ${frame.text}: ${show(bytes)}`)
    const got = isBatch ? frame.commands : frame.commands[0]
    const isSame = isDeepStrictEqual(got, value) && isDeepStrictEqual(got, packr.unpack(bytes))
    // Fields in the order of the frame.
    if (!isSame || JSON.stringify(got) !== JSON.stringify(value)) {
      throw new Error(`not the same: ${show(bytes)}`)
    }
  }
})

test('every number at an edge, in each of its ways', () => {
  const random = new Prng(1)
  for (const value of NUMBERS) {
    // So many that each of up to ten ways comes.
    const ways = new Set(Array.from({ length: 100 }, () => write(value, random).toString('hex')))
    for (const way of ways) {
      const frame = decodeFrame(Buffer.from(`81a161${way}`, 'hex'))
      expect([way, frame.ok && frame.commands]).toEqual([way, [{ a: value }]])
    }
  }
})

test('texts of every length, of ASCII and not, and one that begins with a byte order mark', () => {
  for (let length = 0; length <= 256; length += 1) {
    const ascii = Array.from({ length }, (_, i) => String.fromCharCode(33 + (i % 90))).join('')
    const texts = [ascii, `\ufeff${ascii}`, `${ascii}é`, `é${ascii}`]
    for (const text of texts.filter((each) => Buffer.byteLength(each) <= 256)) {
      const frame = decodeFrame(write({ text }, new Prng(length)))
      expect(frame.ok && frame.commands).toEqual([{ text }])
    }
  }
})

test('the names of all fields are known by their bytes', () => {
  const bytes = Buffer.from(names.join(' '))
  let start = 0
  for (const name of names) {
    expect(findFieldName(bytes, start, name.length)?.name).toBe(name)
    start += name.length + 1
  }
})

test('names of fields, and whatever is almost one', () => {
  const near = names.flatMap((name) =>
    [...name].flatMap((_, at) => [
      `${name.slice(0, at)}${name.slice(at + 1)}`,
      `${name.slice(0, at)}z${name.slice(at)}`,
      `${name.slice(0, at)}Q${name.slice(at + 1)}`,
    ]),
  )
  for (const name of [...names, ...strange, ...near].filter((each) => each !== '')) {
    for (const bytes of [write({ [name]: 1 }, new Prng(1)), Buffer.from(`{"${name}":1}`)]) {
      const frame = decodeFrame(bytes)
      expect(frame.ok && frame.commands).toEqual([{ [name]: 1 }])
    }
    const twice = { ok: false, field: name, text: SENTENCES.twice }
    expect(decodeFrame(Buffer.from(`{"${name}":1,"${name}":1}`))).toMatchObject(twice)
  }
})

test('a name twice is refused, however many are between and wherever it is', () => {
  const random = new Prng(7)
  for (let i = 0; i < 2_000; i += 1) {
    const all = [...new Set(Array.from({ length: 12 }, () => random.pick([...names, ...strange])))]
    // What is in the map of another field does not count.
    const fields = all.map((name) => [name, { [random.pick(all)]: 1 }] as const)
    expect(decodeFrame(writeMap(fields, random)).ok).toBe(true)
    const [field] = random.pick(fields)
    const refused = { ok: false, field, text: SENTENCES.twice }
    expect(decodeFrame(writeMap([...fields, [field, 1]], random))).toMatchObject(refused)
  }
})

const TOKENS = [
  ...[0x00, 0x01, 0x61, 0x7f, 0x80, 0x81, 0x82, 0x8f, 0x90, 0x91, 0x93, 0xa0, 0xa1, 0xa3, 0xbf],
  ...[0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc7, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1, 0xd2],
  ...[0xd3, 0xd4, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xff],
]

function changed(random: Prng, seed: Buffer): Buffer {
  let bytes = Buffer.from(seed)
  for (let n = random.int(0, 3); n > 0; n -= 1) {
    const at = random.int(1, bytes.length)
    const kind = random.int(0, 3)
    const more = Array.from({ length: random.int(0, 3) }, () => random.pick(TOKENS))
    if (kind === 0) bytes[at % bytes.length] ^= 1 << random.int(0, 7)
    else if (kind === 1) bytes[at % bytes.length] = random.pick(TOKENS)
    else if (kind === 2) bytes = bytes.subarray(0, at)
    else bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(more), bytes.subarray(at)])
  }
  return bytes
}

const folder = join(import.meta.dirname, 'corpus')
const corpus = readdirSync(folder)
  .map((name) => readFileSync(join(folder, name)))
  .filter(isMsgpack)
const seeds: readonly Value[] = [
  NEW,
  [NEW, { cmd: 'massCancel', account: 'alice' }, {}],
  { a: { a: 1, b: 2 }, b: [1, { a: [2] }], c: -5, toString: 1, 1: 2, 0: 3 },
  { cmd: 'limits', maxOpenOrders: 2 ** 40, reduceOnly: true, maxExposure: null, price: 'é€😀' },
]

function isMsgpack(bytes: Buffer): boolean {
  return (bytes[0] >= 0x80 && bytes[0] <= 0x9f) || (bytes[0] >= 0xdc && bytes[0] <= 0xdf)
}

/** Compares with the oracle, or with msgpackr; returns the refusal's words. */
function compare(bytes: Buffer): string | undefined {
  const frame = decodeFrame(bytes)
  const { field, text, index } = frame.ok ? ({} as Partial<FrameRefusal>) : frame
  const found = frame.ok ? undefined : { field, text, index }
  const wrong = wrongWith(bytes)
  if (!isDeepStrictEqual(found, wrong)) {
    throw new Error(`${JSON.stringify({ found, wrong })}: ${show(bytes)}`)
  }
  if (!frame.ok) return frame.text
  const got = frame.isBatch ? frame.commands : frame.commands[0]
  if (isDeepStrictEqual(got, packr.unpack(bytes))) return undefined
  throw new Error(`not the same: ${show(bytes)}`)
}

test('the corpus is refused with the words of the oracle', () => {
  const told = corpus.map(compare)
  expect(new Set(told).size).toBeGreaterThan(10)
})

test.each([1, 2, 3, 4])('seed %i: what is refused, is refused with its words', (seed) => {
  const random = new Prng(seed)
  const short = corpus.filter(({ length }) => length < 500)
  const told = new Map<string | undefined, number>()
  for (let i = 0; i < 20_000; i += 1) {
    const one = random.chance(0.5) ? random.pick(short) : write(random.pick(seeds), random)
    const bytes = changed(random, one)
    if (!isMsgpack(bytes)) continue
    const text = compare(bytes)
    told.set(text, (told.get(text) ?? 0) + 1)
  }
  expect(told.get(undefined)).toBeGreaterThan(300)
  const missing = Object.values(SENTENCES).filter((sentence) => !told.has(sentence))
  expect(missing).toEqual([])
})
