// Percentiles of single operations' times, as table rows and as .hgrm files for HdrHistogram's
// plotter.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { build, type Histogram } from 'hdr-histogram-js'
import { originLines } from './hgrm.ts'
import { machineLine } from './report.ts'

const OUT = join(import.meta.dirname, 'out')
const PERCENTILES = [50, 99, 99.9, 99.99]

/** The columns of {@link percentileRow}. */
export const PERCENTILE_COLUMNS = [
  'ns',
  ...PERCENTILES.map((percentile) => `p${percentile}`),
  'max',
]

/** A histogram of nanoseconds, from `nanos[from .. to - 1]` where `taken` says so. */
export function histogramOf(
  nanos: Float64Array,
  from: number,
  to: number,
  taken: (at: number) => boolean = () => true,
): Histogram {
  const histogram = build({ numberOfSignificantValueDigits: 3 })
  for (let at = from; at < to; at += 1) {
    if (taken(at)) histogram.recordValue(Math.max(1, Math.round(nanos[at])))
  }
  return histogram
}

export function percentileRow(name: string, histogram: Histogram): (string | number)[] {
  const values = PERCENTILES.map((percentile) => histogram.getValueAtPercentile(percentile))
  return [name, ...values, histogram.maxValue]
}

/**
 * Writes bench/out/NAME.hgrm, or in another folder, values in nanoseconds, with where they come
 * from: `npm run report` finds it there, and puts what has the same `chart` in one. Returns the
 * path from the working directory.
 */
export function writeHgrm(
  name: string,
  histogram: Histogram,
  folder = OUT,
  chart?: string,
): string {
  mkdirSync(folder, { recursive: true })
  const file = chart === undefined ? name : `${chart}-${name}`
  const path = join(folder, `${file.replaceAll(/[^\w]+/g, '-').replaceAll(/-$/g, '')}.hgrm`)
  const date = new Date().toISOString()
  const origin = originLines({
    ...{ name, command: commandLine(), machine: machineLine(), date },
    ...(chart !== undefined && { chart }),
  })
  writeFileSync(path, histogram.outputPercentileDistribution(5, 1) + origin)
  return relative(process.cwd(), path)
}

/** What was typed to get here, as near as the process knows. */
function commandLine(): string {
  const { npm_lifecycle_event: script } = process.env
  const [, file, ...args] = process.argv
  const said = args.length === 0 ? '' : ` ${args.join(' ')}`
  if (script === undefined) return `node ${relative(process.cwd(), file)}${said}`
  return `npm run ${script}${args.length === 0 ? '' : ` --${said}`}`
}
