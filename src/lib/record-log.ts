// Fixed-size records one behind the other in a growing buffer that is reused round after round.

/** Records from which a log counts as large. */
const TRIM_RECORDS = 16_384
/** So many are copied faster one by one than by way of a view, which is an object. */
const FEW_WORDS = 256

export class RecordLog {
  /** Words of record `n` start at `n * words`. Replaced when the log grows. */
  i32: Int32Array
  /** Doubles of record `n` start at `n * words / 2`. Replaced when the log grows. */
  f64: Float64Array
  /** Records in the log. */
  count = 0
  readonly words: number
  private capacity: number

  /** `words` must be even, so that doubles stay aligned. */
  constructor(words: number, initial: number) {
    this.words = words
    this.capacity = initial
    const buffer = new ArrayBuffer(initial * words * 4)
    this.i32 = new Int32Array(buffer)
    this.f64 = new Float64Array(buffer)
  }

  /** Appends a record and returns its first word. Its words are as an earlier round left them. */
  append(): number {
    const number = this.count
    if (number === this.capacity) this.grow()
    this.count = number + 1
    return number * this.words
  }

  /** Appends `count` records side by side and returns the first word of the first. */
  appendRun(count: number): number {
    const number = this.count
    while (number + count > this.capacity) this.grow()
    this.count = number + count
    return number * this.words
  }

  /** Appends a record of zeros and returns its first word. */
  appendZeroed(): number {
    const base = this.append()
    const { i32, words } = this
    for (let word = base; word < base + words; word += 1) i32[word] = 0
    return base
  }

  /** Forgets the first `count` records. A log far too large for the rest becomes smaller. */
  drop(count: number): void {
    const left = this.count - count
    if (this.capacity > TRIM_RECORDS && left * 4 < this.capacity) this.resize(left, count)
    else this.i32.copyWithin(0, count * this.words, this.count * this.words)
    this.count = left
  }

  /** Forgets all records, and gives back the memory of a log that has become large. */
  trim(): void {
    this.drop(this.count)
  }

  /** Holds what `from` holds, and nothing else; memory far too large for that is given back. */
  copy(from: RecordLog): void {
    this.trim()
    this.addAll(from)
  }

  /** Appends all records of another log. */
  addAll(from: RecordLog): void {
    const at = this.appendRun(from.count)
    const words = from.count * this.words
    if (words > FEW_WORDS) {
      this.i32.set(from.i32.subarray(0, words), at)
      return
    }
    const [into, of] = [this.i32, from.i32]
    for (let word = 0; word < words; word += 1) into[at + word] = of[word]
  }

  /** Forgets all records; the memory stays. */
  clear(): void {
    this.count = 0
  }

  private grow(): void {
    this.allocate(this.capacity * 2, this.i32)
  }

  /** Memory for `records` and some more, with what is behind the first `from`. */
  private resize(records: number, from: number): void {
    const kept = this.i32.subarray(from * this.words, this.count * this.words)
    this.allocate(Math.max(TRIM_RECORDS, records * 2), kept)
  }

  private allocate(capacity: number, kept: Int32Array): void {
    this.capacity = capacity
    const buffer = new ArrayBuffer(capacity * this.words * 4)
    this.i32 = new Int32Array(buffer)
    this.i32.set(kept)
    this.f64 = new Float64Array(buffer)
  }
}
