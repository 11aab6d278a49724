// `kill -9` at any moment: what was acknowledged is in the journal, nothing twice, nothing
// invented, and a restart goes on in the state that the journal gives. More: `npm run crash`.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type EmbeddedPostgres, startEmbedded } from '../../src/persistence/embedded.ts'
import { crashAgainAndAgain } from '../support/crash.ts'

const KILLS = 12
const folder = mkdtempSync(join(tmpdir(), 'onefill-crash-'))
let postgres: EmbeddedPostgres

beforeAll(async () => {
  postgres = await startEmbedded({ folder })
})
afterAll(async () => {
  await postgres.stop()
  rmSync(folder, { recursive: true, force: true })
})

test(`${KILLS} kills: nothing acknowledged is lost, doubled or invented`, async () => {
  const tally = await crashAgainAndAgain(postgres.url, KILLS, 1)
  console.log(`${tally.kills} kills, ${tally.acknowledged} acknowledged, seq ${tally.seq}`)
  expect(tally.acknowledged).toBeGreaterThan(1_000)
})
