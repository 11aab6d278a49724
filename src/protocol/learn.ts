// The names that commands define, in the order of definition: what a journal's reader has to know
// to call things by name.

import { CM, CMF, COMMAND_WORDS, CommandKind, type CommandLog } from './command-log.ts'
import type { Directory } from './directory.ts'
import type { Asset, Instrument } from './instrument.ts'

/** Adds the names that a round's commands define and that `names` does not know yet. */
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
