// Handles of symbols by the bytes of their names, so that a name that is read makes no string.

import { ID_CHARS_MAX } from '../protocol/bounds.ts'
import type { Directory } from '../protocol/directory.ts'
import { isSameBytes } from './field-names.ts'
import { asciiAt } from './frame-strings.ts'

/** Names remembered, a power of two; another one of the same slot takes its place. */
const SLOTS = 4_096

interface Known {
  readonly bytes: Uint8Array
  readonly handle: number
}

export class SymbolCache {
  private names: Directory | undefined
  private known: (Known | undefined)[] = []

  /** From now on symbols are those of this directory. */
  use(names: Directory): void {
    if (this.names === names) return
    this.names = names
    this.known = new Array(SLOTS).fill(undefined)
  }

  /** The handle of the symbol whose name these bytes are; 0 if there is none. */
  handleOf(bytes: Uint8Array, start: number, length: number): number {
    if (length > ID_CHARS_MAX) return 0
    let hash = length
    for (let at = start; at < start + length; at += 1) {
      // Names are ASCII: what is not is none.
      if (bytes[at] >= 0x80) return 0
      hash = (Math.imul(hash, 31) + bytes[at]) | 0
    }
    const slot = (hash ^ (hash >>> 12)) & (SLOTS - 1)
    const known = this.known[slot]
    if (known !== undefined && isSameBytes(known.bytes, bytes, start, length)) return known.handle
    const handle = this.names?.symbol(asciiAt(bytes, start, length)) ?? 0
    if (handle !== 0)
      this.known[slot] = { bytes: Uint8Array.from(bytes.subarray(start, start + length)), handle }
    return handle
  }
}
