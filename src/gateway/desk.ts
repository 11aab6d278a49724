// What every gateway needs of the exchange, and what all of them do with its answers alike.

import type { QueryAnswer } from '../engine/answers.ts'
import type { CodeName } from '../protocol/codes.ts'
import type { CommandLog } from '../protocol/command-log.ts'
import type { Directory } from '../protocol/directory.ts'
import { refusalOf } from '../protocol/refusal.ts'
import type { Report } from '../protocol/report-json.ts'

/** The exchange that leads. */
export interface Desk {
  /** The command's `seq`, or the refusal to give. */
  submit(command: unknown): number | Report
  query(query: unknown): Promise<QueryAnswer | Report>
  readonly seq: number
  /** Whether nobody else can lead; if not, what is known here may be old. */
  readonly isSure: boolean
}

/** One that takes commands that are binary already. */
export interface BinaryDesk extends Desk {
  readonly names: Directory
  /** The first one's `seq`, the others follow; undefined if none is taken in: `submit` says why. */
  submitAll(commands: CommandLog): number | undefined
}

/** Refusals after which the same may be sent again, whoever leads. */
const AGAIN: ReadonlySet<CodeName | undefined> = new Set<CodeName>([
  ...(['NOT_LEADING', 'JOURNAL_UNAVAILABLE', 'OVERLOADED'] as const),
])

/** Whether nothing was taken in and the same may be sent again. */
export const isAgain = (code: CodeName | undefined): boolean => AGAIN.has(code)

/** A refusal out of a state that may be old is none: another process may take the same in. */
export function sureOf(desk: Desk, refusal: Report, command: unknown): Report {
  if (desk.isSure || isAgain(refusal.code)) return refusal
  return refusalOf({ code: 'JOURNAL_UNAVAILABLE' }, command)
}
