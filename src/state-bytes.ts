// A state as one piece of bytes, sections one behind the other, each behind its length; and the
// hash of a state, which is the same from a live state and from its bytes.

import { createHash } from 'node:crypto'
import { assert } from './lib/assert.ts'

/** SHA-256 over the digests of a state's sections, one by one. */
export class StateHash {
  private readonly whole = createHash('sha256')

  add(section: Uint8Array): void {
    this.whole.update(createHash('sha256').update(section).digest())
  }

  /** In hexadecimal; nothing can be added then. */
  digest(): string {
    return this.whole.digest('hex')
  }
}

/** The hash of the state that has these sections, live or read from bytes. */
export function hashSections(sections: Iterable<Uint8Array>): string {
  const hash = new StateHash()
  for (const section of sections) hash.add(section)
  return hash.digest()
}

/** What stands before a section: its length, 32 bits, little-endian. */
export function sectionHead(section: Uint8Array): Uint8Array {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, section.length, true)
  return length
}

/** The sections in what `Exchange.serialize` gave. */
export function* stateSections(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  while (at < bytes.length) {
    const length = view.getUint32(at, true)
    assert(at + 4 + length <= bytes.length, 'a state is not cut short')
    yield bytes.subarray(at + 4, at + 4 + length)
    at += 4 + length
  }
}
