// Where an exchange goes on: the newest good snapshot, and the journal behind it.

import { performance } from 'node:perf_hooks'
import type { Core } from './actors/core.ts'
import type { RecoveryReport } from './durable.ts'
import { Exchange, restoreCore } from './exchange.ts'
import { followRows, GENESIS, type Row, type RowEnd, readRounds } from './persistence/row.ts'
import type { Store } from './persistence/store.ts'
import { CM, CMF, COMMAND_WORDS, CommandKind, type CommandLog } from './protocol/command-log.ts'
import { Directory } from './protocol/directory.ts'
import type { Asset, Instrument } from './protocol/instrument.ts'

/** A core as the journal left it. */
export interface Recovered {
  readonly core: Core
  readonly names: Directory
  /** The row that the journal goes on behind. */
  readonly end: RowEnd
  readonly report: RecoveryReport
}

type Options = { submissionsRemembered?: number }

/** Recovers from a store. What is part of the state is as by default where there is no snapshot. */
export async function recover(
  store: Pick<Store, 'snapshots' | 'readRows'>,
  make: (options: Options) => Core,
  onProgress: (seq: number) => void = () => {},
): Promise<Recovered> {
  const startMs = performance.now()
  const skipped: string[] = []
  const found = await newestSnapshot(store, make, skipped)
  const { core, names } = found ?? { core: make({}), names: new Directory() }
  let end: RowEnd = GENESIS
  const round = found?.round ?? 0
  for await (const row of followRows(store.readRows(round), round)) {
    end = row
    // The row that the snapshot stands behind is in it.
    if (row.lastRound <= round) continue
    replay(row, core, names)
    onProgress(core.seq)
  }
  while (core.take(true) !== undefined) {}
  const report = {
    snapshotSeq: found?.seq ?? 0,
    skipped,
    seq: core.seq,
    hash: new Exchange(core, names).stateHash(),
    ms: performance.now() - startMs,
  }
  return { core, names, end, report }
}

/** Runs a row's rounds. */
function replay(row: Row, core: Core, names: Directory): void {
  for (const { commands } of readRounds(row)) {
    learn(names, commands)
    if (!core.canStart) core.take(true)
    core.start(commands)
  }
}

/** The newest snapshot that gives the state it says; older ones are tried in turn. */
async function newestSnapshot(
  store: Pick<Store, 'snapshots'>,
  make: (options: Options) => Core,
  skipped: string[],
): Promise<{ core: Core; names: Directory; seq: number; round: number } | undefined> {
  for (const { seq, round, hash } of await store.snapshots.list()) {
    const parts: Uint8Array[] = []
    for await (const part of store.snapshots.parts(seq)) parts.push(part)
    const restored = tryRestore(Buffer.concat(parts), make)
    if (typeof restored === 'string') {
      skipped.push(`snapshot at seq ${seq}: ${restored}`)
      continue
    }
    if (new Exchange(restored.core, restored.names).stateHash() === hash) {
      return { ...restored, seq, round }
    }
    skipped.push(`snapshot at seq ${seq}: it is not the state it says`)
    await restored.core.close?.()
  }
  return undefined
}

/** A core with this state, or what is wrong with the bytes. */
function tryRestore(
  bytes: Uint8Array,
  make: (options: Options) => Core,
): { core: Core; names: Directory } | string {
  try {
    return restoreCore(bytes, make)
  } catch (error) {
    // Corrupt bytes are no state; any way of noticing that is good.
    return error instanceof Error ? error.message : String(error)
  }
}

/** The names that a round defines. */
export function learn(names: Directory, { i32, f64, count, definitions }: CommandLog): void {
  if (definitions.length === 0) return
  for (let number = 0; number < count; number += 1) {
    const at = number * COMMAND_WORDS
    const definition = definitions[f64[(at >> 1) + CMF.definition]]
    const handle = i32[at + CM.symbol]
    switch (i32[at + CM.kind]) {
      case CommandKind.asset:
        if (handle === names.assets.length) names.addAsset(definition as Asset)
        break
      case CommandKind.instrument:
        if (handle === names.instruments.length) names.addInstrument(definition as Instrument)
        break
      case CommandKind.account:
        if (i32[at + CM.account] === names.accounts.length) {
          names.addAccount((definition as { account: string }).account)
        }
        break
      default:
    }
  }
}
