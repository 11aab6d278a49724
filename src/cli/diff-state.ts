// `onefill journal diff-state`: what one round changed, actor by actor.
//
// Which actors changed is told by their canonical sections: equal bytes are an equal actor. What
// changed in them is then asked for by name, before and after.

import { AccountFlag } from '../engine/account/records.ts'
import { readMarketState } from '../engine/restore.ts'
import { createCore, Exchange } from '../exchange.ts'
import { assert } from '../lib/assert.ts'
import type { Directory } from '../protocol/directory.ts'
import { restoreCore } from '../restoring.ts'
import { stateSections } from '../state-bytes.ts'
import { accountChanges, bookChanges, type Change, marketChanges, type Views } from './changes.ts'
import { followHistory } from './history.ts'
import { Inability, withStore } from './outcome.ts'
import { Output } from './output.ts'

/** Sections of a state in front of the accounts': the accounts' names, and the market. */
const HEAD_SECTIONS = 2

/** Prints what the round that holds `seq` changed. */
export function diffState(url: () => string, seq: number, isJson: boolean): Promise<number> {
  return withStore(url, async (store) => {
    const follower = await followHistory(store, seq - 1, { isQuick: true })
    const { core, names } = follower
    await follower.advance(({ firstSeq, commands }) => firstSeq + commands.count <= seq)
    const bytes = new Exchange(core, names).serialize()
    let head: { round: number; firstSeq: number; lastSeq: number } | undefined
    await follower.advance(({ round, firstSeq, commands }) => {
      if (firstSeq > seq) return false
      head = { round, firstSeq, lastSeq: firstSeq + commands.count - 1 }
      return true
    })
    if (head === undefined) {
      throw new Inability(`there is no seq ${seq} yet: the journal ends with seq ${core.seq}.`)
    }
    const output = new Output('-')
    const { round, firstSeq, lastSeq } = head
    output.add(isJson ? JSON.stringify(head) : `round ${round}, seq ${firstSeq} to ${lastSeq}`)
    for (const change of changesSince(bytes, new Exchange(core, names), names)) {
      output.add(isJson ? JSON.stringify(change) : describe(change))
      if (output.isFull) await output.flush()
    }
    await output.end()
  })
}

/** From the state in `bytes` to the one that `exchange` is in. */
export function* changesSince(
  bytes: Uint8Array,
  exchange: Exchange,
  names: Directory,
): Generator<Change> {
  const restored = restoreCore(bytes, (of) => createCore(of))
  const sections = [...stateSections(bytes)]
  const accountsBefore = restored.names.accounts.length - 1
  const changed = {
    accounts: new Map<string, [Uint8Array | undefined, Uint8Array]>(),
    symbols: new Set<string>(),
  }
  const accounts = names.accounts.length - 1
  let place = 0
  let market = sections[1]
  for (const section of exchange.sections()) {
    const number = place - HEAD_SECTIONS
    place += 1
    if (number < 0) {
      if (number === -1) market = section.slice()
      continue
    }
    const isAccount = number < accounts
    const symbol = number - accounts
    const at = isAccount ? number : accountsBefore + symbol
    const isNew = isAccount && number >= accountsBefore
    const before = isNew ? undefined : sections[HEAD_SECTIONS + at]
    if (before !== undefined && Buffer.compare(before, section) === 0) continue
    if (isAccount) changed.accounts.set(names.accountOf(number + 1), [before, section.slice()])
    else changed.symbols.add(names.instrumentOf(symbol + 1).symbol)
  }
  const symbols = names.instruments.length - 1
  assert(place === HEAD_SECTIONS + accounts + symbols, 'a state has a section for each actor')
  const views: Views = [
    {
      exchange: new Exchange(restored.core, restored.names),
      names: restored.names,
      market: readMarketState(sections[1]),
    },
    { exchange, names, market: readMarketState(market) },
  ]
  yield* marketChanges(views)
  for (const [account, [before, after]] of changed.accounts) {
    const flags: [number, number] = [flagsOf(before), flagsOf(after)]
    for (const change of accountChanges(views, account, flags)) {
      // A book's section has no quantities: they are in its orders, which are the accounts'.
      if (change.what === 'order') changed.symbols.add(symbolOf(change))
      yield change
    }
  }
  for (const symbol of changed.symbols) yield* bookChanges(views, symbol)
}

/** An account's flags are the first word of its section. */
function flagsOf(section: Uint8Array | undefined): number {
  if (section === undefined) return AccountFlag.exists
  return new DataView(section.buffer, section.byteOffset).getUint32(0, true)
}

const symbolOf = ({ before, after }: Change): string => String((after ?? before)?.symbol)

/** A change as a line for people: what differs, or all of what is new or gone. */
function describe({ what, key, before, after }: Change): string {
  const name = [what, ...Object.values(key)].join(' ')
  const list = (of: Change['before'] & object) =>
    Object.entries(of)
      .map(([field, value]) => `${field} ${value}`)
      .join(', ')
  if (before === null) return [`${name} is new`, list(after ?? {})].filter(Boolean).join(': ')
  if (after === null) return `${name} is gone: ${list(before)}`
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const differing = fields.filter((field) => before[field] !== after[field])
  const lines = differing.map(
    (field) => `${field} ${before[field] ?? 'none'} -> ${after[field] ?? 'none'}`,
  )
  return `${name}: ${lines.join(', ') || 'changed'}`
}
