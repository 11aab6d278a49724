// Bars over an axis of powers of ten, as SVG, drawn from the data.

import { writeFileSync } from 'node:fs'

export interface Bar {
  readonly name: string
  readonly value: number
  /** A bar that is wrong is not to be compared. */
  readonly isWrong: boolean
}

const WIDTH = 800
const [LEFT, RIGHT, TOP, ROW] = [300, 100, 60, 26]

/** Writes the bars; `label` says a value as a person would. */
export function writeBars(
  path: string,
  title: string,
  bars: readonly Bar[],
  label: (value: number) => string,
): void {
  const values = bars.map(({ value }) => value)
  const lowest = 10 ** Math.floor(Math.log10(Math.min(...values)))
  const decades = Math.max(1, Math.ceil(Math.log10(Math.max(...values) / lowest)))
  const bottom = TOP + bars.length * ROW
  const x = (value: number) =>
    LEFT + (Math.log10(value / lowest) / decades) * (WIDTH - LEFT - RIGHT)
  const marks = Array.from({ length: decades + 1 }, (_, power) => lowest * 10 ** power)
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + 40}" ` +
      'font-family="sans-serif" font-size="12">',
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${bottom + 40}" fill="white"/>`,
    `<text x="16" y="26" font-size="14">${title}</text>`,
    ...marks.flatMap((value) => [
      `<path stroke="#ddd" d="M${x(value).toFixed(1)} ${TOP - 8}V${bottom + 4}"/>`,
      text(x(value), bottom + 20, 'middle', label(value)),
    ]),
    ...bars.flatMap(({ name, value, isWrong }, row) => {
      const y = TOP + row * ROW
      const fill = isWrong ? '#c9c9c9' : name.includes('Onefill') ? '#0b62a4' : '#7fa8c9'
      const said = isWrong ? `${label(value)}, wrong` : label(value)
      return [
        text(LEFT - 10, y + 14, 'end', name),
        `<path fill="${fill}" d="M${LEFT} ${y}H${x(value).toFixed(1)}v18H${LEFT}z"/>`,
        // The lines of the axis go on behind it.
        `<g stroke="white" stroke-width="4" paint-order="stroke">`,
        text(x(value) + 6, y + 14, 'start', said),
        '</g>',
      ]
    }),
    '</svg>',
  ]
  writeFileSync(path, `${lines.join('\n')}\n`)
}

const text = (x: number, y: number, anchor: string, what: string) =>
  `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}">${what}</text>`
