// Frames: every bad one gets one refusal that names the field; the corpus holds them byte for byte,
// the fuzz looks for more.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, test } from 'vitest'
import { BATCH_COMMANDS_MAX, FRAME_BYTES_MAX } from '../../src/gateway/bounds.ts'
import { decodeFrame, encodeFrame } from '../../src/gateway/frame.ts'
import { NEW, run, world } from '../refusals/world.ts'
import { Prng } from '../support/prng.ts'

type Expected = 'accepted' | { field: string; text?: string; index?: number }

const folder = join(import.meta.dirname, 'corpus')
const expected: Record<string, Expected> = JSON.parse(
  readFileSync(join(folder, 'expected.json'), 'utf8'),
)
const corpus = Object.keys(expected).map((name) => ({
  name,
  bytes: readFileSync(join(folder, name)),
}))

describe('the corpus', () => {
  test('every file has its expectation', () => {
    const files = readdirSync(folder).filter((name) => name !== 'expected.json')
    expect(Object.keys(expected).sort()).toEqual(files.sort())
  })

  test.each(corpus)('$name', ({ name, bytes }) => {
    const frame = decodeFrame(bytes)
    const want = expected[name]
    if (want !== 'accepted' && want.text !== undefined) {
      const { text, ...rest } = want
      expect(frame).toMatchObject({ ok: false, code: 'MALFORMED', ...rest })
      if (frame.ok) return
      expect(frame.index).toBe(want.index)
      expect(frame.text).toContain(text)
      return
    }
    if (!frame.ok) throw new Error(`refused: ${frame.field}, ${frame.text}`)
    const exchange = world()
    const { seq } = exchange
    const answers = frame.commands.flatMap((command) => run(exchange, command))
    if (want === 'accepted') {
      expect(answers.filter(({ execType }) => execType === 'new').length).toBeGreaterThan(0)
      expect(answers.filter(({ code }) => code === 'MALFORMED')).toEqual([])
      return
    }
    expect(answers).toMatchObject([{ code: 'MALFORMED', field: want.field }])
    expect(exchange.seq).toBe(seq)
  })
})

describe('bounds', () => {
  const long = (bytes: number) => Buffer.from(`{${' '.repeat(bytes - 2)}}`)

  test('the longest frame, and one byte more', () => {
    expect(decodeFrame(long(FRAME_BYTES_MAX))).toMatchObject({ ok: true, commands: [{}] })
    const refused = { ok: false, format: 'json', field: 'frame' }
    expect(decodeFrame(long(FRAME_BYTES_MAX + 1))).toMatchObject(refused)
    const bytes = Buffer.alloc(FRAME_BYTES_MAX + 1, 0x80)
    expect(decodeFrame(bytes)).toMatchObject({ ok: false, format: 'msgpack', field: 'frame' })
  })

  test.each(['json', 'msgpack'] as const)('the largest of everything, as %s', (format) => {
    const fields = Array.from({ length: 32 }, (_, i) => [`f${i}`, 'é'.repeat(128)])
    const widest = { ...Object.fromEntries(fields), f0: { a: { b: [1] } } }
    const batch = Array.from({ length: 60 }, () => ({ ...widest, f0: { a: [1] } }))
    for (const value of [widest, batch, Array.from({ length: BATCH_COMMANDS_MAX }, () => ({}))]) {
      const frame = decodeFrame(encodeFrame(value, format))
      expect(frame).toMatchObject({ ok: true, format, isBatch: Array.isArray(value) })
      if (frame.ok) expect(frame.commands).toEqual(Array.isArray(value) ? value : [value])
    }
  })

  test('a frame of brackets, quotes or keys costs no more than its bytes', () => {
    const full = (unit: string) => Buffer.from(unit.repeat(FRAME_BYTES_MAX / unit.length))
    const frames = ['[', '{', '{"a":', '[{"a":1},', '"', '{"\\', ' ', '[]', ',', '{"a', '-', '9']
      .map((unit) => Buffer.concat([Buffer.from('['), full(unit).subarray(1)]))
      .concat(
        [0x80, 0x81, 0x90, 0x91, 0x9f, 0xa1, 0xdc, 0xdd, 0xde, 0xdf].map((byte) =>
          Buffer.alloc(FRAME_BYTES_MAX, byte),
        ),
      )
    // Processor time, not the clock's: others may be at work on this machine.
    for (const bytes of frames) {
      const start = process.cpuUsage()
      decodeFrame(bytes)
      const { user, system } = process.cpuUsage(start)
      expect([bytes[1], (user + system) / 1_000]).toEqual([bytes[1], expect.toSatisfy(isQuick)])
    }
  })
  const isQuick = (ms: number) => ms < 500
})

describe('replies', () => {
  test.each(['json', 'msgpack'] as const)('%s out as in', (format) => {
    const report = { execType: 'new', seq: 2 ** 40, aggressor: true, to: null, text: 'né' }
    const frame = decodeFrame(encodeFrame(report, format))
    expect(frame).toEqual({ ok: true, format, isBatch: false, commands: [report] })
  })

  test('a reply is not written over by those after it', () => {
    const replies = Array.from({ length: 3_000 }, (_, i) => encodeFrame({ i }, 'msgpack'))
    const read = replies.map((bytes) => decodeFrame(bytes))
    expect(read.map((frame) => frame.ok && frame.commands[0])).toEqual(
      replies.map((_, i) => ({ i })),
    )
  })

  test('numbers as other libraries write them', () => {
    const one = (...bytes: number[]) => decodeFrame(Uint8Array.from([0x81, 0xa1, 0x61, ...bytes]))
    const values = [
      [[0xcb, 0x40, 0x24, 0, 0, 0, 0, 0, 0], 10],
      [[0xca, 0x41, 0x20, 0, 0], 10],
      [[0xcf, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], Number.MAX_SAFE_INTEGER],
      [[0xd3, 0xff, 0xe0, 0, 0, 0, 0, 0, 1], Number.MIN_SAFE_INTEGER],
      [[0xd0, 0xff], -1],
      [[0xd2, 0x80, 0, 0, 0], -(2 ** 31)],
      [[0x7f], 127],
      [[0x40], 64],
      [[0xe0], -32],
    ] as const
    for (const [bytes, a] of values) {
      expect(one(...bytes)).toMatchObject({ ok: true, commands: [{ a }] })
    }
  })
})

