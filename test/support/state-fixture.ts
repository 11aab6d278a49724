// States kept for good, as files: what a snapshot of each version holds, written once, and read.
//
// `node test/support/state-fixture.ts` writes the one of today's version. A file that is there is
// never written again: what it holds was promised to be readable.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { STATE_VERSION } from '../../src/engine/state.ts'
import { createExchange, type Report } from '../../src/index.ts'
import { randomJournal } from './journals.ts'

/** The first version that was released: of those before, nothing is kept. */
export const STATE_VERSION_FIRST = 3

export interface StateFixture {
  readonly what: string
  /** Of the state as the version of the file's name has it; a later one has another hash of it. */
  readonly stateHash: string
  readonly stateVersion: number
  /** By account: how many reports it has had. */
  readonly reports: Readonly<Record<string, number>>
  /** The sections, each behind its length, in base64. */
  readonly bytes: string
}

export const statePath = (version: number): string =>
  join(import.meta.dirname, `../fixtures/state-v${version}.json`)

export function readStateFixture(version: number): StateFixture {
  return JSON.parse(readFileSync(statePath(version), 'utf8')) as StateFixture
}

if (import.meta.main) {
  const { rounds, submissionsRemembered } = randomJournal(7, 400, 20)
  const exchange = createExchange({ submissionsRemembered })
  const reports: Record<string, number> = {}
  for (const round of rounds) {
    for (const { seq, account } of exchange.execute(round) as Report[]) {
      if (seq === undefined || account === undefined) continue
      reports[account] = (reports[account] ?? 0) + 1
    }
  }
  const fixture: StateFixture = {
    what: `A state after commands of every kind, format version ${STATE_VERSION}`,
    stateHash: exchange.stateHash(),
    stateVersion: STATE_VERSION,
    reports,
    bytes: Buffer.from(exchange.serialize()).toString('base64'),
  }
  const text = `${JSON.stringify(fixture, null, 2)}\n`
  writeFileSync(statePath(STATE_VERSION), text, { flag: 'wx' })
}
