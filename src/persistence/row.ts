// Journal rows: a group of rounds each, chained by checksums, so that nothing in the middle can
// change, go missing or change places unseen.

import { createHash } from 'node:crypto'
import { assert, Fault } from '../lib/assert.ts'
import { CommandLog } from '../protocol/command-log.ts'
import { ROUND_BYTES_MAX } from './command-form.ts'
import { RoundReader, RoundWriter } from './round-codec.ts'

/** The version that is written. All up to it can be read. */
export const JOURNAL_VERSION = 1

export const CHECKSUM_BYTES = 32

/** Bytes of a payload: enough for the largest round. More: a Fault, as it is no journal's. */
export const PAYLOAD_BYTES_MAX = 2 ** 28
assert(ROUND_BYTES_MAX <= PAYLOAD_BYTES_MAX, 'every round fits a row')

/** What a row says of itself. All are whole numbers from 0. */
export interface RowHeader {
  readonly version: number
  /** The writer's incarnation; never less than the row's before. */
  readonly term: number
  /** When it was sealed, in ms since 1970; never less than the row's before. */
  readonly timeMs: number
  /** Numbers of its rounds, gapless from 1 on; firstRound <= lastRound. */
  readonly firstRound: number
  readonly lastRound: number
  /**
   * Seqs of its commands, gapless from 1 on; lastSeq = firstSeq - 1 if its rounds have no commands.
   */
  readonly firstSeq: number
  readonly lastSeq: number
}

export interface Row extends RowHeader {
  /** SHA-256 over the previous row's checksum, the header and the payload. */
  readonly checksum: Uint8Array
  readonly payload: Uint8Array
}

/** What the next row follows: a row, or what else knows where the journal stands. */
export type RowEnd = Pick<Row, 'lastRound' | 'lastSeq' | 'term' | 'timeMs' | 'checksum'>

/** What the first row follows. Its checksum is the SHA-256 of "onefill journal". */
export const GENESIS: RowEnd = Object.freeze({
  lastRound: 0,
  lastSeq: 0,
  term: 0,
  timeMs: 0,
  checksum: createHash('sha256').update('onefill journal').digest(),
})

const NUMBERS = [
  'version',
  'term',
  'timeMs',
  'firstRound',
  'lastRound',
  'firstSeq',
  'lastSeq',
] as const satisfies (keyof RowHeader)[]
const HEADER_BYTES = (NUMBERS.length + 1) * 8

/** A row behind the one with `previousChecksum`. The payload is the row's from then on. */
export function sealRow(previousChecksum: Uint8Array, header: RowHeader, payload: Uint8Array): Row {
  const { version, term, timeMs, firstRound, lastRound, firstSeq, lastSeq } = header
  const wrong = formFault(header) ?? sizeFault(payload)
  if (wrong !== undefined) throw new Fault(`${nameOf(header)} cannot be sealed: ${wrong}`)
  assert(previousChecksum.length === CHECKSUM_BYTES, 'the checksum before a row has 32 bytes')
  const checksum = checksumOf(previousChecksum, header, payload)
  const numbers = { version, term, timeMs, firstRound, lastRound, firstSeq, lastSeq }
  return { ...numbers, checksum, payload }
}

/**
 * Whether `row` is whole and follows `previous`: undefined, or a sentence that names the row, the
 * one it should follow, and what is wrong. What is in the payload shows in {@link readRounds}.
 */
export function checkRow(previous: RowEnd, row: Row): string | undefined {
  const wrong = rowFault(previous, row)
  if (wrong === undefined) return undefined
  const { lastRound, lastSeq } = previous
  return `journal ${nameOf(row)}, after round ${lastRound} and seq ${lastSeq}: ${wrong}`
}

/**
 * Checks rows one behind the other, from the one that follows `previous`; undefined, or the first
 * thing that is wrong. Rows missing at the end show only to who says what the journal must have
 * reached: `end`.
 */
