// Refusals that a gateway gives by itself, before the exchange sees anything.

import type { CodeName } from '../protocol/codes.ts'
import { refusalOf } from '../protocol/refusal.ts'
import type { Report } from '../protocol/report-json.ts'

/** Why something is refused; a sentence of its own, and its place in a batch, if it has them. */
export interface GatewayRefusal {
  readonly code: CodeName
  readonly field: string
  readonly text?: string
  readonly index?: number
}

/** The report that says so; ids that the command has are echoed. */
export function refusalFrom(refusal: GatewayRefusal, command: unknown): Report {
  const report = refusalOf(refusal, command)
  if (refusal.index !== undefined) report.line = refusal.index + 1
  return report
}
