// Which worker an actor lives in: a stable hash of its handle, which names it for good, picks the
// shard; the placement says which worker has the shard. Nothing that the exchange does depends on
// it.

import { Fault } from '../lib/assert.ts'

/** How many workers, and what they are for. */
export type Workers =
  /** 0: no worker, everything in the calling thread. N: each has accounts and symbols. */
  | number
  /** Workers of their own for accounts and for symbols. */
  | { readonly accounts: number; readonly symbols: number }

/** The shards that one worker has. */
export interface Worker {
  /** Numbers of shards of accounts. */
  readonly accounts: readonly number[]
  /** Numbers of shards of symbols. */
  readonly symbols: readonly number[]
}

export interface Placement {
  /** Shards of accounts, of symbols. */
  readonly accounts: number
  readonly symbols: number
  readonly workers: readonly Worker[]
}

/** Workers for accounts, or for symbols, at most: each pair of them has a ring. */
export const WORKERS_MAX = 64

/** The placement on `workers`; throws a Fault for what is no number of workers. */
export function placementOn(workers: Exclude<Workers, 0>): Placement {
  if (typeof workers === 'number') {
    const each = numbers(workers)
    return {
      accounts: workers,
      symbols: workers,
      workers: each.map((shard) => ({ accounts: [shard], symbols: [shard] })),
    }
  }
  const { accounts, symbols } = workers
  return {
    accounts,
    symbols,
    workers: [
      ...numbers(accounts).map((shard) => ({ accounts: [shard], symbols: [] })),
      ...numbers(symbols).map((shard) => ({ accounts: [], symbols: [shard] })),
    ],
  }
}

/**
 * The shard, of `shards`, that the actor with this handle lives in: a hash that deals every
 * `shards` actors in a row to all shards, beginning somewhere else each time. So shards differ by
 * two actors at most, and every second actor does not land in the same one.
 */
export function homeOf(handle: number, shards: number): number {
  const deal = Math.floor(handle / shards)
  let hash = Math.imul(deal ^ (deal >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  hash ^= hash >>> 16
  return (handle + (hash >>> 0)) % shards
}

function numbers(count: number): number[] {
  if (!Number.isInteger(count) || count < 1 || count > WORKERS_MAX) {
    throw new Fault(`a number of workers is 1 to ${WORKERS_MAX}, not ${count}`)
  }
  return Array.from({ length: count }, (_, at) => at)
}
