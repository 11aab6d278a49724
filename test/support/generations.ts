// Restart, write, snapshot, restart: many generations of one market, each on other workers, with
// rows deleted behind the snapshots, beside an engine that has seen everything.

import { DurableExchange } from '../../src/durable.ts'
import { assert } from '../../src/lib/assert.ts'
import type { Report } from '../../src/protocol/report-json.ts'
import { Load } from './load.ts'
import { Prng } from './prng.ts'
import { Consumer, Witness } from './witness.ts'

const WORKERS = [0, 1, 2, { accounts: 1, symbols: 2 }, 0]
const COMMANDS_MAX = 300

export interface GenerationsTally {
  generations: number
  fromSnapshot: number
  acknowledged: number
  seq: number
  rowsDeleted: number
  /** Of the rows that are left. */
  firstRoundLeft: number
}

/**
 * Throws where a generation does not begin in the state that the one before has ended in, where
 * what is left of the journal is not an unbroken end of it, or a consumer has missed a report.
 */
export async function passGenerations(
  url: string,
  generations: number,
  seed: number,
): Promise<GenerationsTally> {
  const random = new Prng(seed)
  const witness = await Witness.open(url)
  const consumer = new Consumer(witness)
  const tally = { fromSnapshot: 0, rowsDeleted: 0, firstRoundLeft: 0 }
  try {
    for (let generation = 0; generation < generations; generation += 1) {
      const lines: string[] = []
      const exchange = await DurableExchange.open({
        url,
        workers: WORKERS[generation % WORKERS.length],
        onReports: (reports: Report[]) => {
          lines.push(...reports.map((report) => JSON.stringify(report)))
        },
        retention: { snapshots: random.int(1, 3), journalMs: 0 },
        snapshotEvery: 0,
      })
      try {
        const { recovery } = exchange
        assert(recovery.hash === witness.hash(), `generation ${generation} begins where one ended`)
        assert(recovery.skipped.length === 0, `every snapshot is good: ${recovery.skipped}`)
        assert(recovery.republished === 0, 'after a close nothing has to go out again')
        if (recovery.snapshotSeq > 0) tally.fromSnapshot += 1
        if (generation === 0) await submit(exchange, Load.scene())
        const load = new Load(random, `g${generation}`)
        const some = () => Array.from({ length: random.int(0, COMMANDS_MAX) }, () => load.command())
        for (let n = random.int(0, 4); n > 0; n -= 1) await submit(exchange, some())
        tally.rowsDeleted += (await exchange.snapshot())?.deleted.rows ?? 0
        await submit(exchange, some())
        const { hash } = await exchange.stateHash()
        await witness.advance()
        assert(hash === witness.hash(), `generation ${generation} is in the state of the journal`)
      } finally {
        await exchange.close({ snapshot: random.chance(0.3) })
      }
      consumer.hear(lines)
      assert(consumer.heard === witness.history.length, 'consumers have each report')
      tally.firstRoundLeft = await witness.checkWhatIsLeft()
    }
  } finally {
    await witness.close()
  }
  assert(consumer.repeated === 0, 'and none twice')
  return { ...tally, generations, acknowledged: consumer.heard, seq: witness.seq }
}

async function submit(exchange: DurableExchange, commands: object[]): Promise<void> {
  for (const command of commands) {
    const taken = exchange.submit(command)
    assert(typeof taken === 'number' || taken.code !== 'OVERLOADED', 'so few find room')
  }
  await exchange.settled()
}
