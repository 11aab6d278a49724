// Reads a LOBSTER message file and its order book file, plain `.csv` or `.csv.gz`.
// Both are held as bytes, order book rows decoded when asked for: many levels stay affordable.
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { type Level, type Message, type Row, Side, unitsPerTick } from './format.ts'

export type Recording = {
  /** The ticker the message file's name begins with. */
  readonly symbol: string
  readonly levels: number
  readonly messages: readonly Message[]
  /** The order book after message i. */
  row(i: number): Row
}

const newline = 0x0a
const comma = 0x2c
const minus = 0x2d
const digitZero = 0x30
const emptyPriceUnits = 9_999_999_999

export function readRecording(messageFile: string, bookFile: string, levels: number): Recording {
  const messages = readLines(messageFile).map(parseMessage)
  const lines = readLines(bookFile)
  const columns = lines.length > 0 ? countColumns(lines[0]) : 0
  if (columns !== levels * 4)
    throw new Error(`${bookFile} has ${columns / 4} levels, not ${levels}: see --levels`)
  if (lines.length !== messages.length)
    throw new Error(`${messageFile} has ${messages.length} rows, ${bookFile} ${lines.length}`)
  return { symbol: tickerOf(messageFile), levels, messages, row: (i) => parseRow(lines[i], levels) }
}

function tickerOf(messageFile: string): string {
  return /^[A-Za-z0-9-]{1,36}/.exec(basename(messageFile))?.[0] ?? 'STOCK'
}

function readLines(file: string): Buffer[] {
  const stored = readFileSync(file)
  const bytes = file.endsWith('.gz') ? gunzipSync(stored) : stored
  const lines: Buffer[] = []
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(newline, start)
    const end = found === -1 ? bytes.length : found
    if (end > start) lines.push(bytes.subarray(start, end))
    start = end + 1
  }
  return lines
}

function parseMessage(line: Buffer): Message {
  const [time, type, orderId, qty, priceUnits, direction] = line.toString('latin1').split(',')
  return {
    time,
    type: Number(type),
    orderId,
    qty: Number(qty),
    priceUnits: Number(priceUnits),
    side: Number(direction) === 1 ? Side.buy : Side.sell,
  }
}

function countColumns(line: Buffer): number {
  let count = 1
  for (const byte of line) if (byte === comma) count++
  return count
}

function parseRow(line: Buffer, levels: number): Row {
  const buy: Level[] = []
  const sell: Level[] = []
  let at = 0
  const next = (): number => {
    const sign = line[at] === minus ? -1 : 1
    if (sign === -1) at++
    let value = 0
    for (; at < line.length && line[at] >= digitZero; at++)
      value = value * 10 + line[at] - digitZero
    at++
    return sign * value
  }
  const add = (side: Level[], priceUnits: number, qty: number): void => {
    if (Math.abs(priceUnits) !== emptyPriceUnits)
      side.push({ ticks: priceUnits / unitsPerTick, qty })
  }
  for (let level = 0; level < levels; level++) {
    add(sell, next(), next())
    add(buy, next(), next())
  }
  return { buy, sell }
}
