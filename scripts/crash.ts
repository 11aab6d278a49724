// Kills, stops and starves a trading exchange, on a Postgres of its own, and checks each time that
// what it acknowledged is in the journal, once, and that what goes on goes on from there.

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
  const tally = await crashAgainAndAgain(
    postgres.url,
    Number(values.kills),
    Number(values.seed),
    (n, t) => console.log(n, ((performance.now() - startMs) / 1000) | 0, t.seq, t.acknowledged),
  )
  console.log(tally)
} finally {
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
}
