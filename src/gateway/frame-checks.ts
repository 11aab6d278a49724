// What the walks along a frame share: what they can find wrong, and names that come twice.

import {
  BATCH_COMMANDS_MAX,
  FRAME_DEPTH_MAX,
  FRAME_ENTRIES_MAX,
  FRAME_KEY_BYTES_MAX,
  FRAME_STRING_BYTES_MAX,
} from './bounds.ts'
import { findFieldName, nameFault } from './field-names.ts'

/** The field of a refusal that is about no field. */
export const WHOLE_FRAME = 'frame'

export interface FrameFault {
  readonly field: string
  readonly sentence: string
  /** Which command of a batch, from 0; -1 for none. */
  readonly index: number
}

/** What a scan can find wrong, as sentences; the field goes with it. */
export const SENTENCES = {
  cutShort: 'the frame ends in the middle',
  trailing: 'the frame goes on after its end',
  grammar: 'the frame is not of its format',
  deep: `maps and arrays are more than ${FRAME_DEPTH_MAX} deep`,
  entries: `a map or an array has more than ${FRAME_ENTRIES_MAX} entries`,
  batch: `the batch has more than ${BATCH_COMMANDS_MAX} commands`,
  emptyBatch: 'the batch has no commands',
  longString: `a string has more than ${FRAME_STRING_BYTES_MAX} bytes`,
  utf8: 'a string is not UTF-8',
  key: `a field's name is not 1 to ${FRAME_KEY_BYTES_MAX} of A-Z a-z 0-9 _`,
  reserved: 'the field has a name that no field may have',
  twice: 'the field is there twice',
  number: 'a number is not a whole one below 2^53; decimals are strings, such as "167.52"',
  type: 'bytes and extensions are no values of a field',
} as const

export type Sentence = keyof typeof SENTENCES

/**
 * The names in the maps that are open, so that none comes twice. Each depth has a place for as many
 * as a map may have; a name is its hash and where it stands.
 */
export class Keys {
  private readonly hashes = new Int32Array((FRAME_DEPTH_MAX + 1) * FRAME_ENTRIES_MAX)
  private readonly starts = new Int32Array((FRAME_DEPTH_MAX + 1) * FRAME_ENTRIES_MAX)
  private readonly lengths = new Int32Array((FRAME_DEPTH_MAX + 1) * FRAME_ENTRIES_MAX)

  /**
   * What is wrong with the `count`th (from 0) name of the map at `depth`, or undefined: `key`,
   * `reserved` or `twice`.
   */
  fault(
    bytes: Uint8Array,
    start: number,
    length: number,
    depth: number,
    count: number,
  ): 'key' | 'reserved' | 'twice' | undefined {
    if (findFieldName(bytes, start, length) === undefined) {
      const wrong = nameFault(bytes, start, length)
      if (wrong !== undefined) return wrong
    }
    let hash = length
    for (let at = start; at < start + length; at += 1) {
      hash = (Math.imul(hash, 31) + bytes[at]) | 0
    }
    const first = depth * FRAME_ENTRIES_MAX
    const place = first + count
    for (let at = first; at < place; at += 1) {
      if (this.hashes[at] === hash && this.isSame(bytes, at, start, length)) return 'twice'
    }
    this.hashes[place] = hash
    this.starts[place] = start
    this.lengths[place] = length
    return undefined
  }

  private isSame(bytes: Uint8Array, at: number, start: number, length: number): boolean {
    if (this.lengths[at] !== length) return false
    const other = this.starts[at]
    for (let i = 0; i < length; i += 1) {
      if (bytes[other + i] !== bytes[start + i]) return false
    }
    return true
  }
}
