// A small, fast, seeded generator of random numbers, the same on every machine: xoshiro128** by
// Blackman and Vigna, its state filled by splitmix32 so that neighbouring seeds have nothing in
// common.

/** Random numbers for tests, flows and simulations. Not for secrets. */
export class Prng {
  private a: number
  private b: number
  private c: number
  private d: number

  /** `seed`: any whole number up to 2^53; the same seed gives the same numbers. */
  constructor(seed: number) {
    let state = (seed ^ Math.imul((seed / 0x1_0000_0000) | 0, 0x9e3779b1)) | 0
    const splitmix = (): number => {
      state = (state + 0x9e3779b9) | 0
      let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
      return mixed ^ (mixed >>> 15)
    }
    this.a = splitmix()
    this.b = splitmix()
    this.c = splitmix()
    this.d = splitmix() | 1 // xoshiro's state must not be all zero
  }

  /** 32 random bits, as a signed integer. */
  bits(): number {
    const five = Math.imul(this.b, 5)
    const result = Math.imul((five << 7) | (five >>> 25), 9)
    const shifted = this.b << 9
    this.c ^= this.a
    this.d ^= this.b
    this.b ^= this.c
    this.a ^= this.d
    this.c ^= shifted
    this.d = (this.d << 11) | (this.d >>> 21)
    return result
  }

  /** A number in [0, 1), in steps of 2^-32. */
  next(): number {
    return (this.bits() >>> 0) / 0x1_0000_0000
  }

  /** A whole number in [0, below); `below` at most 2^32. Bias is below `below` / 2^32. */
  int(below: number): number {
    return Math.floor(this.next() * below)
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability
  }
}
