// Kills a trading exchange again and again, on a Postgres of its own, and checks after each kill
// that what it acknowledged is in the journal, once, and that a restart goes on from there.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startEmbedded } from '../src/persistence/embedded.ts'
import { crashAgainAndAgain } from '../test/support/crash.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
  },
})

const folder = mkdtempSync(join(tmpdir(), 'onefill-crash-'))
const postgres = await startEmbedded({ folder })
try {
  const startMs = performance.now()
  const tally = await crashAgainAndAgain(postgres.url, Number(values.kills), Number(values.seed))
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(1)
  console.log(
    `${tally.kills} kills in ${seconds} s: ${tally.acknowledged} reports acknowledged, all of ` +
      `them in the journal; seq ${tally.seq}`,
  )
} finally {
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
}
