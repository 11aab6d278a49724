// Strings out of the bytes of a frame.

import { isUtf8 } from 'node:buffer'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A string of so many bytes, which are there; undefined if they are not UTF-8. */
export function textAt(bytes: Uint8Array, start: number, length: number): string | undefined {
  const end = start + length
  let all = 0
  for (let i = start; i < end; i += 1) all |= bytes[i]
  if (all < 0x80) return asciiAt(bytes, start, length)
  const piece = bytes.subarray(start, end)
  return isUtf8(piece) ? utf8.decode(piece) : undefined
}

/**
 * A string of so many bytes of ASCII. One call with as many arguments as there are characters costs
 * the least, until there are so many that a call to Node costs no more.
 */
export function asciiAt(b: Uint8Array, i: number, length: number): string {
  const of = String.fromCharCode
  // biome-ignore format: a table.
  switch (length) {
    case 0: return ''
    case 1: return of(b[i])
    case 2: return of(b[i], b[i + 1])
    case 3: return of(b[i], b[i + 1], b[i + 2])
    case 4: return of(b[i], b[i + 1], b[i + 2], b[i + 3])
    case 5: return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4])
    case 6: return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5])
    case 7: return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6])
    case 8:
      return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7])
    case 9:
      return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4],
        b[i + 5], b[i + 6], b[i + 7], b[i + 8])
    case 10:
      return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4],
        b[i + 5], b[i + 6], b[i + 7], b[i + 8], b[i + 9])
    case 11:
      return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4],
        b[i + 5], b[i + 6], b[i + 7], b[i + 8], b[i + 9], b[i + 10])
    case 12:
      return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5],
        b[i + 6], b[i + 7], b[i + 8], b[i + 9], b[i + 10], b[i + 11])
    case 13:
      return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5],
        b[i + 6], b[i + 7], b[i + 8], b[i + 9], b[i + 10], b[i + 11], b[i + 12])
    case 14:
      return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6],
        b[i + 7], b[i + 8], b[i + 9], b[i + 10], b[i + 11], b[i + 12], b[i + 13])
    case 15:
      return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6],
        b[i + 7], b[i + 8], b[i + 9], b[i + 10], b[i + 11], b[i + 12], b[i + 13], b[i + 14])
    case 16:
      return of(b[i], b[i + 1], b[i + 2], b[i + 3], b[i + 4], b[i + 5], b[i + 6], b[i + 7],
        b[i + 8], b[i + 9], b[i + 10], b[i + 11], b[i + 12], b[i + 13], b[i + 14], b[i + 15])
    default: return bufferOf(b).toString('latin1', i, i + length)
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  if (bytes instanceof Buffer) return bytes
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
