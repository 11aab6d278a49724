// A live flow into a journal in Postgres, at full speed: what recoveries are measured with.

import { setImmediate as turn } from 'node:timers/promises'
import { assert } from '../src/lib/assert.ts'
import { type Row, RowBuilder, type RowEnd } from '../src/persistence/row.ts'
import { openStore, type Store } from '../src/persistence/store.ts'
import type { CommandLog } from '../src/protocol/command-log.ts'
import { LiveFlow, type LiveOptions } from './live-flow.ts'

const ROW_BYTES = 2 ** 18
const ROWS_UNDER_WAY_MAX = 8

/** Writes all that a live flow does behind `end`. */
export class JournalFlow {
  readonly flow: LiveFlow
  /** Rows sealed before there is a store to write them to. */
  private sealed: Row[] = []
  private readonly builder: RowBuilder
  private term = 1
  private end: RowEnd
  private readonly underWay: Promise<void>[] = []

  constructor(end: RowEnd, options: LiveOptions) {
    this.end = end
    this.builder = new RowBuilder(end)
    this.flow = new LiveFlow({
      ...options,
      onRound: (firstSeq, commands) => this.write(firstSeq, commands),
    })
  }

  /**
   * Runs so many commands more, and waits until all is committed and marked as published. Takes
   * the lease, which others may have had meanwhile, and gives it back.
   */
  async run(url: string, commands: number): Promise<void> {
    const store = await openStore(url)
    this.term = await store.takeLease('bench')
    const until = this.flow.engine.seq + commands
    while (this.flow.engine.seq < until) {
      this.flow.round()
      await this.send(store)
      await turn()
    }
    this.seal()
    await this.send(store)
    await Promise.all(this.underWay.splice(0))
    assert(this.end.lastSeq === this.flow.engine.seq, 'all is in the journal')
    await store.beat(this.end.lastRound)
    await store.release()
    await store.close()
  }

  private async send(store: Store): Promise<void> {
    for (const row of this.sealed.splice(0)) {
      while (this.underWay.length >= ROWS_UNDER_WAY_MAX) await this.underWay.shift()
      this.underWay.push(store.append(row))
    }
  }

  private write(firstSeq: number, commands: CommandLog): void {
    this.builder.add(this.end.lastRound + this.builder.rounds + 1, firstSeq, commands)
    if (this.builder.bytes >= ROW_BYTES) this.seal()
  }

  private seal(): void {
    if (this.builder.rounds === 0) return
    const row = this.builder.seal(this.end, this.term, Date.now())
    this.end = row
    this.sealed.push(row)
  }
}
