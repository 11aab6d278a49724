// A process with a small disk of its own, in its own mount namespace: whatever becomes of it, the
// disk is gone with it. Postgres lives there, under a market, and the disk gets full.

import { execFileSync } from 'node:child_process'
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { assert } from '../../src/lib/assert.ts'
import { startEmbedded } from '../../src/persistence/embedded.ts'
import type { DiskTally } from './disk.ts'
import { checkAll, Market, until } from './outage.ts'

const DISK = '200m'
/** Less than one more file of Postgres's log, which it makes whole. */
const LESS_THAN_A_LOG_FILE = 10 * 2 ** 20

const [folder] = process.argv.slice(2)
execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'onefill', folder])
// Files of the log are not used again: it needs new ones.
const settings = { wal_recycle: 'off', max_wal_size: '2GB' }
const postgres = await startEmbedded({ folder, settings })
try {
  const tally: DiskTally = { acknowledged: 0, refused: 0, told: [], died: 0 }
  const market = await Market.open(postgres.url, 1)
  try {
    for (const left of [0, LESS_THAN_A_LOG_FILE]) {
      const from = market.told.length
      await market.goesOn()
      fill(left)
      market.isPressing = true
      await until('it is noticed', () => market.isAway)
      await market.refuses()
      const before = market.said.length
      await sleep(500)
      assert(market.said.length === before, 'nothing is acknowledged while the disk is full')
      if (left === 0) {
        const problem = market.told[from]
        assert(problem?.code === 'DISK_FULL', `the user is told: ${problem?.message}`)
      }
      rmSync(join(folder, 'ballast'))
      if (postgres.pid === null) tally.died += 1
      // It ends where it cannot write its log, and is no longer up to anything.
      if (postgres.pid === null) await postgres.start()
      await market.goesOn()
    }
    await market.settle()
    await checkAll(postgres.url, market.said)
  } finally {
    await market.close()
  }
  tally.acknowledged = market.said.length
  tally.refused = market.refused.JOURNAL_UNAVAILABLE ?? 0
  tally.told.push(...market.told.map((problem) => problem?.message ?? 'it can be written'))
  console.log(JSON.stringify(tally))
} finally {
  await postgres.stop()
}

/** Takes all the space but so many bytes. */
function fill(left: number): void {
  const { bavail, bsize } = statfsSync(folder)
  writeFileSync(join(folder, 'ballast'), Buffer.alloc(bavail * bsize - left))
}
