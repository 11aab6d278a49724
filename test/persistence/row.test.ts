// Rows and their chain: whatever is changed, cut, swapped or missing is found, named and not read.

import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { Fault } from '../../src/lib/assert.ts'
import {
  checkRow,
  checkRows,
  GENESIS,
  JOURNAL_VERSION,
  type Row,
  RowBuilder,
  type RowHeader,
  readRounds,
  sealRow,
} from '../../src/persistence/row.ts'
import { CommandKind, CommandLog } from '../../src/protocol/command-log.ts'
import {
  contentOf,
  decodeRounds,
  replayLogs,
  replayRows,
  rowsOf,
  SMALL_DAY,
} from '../support/journal-rows.ts'
import { randomJournal } from '../support/journals.ts'

const logs = decodeRounds(SMALL_DAY)
/** Rows of two rounds. */
const rows = rowsOf(logs, 2)
const end = rows[rows.length - 1]

const NUMBERS = [
  'version',
  'term',
  'timeMs',
  'firstRound',
  'lastRound',
  'firstSeq',
  'lastSeq',
] as const

/** What is wrong with the journal if row `at` is `row`; it must be named by what it follows. */
function wrongWith(at: number, row: Row): string {
  const spoilt = rows.with(at, row)
  const wrong = checkRows(spoilt)
  const { lastRound, lastSeq } = rows[at - 1] ?? GENESIS
  expect(wrong).toContain(`row of rounds ${row.firstRound} to ${row.lastRound}`)
  expect(wrong).toContain(`after round ${lastRound} and seq ${lastSeq}: `)
  return wrong as string
}

function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = Uint8Array.from(bytes)
  flipped[bit >> 3] ^= 1 << (bit & 7)
  return flipped
}

describe('a good journal', () => {
  test('is found good, and comes to the same state', () => {
    expect(rows.map(({ firstRound, lastRound }) => [firstRound, lastRound])).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 8],
    ])
    expect(checkRows(rows, GENESIS, end)).toBeUndefined()
    expect(checkRows(rows.slice(2), rows[1], end)).toBeUndefined()
    expect(replayRows(rows)).toBe(replayLogs(logs))
  })

  test('gives its rounds, in the log that it is given', () => {
    const into = new CommandLog(1)
    let number = 0
    for (const row of rows) {
      for (const { round, firstSeq, commands } of readRounds(row, into)) {
        expect(commands).toBe(into)
        expect(contentOf(commands)).toStrictEqual(contentOf(logs[number]))
        expect(round).toBe(number + 1)
        if (commands.count > 0) expect(firstSeq).toBe(commands.f64[14])
        number += 1
      }
    }
    expect(number).toBe(logs.length)
    const later = rows.flatMap((row) => [...readRounds(row, into, 3)].map(({ round }) => round))
    expect(later).toEqual([4, 5, 6, 7, 8])
  })

  test('does not depend on how rounds are put into rows, but for the chain', () => {
    for (const roundsPerRow of [1, 3, 100]) {
      expect(replayRows(rowsOf(logs, roundsPerRow))).toBe(replayLogs(logs))
    }
  })

  test('of a random run, too', () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const random = rowsOf(decodeRounds(randomJournal(seed, 300, 40).rounds), 3)
      expect(checkRows(random, GENESIS, random[random.length - 1])).toBeUndefined()
    }
  })

  test('has the checksum that docs/journal-format.md describes', () => {
    const [row] = rows
    const header = Buffer.alloc(64)
    const { version, term, timeMs, firstRound, lastRound, firstSeq, lastSeq, payload } = row
    for (const [place, value] of [
      ...[version, term, timeMs, firstRound, lastRound, firstSeq, lastSeq, payload.length],
    ].entries()) {
      header.writeBigUInt64LE(BigInt(value), place * 8)
    }
    const genesis = createHash('sha256').update('onefill journal').digest()
    const whole = Buffer.concat([genesis, header, payload])
    expect(Buffer.from(row.checksum)).toEqual(createHash('sha256').update(whole).digest())
  })
})

