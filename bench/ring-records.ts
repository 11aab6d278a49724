// The numbered records that bench/ring.ts sends from thread to thread, and their check.

/** 64 bytes. */
export const WORDS = 16

/** Word `word` of record `number`; its first is the number. Cheap: the way is what is timed. */
export const wordOf = (number: number, word: number): number => number + word

/** Checks record after record: their numbers must be 0, 1, 2, …; all words go into a checksum. */
export class Checker {
  count = 0
  private wrong = 0
  private sum = 0

  take(words: ArrayLike<number>, at: number): void {
    if (words[at] !== this.count) this.wrong += 1
    this.count += 1
    let sum = words[at]
    for (let word = 1; word < WORDS; word += 1) sum = (sum + words[at + word]) | 0
    this.sum = (Math.imul(this.sum, 31) + sum) | 0
  }

  /** Leaves what was found in `found`, and is as new. */
  tell(found: Int32Array): void {
    found.set([this.count, this.wrong, this.sum], 1)
    this.count = 0
    this.wrong = 0
    this.sum = 0
    // Orders the figures before the flag that says they are there.
    Atomics.store(found, 0, 1)
    Atomics.notify(found, 0)
  }
}

/** What a {@link Checker} left in `found`, once it has; the flag is taken down. */
export function toldBy(found: Int32Array): string {
  while (Atomics.load(found, 0) === 0) Atomics.wait(found, 0, 0)
  Atomics.store(found, 0, 0)
  const [, count, wrong, sum] = found
  return `${count} records, ${wrong} wrong, checksum ${sum}`
}
