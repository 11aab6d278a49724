// Journals kept for good, as files: how they are written, once, and read.
//
// `node test/support/journal-fixture.ts` writes the one of today's version. A file that is there
// is never written again: what it holds was promised to be readable.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { STATE_VERSION } from '../../src/engine/state.ts'
import { JOURNAL_VERSION, type Row, type RowHeader } from '../../src/persistence/row.ts'
import { decodeRounds, replayRows, rowsOf, SMALL_DAY } from './journal-rows.ts'

export interface JournalFixture {
  readonly what: string
  /** Of the state's format at the time; a later one has another hash of the same state. */
  readonly stateVersion: number
  /** SHA-256 over the sections of the state after the last row. */
  readonly stateHash: string
  /** Payload and checksum in base64. */
  readonly rows: readonly (RowHeader & { readonly checksum: string; readonly payload: string })[]
}

export const fixturePath = (version: number): string =>
  join(import.meta.dirname, `../fixtures/journal-v${version}.json`)

export function readFixture(version: number): JournalFixture {
  return JSON.parse(readFileSync(fixturePath(version), 'utf8')) as JournalFixture
}

/** The rows of a fixture as a journal has them. */
export function rowsOfFixture({ rows }: JournalFixture): Row[] {
  return rows.map(({ checksum, payload, ...header }) => ({
    ...header,
    checksum: Buffer.from(checksum, 'base64'),
    payload: Buffer.from(payload, 'base64'),
  }))
}

if (import.meta.main) {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
  const rows = rowsOf(decodeRounds(SMALL_DAY), 2)
  const fixture: JournalFixture = {
    what: `A journal of every kind of command, format version ${JOURNAL_VERSION}`,
    stateVersion: STATE_VERSION,
    stateHash: replayRows(rows),
    rows: rows.map(({ checksum, payload, ...header }) => ({
      ...header,
      checksum: base64(checksum),
      payload: base64(payload),
    })),
  }
  const text = `${JSON.stringify(fixture, null, 2)}\n`
  writeFileSync(fixturePath(JOURNAL_VERSION), text, { flag: 'wx' })
}
