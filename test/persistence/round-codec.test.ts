// Rounds as bytes: every command comes back word for word, no other bytes are taken for a round.

import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { Fault } from '../../src/lib/assert.ts'
import { FIELDS } from '../../src/persistence/command-form.ts'
import { RoundReader, RoundWriter } from '../../src/persistence/round-codec.ts'
import { ACCOUNTS_MAX, COMMANDS_PER_ROUND_MAX, SYMBOLS_MAX } from '../../src/protocol/bounds.ts'
import { ID_WORDS, packId, unpackId } from '../../src/protocol/client-id.ts'
import {
  CM,
  CMF,
  COMMAND_NAMES,
  COMMAND_WORDS,
  CommandKind,
  CommandLog,
} from '../../src/protocol/command-log.ts'
import {
  contentOf,
  decodeRounds,
  replayLogs,
  replayRows,
  rowsOf,
  SMALL_DAY,
} from '../support/journal-rows.ts'
import { randomJournal } from '../support/journals.ts'
import { Prng } from '../support/prng.ts'

const SEEDS = 300
const COMMANDS = 150
const LARGEST = Number.MAX_SAFE_INTEGER

const writer = new RoundWriter()

function encode(log: CommandLog, round = 1, firstSeq = log.f64[CMF.seq] || 1): Uint8Array {
  writer.clear()
  writer.add(round, firstSeq, log)
  return writer.peek().slice()
}

function read(bytes: Uint8Array): CommandLog {
  const log = new CommandLog(1)
  const reader = new RoundReader(bytes)
  while (!reader.isAtEnd) reader.next(log)
  return log
}

/** The message of the Fault that `work` throws; nothing else may be thrown. */
function faultOf(work: () => unknown): string | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    expect(error).toBeInstanceOf(Fault)
    return (error as Fault).message
  }
}

describe('random journals', () => {
  const seen = new Array<number>(COMMAND_NAMES.length).fill(0)
  let bytes = 0
  let commands = 0

  beforeAll(() => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { rounds, submissionsRemembered } = randomJournal(seed, COMMANDS, 60)
      const logs = decodeRounds(rounds)
      const into = new CommandLog(1)
      let seq = 1
      for (const [number, log] of logs.entries()) {
        const encoded = encode(log, number + 1, seq)
        const reader = new RoundReader(encoded)
        reader.next(into)
        expect([reader.round, reader.firstSeq, reader.count]).toEqual([number + 1, seq, log.count])
        expect(reader.isAtEnd).toBe(true)
        expect(contentOf(into), `seed ${seed}, round ${number}`).toStrictEqual(contentOf(log))
        expect(JSON.stringify(into.definitions)).toBe(JSON.stringify(log.definitions))
        for (let n = 0; n < log.count; n += 1) seen[log.i32[n * COMMAND_WORDS]] += 1
        seq += log.count
        bytes += encoded.length
      }
      commands += seq - 1
      const rows = rowsOf(logs, 1 + (seed % 5))
      const replayed = replayRows(rows, submissionsRemembered)
      expect(replayed, `seed ${seed}`).toBe(replayLogs(logs, submissionsRemembered))
    }
  })

  test('have every kind of command', () => {
    const missing = COMMAND_NAMES.filter((name, kind) => name !== 'none' && seen[kind] === 0)
    expect(missing).toEqual([])
    expect(commands).toBeGreaterThan(SEEDS * COMMANDS * 0.8)
  })

  test('are short', () => expect(bytes / commands).toBeLessThan(35))
})

test('every kind of command has a form, and nothing else has', () => {
  const kinds = Object.values(CommandKind).filter((kind) => kind !== CommandKind.none)
  expect([...FIELDS.keys()].filter((kind) => FIELDS[kind] !== 0)).toEqual(kinds)
})

test('the small day has every kind of command', () => {
  const kinds = decodeRounds(SMALL_DAY).flatMap((log) =>
    Array.from({ length: log.count }, (_, n) => log.i32[n * COMMAND_WORDS]),
  )
  expect(new Set(kinds).size).toBe(COMMAND_NAMES.length - 1)
})

