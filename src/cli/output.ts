// Text on its way out, in chunks.

import type { Writable } from 'node:stream'

/** Characters that are gathered before they are written. */
export const CHUNK_CHARS = 65_536

/** Writes and waits until it is handed on, so that a failure is known and memory stays bounded. */
export function write(output: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    output.write(text, (error) => (error ? reject(error) : resolve()))
  })
}
