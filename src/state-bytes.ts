// A state as one piece of bytes, sections one behind the other, each behind its length; and the
// hash of a state, which is the same from a live state and from its bytes.

import { createHash, hash } from 'node:crypto'
import { assert } from './lib/assert.ts'

/** Before each section. */
const HEAD_BYTES = 4

/** SHA-256 over the digests of a state's sections, one by one. */
export class StateHash {
  private readonly whole = createHash('sha256')

  add(section: Uint8Array): void {
    this.whole.update(hash('sha256', section, 'buffer'))
  }

  /** In hexadecimal; nothing can be added then. */
  digest(): string {
    return this.whole.digest('hex')
  }
}

/** The hash of the state that has these sections, live or read from bytes. */
export function hashSections(sections: Iterable<Uint8Array>): string {
  const whole = new StateHash()
  for (const section of sections) whole.add(section)
  return whole.digest()
}

/** What stands before a section: its length, 32 bits, little-endian. */
export function sectionHead(section: Uint8Array): Uint8Array {
  const head = new Uint8Array(HEAD_BYTES)
  new DataView(head.buffer).setUint32(0, section.length, true)
  return head
}

/** The sections in what `Exchange.serialize` gave. */
export function* stateSections(bytes: Uint8Array): Generator<Uint8Array> {
  const cutter = new SectionCutter(bytes.length)
  yield* cutter.cut(bytes)
  cutter.end()
}

/** Cuts a state that comes piece by piece into its sections, wherever the pieces end. */
export class SectionCutter {
  /** Bytes of the state that have not come. */
  private left: number
  private readonly head = new Uint8Array(HEAD_BYTES)
  /** A section that does not lie in one piece, if that is where the last piece ended. */
  private section: Uint8Array | undefined
  /** Bytes there are of it, else of the head. */
  private filled = 0

  /** `length`: bytes of the whole state. */
  constructor(length: number) {
    this.left = length
  }

  /** The sections that end in the next piece; they are valid as long as the piece is. */
  *cut(piece: Uint8Array): Generator<Uint8Array> {
    assert(piece.length <= this.left, 'a state ends where it should')
    this.left -= piece.length
    for (let at = 0; ; ) {
      if (this.section === undefined) {
        at += this.fill(this.head, piece, at)
        if (this.filled < HEAD_BYTES) return
        this.filled = 0
        const length = new DataView(this.head.buffer).getUint32(0, true)
        const here = piece.length - at
        assert(length <= here + this.left, 'a state is not cut short')
        if (length <= here) {
          yield piece.subarray(at, at + length)
          at += length
          continue
        }
        this.section = new Uint8Array(length)
      }
      at += this.fill(this.section, piece, at)
      if (this.filled < this.section.length) return
      yield this.section
      this.section = undefined
      this.filled = 0
    }
  }

  /** Nothing more comes. */
  end(): void {
    assert(this.left === 0 && this.filled === 0, 'a state is not cut short')
  }

  /** Fills up `into` with what the piece has from `at` on; how much that was. */
  private fill(into: Uint8Array, piece: Uint8Array, at: number): number {
    const copied = Math.min(into.length - this.filled, piece.length - at)
    into.set(piece.subarray(at, at + copied), this.filled)
    this.filled += copied
    return copied
  }
}