describe('commands at their bounds', () => {
  const number = fc.oneof(
    fc.constantFrom(0, 1, 127, 128, 16_383, 16_384, 2 ** 28, 2 ** 31 - 1, 2 ** 31, 2 ** 32),
    fc.constantFrom(2 ** 35 - 1, 2 ** 35, 2 ** 42, 2 ** 49 - 1, 2 ** 49, LARGEST - 1, LARGEST),
    fc.maxSafeNat(),
  )
  const account = fc.oneof(
    fc.constantFrom(1, 127, 128, ACCOUNTS_MAX),
    fc.integer({ min: 1, max: 999 }),
  )
  const symbol = fc.oneof(fc.constantFrom(1, 16_384, SYMBOLS_MAX), fc.integer({ min: 1, max: 999 }))
  const letter = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code))
  const id = fc.array(letter, { minLength: 1, maxLength: 36 }).map((letters) => letters.join(''))
  const command = fc.record({
    kind: fc.constantFrom('new', 'replace', 'cancel', 'deposit', 'transfer', 'time'),
    account,
    symbol,
    flags: fc.integer({ min: 0, max: 255 }),
    id,
    orig: fc.option(id),
    orderId: number.filter((value) => value > 0),
    value: number,
    qty: number,
  })
  type Command = typeof command extends fc.Arbitrary<infer T> ? T : never

  function put(log: CommandLog, of: Command): void {
    const kind = CommandKind[of.kind as keyof typeof CommandKind]
    const isTime = of.kind === 'time'
    const isOrder = ['new', 'replace', 'cancel'].includes(of.kind)
    const flags = of.kind === 'new' ? of.flags : of.kind === 'transfer' ? of.account : 0
    const handle = isOrder ? of.symbol : Math.min(of.symbol, 65_536)
    const at = log.add(kind, isTime ? 0 : of.account, isTime ? 0 : handle, flags)
    const { i32, f64 } = log
    if (of.kind !== 'cancel' && !isTime) packId(of.id, i32, at + CM.id)
    if (of.kind === 'cancel' || of.kind === 'replace') {
      if (of.orig !== null) packId(of.orig, i32, at + CM.orig)
      else f64[(at >> 1) + CMF.orderId] = of.orderId
    }
    if (of.kind !== 'cancel') f64[(at >> 1) + CMF.priceTicks] = of.value
    if (of.kind === 'new' || of.kind === 'replace') f64[(at >> 1) + CMF.qtyLots] = of.qty
  }

  test('come back', () => {
    const round = fc.integer({ min: 1, max: LARGEST })
    const seq = fc.oneof(fc.constant(LARGEST - 41), fc.integer({ min: 1, max: LARGEST - 41 }))
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), round, seq, (commands, number, first) => {
        const log = new CommandLog(1)
        for (const of of commands) put(log, of)
        const bytes = encode(log, number, first)
        const reader = new RoundReader(bytes)
        const into = new CommandLog(1)
        reader.next(into)
        log.stamp(first)
        expect(contentOf(into)).toStrictEqual(contentOf(log))
        expect([reader.round, reader.firstSeq]).toEqual([number, first])
        expect(encode(into, number, first)).toEqual(bytes)
      }),
      { numRuns: 1_000 },
    )
  })

  test('ids of every length come back', () => {
    for (let length = 1; length <= 36; length += 1) {
      for (const char of ['!', '~', '@']) {
        const log = new CommandLog()
        const at = log.add(CommandKind.deposit, 1, 1, 0)
        expect(packId(char.repeat(length), log.i32, at + CM.id)).toBe(true)
        expect(unpackId(read(encode(log)).i32, CM.id)).toBe(char.repeat(length))
      }
    }
  })

  test('a full round, and one that is empty', () => {
    const log = new CommandLog()
    for (let n = 0; n < COMMANDS_PER_ROUND_MAX; n += 1) log.add(CommandKind.halt, 0, 1 + n, 0)
    const bytes = encode(log)
    log.stamp(1)
    expect(read(bytes).i32.subarray(0, log.count * COMMAND_WORDS)).toEqual(
      log.i32.subarray(0, log.count * COMMAND_WORDS),
    )
    log.add(CommandKind.halt, 0, 1, 0)
    expect(faultOf(() => encode(log))).toMatch(/round 1, cannot be written: it has 65537 commands/)
    expect(read(encode(new CommandLog())).count).toBe(0)
  })

  test('rounds are written one behind the other, and can be stepped over', () => {
    const logs = decodeRounds(SMALL_DAY)
    const [row] = rowsOf(logs, 100)
    const reader = new RoundReader(row.payload)
    const log = new CommandLog()
    for (const [number, expected] of logs.entries()) {
      if (number % 2 === 0) reader.skip()
      else reader.next(log)
      expect(reader.round).toBe(number + 1)
      if (number % 2 === 1) expect(contentOf(log)).toStrictEqual(contentOf(expected))
    }
    expect(reader.isAtEnd).toBe(true)
  })
})

