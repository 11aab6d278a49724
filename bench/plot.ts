// A histogram's percentiles as a picture: SVG, drawn from its .hgrm file, no library.
// `node bench/plot.ts FILE.hgrm TITLE` draws it anew.

import { writeFileSync } from 'node:fs'
import { readHgrm } from './hgrm.ts'

const [WIDTH, HEIGHT] = [760, 420]
const [LEFT, RIGHT, TOP, BOTTOM] = [90, 60, 40, 60]
/** Where the axis has marks: percentiles by how few are above. */
const MARKS = [0, 90, 99, 99.9, 99.99]
/** Which points of the curve have their figures beside them. */
const LABELS = [50, 99, 99.9, 99.99]
/** Points of the curve in each tenth of what is above. */
const POINTS = 40

/** By percentile, 0 to 99.99, the time in milliseconds. */
type Curve = (percentile: number) => number

/**
 * Draws FILE.svg beside FILE.hgrm, whose values are nanoseconds: milliseconds over percentiles,
 * both by powers of ten.
 */
export function drawHgrm(path: string, title: string): void {
  const msAt = curveOf(path)
  const nines = MARKS.length - 1
  const lowest = 10 ** Math.floor(Math.log10(msAt(0)))
  const highest = 10 ** Math.ceil(Math.log10(msAt(99.99)))
  const decades = Math.round(Math.log10(highest / lowest))
  const x = (percentile: number) => LEFT + (place(percentile) / nines) * (WIDTH - LEFT - RIGHT)
  const y = (ms: number) =>
    HEIGHT - BOTTOM - (Math.log10(ms / lowest) / decades) * (HEIGHT - TOP - BOTTOM)
  const across = Array.from({ length: decades + 1 }, (_, power) => {
    const ms = lowest * 10 ** power
    return line(LEFT, y(ms), WIDTH - RIGHT, y(ms)) + text(LEFT - 8, y(ms) + 4, 'end', `${ms} ms`)
  })
  const down = MARKS.map(
    (mark) =>
      line(x(mark), TOP, x(mark), HEIGHT - BOTTOM) +
      text(x(mark), HEIGHT - BOTTOM + 18, 'middle', `${mark} %`),
  )
  const points = Array.from(
    { length: nines * POINTS + 1 },
    (_, at) => 100 - 100 * 10 ** (-at / POINTS),
  )
  const curve = points.map((at) => `${x(at).toFixed(1)},${y(msAt(at)).toFixed(1)}`)
  const labels = LABELS.map((mark) => label(x(mark), y(msAt(mark)), `p${mark}`, figure(msAt(mark))))
  const [middle, upright] = [(LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2]
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" ` +
      'font-family="sans-serif" font-size="12">',
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    `<g font-size="15">${text(LEFT, 24, 'start', title)}</g>`,
    ...[...across, ...down],
    text(middle, HEIGHT - 14, 'middle', 'percentile: so many orders took no longer'),
    `<g transform="rotate(-90 20 ${upright})">${text(20, upright, 'middle', 'time')}</g>`,
    `<polyline fill="none" stroke="#0b62a4" stroke-width="2" points="${curve.join(' ')}"/>`,
    ...labels,
    '</svg>',
  ]
  writeFileSync(path.replace(/hgrm$/, 'svg'), `${lines.join('\n')}\n`)
}

/** The rows of a .hgrm file, which do not hit 99 or 99.9, and what lies between them. */
function curveOf(path: string): Curve {
  const rows = readHgrm(path).rows.map(({ ns, share }) => [ns / 1e6, 100 * share])
  return (percentile) => {
    const next = rows.findIndex(([, at]) => at >= percentile)
    const [highMs, high] = rows[next]
    const [lowMs, low] = rows[next - 1] ?? [highMs, -1]
    return lowMs + ((percentile - low) / (high - low)) * (highMs - lowMs)
  }
}

/** How many nines: 0 for 0 %, 1 for 90 %, 2 for 99 %. */
const place = (percentile: number) => -Math.log10(1 - percentile / 100)
const figure = (ms: number) => `${Number(ms.toPrecision(3))} ms`
const line = (x1: number, y1: number, x2: number, y2: number) =>
  `<path stroke="#ddd" d="M${x1.toFixed(1)} ${y1.toFixed(1)}L${x2.toFixed(1)} ${y2.toFixed(1)}"/>`
const text = (x: number, y: number, anchor: string, what: string) =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${what}</text>`
/** A dot with its name and figure below it to the right, where the curve is not. */
const label = (x: number, y: number, name: string, what: string) =>
  `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="4" fill="#0b62a4"/>` +
  text(x + 6, y + 18, 'start', name) +
  text(x + 6, y + 33, 'start', what)

if (import.meta.main) drawHgrm(process.argv[2], process.argv[3])
