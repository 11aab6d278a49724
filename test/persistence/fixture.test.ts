// Journals and states written by every version so far: this one reads them and comes to the same
// state.

import { globSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { STATE_VERSION } from '../../src/engine/state.ts'
import { restoreExchange } from '../../src/index.ts'
import {
  checkRows,
  GENESIS,
  JOURNAL_VERSION,
  RowBuilder,
  readRounds,
} from '../../src/persistence/row.ts'
import { COMMAND_NAMES, COMMAND_WORDS } from '../../src/protocol/command-log.ts'
import { readFixture, rowsOfFixture } from '../support/journal-fixture.ts'
import { replayRows } from '../support/journal-rows.ts'
import { readStateFixture, STATE_VERSION_FIRST } from '../support/state-fixture.ts'

const versions = Array.from({ length: JOURNAL_VERSION }, (_, at) => at + 1)
const stateVersions = Array.from(
  { length: STATE_VERSION - STATE_VERSION_FIRST + 1 },
  (_, at) => STATE_VERSION_FIRST + at,
)
const folder = join(import.meta.dirname, '../fixtures')

test('there is a journal of each version', () => {
  const files = globSync('journal-v*.json', { cwd: folder }).sort()
  expect(files).toEqual(versions.map((version) => `journal-v${version}.json`))
})

test.each(versions)('version %i is read', (version) => {
  const fixture = readFixture(version)
  const rows = rowsOfFixture(fixture)
  expect(rows.every((row) => row.version === version)).toBe(true)
  expect(checkRows(rows, GENESIS, { lastRound: 8, lastSeq: 31 })).toBeUndefined()
  // The state's own format may change: then its hash here is renewed, and nothing else.
  expect(fixture.stateVersion).toBe(STATE_VERSION)
  expect(replayRows(rows)).toBe(fixture.stateHash)
})

test('a journal of this version has every kind of command and is written the same', () => {
  const rows = rowsOfFixture(readFixture(JOURNAL_VERSION))
  const builder = new RowBuilder()
  const kinds = new Set<string>()
  let previous = GENESIS
  for (const row of rows) {
    for (const { round, firstSeq, commands } of readRounds(row)) {
      builder.add(round, firstSeq, commands)
      for (let number = 0; number < commands.count; number += 1) {
        kinds.add(COMMAND_NAMES[commands.i32[number * COMMAND_WORDS]])
      }
    }
    const again = builder.seal(previous, row.term, row.timeMs)
    expect(Buffer.compare(again.payload, row.payload)).toBe(0)
    expect(Buffer.compare(again.checksum, row.checksum)).toBe(0)
    previous = row
  }
  expect(kinds).toEqual(new Set(COMMAND_NAMES.slice(1)))
})

test('there is a state of each version', () => {
  const files = globSync('state-v*.json', { cwd: folder }).sort()
  expect(files).toEqual(stateVersions.map((version) => `state-v${version}.json`))
})

test.each(stateVersions)('a state of version %i is restored and goes on', (version) => {
  const fixture = readStateFixture(version)
  const exchange = restoreExchange(Buffer.from(fixture.bytes, 'base64'))
  exchange.check()
  // The state's own format may change: then its hash here is renewed, and nothing else.
  expect(fixture.stateVersion).toBe(STATE_VERSION)
  expect(exchange.stateHash()).toBe(fixture.stateHash)
  const symbol = 'NVDA'
  for (const [account, reports] of Object.entries(fixture.reports)) {
    const [report] = exchange.execute({ cmd: 'cancel', account, symbol, origClOrdId: 'never' })
    expect(report).toMatchObject({ account, code: 'UNKNOWN_ORDER', execSeq: reports + 1 })
  }
})

test('a state of this version is written the same', () => {
  const bytes = Buffer.from(readStateFixture(STATE_VERSION).bytes, 'base64')
  expect(Buffer.compare(restoreExchange(bytes).serialize(), bytes)).toBe(0)
})
