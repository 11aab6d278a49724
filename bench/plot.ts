// A histogram's percentiles as a picture: SVG, drawn from the data, no library.

import { writeFileSync } from 'node:fs'
import type { Histogram } from 'hdr-histogram-js'

const [WIDTH, HEIGHT] = [720, 380]
const [LEFT, RIGHT, TOP, BOTTOM] = [70, 20, 50, 50]
/** Where the axis has marks: percentiles by how few are above. */
const MARKS = [0, 90, 99, 99.9, 99.99]
/** Points of the curve in each tenth of what is above. */
const POINTS = 40

/** Writes the curve of milliseconds over percentiles, both by powers of ten. */
export function writePlot(path: string, title: string, histogram: Histogram): void {
  const nines = MARKS.length - 1
  const percentileAt = (place: number) => 100 - 100 * 10 ** -place
  const msAt = (place: number) => histogram.getValueAtPercentile(percentileAt(place)) / 1e6
  const lowest = 10 ** Math.floor(Math.log10(msAt(0)))
  const highest = 10 ** Math.ceil(Math.log10(msAt(nines)))
  const x = (place: number) => LEFT + (place / nines) * (WIDTH - LEFT - RIGHT)
  const decades = Math.log10(highest / lowest)
  const y = (ms: number) =>
    HEIGHT - BOTTOM - (Math.log10(ms / lowest) / decades) * (HEIGHT - TOP - BOTTOM)
  const places = Array.from({ length: nines * POINTS + 1 }, (_, point) => point / POINTS)
  const curve = places.map((place) => `${x(place).toFixed(1)},${y(msAt(place)).toFixed(1)}`)
  const across = Array.from({ length: Math.round(decades) + 1 }, (_, power) => {
    const ms = lowest * 10 ** power
    return line(LEFT, y(ms), WIDTH - RIGHT, y(ms)) + text(LEFT - 8, y(ms) + 4, 'end', `${ms} ms`)
  })
  const down = MARKS.map(
    (mark, place) =>
      line(x(place), TOP, x(place), HEIGHT - BOTTOM) +
      text(x(place), HEIGHT - BOTTOM + 18, 'middle', `${mark} %`),
  )
  const at = [50, 99, 99.9, 99.99].map(
    (mark) => `p${mark} ${(histogram.getValueAtPercentile(mark) / 1e6).toFixed(2)} ms`,
  )
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" ` +
      'font-family="sans-serif" font-size="12">',
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    text(LEFT, 22, 'start', title),
    text(LEFT, 40, 'start', at.join(', ')),
    ...across,
    ...down,
    `<polyline fill="none" stroke="#0b62a4" stroke-width="2" points="${curve.join(' ')}"/>`,
    '</svg>',
  ]
  writeFileSync(path, `${lines.join('\n')}\n`)
}

const line = (x1: number, y1: number, x2: number, y2: number) =>
  `<path stroke="#ddd" d="M${x1.toFixed(1)} ${y1.toFixed(1)}L${x2.toFixed(1)} ${y2.toFixed(1)}"/>`
const text = (x: number, y: number, anchor: string, what: string) =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${what}</text>`
