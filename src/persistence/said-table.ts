// Messages of reports that have gone out, as they were, kept over a stop: who has missed one asks
// the next process for it.
//
// They are not fenced: whoever writes them, they are what was published. What is not whole, or of
// another journal, shows by checksums and is not used.

import { createHash } from 'node:crypto'
import type { Reports } from '../protocol/reports.ts'
import { bytesIn, copyOut, integerIn } from './copy-out.ts'
import { StoreProblem } from './problem.ts'
import type { RowEnd } from './row.ts'
import type { Side } from './side.ts'

/** A message of an account's reports, numbered `first` to `first + count - 1`. */
export interface SaidMessage {
  readonly account: string
  readonly first: number
  readonly count: number
  readonly bytes: Uint8Array
}

/** What is kept: the newest of what rounds up to `round` came to, each account's without a gap. */
export interface Said {
  readonly round: number
  readonly messages: readonly SaidMessage[]
}

/** What went out before, each account's reports in their order; some may be in both. */
export interface PublishedBefore {
  /** As they were when it last stopped in order. */
  readonly messages: readonly SaidMessage[]
  /** Of rounds that were replayed; they stay valid. */
  readonly reports: readonly Reports[]
  /**
   * The `execSeq` of the account's last report, kept or not; 0 without one. What did not go out yet
   * is given out right after this.
   */
  readonly newestOf: (account: string) => number
}

/** Bytes of a row: between two of them others may use the connection. */
const PART_BYTES = 2 ** 20
/** Before a message: the length of its account's name, of its bytes, its reports, the first one. */
const HEAD_BYTES = 2 + 4 + 4 + 8

const INSERT = `INSERT INTO onefill.said (round, part, row_checksum, checksum, bytes)
  VALUES ($1, $2, $3, $4, $5)`

export class SaidTable {
  readonly #side: Side

  constructor(side: Side) {
    this.#side = side
  }

  /** Keeps these instead of those of before, in their order; `end` is the journal's last row. */
  async put({ lastRound, checksum }: RowEnd, messages: readonly SaidMessage[]): Promise<void> {
    const bytes = encode(messages)
    const whole = digest(bytes)
    const parts = Math.max(1, Math.ceil(bytes.length / PART_BYTES))
    await this.#query('DELETE FROM onefill.said WHERE round = $1', [lastRound])
    for (let part = 0; part < parts; part += 1) {
      const some = bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES)
      await this.#query(INSERT, [lastRound, part, checksum, whole, some])
    }
    await this.#query('DELETE FROM onefill.said WHERE round <> $1', [lastRound])
  }

  /**
   * The newest that are whole and stand behind a row of the journal, by what `rowEndingAt` gives of
   * it; undefined if nothing is kept. Throws SAID_UNUSABLE if none of what there is will do.
   */
  async read(
    rowEndingAt: (round: number) => Promise<Pick<RowEnd, 'checksum'> | null>,
  ): Promise<Said | undefined> {
    const parts = (
      await this.#side.run((client) =>
        copyOut(
          client,
          `SELECT round, row_checksum, checksum, bytes FROM onefill.said
            ORDER BY round DESC, part`,
        ),
      )
    ).map(([round, row, checksum, bytes]) => ({
      ...{ round: integerIn(round), row: bytesIn(row) },
      ...{ checksum: bytesIn(checksum), bytes: bytesIn(bytes) },
    }))
    for (const [round, some] of Map.groupBy(parts, (part) => part.round)) {
      const [{ row, checksum }] = some
      const bytes = Buffer.concat(some.map((part) => part.bytes))
      if (!checksum.equals(digest(bytes))) continue
      const end = await rowEndingAt(round)
      if (end !== null && row.equals(end.checksum)) return { round, messages: decode(bytes) }
    }
    if (parts.length === 0) return undefined
    const why = 'The reports that the last stop has kept are not whole, or of another journal.'
    throw new StoreProblem('SAID_UNUSABLE', why)
  }

  #query(text: string, values: unknown[]) {
    return this.#side.run((client) => client.query(text, values))
  }
}

const digest = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()

function encode(messages: readonly SaidMessage[]): Buffer {
  const pieces = messages.flatMap(({ account, first, count, bytes }) => {
    const name = Buffer.from(account)
    const head = Buffer.alloc(HEAD_BYTES)
    head.writeUInt16BE(name.length, 0)
    head.writeUInt32BE(bytes.length, 2)
    head.writeUInt32BE(count, 6)
    head.writeDoubleBE(first, 10)
    return [head, name, bytes]
  })
  return Buffer.concat(pieces)
}

/** What was encoded, whose checksum was right. */
function decode(bytes: Buffer): SaidMessage[] {
  const messages: SaidMessage[] = []
  for (let at = 0; at < bytes.length; ) {
    const from = at + HEAD_BYTES + bytes.readUInt16BE(at)
    const to = from + bytes.readUInt32BE(at + 2)
    messages.push({
      account: bytes.toString('utf8', at + HEAD_BYTES, from),
      first: bytes.readDoubleBE(at + 10),
      count: bytes.readUInt32BE(at + 6),
      bytes: bytes.subarray(from, to),
    })
    at = to
  }
  return messages
}
