// Which limits are in force for an account in a symbol: the most specific setting of each.
//
// Settings stand at four scopes: (account, symbol), account, symbol, all. They are merged into rows
// of doubles, one per symbol, which serve every account without settings of its own; such an
// account gets rows for itself. Values in quote and base units become smallest units and lots of
// the symbol there.

import type { Instrument, LimitsChange } from '../../protocol/instrument.ts'
import {
  LIMIT_NAMES,
  LIMITS,
  type LimitKind,
  type LimitName,
  type LimitSetting,
  MILLIONTHS,
} from '../../protocol/limits.ts'
import { pairKey } from '../account/records.ts'

/** Doubles of a row: one for each limit, and at {@link USUAL} whether only usual ones are set. */
export const ROW_DOUBLES = 16
/** 1 if all limits are off but those that are on by default, else 0. */
export const USUAL = LIMIT_NAMES.length

type Settings = Map<LimitName, Exclude<LimitSetting, null>>

/** One scope's settings, as a snapshot keeps them. */
export interface ScopeSettings {
  readonly account: number
  readonly symbol: number
  readonly settings: { readonly [name in LimitName]?: Exclude<LimitSetting, null> }
}

export class LimitTable {
  /** Rows of limits in force; row `r` starts at `r * ROW_DOUBLES`. */
  rows = new Float64Array(64 * ROW_DOUBLES)
  private rowsUsed = 0
  /** Settings by scope: key of (account, symbol), where 0 means all. */
  private readonly scopes = new Map<number, Settings>()
  /** By account: how many scopes name it. */
  private readonly scopesOf = new Map<number, number>()
  private readonly symbolRows: number[] = []
  private readonly ownRows = new Map<number, number>()
  /** Rows by their values: equal ones are one. */
  private readonly rowOf = new Map<string, number>()
  private readonly instruments: readonly (Instrument | undefined)[]
  private readonly quoteDecimals: (instrument: Instrument) => number

  /** `quoteDecimals` tells the decimals of an instrument's quote asset. */
  constructor(
    instruments: readonly (Instrument | undefined)[],
    quoteDecimals: (instrument: Instrument) => number,
  ) {
    this.instruments = instruments
    this.quoteDecimals = quoteDecimals
  }

  /** Applies a change; returns whether the account named, if any, has settings of its own now. */
  change({ account, symbol, settings }: LimitsChange): boolean {
    const key = pairKey(account, symbol)
    const scope: Settings = this.scopes.get(key) ?? new Map()
    for (const name of LIMIT_NAMES) {
      const setting = settings[name]
      if (setting === null) scope.delete(name)
      else if (setting !== undefined) scope.set(name, setting)
    }
    const isNew = !this.scopes.has(key)
    if (scope.size > 0) this.scopes.set(key, scope)
    else this.scopes.delete(key)
    this.countScopes(account, (scope.size > 0 ? 1 : 0) - (isNew ? 0 : 1))
    // Rows are merged anew when they are next asked for.
    this.symbolRows.length = 0
    this.ownRows.clear()
    this.rowOf.clear()
    this.rowsUsed = 0
    return account !== 0 && this.scopesOf.has(account)
  }

  private countScopes(account: number, more: number): void {
    const count = (this.scopesOf.get(account) ?? 0) + more
    if (count > 0) this.scopesOf.set(account, count)
    else this.scopesOf.delete(account)
  }

  /** Index in `rows` of the first limit in force for the account in the symbol. */
  rowFor(account: number, symbol: number, hasOwn: boolean): number {
    if (!hasOwn) return this.symbolRows[symbol] ?? this.merge(0, symbol)
    return this.ownRows.get(pairKey(account, symbol)) ?? this.merge(account, symbol)
  }

  /** The row of a symbol for accounts without settings of their own, 0 if it is not merged yet. */
  sharedRow(symbol: number): number {
    return this.symbolRows[symbol] ?? 0
  }

  /** All settings, by scope in ascending order. */
  settings(): ScopeSettings[] {
    const keys = [...this.scopes.keys()].sort((a, b) => a - b)
    return keys.map((key) => ({
      account: Math.floor(key / pairKey(1, 0)),
      symbol: key % pairKey(1, 0),
      settings: Object.fromEntries(
        LIMIT_NAMES.flatMap((name) => {
          const setting = this.scopes.get(key)?.get(name)
          return setting === undefined ? [] : [[name, setting]]
        }),
      ),
    }))
  }

  private merge(account: number, symbol: number): number {
    const row = LIMIT_NAMES.map((name) => this.inForce(name, account, symbol))
    // Most symbols share one row, which then stays in the nearest cache.
    const text = row.join()
    const at = this.rowOf.get(text) ?? this.append(row)
    this.rowOf.set(text, at)
    if (account === 0) this.symbolRows[symbol] = at
    else this.ownRows.set(pairKey(account, symbol), at)
    return at
  }

  private append(row: readonly number[]): number {
    const at = this.rowsUsed * ROW_DOUBLES
    if (at === this.rows.length) {
      const rows = new Float64Array(this.rows.length * 2)
      rows.set(this.rows)
      this.rows = rows
    }
    this.rowsUsed += 1
    this.rows.set(row, at)
    const isUsual = LIMIT_NAMES.every(
      (name, number) =>
        LIMITS[name].initial !== LIMITS[name].off || row[number] === LIMITS[name].off,
    )
    this.rows[at + USUAL] = isUsual ? 1 : 0
    return at
  }

  /**
   * One limit for an account (0: any without settings of its own) in a symbol, in the rules' units.
   */
  private inForce(name: LimitName, account: number, symbol: number): number {
    const specific = [
      account === 0 ? undefined : this.scopes.get(pairKey(account, symbol)),
      account === 0 ? undefined : this.scopes.get(pairKey(account, 0)),
      this.scopes.get(pairKey(0, symbol)),
      this.scopes.get(pairKey(0, 0)),
    ]
    const { kind, initial, off } = LIMITS[name]
    const setting = specific.find((scope) => scope?.has(name))?.get(name) ?? initial
    return this.inUnits(setting === 'off' ? off : setting, kind, symbol)
  }

  /** A setting in the units that the rules compare with: lots, smallest units, or as it is. */
  private inUnits(value: number, kind: LimitKind, symbol: number): number {
    const instrument = this.instruments[symbol]
    if (!Number.isFinite(value) || instrument === undefined) return value
    const millionths = BigInt(MILLIONTHS)
    if (kind === 'quote' || kind === 'loss') {
      const scaled = BigInt(value) * 10n ** BigInt(this.quoteDecimals(instrument))
      return Number((kind === 'loss' ? scaled + millionths - 1n : scaled) / millionths)
    }
    if (kind === 'base') {
      const scale = 10n ** BigInt(instrument.lotDecimals)
      return Number((BigInt(value) * scale) / (millionths * BigInt(instrument.lotUnits)))
    }
    return value
  }
}
