// What was found, as a document for people and plots for a glance.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { histogramOf, writeHgrm } from '../../bench/histogram.ts'
import { machineLine } from '../../bench/report.ts'
import { median } from '../../bench/rounds.ts'
import { documentOf, type Figures } from './document.ts'
import type { Run } from './measure.ts'
import { writeBars } from './plot.ts'

const DOCS = join(import.meta.dirname, '../../docs/experiments')

/** With less, the machine counts as quiet. */
const QUIET = 0.5

/** One way's runs. */
export interface Found {
  readonly name: string
  /** The first rush of each turn, after all others had theirs. */
  readonly rested: Run[]
  readonly rushes: Run[]
  /** Rushes of which it is known what they cost. */
  readonly metered: Run[]
  readonly hot: Run[]
  readonly spread: Run[]
}

export interface Setting
  extends Pick<Figures, 'buyers' | 'clients' | 'seconds' | 'turns' | 'rushesMin' | 'rushMsMin'> {
  /** Whether the document is to be written: all ways, at length. */
  readonly isWhole: boolean
  /** Programs that ran or waited for a core when it began, by the last minute's average. */
  readonly busy: number
}

/** The names of those that came to something wrong. */
export function wrongIn(found: readonly Found[]): string[] {
  return found.filter((of) => runsOf(of).some(({ wrong }) => wrong > 0)).map(({ name }) => name)
}

const runsOf = ({ rested, rushes, metered, hot, spread }: Found): Run[] => [
  ...[...rested, ...rushes, ...metered, ...hot, ...spread],
]

/** Prints the tables; of a whole run, writes the document and its plots. */
export function writeReport(
  found: readonly Found[],
  lost: Figures['lost'],
  { isWhole, busy, ...setting }: Setting,
): void {
  const tables = {
    rush: table(RUSH_COLUMNS, found.map(rushRow)),
    rushCost: costs(found, ({ metered }) => metered),
    hot: flows(found, ({ hot }) => hot),
    hotCost: costs(found, ({ hot }) => hot),
    spread: flows(found, ({ spread }) => spread),
  }
  if (!isWhole) {
    console.log(Object.values(tables).join('\n\n'))
    return
  }
  const by = (start: string) => found.find(({ name }) => name.startsWith(start)) as Found
  const document = documentOf({
    ...{ machine: machineLine(), ...setting, lost, ...tables },
    // A core of another's makes all slower, and those that take several processes the most.
    others:
      busy < QUIET
        ? 'the machine had nothing else to do'
        : `${busy.toFixed(1)} other programs wanted its cores: read the figures with that in mind`,
    flows: found[0].hot.length,
    wall: (start) => wallOf(by(start)),
    rested: (start) => median(by(start).rested.map(({ ms }) => ms)),
    perSecond: (start) => perSecond(by(start).hot),
  })
  console.log(document)
  mkdirSync(DOCS, { recursive: true })
  writeFileSync(join(DOCS, 'locks.md'), document)
  leaveHistograms(found)
  const isWrong = (runs: readonly Run[]) => runs.some(({ wrong }) => wrong > 0)
  writeBars(
    join(DOCS, 'locks-thousand.svg'),
    `${setting.buyers.toLocaleString('en-US')} orders against money for one: until the last answer`,
    found.map((of) => ({ name: of.name, value: wallOf(of), isWrong: isWrong(of.rushes) })),
    (ms) => `${ms < 10 ? ms.toFixed(1).replace('.0', '') : whole(ms)} ms`,
  )
  writeBars(
    join(DOCS, 'locks-hot.svg'),
    'Orders a second out of one account',
    found.map((of) => ({ name: of.name, value: perSecond(of.hot), isWrong: isWrong(of.hot) })),
    whole,
  )
}

const whole = (value: number): string => Math.round(value).toLocaleString('en-US')

/** Milliseconds until the last answer. */
const wallOf = ({ rushes }: Found): number => median(rushes.map(({ ms }) => ms))

const answered = ({ accepted, refused }: Run): number => accepted + refused

const perSecond = (runs: readonly Run[]): number =>
  median(runs.map((run) => (answered(run) / run.ms) * 1_000))

type Cell = string | number

const TIMES = ['p50, ms', 'p99', 'p99.9', 'max']
const RUSH_COLUMNS = [
  ...['', 'rushes', 'accepted', 'wrong', 'last answer, ms', 'worst', 'after a rest', 'orders/s'],
  ...[...TIMES, 'retries'],
]
const FLOW_COLUMNS = ['', 'accepted', 'wrong', 'orders/s', ...TIMES, 'retries']
const COST_COLUMNS = ['', 'processor time, µs', 'commits', 'deadlocks in all']

function rushRow({ name, rushes, rested, metered }: Found): Cell[] {
  const accepted = [...new Set(rushes.map((run) => run.accepted))].sort((a, b) => a - b)
  const span = accepted.length === 1 ? `${accepted[0]}` : `${accepted[0]} to ${accepted.at(-1)}`
  return [
    ...[
      name,
      rushes.length,
      span,
      sum([...rushes, ...rested, ...metered].map(({ wrong }) => wrong)),
    ],
    median(rushes.map(({ ms }) => ms)),
    Math.max(...rushes.map(({ ms }) => ms)),
    median(rested.map(({ ms }) => ms)),
    Math.round(perSecond(rushes)),
    ...timesOf(rushes),
    Math.round(median(rushes.map(({ retries }) => retries))),
  ]
}

function flows(found: readonly Found[], of: (found: Found) => readonly Run[]): string {
  const rows = found.map((each): Cell[] => {
    const runs = of(each)
    return [
      ...[each.name, sum(runs.map(({ accepted }) => accepted))],
      sum(runs.map(({ wrong }) => wrong)),
      Math.round(perSecond(runs)),
      ...timesOf(runs),
      sum(runs.map(({ retries }) => retries)),
    ]
  })
  return table(FLOW_COLUMNS, rows)
}

/** For `npm run report`. */
function leaveHistograms(found: readonly Found[]): void {
  for (const { name, rushes, hot, spread } of found) {
    writeHgrm(name, histogramOfRuns(rushes), undefined, 'a thousand at once')
    writeHgrm(name, histogramOfRuns(hot), undefined, 'one hot account')
    writeHgrm(name, histogramOfRuns(spread), undefined, 'a thousand accounts')
  }
}

function histogramOfRuns(runs: readonly Run[]) {
  const nanos = joined(runs)
  return histogramOf(nanos, 0, nanos.length)
}

/** Of single orders, in all runs. */
function timesOf(runs: readonly Run[]): number[] {
  const all = histogramOfRuns(runs)
  // A bucket ends beyond what is in it.
  return [50, 99, 99.9, 100].map(
    (percentile) => Math.min(all.getValueAtPercentile(percentile), all.maxValue) / 1e6,
  )
}

/** Of an order, whether it was accepted or not. */
function costs(found: readonly Found[], of: (found: Found) => readonly Run[]): string {
  const rows = found.map((each): Cell[] => {
    const runs = of(each)
    const orders = sum(runs.map(answered))
    const writing = sum(runs.map(({ cost }) => cost?.writing ?? 0)) / orders
    return [
      each.name,
      sum(runs.map(({ cost }) => cost?.micros ?? 0)) / orders,
      writing.toFixed(writing < 0.1 ? 4 : 2),
      sum(runs.map(({ deadlocks }) => deadlocks)),
    ]
  })
  return table(COST_COLUMNS, rows)
}

function joined(runs: readonly Run[]): Float64Array {
  return Float64Array.from(runs.flatMap(({ nanos }) => Array.from(nanos)))
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
