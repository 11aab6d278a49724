// The leader is killed under load, again and again: how long until the standby, a process of its
// own, has acknowledged its first order.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { assert } from '../src/lib/assert.ts'
import { startEmbedded } from '../src/persistence/embedded.ts'
import { followRows } from '../src/persistence/row.ts'
import { openStore } from '../src/persistence/store.ts'
import type { BenchOptions, Report } from './report.ts'
import { median } from './rounds.ts'

const PROGRAM = join(import.meta.dirname, 'takeover-process.ts')
const RUNS = 50
/** How long a leader trades before it is killed. */
const TRADING_MS = 300

interface Said {
  readonly atMs: number
  readonly warm?: number
  readonly leads?: number
  readonly acknowledged?: true
}

export async function run({ quick }: BenchOptions): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'onefill-bench-takeover-'))
  const postgres = await startEmbedded({ folder })
  const members: Member[] = []
  const start = (number: number) => {
    const member = new Member(postgres.url, `p${number}`)
    members.push(member)
    return member
  }
  try {
    let leader = start(0)
    await leader.said('acknowledged')
    const until = { lead: [] as number[], acknowledged: [] as number[] }
    for (let number = 1; number <= (quick ? 3 : RUNS); number += 1) {
      const standby = start(number)
      await standby.said('warm')
      await sleep(TRADING_MS)
      const killedMs = Date.now()
      leader.child.kill('SIGKILL')
      const { atMs: leadMs } = await standby.said('leads')
      const { atMs: acknowledgedMs } = await standby.said('acknowledged')
      until.lead.push(leadMs - killedMs)
      until.acknowledged.push(acknowledgedMs - killedMs)
      leader = standby
    }
    leader.child.kill('SIGKILL')
    await check(postgres.url)
    return report(until)
  } finally {
    for (const { child } of members) child.kill('SIGKILL')
    await postgres.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A process that stands by and then leads. */
class Member {
  readonly child: ChildProcess
  private readonly heard: Said[] = []

  constructor(url: string, name: string) {
    this.child = fork(PROGRAM, [url, name], { execArgv: [] })
    this.child.on('message', (said) => this.heard.push(said as Said))
  }

  /** What it says of this, now or later. */
  async said(what: keyof Said): Promise<Said> {
    for (;;) {
      const found = this.heard.find((said) => what in said)
      if (found !== undefined) return found
      assert(this.child.exitCode === null, 'it goes on')
      await once(this.child, 'message')
    }
  }
}

/** The journal is one chain; its terms never go back. */
async function check(url: string): Promise<void> {
  const store = await openStore(url)
  let seq = 0
  for await (const row of followRows(store.readRows(0))) seq = row.lastSeq
  assert(seq > 0, 'there is history')
  await store.close()
}

function report(until: { lead: number[]; acknowledged: number[] }): Report {
  const rows = [
    ['the standby leads', until.lead] as const,
    ['its first order is acknowledged', until.acknowledged] as const,
  ].map(([name, ms]) => [name, median(ms), Math.min(...ms), Math.max(...ms)])
  const { acknowledged } = until
  return {
    name: 'takeover',
    tables: [
      {
        title: `From kill -9 of the leader under load, ${acknowledged.length} times`,
        columns: ['until', 'median ms', 'least ms', 'worst ms'],
        rows,
      },
    ],
    demands: [
      { what: 'takeover, median ms', value: median(acknowledged), atMost: 1_000 },
      { what: 'takeover, worst ms', value: Math.max(...acknowledged), atMost: 1_000 },
    ],
    notes: ['500 ms of it are the silence after which a leader is taken for dead'],
  }
}