describe('damage is found and named', () => {
  test('every bit of every payload', () => {
    for (const [at, row] of rows.entries()) {
      for (let bit = 0; bit < row.payload.length * 8; bit += 1) {
        const wrong = wrongWith(at, { ...row, payload: flip(row.payload, bit) })
        expect(wrong).toContain('checksum is not that of its content')
      }
    }
  })

  test('every bit of every checksum', () => {
    for (const [at, row] of rows.entries()) {
      for (let bit = 0; bit < 256; bit += 1) {
        const wrong = wrongWith(at, { ...row, checksum: flip(row.checksum, bit) })
        expect(wrong).toContain('checksum is not that of its content')
      }
    }
  })

  test('every bit of every number in every header', () => {
    for (const [at, row] of rows.entries()) {
      for (const name of NUMBERS) {
        for (let bit = 0; bit < 64; bit += 1) {
          const value = Number(BigInt.asIntN(64, BigInt(row[name]) ^ (1n << BigInt(bit))))
          wrongWith(at, { ...row, [name]: value })
        }
        for (const value of [Number.NaN, 1.5, -1, Number.POSITIVE_INFINITY]) {
          wrongWith(at, { ...row, [name]: value })
        }
      }
    }
  })

  test('payloads and checksums cut or lengthened at every byte', () => {
    for (const [at, row] of rows.entries()) {
      for (let length = 0; length < row.payload.length; length += 1) {
        wrongWith(at, { ...row, payload: row.payload.subarray(0, length) })
      }
      wrongWith(at, { ...row, payload: Buffer.concat([row.payload, Buffer.alloc(1)]) })
      for (let length = 0; length < 32; length += 1) {
        const wrong = wrongWith(at, { ...row, checksum: row.checksum.subarray(0, length) })
        expect(wrong).toContain(`its checksum has ${length} bytes`)
      }
    }
  })

  test('payloads or headers of two rows exchanged', () => {
    for (const [at, row] of rows.entries()) {
      for (const other of rows) {
        if (other === row) continue
        wrongWith(at, { ...row, payload: other.payload })
        wrongWith(at, { ...row, checksum: other.checksum })
      }
      wrongWith(at, { ...row, term: row.term + 1 })
    }
  })

  test('rows swapped, missing, doubled', () => {
    for (let a = 0; a < rows.length; a += 1) {
      const doubled = checkRows([...rows.slice(0, a + 1), ...rows.slice(a)])
      expect(doubled).toContain(`round ${rows[a].firstRound} was there before`)
      for (let b = a + 1; b < rows.length; b += 1) {
        const swapped = checkRows(rows.with(a, rows[b]).with(b, rows[a]))
        const missing = `rounds ${rows[a].firstRound} to ${rows[b].firstRound - 1} are missing`
        expect(swapped).toContain(missing)
      }
      if (a === rows.length - 1) continue
      const { firstRound, lastRound } = rows[a]
      const without = checkRows(rows.toSpliced(a, 1))
      expect(without).toContain(`rounds ${firstRound} to ${lastRound} are missing`)
    }
  })

  test('rows missing at the end, for who knows where it is', () => {
    for (let kept = 0; kept < rows.length; kept += 1) {
      const { lastRound, lastSeq } = rows[kept - 1] ?? GENESIS
      expect(checkRows(rows.slice(0, kept), GENESIS, end)).toBe(
        `the journal ends after round ${lastRound} and seq ${lastSeq}, ` +
          `before round ${end.lastRound} and seq ${end.lastSeq}`,
      )
    }
  })

  test('rows written again with checksums of their own', () => {
    const again = (header: RowHeader, payload: Uint8Array) =>
      sealRow(rows[0].checksum, header, payload)
    const [, row] = rows
    const forged = again({ ...row, timeMs: row.timeMs + 1 }, row.payload)
    expect(checkRow(rows[0], forged)).toBeUndefined()
    const [, , third] = rows
    expect(checkRows(rows.with(1, forged))).toContain(`rounds ${third.firstRound} to`)
    const late = again({ ...row, firstSeq: row.firstSeq + 1 }, row.payload)
    expect(checkRow(rows[0], late)).toContain(`seqs ${row.firstSeq} to ${row.firstSeq} are missing`)
    const early = again({ ...row, firstSeq: row.firstSeq - 1 }, row.payload)
    expect(checkRow(rows[0], early)).toContain(`seq ${row.firstSeq - 1} was there before`)
    const stale = again({ ...row, term: rows[0].term - 1 }, row.payload)
    expect(checkRow(rows[0], stale)).toContain('term 0 is older than term 1 before it')
    const past = again({ ...row, timeMs: rows[0].timeMs - 9 }, row.payload)
    expect(checkRow(rows[0], past)).toContain('its time is 9 ms before the last')
    const next = { ...row, version: JOURNAL_VERSION + 1 }
    expect(checkRow(rows[0], next)).toContain('version 2 is unknown; this program reads up to 1')
  })
})

