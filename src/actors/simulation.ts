// All roles in one thread, and a seed that says who runs next: interleavings of sequencer and
// shards that threads would show once in a million runs, at will and again.

import type { AccountShardOptions } from '../engine/account/account-shard.ts'
import { assert } from '../lib/assert.ts'
import { Prng } from '../lib/prng.ts'
import { COMMAND_WORDS, CommandLog } from '../protocol/command-log.ts'
import { AccountRole } from './account-role.ts'
import { BookRole } from './book-role.ts'
import { Crew } from './crew.ts'
import { JournaledCore, type RoundJournal } from './journaled-core.ts'
import type { Mail } from './letters.ts'
import { placementOn, type Workers } from './placement.ts'
import type { Role } from './role.ts'
import { Sequencer } from './sequencer.ts'
import { createWiring, Ends } from './wiring.ts'

export interface SimulationOptions extends AccountShardOptions {
  readonly workers: Exclude<Workers, 0>
  /** Who runs next: any integer. */
  readonly seed: number
  /** Records in a ring, a power of two: the fewer, the more often somebody has to wait. */
  readonly ringRecords: number
}

/** Steps in a row that may do nothing before it is said that nobody can go on. */
const IDLE_STEPS_MAX = 10_000

/** A crew in one thread. */
export function simulate(options: SimulationOptions): Crew {
  return build(options, []).crew
}

/** As {@link simulate}, with a journal that becomes durable when it is its turn. */
export function simulateJournaled(options: SimulationOptions): {
  core: JournaledCore
  journal: SimulatedJournal
} {
  const journal = new SimulatedJournal()
  const { crew, advance } = build(options, [journal])
  return { core: new JournaledCore(crew, journal, advance), journal }
}

/** A journal in memory. */
export class SimulatedJournal implements RoundJournal {
  durable = 0
  /** What was written, durable or not. */
  readonly rounds: CommandLog[] = []

  get hasRoom(): boolean {
    return this.rounds.length - this.durable < NOT_DURABLE_MAX
  }

  write(_firstSeq: number, commands: CommandLog): void {
    const { i32, count, definitions } = commands
    const round = new CommandLog(Math.max(1, count))
    round.i32.set(i32.subarray(0, count * COMMAND_WORDS), round.appendRun(count))
    round.definitions.push(...definitions)
    this.rounds.push(round)
  }

  /** One more round is durable. */
  step(): boolean {
    if (!this.canStep()) return false
    this.durable += 1
    return true
  }

  canStep(): boolean {
    return this.durable < this.rounds.length
  }
}

/** Rounds that the simulated journal takes before the first of them is durable. */
const NOT_DURABLE_MAX = 6

type Turn = Pick<Role, 'step' | 'canStep'>

function build(
  options: SimulationOptions,
  others: readonly Turn[],
): { crew: Crew; advance: (isDone: () => boolean) => void } {
  const placement = placementOn(options.workers)
  const ends = new Ends(placement, createWiring(placement, options.ringRecords))
  const prng = new Prng(options.seed)
  const shards: Role[] = []
  // The shards run while the sequencer is between a letter and its mark, too.
  const interrupt = () => {
    for (let steps = prng.int(4); steps > 0; steps -= 1) shards[prng.int(shards.length)].step()
  }
  const mails = (count: number) => Array.from({ length: count }, () => createMail(interrupt))
  const accountMail = mails(placement.accounts)
  const symbolMail = mails(placement.symbols)
  const links = ends.ofSequencer(accountMail.map(([near]) => near))
  const sequencer = new Sequencer(links)
  shards.push(
    ...accountMail.map(
      ([, far], shard) =>
        new AccountRole(
          { ...options, shard, shards: placement.accounts },
          ends.ofAccounts(shard, far),
        ),
    ),
    ...symbolMail.map(([, far], shard) => new BookRole(options, ends.ofSymbols(shard, far))),
  )
  const roles: Turn[] = [sequencer, ...shards, ...others]
  const goOn = (isDone: () => boolean) => advance(roles, prng, isDone)
  const toSymbols = ends.toSymbols()
  const crew = new Crew({
    sequencer,
    accounts: accountMail.map(([mail], shard) => ({ mail, commands: links.commands[shard] })),
    symbols: symbolMail.map(([mail], shard) => ({ mail, commands: toSymbols[shard] })),
    advance: goOn,
    usage: () => [],
    // What breaks here is thrown here.
    check: () => {},
    drain: goOn,
    end: () => Promise.resolve(),
  })
  return { crew, advance: goOn }
}

function advance(roles: readonly Turn[], prng: Prng, isDone: () => boolean): void {
  for (let idle = 0; !isDone(); ) {
    const role = roles[prng.int(roles.length)]
    // What a worker would sleep on, or not: it must agree with what a step then does.
    const canStep = role.canStep()
    const isMoved = role.step()
    assert(canStep === isMoved, 'a role that can go on does, and one that cannot does not')
    idle = isMoved ? 0 : idle + 1
    assert(idle < IDLE_STEPS_MAX, 'somebody can go on')
  }
}

/** Two ends of a mail in one thread; `interrupt` runs before the near one posts. */
function createMail(interrupt: () => void): [near: Mail, far: Mail] {
  const to: unknown[] = []
  const fro: unknown[] = []
  const end = (out: unknown[], into: unknown[], before: () => void): Mail => ({
    post: (letter) => {
      before()
      out.push(letter)
    },
    beat: () => {},
    take: () => into.shift(),
  })
  return [end(to, fro, interrupt), end(fro, to, () => {})]
}
