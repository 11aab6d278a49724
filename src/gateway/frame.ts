// Bytes from the wire to commands, and replies back to bytes: msgpack or JSON, told apart by the
// first byte, checked against every bound before anything that could be large is built.
//
// Nothing throws, whatever the bytes are. What comes out holds only what JSON can express, in plain
// objects and arrays; whether it is a command is for protocol/decode.ts to say.

// The build without native code: that one reads ahead of what it was asked for (msgpackr issue
// 193), and what a batch gains by it is less than what the check before costs.
import { Packr } from 'msgpackr/index-no-eval'
import { unreachable } from '../lib/assert.ts'
import type { Report } from '../protocol/report-json.ts'
import { FRAME_BYTES_MAX } from './bounds.ts'
import { type FrameFault, SENTENCES, WHOLE_FRAME } from './frame-checks.ts'
import { JsonScan } from './json-scan.ts'
import { MsgpackReader } from './msgpack-reader.ts'

/** How a frame is written; a reply is written as its request was. */
export type FrameFormat = 'msgpack' | 'json'

/** Commands as they came, in order; at least one. */
export interface Frame {
  readonly ok: true
  readonly format: FrameFormat
  /** Whether they came as an array; then the reply is one too. */
  readonly isBatch: boolean
  readonly commands: readonly unknown[]
}

/** Why a frame holds no commands; all of a batch is refused with it. */
export interface FrameRefusal {
  readonly ok: false
  /** For the reply; JSON where the bytes are neither. */
  readonly format: FrameFormat
  readonly code: 'MALFORMED'
  /** The field of a command that is wrong, or `frame`. */
  readonly field: string
  readonly text: string
  /** Which command of a batch, from 0, if it is one's field. */
  readonly index?: number
}

/** Records off: maps in, maps out, as every msgpack library knows them. */
const packr = new Packr({
  useRecords: false,
  mapsAsObjects: true,
  int64AsType: 'number',
})
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
/** Space, tab, line ends, `[`, `{`. */
const JSON_FIRST = new Set([0x20, 0x09, 0x0a, 0x0d, 0x5b, 0x7b])
const NEITHER = 'the frame is neither a map nor an array'
const msgpackReader = new MsgpackReader()
const jsonScan = new JsonScan()

/**
 * The commands in a frame: one, or some in an array; or the refusal
 * MALFORMED with the field. Takes time and memory in proportion to the bytes.
 */
export function decodeFrame(bytes: Uint8Array): Frame | FrameRefusal {
  const format = formatOf(bytes)
  if (format === undefined) {
    const sentence = bytes.length === 0 ? 'the frame is empty' : NEITHER
    return refusal('json', { field: WHOLE_FRAME, sentence, index: -1 })
  }
  if (bytes.length > FRAME_BYTES_MAX) {
    const sentence = `the frame has more than ${FRAME_BYTES_MAX} bytes`
    return refusal(format, { field: WHOLE_FRAME, sentence, index: -1 })
  }
  return format === 'json' ? decodeJson(bytes) : decodeMsgpack(bytes)
}

function decodeMsgpack(bytes: Uint8Array): Frame | FrameRefusal {
  const value = msgpackReader.read(bytes)
  const { fault } = msgpackReader
  return fault === undefined ? frameOf('msgpack', value) : refusal('msgpack', fault)
}

function decodeJson(bytes: Uint8Array): Frame | FrameRefusal {
  const fault = jsonScan.fault(bytes)
  if (fault !== undefined) return refusal('json', fault)
  try {
    return frameOf('json', JSON.parse(utf8.decode(bytes)))
  } catch {
    // Bounded, but not of the grammar or not UTF-8: the parsers say so by throwing.
    const sentence = 'the frame is not JSON in UTF-8'
    return refusal('json', { field: WHOLE_FRAME, sentence, index: -1 })
  }
}

function frameOf(format: FrameFormat, value: unknown): Frame | FrameRefusal {
  if (typeof value !== 'object' || value === null) {
    return refusal(format, { field: WHOLE_FRAME, sentence: NEITHER, index: -1 })
  }
  if (!Array.isArray(value)) return { ok: true, format, isBatch: false, commands: [value] }
  if (value.length > 0) return { ok: true, format, isBatch: true, commands: value }
  return refusal(format, { field: WHOLE_FRAME, sentence: SENTENCES.emptyBatch, index: -1 })
}

/** A value (made of what JSON can express) as bytes that are the caller's to keep. */
export function encodeFrame(value: unknown, format: FrameFormat): Uint8Array {
  switch (format) {
    case 'json':
      return Buffer.from(JSON.stringify(value))
    case 'msgpack':
      return packr.pack(value)
    default:
      return unreachable(format)
  }
}

/** An array of reports that are written already, at most 65,535. */
export function joinReports(written: readonly Uint8Array[], format: FrameFormat): Uint8Array {
  if (format === 'json') {
    const parts = written.flatMap((report, at) => [at === 0 ? OPEN : COMMA, report])
    return Buffer.concat([...parts, CLOSE])
  }
  const head = Uint8Array.from([0xdc, written.length >> 8, written.length & 255])
  return Buffer.concat([head, ...written])
}

const [OPEN, COMMA, CLOSE] = ['[', ',', ']'].map((text) => Buffer.from(text))

/** A report that is written by itself. */
export const decodeReport = (bytes: Uint8Array, format: FrameFormat): Report =>
  format === 'json' ? JSON.parse(utf8.decode(bytes)) : packr.unpack(bytes)

/** Reports out of a message of several. */
export function decodeReports(bytes: Uint8Array): Report[] {
  return formatOf(bytes) === 'json' ? JSON.parse(utf8.decode(bytes)) : packr.unpack(bytes)
}

/** By the first byte: a map or array of msgpack; space, `{` or `[` of JSON. */
function formatOf(bytes: Uint8Array): FrameFormat | undefined {
  const first = bytes[0]
  if (first >= 0x80 && first <= 0x9f) return 'msgpack'
  if (first >= 0xdc && first <= 0xdf) return 'msgpack'
  return JSON_FIRST.has(first) ? 'json' : undefined
}

function refusal(format: FrameFormat, { field, sentence, index }: FrameFault): FrameRefusal {
  const refused = { ok: false, format, code: 'MALFORMED', field, text: sentence } as const
  return index < 0 ? refused : { ...refused, index }
}