describe('a header that does not describe its payload', () => {
  const [, row] = rows
  const read = (header: Partial<RowHeader>, payload = row.payload) => {
    const sealed = sealRow(rows[0].checksum, { ...row, ...header }, payload)
    return () => [...readRounds(sealed)]
  }
  test.each<[string, () => unknown, RegExp]>([
    ['fewer rounds', read({ lastRound: 5 }), /rounds 3 to 5 .*: round 5 is missing/],
    ['more rounds', read({ lastRound: 3 }), /: round 4 is behind its last/],
    ['other rounds', read({ firstRound: 2 }), /: 3 stands for 2/],
    ['other seqs', read({ firstSeq: 8 }), /: round 3 begins with seq 9, not 8/],
    ['fewer commands', read({ lastSeq: 99 }), /: it ends with seq 11/],
    ['no rounds', read({}, new Uint8Array()), /: round 3 is missing/],
    ['cut rounds', read({}, row.payload.subarray(0, 40)), /row of rounds 3 to 4 .*: a round, byte/],
    [
      'bad bytes',
      read({}, row.payload.with(14, 255)),
      /row of rounds 3 to 4 .*: round 4, command 0/,
    ],
  ])('%s', (_, work, message) => {
    expect(work).toThrow(Fault)
    expect(work).toThrow(message)
  })
})

describe('a builder', () => {
  const halt = () => {
    const log = new CommandLog()
    log.add(CommandKind.halt, 0, 1, 0)
    return log
  }

  test('knows what it has', () => {
    const builder = new RowBuilder()
    expect([builder.rounds, builder.commands, builder.bytes]).toEqual([0, 0, 0])
    builder.add(1, 1, halt())
    builder.add(2, 2, new CommandLog())
    const payload = builder.payload()
    expect([builder.rounds, builder.commands, builder.bytes]).toEqual([2, 1, payload.length])
    const row = builder.seal(GENESIS, 4, 5)
    expect(row).toMatchObject({ firstRound: 1, lastRound: 2, firstSeq: 1, lastSeq: 1, term: 4 })
    expect(row.payload).toEqual(payload)
    expect([builder.rounds, builder.commands, builder.bytes]).toEqual([0, 0, 0])
    builder.add(3, 2, halt())
    const next = builder.seal(row, 4, 5)
    expect(checkRows([row, next])).toBeUndefined()
    expect(row.payload).toEqual(payload)
  })

  test('takes no round that does not follow, and seals no row that does not', () => {
    const builder = new RowBuilder({ lastRound: 7, lastSeq: 70 })
    expect(() => builder.seal(GENESIS, 1, 1)).toThrow('a row has a round')
    expect(() => builder.add(7, 71, halt())).toThrow('round 7 follows round 7')
    expect(() => builder.add(8, 72, halt())).toThrow('seq 72 of round 8 follows seq 70')
    builder.add(8, 71, halt())
    const previous = { ...GENESIS, lastRound: 7, lastSeq: 70, term: 3, timeMs: 9 }
    expect(() => builder.seal(GENESIS, 3, 9)).toThrow('behind the one before it')
    expect(() => builder.seal({ ...previous, lastSeq: 69 }, 3, 9)).toThrow('seqs go on')
    expect(() => builder.seal(previous, 2, 9)).toThrow('terms do not go back')
    expect(() => builder.seal(previous, 3, 8)).toThrow('time of rows does not go back')
    const row = builder.seal(previous, 3, 9)
    expect(checkRow(previous, row)).toBeUndefined()
    for (const version of [0, 1.5, JOURNAL_VERSION + 1]) {
      const sealing = () => sealRow(previous.checksum, { ...row, version }, row.payload)
      expect(sealing).toThrow(`version ${version} is unknown`)
    }
    expect(() => sealRow(new Uint8Array(31), row, row.payload)).toThrow('has 32 bytes')
  })
})
