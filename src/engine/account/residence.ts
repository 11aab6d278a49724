// Which shard an account's actor lives in. All live in shard 0 where there is only one.

export interface Residence {
  /** The shard that asks. Shard 0 reports what every shard carries out if it names no account. */
  readonly shard: number
  /** The shard that an account's actor lives in. */
  homeOf(account: number): number
}

/** The only shard: everybody's home. */
export const ALONE: Residence = { shard: 0, homeOf: () => 0 }
