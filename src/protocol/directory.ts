// Names to handles and back: assets, instruments, accounts. Handles are given out in the order of
// definition.

import type { Asset, Instrument } from './instrument.ts'

/** Names of the house accounts, which no command can name. Handles 1 and 2. */
export const HOUSE_ACCOUNTS = ['$external', '$fees'] as const

export class Directory {
  /** By handle; 0 is none. */
  readonly assets: (Asset | undefined)[] = [undefined]
  readonly instruments: (Instrument | undefined)[] = [undefined]
  readonly accounts: (string | undefined)[] = [undefined]
  private readonly assetHandles = new Map<string, number>()
  private readonly symbolHandles = new Map<string, number>()
  private readonly accountHandles = new Map<string, number>()

  constructor() {
    for (const account of HOUSE_ACCOUNTS) this.addAccount(account)
  }

  /** A name's handle, 0 if it was never defined. */
  asset(name: string): number {
    return this.assetHandles.get(name) ?? 0
  }

  symbol(name: string): number {
    return this.symbolHandles.get(name) ?? 0
  }

  account(name: string): number {
    return this.accountHandles.get(name) ?? 0
  }

  /** Adds a name that is not there yet; returns its handle. */
  addAsset(asset: Asset): number {
    this.assetHandles.set(asset.asset, this.assets.length)
    return this.assets.push(asset) - 1
  }

  addInstrument(instrument: Instrument): number {
    this.symbolHandles.set(instrument.symbol, this.instruments.length)
    return this.instruments.push(instrument) - 1
  }

  addAccount(account: string): number {
    this.accountHandles.set(account, this.accounts.length)
    return this.accounts.push(account) - 1
  }

  /** The asset of a handle that was given out. */
  assetOf(handle: number): Asset {
    return this.assets[handle] as Asset
  }

  /** The instrument of a handle that was given out. */
  instrumentOf(handle: number): Instrument {
    return this.instruments[handle] as Instrument
  }

  /** The name of an account handle that was given out. */
  accountOf(handle: number): string {
    return this.accounts[handle] as string
  }
}