describe('what cannot be written is a fault', () => {
  /** An order whose words are then spoilt. */
  const spoilt = (spoil: (log: CommandLog) => void, kind: CommandKind = CommandKind.new) => {
    const log = new CommandLog()
    const at = log.add(kind, 3, 1, 0)
    if (kind !== CommandKind.cancel) packId('id', log.i32, at + CM.id)
    if (kind !== CommandKind.new) packId('orig', log.i32, at + CM.orig)
    spoil(log)
    return faultOf(() => encode(log, 1, 1))
  }
  const word = (at: number, value: number) => (log: CommandLog) => {
    log.i32[at] = value
  }
  const double = (at: number, value: number) => (log: CommandLog) => {
    log.f64[at] = value
  }
  const { new: NEW, replace: REPLACE, cancel: CANCEL } = CommandKind

  test.each<[string, (log: CommandLog) => void, CommandKind, RegExp]>([
    ['no kind', word(0, 0), NEW, /is no command/],
    ['a kind there is not', word(0, 18), NEW, /is no command/],
    ['a negative kind', word(0, -1), NEW, /is no command/],
    ['no account', word(1, 0), NEW, /account 0, not 1 to 33554431/],
    ['a large account', word(1, ACCOUNTS_MAX + 1), NEW, /account 33554432/],
    ['a negative symbol', word(2, -1), NEW, /symbol or asset -1/],
    ['large flags', word(3, 256), NEW, /flags 256/],
    ['flags of a cancel', word(3, 1), CANCEL, /a field that its kind has not/],
    ['an id of a cancel', word(4, 1), CANCEL, /a field that its kind has not/],
    ['a qty of a cancel', double(CMF.qtyLots, 1), CANCEL, /a field that its kind has not/],
    ['a target of an order', double(CMF.orderId, 1), NEW, /a field that its kind has not/],
    ['a definition of an order', double(CMF.definition, 1), NEW, /a field that its kind has not/],
    ['the reserved double', double(15, 1), NEW, /a field that its kind has not/],
    ['no id', word(4, 0), NEW, /has no id/],
    ['an id of 253 bits', word(11, 1 << 28), NEW, /more than 36 characters/],
    ['two targets', double(CMF.orderId, 1), REPLACE, /does not name one order/],
    ['no target', word(12, 0), CANCEL, /does not name one order/],
    ['a negative price', double(CMF.priceTicks, -1), NEW, /has -1/],
    ['a fraction', double(CMF.qtyLots, 1.5), NEW, /has 1.5/],
    ['a large fraction', double(CMF.qtyLots, 2 ** 40 + 0.5), NEW, /no safe integer/],
    ['no number', double(CMF.qtyLots, Number.NaN), NEW, /no safe integer/],
    ['2^53', double(CMF.qtyLots, 2 ** 53), NEW, /no safe integer/],
    ['another seq', double(CMF.seq, 7), NEW, /stamped with seq 7, not 1/],
  ])('%s', (_, spoil, kind, message) => {
    expect(spoilt(spoil, kind)).toMatch(message)
    expect(spoilt(() => {}, kind)).toBeUndefined()
  })

  test('definitions that are not their commands', () => {
    const log = new CommandLog()
    log.add(CommandKind.asset, 0, 1, 0)
    expect(faultOf(() => encode(log))).toMatch(/command 0.* a definition that is no object/)
    log.definitions.push({ asset: 'USD', decimals: 99 })
    expect(faultOf(() => encode(log))).toMatch(/bad decimals/)
    log.definitions[0] = { asset: 'USD', decimals: 9 }
    expect(faultOf(() => encode(log))).toBeUndefined()
    log.f64[CMF.definition] = 1
    expect(faultOf(() => encode(log))).toMatch(/another definition/)
    log.f64[CMF.definition] = 0
    log.definitions.push({ account: 'x' })
    expect(faultOf(() => encode(log))).toMatch(/definitions of no command/)
  })

  test('and leaves what was written before', () => {
    const before = encode(decodeRounds(SMALL_DAY)[0])
    const bad = new CommandLog()
    bad.add(CommandKind.halt, 0, 1, 0)
    bad.add(CommandKind.halt, 0, 0, 0)
    expect(faultOf(() => writer.add(2, 13, bad))).toMatch(/^round 2, command 1, cannot be written/)
    expect(faultOf(() => writer.add(0, 1, new CommandLog()))).toMatch(/no number/)
    expect(faultOf(() => writer.add(1, 0, new CommandLog()))).toMatch(/no first seq/)
    expect(writer.peek()).toEqual(before)
  })
})

