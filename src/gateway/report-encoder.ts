// Reports as msgpack, written straight into memory: several times as fast as a packer that knows
// nothing of what comes (docs/decisions/0023-gateway-speed.md).

import { assert } from '../lib/assert.ts'
import type { Report } from '../protocol/report-json.ts'

/** Reports share pieces of memory of so many bytes. */
const PIECE_BYTES = 256 * 1024
/** No report of the exchange is longer: names have a bound, and there are some thirty fields. */
const REPORT_BYTES_MAX = 4_096

/** A field's name, encoded; all that there have been, which is as many as reports have fields. */
const keys = new Map<string, Uint8Array>()

function keyOf(name: string): Uint8Array {
  const known = keys.get(name)
  if (known !== undefined) return known
  assert(name.length < 32, "a field's name is short")
  const bytes = Uint8Array.from([0xa0 | name.length, ...Buffer.from(name, 'latin1')])
  keys.set(name, bytes)
  return bytes
}

export class ReportEncoder {
  private bytes = Buffer.allocUnsafeSlow(PIECE_BYTES)
  private at = 0

  /** The report as one map; undefined if it holds what no report of the engine does. */
  encode(report: Report): Uint8Array | undefined {
    if (this.at + REPORT_BYTES_MAX > this.bytes.length) {
      this.bytes = Buffer.allocUnsafeSlow(PIECE_BYTES)
      this.at = 0
    }
    const start = this.at
    this.at = start + 3
    let count = 0
    const fields = report as unknown as { readonly [name: string]: unknown }
    for (const name in fields) {
      const value = fields[name]
      this.key(keyOf(name))
      count += 1
      const isWritten =
        typeof value === 'string'
          ? this.string(value)
          : typeof value === 'number'
            ? this.count(value)
            : this.flag(value)
      if (isWritten) continue
      this.at = start
      return undefined
    }
    const { bytes } = this
    bytes[start] = 0xde
    bytes[start + 1] = count >> 8
    bytes[start + 2] = count & 255
    return bytes.subarray(start, this.at)
  }

  private key(key: Uint8Array): void {
    const { bytes, at } = this
    for (let i = 0; i < key.length; i += 1) bytes[at + i] = key[i]
    this.at = at + key.length
  }

  /** Of ASCII, and short. */
  private string(value: string): boolean {
    const { length } = value
    if (length > 255) return false
    const { bytes } = this
    let { at } = this
    if (length < 32) bytes[at++] = 0xa0 | length
    else {
      bytes[at++] = 0xd9
      bytes[at++] = length
    }
    if (at + length > bytes.length) return false
    let all = 0
    for (let i = 0; i < length; i += 1) {
      const code = value.charCodeAt(i)
      all |= code
      bytes[at + i] = code
    }
    this.at = at + length
    return all < 0x80
  }

  /** A whole number from 0. */
  private count(value: number): boolean {
    if (!Number.isSafeInteger(value) || value < 0) return false
    const { bytes } = this
    let { at } = this
    if (value < 0x80) bytes[at++] = value
    else if (value < 2 ** 32) {
      bytes[at++] = 0xce
      at = bytes.writeUInt32BE(value, at)
    } else {
      bytes[at++] = 0xcf
      at = bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at)
      at = bytes.writeUInt32BE(value % 2 ** 32, at)
    }
    this.at = at
    return true
  }

  private flag(value: unknown): boolean {
    if (typeof value !== 'boolean') return false
    this.bytes[this.at] = value ? 0xc3 : 0xc2
    this.at += 1
    return true
  }
}
