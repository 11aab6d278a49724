// Breaks actors on purpose, wherever it is loaded before they run: an order's quantity says how.

import { HoldPhase } from '../../src/engine/account/hold.ts'
import { SettlePhase } from '../../src/engine/account/settle.ts'
import { Matching } from '../../src/engine/book/matching.ts'
import { assert } from '../../src/lib/assert.ts'
import type { RecordLog } from '../../src/lib/record-log.ts'
import { CM, CMF, CommandKind, type CommandLog } from '../../src/protocol/command-log.ts'
import { EVENT_WORDS, EVF } from '../../src/protocol/event-log.ts'

/** Lots of an order that breaks what handles it. */
export const BREAKS = {
  /** A broken assertion in each of the phases. */
  hold: 9_001,
  match: 9_002,
  settle: 9_003,
  /** Another error than a Fault. */
  rangeError: 9_004,
  /** Never comes back. */
  loop: 9_005,
  /** The thread ends by itself, without a word. */
  exit: 9_006,
} as const

type Method = (this: never, ...of: never[]) => void
const methods = (of: { prototype: object }) => of.prototype as { [name: string]: Method }

wrap(HoldPhase, 'handle', function (this: { commands: CommandLog; at: number }) {
  const { i32, f64 } = this.commands
  if (i32[this.at + CM.kind] !== CommandKind.new) return
  breakAt('hold', f64[(this.at >> 1) + CMF.qtyLots])
})
wrap(Matching, 'submit', (...of: number[]) => breakAt('match', of[6]))
// Behind the event: then the phase knows where it is.
wrap(SettlePhase, 'event', nothing, ({ f64 }: RecordLog, number: number) =>
  breakAt('settle', f64[number * (EVENT_WORDS >> 1) + EVF.qtyLots]),
)

function nothing(): void {}

/** Does something before a method runs, and after. */
function wrap(
  of: { prototype: object },
  name: string,
  before: Method,
  after: Method = nothing,
): void {
  const method = methods(of)[name]
  assert(method !== undefined, `there is a method ${name}`)
  methods(of)[name] = function (...args) {
    before.apply(this, args)
    method.apply(this, args)
    after.apply(this, args)
  }
}

function breakAt(phase: 'hold' | 'match' | 'settle', lots: number): void {
  assert(lots !== BREAKS[phase], `broken on purpose in ${phase}`)
  if (phase !== 'match') return
  switch (lots) {
    case BREAKS.rangeError:
      throw new RangeError('out of range on purpose')
    case BREAKS.loop:
      for (;;) {}
    case BREAKS.exit:
      return process.exit(3)
  }
}
