// Histograms as one HTML page that needs nothing else: a chart and a table for each run.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type Hgrm, nsAt } from './hgrm.ts'

/** A histogram, and what it is called on the page. */
export interface Series {
  readonly name: string
  readonly hgrm: Hgrm
}

/** What is in one chart. */
export interface Group {
  readonly title: string
  readonly series: readonly Series[]
}

const PERCENTILES = [50, 99, 99.9, 99.99]
/** Points of a curve in each tenth of what is above. */
const POINTS = 40
/** Beyond so many nines there is no more than chance. */
const NINES_MAX = 6
const COLORS = 8
const UNITS = [
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'µs'],
] as const

const PAGE = join(import.meta.dirname, 'page')
const UPLOT = dirname(createRequire(import.meta.url).resolve('uplot'))

/** The page; `madeAt` is when, for people. */
export function latencyPage(groups: readonly Group[], madeAt: string): string {
  const count = groups.reduce((sum, { series }) => sum + series.length, 0)
  const styles = [join(UPLOT, 'uPlot.min.css'), join(PAGE, 'page.css')].map(textOf).join('\n')
  const data = JSON.stringify(groups.map(curvesOf)).replaceAll('<', '\\u003c')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Onefill: latencies</title>
<style>
${styles}
</style>
</head>
<body>
<h1>Latencies</h1>
<p>${count} ${count === 1 ? 'histogram' : 'histograms'}, put together on ${html(madeAt)}. In a
chart, click a name to hide or show it, drag to look closer, double-click to look at all. Files have
some percentiles: what stands for another is the next one's time, so never less than it was.</p>
${groups.map(section).join('\n')}
<script>${textOf(join(UPLOT, 'uPlot.iife.min.js'))}</script>
<script>const groups = ${data}</script>
<script>
${textOf(join(PAGE, 'charts.js'))}</script>
</body>
</html>
`
}

function section({ title, series }: Group, number: number): string {
  const told = (of: 'machine' | 'date') => [
    ...new Set(series.map(({ hgrm }) => hgrm.origin[of]).filter((said) => said !== undefined)),
  ]
  const dates = told('date').sort()
  const when = dates.length < 2 ? dates : [`${dates[0]} to ${dates.at(-1)}`]
  const from = [...told('machine'), ...when].map((said) => `<p>${html(said)}</p>`)
  const head = ['', ...PERCENTILES.map((percentile) => `p${percentile}`), 'max', 'count']
  return `<section>
<h2>${html(title)}</h2>
${from.join('\n')}
<div class="chart" id="chart-${number}"></div>
<div class="scroll"><table>
<thead><tr>${head.map((cell) => `<th>${cell}</th>`).join('')}</tr></thead>
<tbody>
${series.map(row).join('\n')}
</tbody>
</table></div>
</section>`
}

function row({ name, hgrm }: Series, number: number): string {
  const color = `style="background: var(--series-${number % COLORS})"`
  const cells = [
    ...PERCENTILES.map((percentile) => time(Math.min(nsAt(hgrm, percentile), hgrm.maxNs))),
    time(hgrm.maxNs),
    hgrm.count.toLocaleString('en-US'),
  ]
  const swatch = `<span class="swatch" ${color}></span>`
  const figures = cells.map((cell) => `<td>${cell}</td>`).join('')
  return `<tr><td>${swatch}${html(name)}</td>${figures}</tr>`
}

/** The curves over the same places, which are nines: 2 is 99 %. */
function curvesOf({ series }: Group) {
  const ninesOf = ({ count }: Hgrm) => Math.min(NINES_MAX, Math.max(1, Math.log10(count)))
  const nines = Math.max(...series.map(({ hgrm }) => ninesOf(hgrm)))
  const x = Array.from({ length: Math.ceil(nines * POINTS) + 1 }, (_, at) => at / POINTS)
  const curves = series.map(({ name, hgrm }) => {
    // A curve ends where one value of all is above.
    const end = Math.ceil(ninesOf(hgrm) * POINTS) / POINTS
    const ns = x.map((at) => (at > end ? null : Math.max(1, nsAt(hgrm, 100 - 100 / 10 ** at))))
    return { name, ns }
  })
  return { nines, x, series: curves }
}

function time(ns: number): string {
  const [size, unit] = UNITS.find(([least]) => ns >= least) ?? [1, 'ns']
  return `${Number((ns / size).toPrecision(3))} ${unit}`
}

const textOf = (path: string): string => readFileSync(path, 'utf8')

const ENTITIES: Readonly<Record<string, string>> = {
  ...{ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' },
}
const html = (text: string): string => text.replaceAll(/[&<>"]/g, (each) => ENTITIES[each])
