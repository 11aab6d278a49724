// Reports as msgpack, written straight into memory: several times as fast as a packer that knows
// nothing of what comes (docs/decisions/0023-gateway-speed.md).

import { assert } from '../lib/assert.ts'
import type { Report } from '../protocol/report-json.ts'

/** Reports share pieces of memory of so many bytes. */
const PIECE_BYTES = 256 * 1024
/** No report of the exchange is longer: names have a bound, and there are some thirty fields. */
const REPORT_BYTES_MAX = 4_096
const NAME_CHARS_MAX = 31
const TEXT_CHARS_MAX = 255
/** A name in whole words, then a text; each behind its length. */
const FIELD_BYTES_MAX = 1 + NAME_CHARS_MAX + 2 + TEXT_CHARS_MAX

/** A field's name, encoded. */
interface Key {
  readonly bytes: number
  /** Four bytes each; what the last one has beyond the name's end is written over. */
  readonly words: readonly number[]
}

/** All names that there have been, which is as many as reports have fields. */
const keys = new Map<string, Key>()

function addKey(name: string): Key {
  assert(name.length <= NAME_CHARS_MAX, "a field's name is short")
  const bytes = Buffer.alloc(1 + NAME_CHARS_MAX)
  bytes[0] = 0xa0 | name.length
  bytes.write(name, 1, 'latin1')
  const count = Math.ceil((1 + name.length) / 4)
  const words = Array.from({ length: count }, (_, i) => bytes.readInt32BE(i * 4))
  const key = { bytes: 1 + name.length, words }
  keys.set(name, key)
  return key
}

const viewOf = ({ buffer, byteOffset, length }: Buffer) => new DataView(buffer, byteOffset, length)

export class ReportEncoder {
  private bytes = Buffer.allocUnsafeSlow(PIECE_BYTES)
  private view = viewOf(this.bytes)
  private at = 0

  /** The report as one map; undefined if it holds what no report of the engine does. */
  encode(report: Report): Uint8Array | undefined {
    if (this.at + REPORT_BYTES_MAX > this.bytes.length) {
      this.bytes = Buffer.allocUnsafeSlow(PIECE_BYTES)
      this.view = viewOf(this.bytes)
      this.at = 0
    }
    const start = this.at
    return this.write(report) ? this.bytes.subarray(start, this.at) : undefined
  }

  /** Whether the report was written; there is room for the longest. If not, nothing was. */
  private write(report: Report): boolean {
    const { bytes, view, at: start } = this
    const last = start + REPORT_BYTES_MAX - FIELD_BYTES_MAX
    let at = start + 3
    let count = 0
    const fields = report as unknown as { readonly [name: string]: unknown }
    for (const name in fields) {
      if (at > last) return false
      const value = fields[name]
      const key = keys.get(name) ?? addKey(name)
      const { words } = key
      for (let i = 0; i < words.length; i += 1) view.setInt32(at + i * 4, words[i])
      at += key.bytes
      count += 1
      if (typeof value === 'string') at = writeText(bytes, at, value)
      else if (typeof value === 'number') at = writeCount(bytes, view, at, value)
      else if (typeof value === 'boolean') bytes[at++] = value ? 0xc3 : 0xc2
      else return false
      if (at === NOT_WRITTEN) return false
    }
    bytes[start] = 0xde
    bytes[start + 1] = count >> 8
    bytes[start + 2] = count & 255
    this.at = at
    return true
  }
}

/** Instead of where the next value goes. */
const NOT_WRITTEN = -1

/** A text of ASCII, and short. */
function writeText(bytes: Buffer, start: number, value: string): number {
  const { length } = value
  if (length > TEXT_CHARS_MAX) return NOT_WRITTEN
  let at = start
  if (length < 32) bytes[at++] = 0xa0 | length
  else {
    bytes[at++] = 0xd9
    bytes[at++] = length
  }
  let all = 0
  for (let i = 0; i < length; i += 1) {
    const code = value.charCodeAt(i)
    all |= code
    bytes[at + i] = code
  }
  return all < 0x80 ? at + length : NOT_WRITTEN
}

/** A whole number from 0. */
function writeCount(bytes: Buffer, view: DataView, at: number, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) return NOT_WRITTEN
  if (value < 0x80) {
    bytes[at] = value
    return at + 1
  }
  if (value < 2 ** 32) {
    bytes[at] = 0xce
    view.setUint32(at + 1, value)
    return at + 5
  }
  bytes[at] = 0xcf
  view.setUint32(at + 1, Math.floor(value / 2 ** 32))
  view.setUint32(at + 5, value % 2 ** 32)
  return at + 9
}