/** What is left of a fuzz: as many frames passed and were refused, so that neither is vacuous. */
interface Count {
  passed: number
  refused: number
}

/** A refusal with a name and a sentence, or values that JSON and msgpack both bring back. */
function check(bytes: Uint8Array, count: Count): void {
  const copy = Uint8Array.from(bytes)
  const frame = decodeFrame(bytes)
  if (!isDeepStrictEqual(copy, Uint8Array.from(bytes))) throw new Error('the bytes were changed')
  if (!frame.ok) {
    count.refused += 1
    const isTold = /^\w{1,64}$/.test(frame.field) && frame.text.length > 10
    if (!isTold || frame.code !== 'MALFORMED') throw new Error(`badly told: ${show(bytes)}`)
    return
  }
  count.passed += 1
  const value = frame.isBatch ? frame.commands : frame.commands[0]
  for (const format of ['json', 'msgpack'] as const) {
    const again = decodeFrame(encodeFrame(value, format))
    const isSame = again.ok && isDeepStrictEqual(again.commands, frame.commands)
    // What was a lone scalar in JSON is no frame by itself.
    const isScalar = typeof value !== 'object' || value === null
    if (!isSame && !isScalar) throw new Error(`not the same as ${format}: ${show(bytes)}`)
  }
}

const show = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex').slice(0, 2_000)

const TOKENS = [
  ...[
    0x00, 0x22, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d, 0x2c, 0x3a, 0x2d, 0x65, 0x2e, 0x20, 0x7f, 0x80, 0x81,
  ],
  ...[
    0x90, 0x91, 0xa0, 0xa1, 0xbf, 0xc0, 0xc1, 0xc4, 0xc7, 0xca, 0xcb, 0xcf, 0xd3, 0xd4, 0xd9, 0xda,
  ],
  ...[0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xff],
]

function mutated(random: Prng, seeds: readonly Uint8Array[]): Uint8Array {
  let bytes = Buffer.from(random.pick(seeds))
  for (let n = random.int(1, 4); n > 0; n -= 1) {
    const at = random.int(0, bytes.length)
    const cut = random.int(0, 3)
    const kind = random.int(0, 5)
    if (kind === 0 && bytes.length > 0) bytes[at % bytes.length] ^= 1 << random.int(0, 7)
    else if (kind === 1 && bytes.length > 0) bytes[at % bytes.length] = random.pick(TOKENS)
    else if (kind === 2) bytes = bytes.subarray(0, at)
    else if (kind === 3) {
      bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + cut)])
    } else if (kind === 4) {
      const more = Buffer.from(Array.from({ length: cut }, () => random.pick(TOKENS)))
      bytes = Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)])
    } else {
      const other = Buffer.from(random.pick(seeds))
      const from = random.int(0, other.length)
      const piece = other.subarray(from, from + random.int(0, 40))
      bytes = Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)])
    }
  }
  return bytes
}

describe('fuzz', () => {
  const good = [
    NEW,
    { cmd: 'massCancel', account: 'alice' },
    { cmd: 'book', symbol: 'NVDA', depth: 10 },
    {
      cmd: 'limits',
      account: 'alice',
      maxOpenOrders: 2 ** 40,
      reduceOnly: true,
      maxExposure: null,
    },
    [NEW, { ...NEW, clOrdId: 'é'.repeat(20) }, {}],
  ]
  const seeds = [
    ...good.flatMap((value) => [
      Uint8Array.from(encodeFrame(value, 'json')),
      Uint8Array.from(encodeFrame(value, 'msgpack')),
    ]),
    ...corpus.map(({ bytes }) => bytes).filter(({ length }) => length < 500),
  ]

  test.each([1, 2, 3, 4])('seed %i: frames with some bytes changed', (seed) => {
    const random = new Prng(seed)
    const count = { passed: 0, refused: 0 }
    for (let i = 0; i < 15_000; i += 1) check(mutated(random, seeds), count)
    expect(Math.min(count.passed, count.refused)).toBeGreaterThan(300)
  })

  test.each([5, 6])('seed %i: random bytes behind a first one that passes', (seed) => {
    const random = new Prng(seed)
    const count = { passed: 0, refused: 0 }
    const first = [0x80, 0x81, 0x82, 0x8f, 0x91, 0x93, 0xdc, 0xde, 0x5b, 0x7b, 0x20]
    for (let i = 0; i < 15_000; i += 1) {
      const bytes = Uint8Array.from({ length: random.int(1, 60) }, () =>
        random.chance(0.6) ? random.pick(TOKENS) : random.int(0, 255),
      )
      bytes[0] = random.pick(first)
      check(bytes, count)
    }
    expect(Math.min(count.passed, count.refused)).toBeGreaterThan(20)
  })
})
