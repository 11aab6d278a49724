// Which account actors live in a shard. All of them where there is only one.

export interface Residence {
  /** Whether this account's actor lives here. */
  isHome(account: number): boolean
  /** Whether this shard reports the commands that every shard carries out. */
  readonly speaks: boolean
}

/** The only shard: everybody's home. */
export const ALONE: Residence = { isHome: () => true, speaks: true }
