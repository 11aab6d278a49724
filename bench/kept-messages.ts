// Messages of a run, kept to be looked at once its clock has stopped: copied into memory that was
// touched before, so that keeping them costs neither new memory nor the client's buffers.

const BYTES = 2 ** 29

export class KeptMessages {
  private bytes = Buffer.alloc(BYTES, 1)
  private used = 0
  private ends: number[] = []

  get count(): number {
    return this.ends.length
  }

  /** Keeps a copy. */
  add(message: Uint8Array): void {
    if (this.used + message.length > this.bytes.length) {
      this.bytes = Buffer.concat([this.bytes, Buffer.alloc(this.bytes.length, 1)])
    }
    this.bytes.set(message, this.used)
    this.used += message.length
    this.ends.push(this.used)
  }

  /** All, in order; they are valid until `clear`. */
  *all(): Generator<Uint8Array> {
    let start = 0
    for (const end of this.ends) {
      yield this.bytes.subarray(start, end)
      start = end
    }
  }

  clear(): void {
    this.used = 0
    this.ends = []
  }
}
