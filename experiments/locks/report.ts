// What was found, as a document for people and plots for a glance.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { histogramOf } from '../../bench/histogram.ts'
import { machineLine } from '../../bench/report.ts'
import { median } from '../../bench/rounds.ts'
import { documentOf, type Figures } from './document.ts'
import type { Run } from './measure.ts'
import { writeBars } from './plot.ts'

const DOCS = join(import.meta.dirname, '../../docs/experiments')

/** One way's runs. */
export interface Found {
  readonly name: string
  readonly rushes: Run[]
  readonly hot: Run[]
  readonly spread: Run[]
  /** Of the runs in `hot`. */
  readonly costs: { microsPerOrder: number; commitsPerOrder: number }[]
}

/** Prints the tables; without `isQuick`, writes the document. */
export function writeReport(
  found: readonly Found[],
  lost: Figures['lost'],
  { isQuick, buyers, clients }: { isQuick: boolean; buyers: number; clients: number },
): void {
  const byName = (part: string) => found.find(({ name }) => name.includes(part)) as Found
  const [rowLocks, batch, nats] = ['FOR UPDATE', '8 one', '9b'].map((part) => wallOf(byName(part)))
  const document = documentOf({
    ...{ machine: machineLine(), buyers, clients, rounds: found[0].rushes.length, lost },
    rush: table(RUSH_COLUMNS, found.map(rushRow)),
    hot: table(
      FLOW_COLUMNS,
      found.map(({ name, hot }) => flowRow(name, hot)),
    ),
    cost: table(COST_COLUMNS, found.map(costRow)),
    spread: table(
      FLOW_COLUMNS,
      found.map(({ name, spread }) => flowRow(name, spread)),
    ),
    rowLocksOfInProcess: rowLocks / wallOf(byName('9a')),
    rowLocksOfNats: rowLocks / nats,
    natsOfBatch: nats / batch,
    conditional: perSecond(byName('4 cond').hot),
    batch: perSecond(byName('8 one').hot),
  })
  console.log(document)
  if (isQuick) return
  mkdirSync(DOCS, { recursive: true })
  writeFileSync(join(DOCS, 'locks.md'), document)
  const isWrong = (runs: readonly Run[]) => runs.some(({ wrong }) => wrong > 0)
  writeBars(
    join(DOCS, 'locks-thousand.svg'),
    'A thousand orders against money for one: until the last answer',
    found.map((of) => ({ name: of.name, value: wallOf(of), isWrong: isWrong(of.rushes) })),
    (ms) => `${ms < 10 ? ms.toFixed(1).replace('.0', '') : Math.round(ms)} ms`,
  )
  writeBars(
    join(DOCS, 'locks-hot.svg'),
    'Orders a second out of one account',
    found.map((of) => ({ name: of.name, value: perSecond(of.hot), isWrong: isWrong(of.hot) })),
    (value) => Math.round(value).toLocaleString('en-US'),
  )
}

/** Milliseconds until the last answer. */
const wallOf = ({ rushes }: Found): number => median(rushes.map(({ ms }) => ms))

const perSecond = (runs: readonly Run[]): number =>
  median(runs.map(({ accepted, ms }) => (accepted / ms) * 1_000))

type Cell = string | number

const LAST = 'until the last answer, ms'
const RUSH_COLUMNS = ['', 'accepted', 'wrong', LAST, 'worst, ms', 'p50', 'p99', 'retries']
const FLOW_COLUMNS = ['', 'orders/s', 'p50, ms', 'p99', 'p99.9', 'max', 'retries', 'wrong']
const COST_COLUMNS = ['', 'processor time, µs', 'transactions that write', 'deadlocks in all']

function rushRow({ name, rushes }: Found): Cell[] {
  const all = histogramOf(joined(rushes), 0, joined(rushes).length)
  const accepted = [...new Set(rushes.map((run) => run.accepted))].sort((a, b) => a - b)
  const span = accepted.length === 1 ? `${accepted[0]}` : `${accepted[0]} to ${accepted.at(-1)}`
  return [
    ...[name, span, sum(rushes.map(({ wrong }) => wrong))],
    median(rushes.map(({ ms }) => ms)),
    Math.max(...rushes.map(({ ms }) => ms)),
    ...[50, 99].map((percentile) => all.getValueAtPercentile(percentile) / 1e6),
    Math.round(median(rushes.map(({ retries }) => retries))),
  ]
}

function flowRow(name: string, runs: readonly Run[]): Cell[] {
  const nanos = joined(runs)
  const all = histogramOf(nanos, 0, nanos.length)
  return [
    ...[name, Math.round(perSecond(runs))],
    // A bucket ends beyond what is in it.
    ...[50, 99, 99.9, 100].map(
      (percentile) => Math.min(all.getValueAtPercentile(percentile), all.maxValue) / 1e6,
    ),
    sum(runs.map(({ retries }) => retries)),
    sum(runs.map(({ wrong }) => wrong)),
  ]
}

function costRow({ name, costs, hot }: Found): Cell[] {
  return [
    name,
    median(costs.map(({ microsPerOrder }) => microsPerOrder)),
    median(costs.map(({ commitsPerOrder }) => commitsPerOrder)),
    sum(hot.map(({ deadlocks }) => deadlocks)),
  ]
}

function joined(runs: readonly Run[]): Float64Array {
  return Float64Array.from(runs.flatMap(({ nanos }) => [...nanos]))
}

const sum = (values: readonly number[]): number => values.reduce((all, each) => all + each, 0)

function table(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const line = (cells: readonly Cell[]) => `| ${cells.map(said).join(' | ')} |`
  const rule = columns.map((_, n) => (n === 0 ? '---' : '---:'))
  return [line(columns), line(rule), ...rows.map(line)].join('\n')
}

function said(cell: Cell): string {
  if (typeof cell === 'string') return cell
  return Number.isInteger(cell) ? cell.toLocaleString('en-US') : cell.toFixed(cell < 10 ? 2 : 1)
}
