// A growing buffer for canonical bytes: little-endian doubles and 32-bit words, strings as JSON.

/** Whether this machine's words are little-endian, as nearly all are; else they are swapped. */
const IS_LITTLE = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1

export class StateWriter {
  private bytes = new Uint8Array(1024)
  private view = new DataView(this.bytes.buffer)
  private i32 = new Int32Array(this.bytes.buffer)
  private length = 0

  u32(value: number): void {
    this.fit(4)
    this.view.setUint32(this.length, value, true)
    this.length += 4
  }

  /** A safe integer, or any double. */
  f64(value: number): void {
    this.fit(8)
    // Not -0: equal states have equal bytes.
    this.view.setFloat64(this.length, value + 0, true)
    this.length += 8
  }

  words(from: Int32Array, at: number, count: number): void {
    if (!IS_LITTLE || (this.length & 3) !== 0) {
      for (let word = 0; word < count; word += 1) this.u32(from[at + word] >>> 0)
      return
    }
    this.fit(count * 4)
    const { i32 } = this
    const to = this.length >> 2
    for (let word = 0; word < count; word += 1) i32[to + word] = from[at + word]
    this.length += count * 4
  }

  json(value: unknown): void {
    const text = new TextEncoder().encode(JSON.stringify(value))
    this.fit(text.length)
    this.bytes.set(text, this.length)
    this.length += text.length
  }

  /** The bytes since the last call; the next ones overwrite them. */
  take(): Uint8Array {
    const taken = this.bytes.subarray(0, this.length)
    this.length = 0
    return taken
  }

  private fit(more: number): void {
    if (this.length + more <= this.bytes.length) return
    const least = Math.max(this.bytes.length * 2, this.length + more)
    const bytes = new Uint8Array((least + 3) & ~3)
    bytes.set(this.bytes)
    this.bytes = bytes
    this.view = new DataView(bytes.buffer)
    this.i32 = new Int32Array(bytes.buffer)
  }
}

/** Reads what {@link StateWriter} wrote. */
export class StateReader {
  private readonly bytes: Uint8Array
  private readonly view: DataView
  private at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length
  }

  u32(): number {
    this.at += 4
    return this.view.getUint32(this.at - 4, true)
  }

  f64(): number {
    this.at += 8
    return this.view.getFloat64(this.at - 8, true)
  }

  words(into: Int32Array, at: number, count: number): void {
    for (let word = 0; word < count; word += 1) into[at + word] = this.u32() | 0
  }

  json(): unknown {
    const text = new TextDecoder().decode(this.bytes.subarray(this.at))
    this.at = this.bytes.length
    return JSON.parse(text)
  }
}
