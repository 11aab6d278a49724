// Reports as msgpack: each a map, a message an array of them.

import type { ReportForm } from './report-fragments.ts'
import { ReportWriter } from './report-writer.ts'

/** An array of up to 65,535, and how many. */
const ARRAY_BYTES = 3
/** A map of up to 65,535 fields, and how many. */
const MAP_BYTES = 3

const FORM: ReportForm = {
  first: textBytes,
  number: textBytes,
  // The length that a text begins with is written when that is known.
  text: textBytes,
  fields: (fields) =>
    Buffer.concat(
      Object.entries(fields).flatMap(([name, value]) => [
        textBytes(name),
        typeof value === 'boolean' ? Buffer.from([value ? 0xc3 : 0xc2]) : textBytes(value),
      ]),
    ),
}

export class MsgpackReportWriter extends ReportWriter {
  constructor(bytes: number) {
    super(bytes, FORM)
  }

  openMessage(count: number): void {
    const { bytes, at } = this
    bytes[at] = 0xdc
    bytes[at + 1] = count >> 8
    bytes[at + 2] = count & 255
    this.at = at + ARRAY_BYTES
  }

  between(): void {}

  closeMessage(): void {}

  protected open(): void {
    this.at += MAP_BYTES
  }

  protected close(start: number): void {
    const { bytes, count } = this
    bytes[start] = 0xde
    bytes[start + 1] = count >> 8
    bytes[start + 2] = count & 255
  }

  protected number(value: number): void {
    const { bytes, view, at } = this
    if (value < 0x80) {
      bytes[at] = value
      this.at = at + 1
    } else if (value < 2 ** 32) {
      bytes[at] = 0xce
      view.setUint32(at + 1, value)
      this.at = at + 5
    } else {
      bytes[at] = 0xcf
      view.setUint32(at + 1, Math.floor(value / 2 ** 32))
      view.setUint32(at + 5, value % 2 ** 32)
      this.at = at + 9
    }
  }

  /** There is room for a length up to 31: nearly every text is that short. */
  protected openText(): number {
    this.at += 1
    return this.at
  }

  protected closeText(start: number): void {
    const { bytes, at } = this
    const length = at - start
    if (length < 32) {
      bytes[start - 1] = 0xa0 | length
      return
    }
    bytes.copyWithin(start + 1, start, at)
    bytes[start - 1] = 0xd9
    bytes[start] = length
    this.at = at + 1
  }

  protected closeId(start: number): void {
    this.closeText(start)
  }
}

/** The value that msgpack calls str: the longest of a report has 255 bytes. */
function textBytes(text: string): Buffer {
  const bytes = Buffer.from(text)
  const head = bytes.length < 32 ? [0xa0 | bytes.length] : [0xd9, bytes.length]
  return Buffer.concat([Buffer.from(head), bytes])
}
