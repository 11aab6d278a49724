// What several shards say of one round, gathered until all of them have ended it, in one order.

import { RecordLog } from '../lib/record-log.ts'
import { Inlet } from './inlet.ts'
import { Merger, type Order } from './merge.ts'
import type { RingConsumer } from './ring.ts'

export class Gathering {
  /** By sender. */
  readonly inlets: readonly Inlet[]
  private readonly logs: readonly RecordLog[]
  private readonly merged: RecordLog
  private readonly merger: Merger

  /** Of records with `words` words from one ring or more. */
  constructor(rings: readonly RingConsumer[], words: number, order: Order) {
    this.inlets = rings.map((ring) => new Inlet(ring, new RecordLog(words, 256)))
    this.logs = this.inlets.map(({ log }) => log)
    this.merged = new RecordLog(words, 256)
    this.merger = new Merger(rings.length, order)
  }

  /** Whether every sender has come to a mark. */
  get isComplete(): boolean {
    return this.inlets.every(({ mark }) => mark !== 0)
  }

  /** All records, in order; valid until {@link clear}. */
  records(): RecordLog {
    if (this.logs.length === 1) return this.logs[0]
    this.merged.clear()
    this.merger.merge(this.logs, this.merged)
    return this.merged
  }

  /** Takes what is there, up to the senders' marks; whether it was anything. */
  drain(): boolean {
    let isMoved = false
    for (const inlet of this.inlets) isMoved = inlet.drain() || isMoved
    return isMoved
  }

  /** Whether {@link drain} would take something. */
  canDrain(): boolean {
    return this.inlets.some((inlet) => inlet.canDrain())
  }

  /** Forgets the round and goes on to the next. */
  clear(): void {
    for (const inlet of this.inlets) inlet.clear()
  }
}