export function checkRows(
  rows: Iterable<Row>,
  previous: RowEnd = GENESIS,
  end: Pick<RowEnd, 'lastRound' | 'lastSeq'> = previous,
): string | undefined {
  let last = previous
  for (const row of rows) {
    const wrong = checkRow(last, row)
    if (wrong !== undefined) return wrong
    last = row
  }
  if (last.lastRound >= end.lastRound && last.lastSeq >= end.lastSeq) return undefined
  return (
    `the journal ends after round ${last.lastRound} and seq ${last.lastSeq}, ` +
    `before round ${end.lastRound} and seq ${end.lastSeq}`
  )
}

function rowFault(previous: RowEnd, row: Row): string | undefined {
  const { version, term, timeMs, firstRound, firstSeq, checksum, payload } = row
  const fault = formFault(row) ?? sizeFault(payload)
  if (fault !== undefined) return fault
  if (firstRound > previous.lastRound + 1) {
    return `rounds ${previous.lastRound + 1} to ${firstRound - 1} are missing`
  }
  if (firstRound <= previous.lastRound) return `round ${firstRound} was there before`
  if (firstSeq > previous.lastSeq + 1) {
    return `seqs ${previous.lastSeq + 1} to ${firstSeq - 1} are missing`
  }
  if (firstSeq <= previous.lastSeq) return `seq ${firstSeq} was there before`
  if (term < previous.term) return `term ${term} is older than term ${previous.term} before it`
  if (timeMs < previous.timeMs) return `its time is ${previous.timeMs - timeMs} ms before the last`
  if (checksum.length !== CHECKSUM_BYTES) return `its checksum has ${checksum.length} bytes`
  const expected = checksumOf(previous.checksum, row, payload)
  if (expected.equals(checksum)) return undefined
  return `its checksum is not that of its content (version ${version}, ${payload.length} bytes)`
}

/** What is wrong with a header by itself. Its version first: another may mean other fields. */
function formFault(header: RowHeader): string | undefined {
  const { version, firstRound, lastRound, firstSeq, lastSeq } = header
  if (!(version >= 1 && version <= JOURNAL_VERSION && Number.isInteger(version))) {
    return `version ${version} is unknown; this program reads up to ${JOURNAL_VERSION}`
  }
  for (const name of NUMBERS) {
    const value = header[name]
    if (!Number.isSafeInteger(value) || value < 0) return `${name} ${value} is no whole number`
  }
  if (firstRound < 1) return 'rounds count from 1'
  if (firstSeq < 1) return 'seqs count from 1'
  if (lastRound < firstRound) return `it ends with round ${lastRound}, before it begins`
  if (lastSeq < firstSeq - 1) return `it ends with seq ${lastSeq}, before it begins`
  return undefined
}

function sizeFault(payload: Uint8Array): string | undefined {
  return payload.length <= PAYLOAD_BYTES_MAX ? undefined : `it has ${payload.length} bytes`
}

const nameOf = ({ firstRound, lastRound, firstSeq, lastSeq }: RowHeader): string =>
  `row of rounds ${firstRound} to ${lastRound} (seq ${firstSeq} to ${lastSeq})`

/** Header fields as 64-bit integers, then the payload's length: little-endian. Used again. */
const fixed = new DataView(new ArrayBuffer(HEADER_BYTES))

function checksumOf(previous: Uint8Array, header: RowHeader, payload: Uint8Array): Buffer {
  let at = 0
  for (const name of NUMBERS) {
    putWhole(at, header[name])
    at += 8
  }
  putWhole(at, payload.length)
  return createHash('sha256').update(previous).update(fixed).update(payload).digest()
}

/** Without a BigInt: a lone order waits for this. */
function putWhole(at: number, value: number): void {
  fixed.setUint32(at, value % 2 ** 32, true)
  fixed.setUint32(at + 4, Math.floor(value / 2 ** 32), true)
}

/**
 * Rows as a store gives them, each once it is found to follow the one before, the first to follow
 * `end`; throws a Fault that names the first that does not.
 */
export async function* followRows(
  rows: AsyncIterable<Row>,
  end: RowEnd = GENESIS,
): AsyncGenerator<Row> {
  let last = end
  for await (const row of rows) {
    const wrong = checkRow(last, row)
    if (wrong !== undefined) throw new Fault(wrong)
    last = row
    yield row
  }
}

