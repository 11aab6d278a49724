// What the command line says about a verdict.
import type { Verdict } from './criteria.ts'
import type { RunException } from './runs.ts'

export function reportLines(verdict: Verdict): string[] {
  const lines = verdict.criteria.flatMap(({ name, pass, counts, wrongs }) => [
    `${name}: ${pass ? 'PASS' : 'FAIL'}`,
    ...counts.map((text) => `  ${text}`),
    ...wrongs.map((text) => `  wrong: ${text}`),
  ])
  const { exceptions } = verdict.matching.runCounts
  if (exceptions.length === 0) return lines
  return [
    ...lines,
    `${exceptions.length} runs filled otherwise than the file says ` +
      "('anon' is an order the file never introduced at that price):",
    ...exceptions.map(describeException),
  ]
}

function describeException(run: RunException): string {
  const rows = run.firstRow === run.lastRow ? run.firstRow : `${run.firstRow}-${run.lastRow}`
  const what = run.qtyEqual ? 'other orders' : 'other quantities'
  const list = (fills: readonly string[]): string => fills.join(', ') || 'nothing else'
  return (
    `  rows ${rows} at ${run.time}, ${what}: file ${list(run.fileOnly)}; ` +
    `engine ${list(run.engineOnly)}`
  )
}
