// A state back into a core: from its bytes, or section by section as they are read.

import type { Core } from './actors/core.ts'
import { readMarketState, type StateLoader } from './engine/restore.ts'
import type { MarketState } from './engine/state.ts'
import { assert } from './lib/assert.ts'
import { ORDERS_OPEN_MAX } from './protocol/bounds.ts'
import { Directory } from './protocol/directory.ts'
import { stateSections } from './state-bytes.ts'

/** Bytes of a state for each open order, with its share of all else; found on large states. */
const STATE_BYTES_PER_ORDER = 160

/** Makes an empty core; `ordersInitial` is room to begin with. */
export type MakeCore = (options: { submissionsRemembered: number; ordersInitial: number }) => Core

export interface Restored {
  readonly core: Core
  readonly names: Directory
}

/** A core of the caller's making, filled with a state, and the names that go with it. */
export function restoreCore(bytes: Uint8Array, make: MakeCore): Restored {
  const restoring = new RestoringCore(bytes.length, make)
  try {
    for (const section of stateSections(bytes)) restoring.add(section)
    return restoring.end()
  } catch (error) {
    restoring.abandon()
    throw error
  }
}

/**
 * A state that comes section by section, as it is read. What does not come to its `end` must be
 * abandoned: its core may have threads.
 */
export class RestoringCore {
  private readonly length: number
  private readonly make: MakeCore
  private accounts: string[] | undefined
  private started: { core: Core; loader: StateLoader; market: MarketState } | undefined

  /** `length`: bytes of the whole state. */
  constructor(length: number, make: MakeCore) {
    this.length = length
    this.make = make
  }

  /** The next section; throws where it is none. It is read when this returns. */
  add(section: Uint8Array): void {
    if (this.started !== undefined) this.started.loader.add(section)
    else if (this.accounts !== undefined) this.started = this.start(section)
    else this.accounts = JSON.parse(new TextDecoder().decode(section)) as string[]
  }

  /** There are no more. */
  end(): Restored {
    assert(this.accounts !== undefined && this.started !== undefined, 'a state has a market')
    const { core, loader, market } = this.started
    loader.end()
    const names = new Directory()
    for (const asset of market.assets) names.addAsset(asset)
    for (const instrument of market.instruments) names.addInstrument(instrument)
    for (const account of this.accounts.slice(names.accounts.length - 1)) names.addAccount(account)
    return { core, names }
  }

  /** Ends the core's threads: nobody else could. */
  abandon(): void {
    void this.started?.core.close?.()
  }

  private start(section: Uint8Array) {
    const market = readMarketState(section)
    const { submissionsRemembered } = market
    // Pools that need not grow while the state is read.
    const orders = Math.ceil(this.length / STATE_BYTES_PER_ORDER)
    const ordersInitial = Math.min(ORDERS_OPEN_MAX, Math.max(1_024, orders))
    const core = this.make({ submissionsRemembered, ordersInitial })
    try {
      return { core, loader: core.load(section), market }
    } catch (error) {
      void core.close?.()
      throw error
    }
  }
}
