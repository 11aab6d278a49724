// In the browser: a chart for each group, times over percentiles, both by powers of ten.
// `uPlot` and `groups` are in the page.

/* global uPlot, groups */

const [COLORS, HEIGHT, NARROW] = [8, 380, 560]
/** Figures of an axis: 1 µs, 100 ms. */
const UNITS = [
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'µs'],
  [1, 'ns'],
]
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

function time(ns) {
  const [size, unit] = UNITS.find(([least]) => ns >= least) ?? UNITS[3]
  return `${Number((ns / size).toPrecision(3))} ${unit}`
}

/** The percentile of so many nines: 2 is 99 %, 3 is 99.9 %. */
function percentile(nines) {
  const share = 100 - 100 / 10 ** nines
  return `${Number(share.toFixed(Math.max(1, Math.ceil(nines))))} %`
}

function optionsOf({ series, nines }, width) {
  const marks = Array.from({ length: Math.ceil(nines) + 1 }, (_, n) => n)
  const axis = {
    stroke: () => css('--ink'),
    grid: { stroke: () => css('--line'), width: 1 },
    ticks: { stroke: () => css('--line'), width: 1 },
    font: '12px system-ui, sans-serif',
  }
  return {
    ...{ width, height: HEIGHT, padding: [12, 48, 0, 0] },
    scales: {
      x: { time: false, range: [0, marks.at(-1)] },
      y: { distr: 3, log: 10 },
    },
    axes: [
      {
        ...axis,
        label: 'percentile: so many took no longer',
        labelFont: axis.font,
        splits: () => marks,
        values: (_, splits) => splits.map(percentile),
      },
      {
        ...axis,
        size: 70,
        // Between powers of ten there are lines, and no figures.
        values: (_, splits) =>
          splits.map((ns) => (Number.isInteger(Math.log10(ns)) ? time(ns) : '')),
      },
    ],
    series: [
      { label: 'percentile', value: (_, nines) => (nines == null ? '' : percentile(nines)) },
      ...series.map(({ name }, n) => ({
        label: name,
        stroke: () => css(`--series-${n % COLORS}`),
        width: 2,
        // Those that come round again are told apart by their dashes.
        dash: n < COLORS ? [] : [6 * Math.floor(n / COLORS), 4],
        points: { show: false },
        value: (_, ns) => (ns == null ? '' : time(ns)),
      })),
    ],
    cursor: { drag: { x: true, y: false } },
  }
}

const charts = groups.map((group, n) => {
  const place = document.getElementById(`chart-${n}`)
  const data = [group.x, ...group.series.map(({ ns }) => ns)]
  const width = () => Math.max(NARROW / 2, place.clientWidth)
  const chart = new uPlot(optionsOf(group, width()), data, place)
  addEventListener('resize', () => chart.setSize({ width: width(), height: HEIGHT }))
  return chart
})
// Colours are read when something is drawn.
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const chart of charts) chart.redraw(false, true)
})
