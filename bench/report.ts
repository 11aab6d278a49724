// What a benchmark found: tables, demands met or not, notes; as text for people or JSON for
// machines.

import { cpus } from 'node:os'

/** A number that must be reached. */
export interface Demand {
  readonly what: string
  readonly value: number
  readonly atLeast?: number
  readonly atMost?: number
}

export interface Table {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | number)[])[]
}

export interface Report {
  readonly name: string
  readonly tables: readonly Table[]
  readonly demands: readonly Demand[]
  readonly notes: readonly string[]
}

/** How a benchmark is to run. */
export interface BenchOptions {
  /** Shorter flows and fewer rounds, to see that it works; its demands are not judged. */
  readonly quick: boolean
}

export const passes = ({ value, atLeast, atMost }: Demand): boolean =>
  value >= (atLeast ?? -Infinity) && value <= (atMost ?? Infinity)

/** The machine a number belongs to. */
export function machine(): { cpu: string; cores: number; node: string; v8: string } {
  const all = cpus()
  const { node, v8 } = process.versions
  return { cpu: all[0].model, cores: all.length, node, v8 }
}

export function machineLine(): string {
  const { cpu, cores, node, v8 } = machine()
  const flags = process.execArgv.length > 0 ? `, ${process.execArgv.join(' ')}` : ''
  return `${cpu}, ${cores} cores, Node ${node} (V8 ${v8})${flags}`
}

/** The report as text. */
export function render(report: Report): string {
  const demands = report.demands.map((demand) => {
    const bound = demand.atLeast !== undefined ? `>= ${demand.atLeast}` : `<= ${demand.atMost}`
    const word = passes(demand) ? 'PASS' : 'FAIL'
    return `${word}  ${demand.what}: ${demand.value.toFixed(2)} (${bound})`
  })
  const notes = report.notes.map((note) => `note: ${note}`)
  const parts = [`== ${report.name} ==`, ...report.tables.map(renderTable), ...demands, ...notes]
  return `${parts.join('\n')}\n`
}

function renderTable({ title, columns, rows }: Table): string {
  const cells = [columns, ...rows].map((row) => row.map(cell))
  const widths = columns.map((_, column) => Math.max(...cells.map((row) => row[column].length)))
  const line = (row: string[]) =>
    row
      .map((text, column) =>
        column === 0 ? text.padEnd(widths[column]) : text.padStart(widths[column]),
      )
      .join('  ')
  const [head, ...body] = cells
  const rule = '-'.repeat(line(head).length)
  return `\n${title}\n${line(head)}\n${rule}\n${body.map(line).join('\n')}\n`
}

function cell(value: string | number): string {
  if (typeof value === 'string') return value
  return Number.isInteger(value) ? value.toLocaleString('en-US') : value.toFixed(2)
}
