// Histograms in files: percentile distributions as HdrHistogram writes them and its plotter reads
// them, in nanoseconds, with where they come from in lines of comment behind the rows.
//
// Whatever measures times can join the report: bench/out/NAME.hgrm with rows like these, four
// numbers each, and of the comments as many as it knows.
//
//       Value     Percentile TotalCount 1/(1-Percentile)
//
//     1178623 0.000000000000          1           1.00
//     2072575 0.500000000000        100           2.00
//     2410495 1.000000000000        200
//     #[Name = over NATS, one order]
//     #[Command = npm run load:nats -- steady]
//     #[Chart = what is in one chart with it, of all that this command has made]
//     #[Machine = …, 2 cores, Node 26.10.0]
//     #[Date = 2026-11-29T12:00:00.000Z]

import { readFileSync } from 'node:fs'

/** Where a histogram comes from, as far as its file says. */
export interface Origin {
  readonly name?: string
  readonly command?: string
  /** Of what a command has made, what is in one chart. */
  readonly chart?: string
  readonly machine?: string
  /** ISO 8601. */
  readonly date?: string
}

/** So many took no longer than this. */
export interface HgrmRow {
  readonly ns: number
  /** 0 to 1, rising from row to row; that of the last is 1. */
  readonly share: number
}

export interface Hgrm {
  readonly rows: readonly HgrmRow[]
  /** Values in all. */
  readonly count: number
  /** The largest value; where the file does not say, the last row's, which may be a little more. */
  readonly maxNs: number
  readonly origin: Origin
}

/** Why a file is no histogram, in a sentence; nothing is wrong with the program. */
export class HgrmProblem extends Error {}

/** Files with more are no histograms: 20 rows a factor of ten come to far less. */
const BYTES_MAX = 4 * 2 ** 20
const ROW = /^\s*(\d+(?:\.\d+)?)\s+(\d(?:\.\d+)?)\s+(\d+)(?:\s+(?:[\d.]+|Infinity|∞|inf))?\s*$/i
const MAX = /^#\[Max\s*=\s*(\d+(?:\.\d+)?),/
const NOTE = /^#\[(Name|Command|Chart|Machine|Date) = (.*)\]\s*$/

/** Reads a file; throws a {@link HgrmProblem} for one that is no histogram. */
export function readHgrm(path: string): Hgrm {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new HgrmProblem(code === 'ENOENT' ? 'there is no such file' : `cannot be read: ${code}`)
  }
  return parseHgrm(text)
}

/** Throws a {@link HgrmProblem} that names the line which is wrong. */
export function parseHgrm(text: string): Hgrm {
  if (text.length > BYTES_MAX) throw new HgrmProblem('is too long for a histogram')
  const rows: HgrmRow[] = []
  const origin: Record<string, string> = {}
  let [count, maxNs] = [0, 0]
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    const note = NOTE.exec(line)
    if (note !== null) origin[note[1].toLowerCase()] = note[2]
    maxNs = Number(MAX.exec(line)?.[1] ?? maxNs)
    if (line.trim() === '' || line.startsWith('#') || /^\s*"?Value/.test(line)) continue
    const wrong = (what: string) => new HgrmProblem(`line ${at + 1} ${what}`)
    const row = ROW.exec(line)
    if (row === null) throw wrong('is no row of value, percentile and count')
    const [ns, share, sofar] = row.slice(1, 4).map(Number)
    const before = rows.at(-1) ?? { ns: 0, share: 0 }
    if (share > 1) throw wrong('has a percentile above 1')
    if (ns < before.ns || share < before.share || sofar < count) {
      throw wrong('has less than the line before: percentile rows rise')
    }
    rows.push({ ns, share })
    count = sofar
  }
  if (rows.length === 0) throw new HgrmProblem('has no percentile rows')
  if (count === 0) throw new HgrmProblem('has rows, but no values in them')
  const last = rows[rows.length - 1]
  if (last.share !== 1) throw new HgrmProblem('ends early: its last percentile is not 1')
  return { rows, count, maxNs: maxNs === 0 ? last.ns : maxNs, origin }
}

/**
 * Nanoseconds at a percentile, 0 to 100: the value of the first row that reaches it, so never less
 * than it was.
 */
export function nsAt({ rows }: Hgrm, percentile: number): number {
  // 99.9 / 100 is a little more than 0.999.
  const share = percentile / 100 - 1e-12
  return (rows.find((row) => row.share >= share) ?? rows[rows.length - 1]).ns
}

/** The lines of comment for a file. */
export function originLines({ name, command, chart, machine, date }: Origin): string {
  const all = { Name: name, Command: command, Chart: chart, Machine: machine, Date: date }
  return Object.entries(all)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `#[${key} = ${String(value).replaceAll(/\s+/g, ' ')}]\n`)
    .join('')
}