/** Gathers the rounds of the next row. One builder writes one journal: row follows row. */
export class RowBuilder {
  private readonly writer = new RoundWriter()
  /** What the row follows: the round and seq before its first. */
  private end: Pick<RowEnd, 'lastRound' | 'lastSeq'>
  /** firstRound - 1 and firstSeq - 1 of the row. */
  private start: Pick<RowEnd, 'lastRound' | 'lastSeq'>

  /** Goes on behind `previous`. */
  constructor(previous: Pick<RowEnd, 'lastRound' | 'lastSeq'> = GENESIS) {
    const { lastRound, lastSeq } = previous
    this.start = { lastRound, lastSeq }
    this.end = this.start
  }

  /** Rounds, commands and payload bytes gathered. */
  get rounds(): number {
    return this.end.lastRound - this.start.lastRound
  }
  get commands(): number {
    return this.end.lastSeq - this.start.lastSeq
  }
  get bytes(): number {
    return this.writer.length
  }

  /** Adds the next round, which must follow the last. The commands stay the caller's. */
  add(round: number, firstSeq: number, commands: CommandLog): void {
    const { lastRound, lastSeq } = this.end
    assert(round === lastRound + 1, `round ${round} follows round ${lastRound}`)
    assert(firstSeq === lastSeq + 1, `seq ${firstSeq} of round ${round} follows seq ${lastSeq}`)
    this.writer.add(round, firstSeq, commands)
    this.end = { lastRound: round, lastSeq: lastSeq + commands.count }
  }

  /** A copy of the bytes gathered. */
  payload(): Uint8Array {
    return this.writer.peek().slice()
  }

  /** The row of what was gathered, behind `previous`; the builder is empty then. */
  seal(previous: RowEnd, term: number, timeMs: number): Row {
    const { start, end } = this
    assert(this.rounds > 0, 'a row has a round')
    assert(previous.lastRound === start.lastRound, 'a row is sealed behind the one before it')
    assert(previous.lastSeq === start.lastSeq, 'its seqs go on from the row before it')
    assert(term >= previous.term, 'terms do not go back')
    assert(timeMs >= previous.timeMs, 'the time of rows does not go back')
    const header: RowHeader = {
      version: JOURNAL_VERSION,
      term,
      timeMs,
      firstRound: start.lastRound + 1,
      lastRound: end.lastRound,
      firstSeq: start.lastSeq + 1,
      lastSeq: end.lastSeq,
    }
    const row = sealRow(previous.checksum, header, this.payload())
    this.clear()
    return row
  }

  /** Forgets what was gathered; the next round follows it all the same. */
  clear(): void {
    this.writer.clear()
    this.start = this.end
  }
}

/** A round read from a row. Its commands are valid until the next is asked for. */
export interface JournalRound {
  readonly round: number
  readonly firstSeq: number
  readonly commands: CommandLog
}

/**
 * The rounds of a row that {@link checkRow} has found good, in `log`, which is used for each in
 * turn. Those up to `afterRound` are stepped over. Throws a Fault that names the row where its
 * content is not what its header says.
 */
export function* readRounds(
  row: Row,
  log = new CommandLog(),
  afterRound = 0,
): Generator<JournalRound> {
  const reader = new RoundReader(row.payload)
  let { firstRound: round, firstSeq: seq } = row
  for (; !reader.isAtEnd; round += 1, seq += reader.count) {
    const isSkipped = round <= afterRound
    try {
      if (isSkipped) reader.skip()
      else reader.next(log)
    } catch (error) {
      throw error instanceof Fault ? contentFault(row, error.message) : error
    }
    if (reader.round !== round) throw contentFault(row, `${reader.round} stands for ${round}`)
    if (reader.firstSeq !== seq) {
      throw contentFault(row, `round ${round} begins with seq ${reader.firstSeq}, not ${seq}`)
    }
    if (round > row.lastRound) throw contentFault(row, `round ${round} is behind its last`)
    if (!isSkipped) yield { round, firstSeq: seq, commands: log }
  }
  if (round !== row.lastRound + 1) throw contentFault(row, `round ${round} is missing`)
  if (seq !== row.lastSeq + 1) throw contentFault(row, `it ends with seq ${seq - 1}`)
}

const contentFault = (row: Row, what: string): Fault => new Fault(`journal ${nameOf(row)}: ${what}`)
