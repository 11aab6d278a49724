// Percentiles of single operations' times, as table rows and as .hgrm files for HdrHistogram's
// plotter.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, type Histogram } from 'hdr-histogram-js'

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
 * Writes bench/out/NAME.hgrm, or in another folder, values in nanoseconds; returns the path from
 * the working directory.
 */
export function writeHgrm(name: string, histogram: Histogram, folder = OUT): string {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${name.replaceAll(/[^\w]+/g, '-').replaceAll(/-$/g, '')}.hgrm`)
  writeFileSync(path, histogram.outputPercentileDistribution(5, 1))
  return path
}
