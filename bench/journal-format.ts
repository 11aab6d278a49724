// The journal's byte format: bytes a command, and what writing, reading and checksums cost.

import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { assert } from '../src/lib/assert.ts'
import { RoundReader, RoundWriter } from '../src/persistence/round-codec.ts'
import { checkRow, GENESIS, type Row, RowBuilder, readRounds } from '../src/persistence/row.ts'
import { CMF, COMMAND_WORDS, CommandLog } from '../src/protocol/command-log.ts'
import { loadRound, ROUND, recordFlow, SMALL } from './engine-flow.ts'
import type { BenchOptions, Report } from './report.ts'
import { type Measured, measure, type Outcome, rate, type Variant } from './rounds.ts'

/** V8 keeps optimised code only while something of its kind is alive. */
const keep = {
  writer: new RoundWriter(),
  reader: new RoundReader(new Uint8Array()),
  log: new CommandLog(ROUND),
}

const ROUNDS = 9
const COMMANDS = 300_000
const COMMANDS_QUICK = 50_000
/** Rounds in a row: about a thousand commands, as under load. */
const ROUNDS_PER_ROW = 4
const NS_MAX = 150

export function run({ quick }: BenchOptions): Report {
  const logs = recordLogs(quick ? COMMANDS_QUICK : COMMANDS)
  const commands = logs.length * ROUND
  const rows = buildRows(logs)
  const bytes = rows.reduce((sum, { payload }) => sum + payload.length, 0)
  const proven = prove(rows, logs)
  const variants: Variant[] = [
    { name: 'write', expected: proven, run: () => write(logs) },
    { name: 'read', expected: proven, run: () => read(rows, logs) },
    { name: 'SHA-256', expected: proven, run: () => hash(rows) },
    { name: 'CRC32, for comparison', expected: proven, run: () => crc(rows) },
    { name: 'copying 128 bytes, for comparison', expected: proven, run: () => copy(logs) },
  ]
  const measured = measure(variants, quick ? 3 : ROUNDS)
  const nanos = (of: Measured) => 1e9 / rate(of)
  const [writing, reading, hashing] = measured
  return {
    name: 'journal format',
    tables: [
      {
        title: `Mix of the whole engine, rounds of ${ROUND}, rows of ${ROUNDS_PER_ROW} rounds`,
        columns: ['what', 'M commands/s', 'ns/command', 'least', 'most'],
        rows: measured.map((of) => [
          of.name,
          rate(of) / 1e6,
          nanos(of),
          1e9 / Math.max(...of.rates),
          1e9 / Math.min(...of.rates),
        ]),
      },
    ],
    demands: [
      { what: 'bytes a command', value: bytes / commands, atMost: 35 },
      { what: 'write, ns a command', value: nanos(writing), atMost: NS_MAX },
      { what: 'read, ns a command', value: nanos(reading), atMost: NS_MAX },
    ],
    notes: [
      `${commands.toLocaleString('en-US')} commands; what was read equals what was written`,
      `SHA-256 is ${share(nanos(hashing), nanos(writing))} of writing a row, ` +
        `${share(nanos(hashing), nanos(reading))} of reading one`,
    ],
  }
}

const share = (part: number, rest: number): string =>
  `${Math.round((100 * part) / (part + rest))} %`

/** The mix as rounds, stamped with the seqs of a journal of its own. */
function recordLogs(commands: number): CommandLog[] {
  const flow = recordFlow({ ...SMALL, commands })
  const logs: CommandLog[] = []
  for (let from = flow.filling; from + ROUND <= flow.count; from += ROUND) {
    const log = new CommandLog(ROUND)
    loadRound(flow, from, from + ROUND, log)
    log.stamp(1 + logs.length * ROUND)
    logs.push(log)
  }
  return logs
}

function buildRows(logs: readonly CommandLog[]): Row[] {
  const builder = new RowBuilder()
  const rows: Row[] = []
  for (const [number, log] of logs.entries()) {
    builder.add(number + 1, 1 + number * ROUND, log)
    if (builder.rounds === ROUNDS_PER_ROW || number === logs.length - 1) {
      rows.push(builder.seal(rows.at(-1) ?? GENESIS, 1, number))
    }
  }
  return rows
}

