// Exchanges at every placement: simulated, with a seed that says who runs next, or on threads.

import type { Core } from '../../src/actors/core.ts'
import type { Workers } from '../../src/actors/placement.ts'
import { simulate, simulateJournaled } from '../../src/actors/simulation.ts'
import { startThreads } from '../../src/actors/threads.ts'
import { Engine } from '../../src/engine/engine.ts'
import { Exchange, type ExchangeOptions, restoreOn } from '../../src/exchange.ts'
import { Directory } from '../../src/protocol/directory.ts'
import type { Prng } from './prng.ts'

/** One to four workers, each with accounts and symbols, or with either. */
export const PLACEMENTS: readonly Exclude<Workers, 0>[] = [
  1,
  2,
  3,
  4,
  { accounts: 1, symbols: 1 },
  { accounts: 2, symbols: 1 },
  { accounts: 1, symbols: 2 },
  { accounts: 2, symbols: 2 },
  { accounts: 3, symbols: 1 },
  { accounts: 1, symbols: 3 },
]

/** As few records as can be, so that everybody waits for everybody, up to enough for a round. */
export const RING_RECORDS = [1, 2, 4, 16, 256, 4_096] as const

export function nameOf(workers: Workers): string {
  if (typeof workers !== 'number') return `${workers.accounts} + ${workers.symbols} workers`
  return workers === 0 ? 'inline' : workers === 1 ? '1 worker' : `${workers} workers`
}

type Options = Omit<ExchangeOptions, 'workers'>

/** How to make the core of an exchange, new or to be filled. */
export type MakeCore = (options: Options) => Core

export const inline: MakeCore = (options) => new Engine(options)

/** Interleavings as the dice fall: of each core that is made others. */
export function simulated(
  random: Prng,
  workers: Exclude<Workers, 0> = random.pick(PLACEMENTS),
  ringRecords: number = random.pick(RING_RECORDS),
): MakeCore {
  return (options) => {
    const seed = random.int(0, 2 ** 31)
    return simulate({ ...options, workers, seed, ringRecords, hashSeed: seed, ordersInitial: 16 })
  }
}

/** As {@link simulated}, with a journal among the roles. */
export function simulatedJournaled(
  random: Prng,
  workers: Exclude<Workers, 0>,
  ringRecords: number,
): MakeCore {
  return (options) => {
    const seed = random.int(0, 2 ** 31)
    const all = { ...options, workers, seed, ringRecords, hashSeed: seed, ordersInitial: 16 }
    return simulateJournaled(all).core
  }
}

/** Worker threads; {@link endAll} of `cores` ends them. */
export function threaded(workers: Exclude<Workers, 0>, cores: Core[]): MakeCore {
  return (options) => {
    const core = startThreads(workers, options)
    cores.push(core)
    return core
  }
}

export async function endAll(cores: Core[]): Promise<void> {
  await Promise.all(cores.splice(0).map((core) => core.close?.()))
}

export function newExchange(make: MakeCore, options: Options = {}): Exchange {
  return new Exchange(make(options), new Directory())
}

export function restored(make: MakeCore, bytes: Uint8Array, options: Options = {}): Exchange {
  return restoreOn(bytes, (of) => make({ ...options, ...of }))
}
