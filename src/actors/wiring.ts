// The shared memory between the threads of a placement, and what each end makes of it.
//
//   sequencer ─commands─▶ accounts ─messages─▶ symbols ─events─▶ accounts ─reports─▶ sequencer
//
// One ring for each pair of ends, one doorbell for each thread.

import { MESSAGE_WORDS } from '../engine/messages.ts'
import { COMMAND_WORDS } from '../protocol/command-log.ts'
import { EVENT_WORDS } from '../protocol/event-log.ts'
import { REPORT_WORDS } from '../protocol/report-log.ts'
import type { AccountLinks } from './account-role.ts'
import type { BookLinks } from './book-role.ts'
import { createDoorbell, Doorbell } from './doorbell.ts'
import type { Mail } from './letters.ts'
import { Outlet } from './outlet.ts'
import type { Placement } from './placement.ts'
import { createRing, RingConsumer, RingProducer } from './ring.ts'
import type { SequencerLinks } from './sequencer.ts'

/** Records in a ring between threads: some rounds of a few hundred, or part of a large one. */
export const RING_RECORDS = 4_096

/** All shared memory of an exchange; it can be handed to threads. */
export interface Wiring {
  /** The sequencer's doorbell, then the workers'. */
  readonly bells: readonly SharedArrayBuffer[]
  /** To each shard of accounts, then to each shard of symbols. */
  readonly commands: readonly SharedArrayBuffer[]
  /** From a shard of accounts to a shard of symbols. */
  readonly messages: readonly (readonly SharedArrayBuffer[])[]
  /** From a shard of symbols to a shard of accounts. */
  readonly events: readonly (readonly SharedArrayBuffer[])[]
  /** From each shard of accounts. */
  readonly reports: readonly SharedArrayBuffer[]
}

/** Memory for a placement; `capacity` is the records of a ring, a power of two. */
export function createWiring(placement: Placement, capacity = RING_RECORDS): Wiring {
  const { accounts, symbols, workers } = placement
  const rings = (count: number, words: number) =>
    Array.from({ length: count }, () => createRing({ words, capacity }))
  return {
    bells: Array.from({ length: workers.length + 1 }, createDoorbell),
    commands: rings(accounts + symbols, COMMAND_WORDS),
    messages: Array.from({ length: accounts }, () => rings(symbols, MESSAGE_WORDS)),
    events: Array.from({ length: symbols }, () => rings(accounts, EVENT_WORDS)),
    reports: rings(accounts, REPORT_WORDS),
  }
}

/** The ends of a wiring. */
export class Ends {
  private readonly wiring: Wiring
  private readonly bells: readonly Doorbell[]
  private readonly accountsAt: readonly number[]
  private readonly symbolsAt: readonly number[]

  constructor(placement: Placement, wiring: Wiring) {
    this.wiring = wiring
    this.bells = wiring.bells.map((memory) => new Doorbell(memory))
    const workerOf = (kind: 'accounts' | 'symbols', shard: number) =>
      1 + placement.workers.findIndex((worker) => worker[kind].includes(shard))
    this.accountsAt = wiring.reports.map((_, shard) => workerOf('accounts', shard))
    this.symbolsAt = wiring.events.map((_, shard) => workerOf('symbols', shard))
  }

  /** Doorbell 0 is the sequencer's, 1 the first worker's. */
  bell(thread: number): Doorbell {
    return this.bells[thread]
  }

  ofAccounts(shard: number, mail: Mail): AccountLinks {
    const { wiring, accountsAt, symbolsAt } = this
    const here = accountsAt[shard]
    return {
      mail,
      commands: this.consumer(wiring.commands[shard], 0, here),
      messages: wiring.messages[shard].map((memory, at) =>
        this.outlet(memory, here, symbolsAt[at]),
      ),
      events: wiring.events.map((of, at) => this.consumer(of[shard], symbolsAt[at], here)),
      reports: this.outlet(wiring.reports[shard], here, 0),
    }
  }

  ofSymbols(shard: number, mail: Mail): BookLinks {
    const { wiring, accountsAt, symbolsAt } = this
    const here = symbolsAt[shard]
    return {
      mail,
      commands: this.consumer(wiring.commands[accountsAt.length + shard], 0, here),
      messages: wiring.messages.map((of, at) => this.consumer(of[shard], accountsAt[at], here)),
      events: wiring.events[shard].map((memory, at) => this.outlet(memory, here, accountsAt[at])),
    }
  }

  /** `mail` is that of the shards of accounts. */
  ofSequencer(mail: readonly Mail[]): SequencerLinks {
    const { wiring, accountsAt } = this
    return {
      mail,
      commands: accountsAt.map((thread, shard) => this.outlet(wiring.commands[shard], 0, thread)),
      reports: accountsAt.map((thread, shard) => this.consumer(wiring.reports[shard], thread, 0)),
    }
  }

  /** To the shards of symbols, which get letters only. */
  toSymbols(): Outlet[] {
    const { wiring, accountsAt, symbolsAt } = this
    return symbolsAt.map((thread, shard) =>
      this.outlet(wiring.commands[accountsAt.length + shard], 0, thread),
    )
  }

  private outlet(memory: SharedArrayBuffer, from: number, to: number): Outlet {
    return new Outlet(new RingProducer(memory, this.between(from, to)))
  }

  private consumer(memory: SharedArrayBuffer, from: number, to: number): RingConsumer {
    return new RingConsumer(memory, this.between(from, to))
  }

  private between(from: number, to: number) {
    return { producer: this.bells[from], consumer: this.bells[to] }
  }
}