/** The rows are a journal and give back every word; returns the last checksum. */
function prove(rows: readonly Row[], logs: readonly CommandLog[]): string {
  for (const [number, row] of rows.entries()) {
    assert(checkRow(rows[number - 1] ?? GENESIS, row) === undefined, 'the rows are a journal')
    for (const { round, commands } of readRounds(row)) {
      assert(isSame(commands, logs[round - 1]), 'what was read is what was written')
    }
  }
  return lastChecksum(rows)
}

function isSame(a: CommandLog, b: CommandLog): boolean {
  const words = b.count * COMMAND_WORDS
  if (a.count !== b.count) return false
  for (let word = 0; word < words; word += 1) if (a.i32[word] !== b.i32[word]) return false
  return true
}

const lastChecksum = (rows: readonly Row[]): string =>
  Buffer.from((rows.at(-1) as Row).checksum).toString('hex')

/** Proves outside the clock that the same rows come out as before. */
function write(logs: readonly CommandLog[]): Outcome {
  const { writer } = keep
  writer.clear()
  const started = performance.now()
  for (let number = 0; number < logs.length; number += 1) {
    if (number % ROUNDS_PER_ROW === 0) writer.clear()
    writer.add(number + 1, 1 + number * ROUND, logs[number])
  }
  const seconds = (performance.now() - started) / 1000
  return { ops: logs.length * ROUND, seconds, result: lastChecksum(buildRows(logs)) }
}

function read(rows: readonly Row[], logs: readonly CommandLog[]): Outcome {
  const { log } = keep
  let seqs = 0
  const started = performance.now()
  for (const { payload } of rows) {
    const reader = new RoundReader(payload)
    while (!reader.isAtEnd) {
      reader.next(log)
      seqs += log.f64[CMF.seq]
    }
  }
  const seconds = (performance.now() - started) / 1000
  const rounds = logs.length
  assert(seqs === rounds + (ROUND * rounds * (rounds - 1)) / 2, 'every round was read')
  return { ops: rounds * ROUND, seconds, result: prove(rows, logs) }
}

function hash(rows: readonly Row[]): Outcome {
  let bad = 0
  const started = performance.now()
  for (let number = 0; number < rows.length; number += 1) {
    if (checkRow(rows[number - 1] ?? GENESIS, rows[number]) !== undefined) bad += 1
  }
  const seconds = (performance.now() - started) / 1000
  assert(bad === 0, 'every row is good')
  return { ops: (rows.at(-1) as Row).lastSeq, seconds, result: lastChecksum(rows) }
}

function crc(rows: readonly Row[]): Outcome {
  let chain = 0
  const started = performance.now()
  for (const { payload } of rows) chain = crc32(payload, chain)
  const seconds = (performance.now() - started) / 1000
  const whole = crc32(Buffer.concat(rows.map(({ payload }) => payload)))
  assert(chain === whole, 'the chain is that of all bytes')
  return { ops: (rows.at(-1) as Row).lastSeq, seconds, result: lastChecksum(rows) }
}

function copy(logs: readonly CommandLog[]): Outcome {
  const words = ROUND * COMMAND_WORDS
  const into = new Int32Array(words * ROUNDS_PER_ROW)
  const started = performance.now()
  for (let number = 0; number < logs.length; number += 1) {
    into.set(logs[number].i32.subarray(0, words), (number % ROUNDS_PER_ROW) * words)
  }
  const seconds = (performance.now() - started) / 1000
  const last = logs.length - 1
  const at = (last % ROUNDS_PER_ROW) * words
  const same = createHash('sha256')
    .update(into.subarray(at, at + words))
    .digest('hex')
  const wanted = createHash('sha256').update(logs[last].i32.subarray(0, words)).digest('hex')
  assert(same === wanted, 'the last round was copied')
  return { ops: logs.length * ROUND, seconds, result: lastChecksum(buildRows(logs)) }
}
