// Refusals of what gets no `seq`: bad lines, and commands that cannot be taken in for now.

import { Code, type CodeName, codeText } from './codes.ts'
import { formText } from './form-text.ts'
import type { Report } from './report-json.ts'

/** Echoed where they are strings. */
const ECHOED = [
  'cmd',
  'account',
  'symbol',
  'clOrdId',
  'origClOrdId',
  'orderId',
  'transferId',
] as const

/** Longest string that a refusal echoes. */
const ECHO_CHARS_MAX = 64

/** The report that refuses a command, in a sentence of its own if there is one; echoes its ids. */
export function refusalOf(
  { code, field, text }: { code: CodeName; field?: string; text?: string },
  command: unknown,
): Report {
  const report: Report = { execType: 'rejected', code }
  if (field !== undefined) report.field = field
  const isForm = code === 'MALFORMED' && field !== undefined
  report.text = text ?? (isForm ? formText(command, field) : undefined) ?? codeText(Code[code])
  for (const name of ECHOED) {
    const value = (command as { [name: string]: unknown } | null | undefined)?.[name]
    if (typeof value === 'string' && value.length <= ECHO_CHARS_MAX) report[name] = value
  }
  return report
}
