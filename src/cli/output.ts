// Lines on their way out, in chunks, each waited for.

import { createWriteStream } from 'node:fs'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'

/** Characters that are gathered before they are written. */
const CHUNK_CHARS = 65_536

/** Writes and waits until it is handed on, so that a failure is known and memory stays bounded. */
export function write(output: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    output.write(text, (error) => (error ? reject(error) : resolve()))
  })
}

/** Lines into a file, or '-', standard output. */
export class Output {
  private readonly stream: Writable
  private text = ''
  /** A failing output stops the command; it does not end the process with a stack trace. */
  private failure: Error | undefined

  constructor(out: string) {
    this.stream = out === '-' ? process.stdout : createWriteStream(out)
    this.stream.on('error', (error) => {
      this.failure ??= error
    })
  }

  add(line: string): void {
    this.text += `${line}\n`
  }

  /** Whether enough is gathered to be written: then {@link flush}. */
  get isFull(): boolean {
    return this.text.length >= CHUNK_CHARS
  }

  async flush(): Promise<void> {
    if (this.failure !== undefined) throw this.failure
    const { text } = this
    this.text = ''
    await write(this.stream, text)
  }

  /** Writes what is left, and closes the file. */
  async end(): Promise<void> {
    await this.flush()
    if (this.stream === process.stdout) return
    this.stream.end()
    await finished(this.stream)
  }
}