describe('bytes that are no rounds', () => {
  const round = (...body: number[]) => {
    const bytes = new Uint8Array(4 + body.length)
    new DataView(bytes.buffer).setUint32(0, body.length, true)
    bytes.set(body, 4)
    return bytes
  }
  const { halt, cancel, asset, time } = CommandKind
  const json = (text: string) => [text.length, ...new TextEncoder().encode(text)]

  test.each<[string, Uint8Array, RegExp]>([
    ['a short length', Uint8Array.of(1, 0, 0), /a round, byte 0 of the payload: its length is cut/],
    ['a long length', Uint8Array.of(4, 0, 0, 0, 1, 1, 0), /4 bytes follow, it says/],
    ['round 0', round(0, 1, 0), /no number/],
    ['seq 0', round(1, 0, 0), /no first seq/],
    ['a large count', round(1, 1, 129, 128, 4), /65537 is beyond 65536/],
    ['fewer commands', round(7, 1, 2, halt, 1), /^round 7, command 1 of 2 .*byte 9 .* cut short/],
    ['more commands', round(1, 1, 1, halt, 1, halt, 1), /2 bytes are left over/],
    ['kind 0', round(1, 1, 1, 0), /\(none\).* no kind of command/],
    ['kind 18', round(1, 1, 1, 18), /\(kind 18\).* no kind of command/],
    ['symbol 0', round(1, 1, 1, halt, 0), /\(halt\).* 0 is below 1/],
    ['a large symbol', round(1, 1, 1, halt, 128, 128, 64), /1048576 is beyond 1048575/],
    ['a number with a zero more', round(1, 1, 1, halt, 129, 0), /a byte too many/],
    ['a number without end', round(1, 1, 1, time, 128), /a number is cut short/],
    ['nine bytes', round(1, 1, 1, time, ...Array<number>(8).fill(128), 1), /more than eight bytes/],
    ['2^53', round(1, 1, 1, time, ...Array<number>(7).fill(128), 16), /9007199254740992 is beyond/],
    ['no id at all', round(1, 1, 1, cancel, 3, 1), /an id is cut short/],
    ['a short id', round(1, 1, 1, cancel, 3, 1, 3, 65, 65), /an id is cut short/],
    ['a long id', round(1, 1, 1, cancel, 3, 1, 33, ...Array<number>(33).fill(1)), /has 33 bytes/],
    ['an id with a zero more', round(1, 1, 1, cancel, 3, 1, 2, 65, 0), /a byte too many/],
    ['37 characters', round(1, 1, 1, cancel, 3, 1, 32, ...Array<number>(32).fill(16)), /too long/],
    ['order 0', round(1, 1, 1, cancel, 3, 1, 0, 0), /names no order/],
    ['no JSON', round(1, 1, 1, asset, 1, ...json('{"a')), /no JSON as it is written here/],
    ['JSON with blanks', round(1, 1, 1, asset, 1, ...json('{ }')), /no JSON as it is written here/],
    ['null', round(1, 1, 1, asset, 1, ...json('null')), /is no object/],
    ['no UTF-8', round(1, 1, 1, asset, 1, 3, 34, 255, 34), /no JSON as it is written here/],
    ['a cut definition', round(1, 1, 1, asset, 1, 9, 34, 34), /its definition is cut short/],
    ['half a definition', round(1, 1, 1, asset, 1, ...json('{"asset":"A"}')), /has no decimals/],
  ])('%s', (_, bytes, message) => expect(faultOf(() => read(bytes))).toMatch(message))

  test('cut anywhere: a fault; any bit flipped: that, or the encoding of other commands', () => {
    const logs = decodeRounds(SMALL_DAY)
    for (const log of logs) {
      const bytes = encode(log)
      for (let length = 1; length < bytes.length; length += 1) {
        expect(faultOf(() => read(bytes.subarray(0, length)))).toBeDefined()
      }
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const flipped = bytes.slice()
        flipped[bit >> 3] ^= 1 << (bit & 7)
        readOrFault(flipped)
      }
    }
  })

  test('noise: nothing but faults, in short time', () => {
    const random = new Prng(4)
    const example = rowsOf(decodeRounds(SMALL_DAY), 100)[0].payload
    let faults = 0
    for (let run = 0; run < 20_000; run += 1) {
      const bytes = new Uint8Array(random.int(1, 200))
      for (let at = 0; at < bytes.length; at += 1) bytes[at] = random.int(0, 255)
      if (random.chance(0.9)) bytes.fill(0, 1, 4)
      const spoilt = example.slice()
      for (let n = random.int(1, 4); n > 0; n -= 1) {
        spoilt[random.int(0, spoilt.length - 1)] = random.int(0, 255)
      }
      faults += readOrFault(bytes) + readOrFault(spoilt)
    }
    expect(faults).toBeGreaterThan(20_000)
  })

  test('nothing behind the end is read', () => {
    const whole = encode(decodeRounds(SMALL_DAY)[4])
    const room = new Uint8Array(whole.length + 64).fill(65)
    room.set(whole, 32)
    for (let length = 1; length < whole.length; length += 1) {
      const cut = room.subarray(32, 32 + length)
      new DataView(room.buffer).setUint32(32, Math.max(length, 4) - 4, true)
      expect(faultOf(() => read(cut))).toBeDefined()
    }
  })

  test('leaves an empty log', () => {
    const log = new CommandLog()
    log.add(CommandKind.halt, 0, 1, 0)
    const bad = round(1, 1, 2, halt, 1, halt, 0)
    expect(faultOf(() => new RoundReader(bad).next(log))).toBeDefined()
    expect(log.count).toBe(0)
  })

  /** 1 for a fault; what reads well must be the encoding of what was read. */
  function readOrFault(bytes: Uint8Array): 0 | 1 {
    const log = new CommandLog(1)
    const reader = new RoundReader(bytes)
    let message: string | undefined
    writer.clear()
    while (!reader.isAtEnd && message === undefined) {
      message = faultOf(() => {
        reader.next(log)
        writer.add(reader.round, reader.firstSeq, log)
      })
    }
    if (message === undefined) expect(Buffer.compare(writer.peek(), bytes)).toBe(0)
    else expect(message).toMatch(/^(a round|round \d+).* byte \d+ of the payload: /)
    return message === undefined ? 0 : 1
  }
})

test('ids keep their words', () => {
  const log = decodeRounds(SMALL_DAY)[4]
  const back = read(encode(log, 1, log.f64[CMF.seq]))
  for (let n = 0; n < log.count; n += 1) {
    const at = n * COMMAND_WORDS + CM.id
    expect(unpackId(back.i32, at)).toBe(unpackId(log.i32, at))
    expect(back.i32.slice(at, at + ID_WORDS)).toEqual(log.i32.slice(at, at + ID_WORDS))
  }
})
