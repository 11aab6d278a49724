// Reports as JSON, the bytes that `JSON.stringify` would give: each an object, a message an array
// of them.

import { digitsOf } from '../lib/digits.ts'
import type { ReportForm } from './report-fragments.ts'
import { ReportWriter } from './report-writer.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c

const FORM: ReportForm = {
  first: (name) => Buffer.from(`{"${name}":`),
  number: (name) => Buffer.from(`,"${name}":`),
  text: (name) => Buffer.from(`,"${name}":"`),
  fields: (fields) =>
    Buffer.from(
      Object.entries(fields)
        .map(([name, value]) => `,"${name}":${JSON.stringify(value)}`)
        .join(''),
    ),
}

export class JsonReportWriter extends ReportWriter {
  constructor(bytes: number) {
    super(bytes, FORM)
  }

  openMessage(): void {
    this.byte(0x5b)
  }

  between(): void {
    this.byte(COMMA)
  }

  closeMessage(): void {
    this.byte(0x5d)
  }

  protected open(): void {}

  protected close(): void {
    this.byte(0x7d)
  }

  protected number(value: number): void {
    this.digits(value, digitsOf(value))
  }

  protected openText(): number {
    return this.at
  }

  protected closeText(): void {
    this.byte(QUOTE)
  }

  /** Two of the characters that an id may have are written with a backslash before them. */
  protected closeId(start: number): void {
    const { bytes, at: end } = this
    let escaped = 0
    for (let at = start; at < end; at += 1) if (isEscaped(bytes[at])) escaped += 1
    this.at = end + escaped
    // From behind, each character by as many places as there are backslashes before it.
    for (let at = end - 1; escaped > 0; at -= 1) {
      const char = bytes[at]
      bytes[at + escaped] = char
      if (!isEscaped(char)) continue
      escaped -= 1
      bytes[at + escaped] = BACKSLASH
    }
    this.byte(QUOTE)
  }

  private byte(value: number): void {
    this.bytes[this.at] = value
    this.at += 1
  }
}

const isEscaped = (char: number) => char === QUOTE || char === BACKSLASH
