// `npm run report`: histograms as they are written, as others may have written them, and broken.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'hdr-histogram-js'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Hgrm, nsAt, parseHgrm, readHgrm } from '../../bench/hgrm.ts'
import { writeHgrm } from '../../bench/histogram.ts'
import { Prng } from '../../src/lib/prng.ts'

const ROOT = join(import.meta.dirname, '../..')
const KEPT = join(ROOT, 'docs/benchmarks/nats-open-loop.hgrm')
const HEAD = '       Value     Percentile TotalCount 1/(1-Percentile)\n\n'
const ROWS =
  '100.000 0.000000000000 1 1.00\n200.000 0.500000000000 5 2.00\n900.000 1.000000000000 10\n'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onefill-report-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function histogram(values: number, seed = 1) {
  const all = build({ numberOfSignificantValueDigits: 3 })
  const random = new Prng(seed)
  for (let n = 0; n < values; n += 1) all.recordValue(Math.ceil(1_000 / (1.0001 - random.next())))
  return all
}

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

function report(...args: string[]) {
  const out = join(folder, 'page.html')
  const script = join(ROOT, 'bench/latency-report.ts')
  const all = [script, '--out', out, ...args]
  const { status, stdout, stderr } = spawnSync(process.execPath, all, { encoding: 'utf8' })
  return { status, stdout, stderr, page: () => readFileSync(out, 'utf8') }
}

/** What the page's script is given. */
function groupsIn(page: string): { series: { name: string; ns: (number | null)[] }[] }[] {
  const [, json] = /<script>const groups = (.*)<\/script>/.exec(page) ?? []
  return JSON.parse(json)
}

describe('a histogram file', () => {
  test('gives back what was written, never less and never more than its next row', () => {
    const all = histogram(20_000)
    const read = readHgrm(join(ROOT, writeHgrm('some name', all, folder)))
    expect(read.count).toBe(20_000)
    expect(read.maxNs).toBe(all.maxValue)
    for (const percentile of [0, 50, 90, 99, 99.9, 99.99, 100]) {
      const exact = all.getValueAtPercentile(percentile)
      expect(nsAt(read, percentile)).toBeGreaterThanOrEqual(exact)
      // Rows halve what is above in five steps.
      const next = all.getValueAtPercentile(100 - (100 - percentile) / 1.3)
      expect(nsAt(read, percentile)).toBeLessThanOrEqual(next)
    }
  })

  test('says where it is from', () => {
    const { origin } = readHgrm(join(ROOT, writeHgrm('some name', histogram(10), folder)))
    expect(origin.name).toBe('some name')
    expect(origin.machine).toContain(`Node ${process.versions.node}`)
    expect(Date.parse(origin.date ?? '')).toBeGreaterThan(Date.now() - 60_000)
    expect(origin.command).toBeTypeOf('string')
  })

  test('is taken from others: without comments, with carriage returns, with infinity', () => {
    const expected: Pick<Hgrm, 'count' | 'maxNs'> = { count: 10, maxNs: 900 }
    expect(parseHgrm(HEAD + ROWS)).toMatchObject(expected)
    expect(parseHgrm(ROWS.replaceAll('\n', '\r\n'))).toMatchObject(expected)
    expect(parseHgrm(ROWS.replace(' 10\n', ' 10 Infinity\n'))).toMatchObject(expected)
  })

  test.each([
    ['nothing', '', 'has no percentile rows'],
    ['only a head', HEAD, 'has no percentile rows'],
    ['another kind of text', 'latency,1,2,3\n', 'line 1 is no row'],
    ['bytes', '\u0000\u0001\u0002\n', 'line 1 is no row'],
    ['a row cut off', `${HEAD}100.000 0.5`, 'line 3 is no row'],
    ['a negative value', '-1.000 1.000000000000 1\n', 'line 1 is no row'],
    ['values that fall', ROWS.replace('200.000', '50.000'), 'line 2 has less than the line before'],
    ['counts that fall', ROWS.replace(' 10\n', ' 4\n'), 'line 3 has less than the line before'],
    [
      'a percentile above 1',
      ROWS.replace('1.000000000000 10', '1.5 10'),
      'line 3 has a percentile',
    ],
    ['an end that is missing', ROWS.split('\n').slice(0, 2).join('\n'), 'ends early'],
    ['no values', '0.000 1.000000000000 0\n', 'no values'],
  ])('is refused with the reason: %s', (_, text, reason) => {
    expect(() => parseHgrm(text)).toThrow(reason)
  })
})

describe('npm run report', () => {
  test('says what it found, and charts what one command has made together', () => {
    for (const name of ['fast', 'slow']) writeHgrm(name, histogram(1_000), folder)
    const { status, stdout, stderr, page } = report(folder, KEPT)
    expect(stderr).toBe('')
    expect(status).toBe(0)
    // What a benchmark has left there last: its own words at the end of the file.
    const [, max, count] = /Max += +([0-9.]+), Total count += +([0-9]+)/.exec(
      readFileSync(KEPT, 'utf8'),
    ) as RegExpExecArray
    const values = Number(count).toLocaleString('en-US')
    expect(stdout).toContain(`nats-open-loop.hgrm: ${values} values`)
    expect(stdout).toContain('3 in ')
    const names = groupsIn(page()).map(({ series }) => series.map(({ name }) => name))
    // Groups come by their commands' names; the kept one's is whatever wrote it.
    expect(names.toSorted()).toEqual([['fast', 'slow'], ['nats-open-loop']])
    const maxMs = (Number(max) / 1e6).toPrecision(3)
    expect(page()).toContain(`<td>${maxMs} ms</td><td>${values}</td>`)
  })

  test('puts all in one chart when asked to', () => {
    writeHgrm('fast', histogram(1_000), folder)
    const { page } = report(folder, KEPT, '--together')
    expect(groupsIn(page())).toHaveLength(1)
  })

  test('draws what the file says, and nothing beyond its last value', () => {
    writeHgrm('some', histogram(1_000), folder)
    const [{ series }] = groupsIn(report(folder, KEPT, '--together').page())
    const [some, kept] = series.map(({ ns }) => ns)
    // 40 places for each nine: 1,000 values are three nines.
    expect(some[120]).toBe(readHgrm(join(folder, 'some.hgrm')).rows.at(-1)?.ns)
    expect(some[121]).toBeNull()
    expect(kept[80]).toBe(nsAt(readHgrm(KEPT), 99))
  })

  test('makes a page that loads nothing, and in which a name stays text', () => {
    const name = '</script><img src=x onerror=alert(1)>'
    file('odd.hgrm', `${ROWS}#[Name = ${name}]\n#[Command = <b>&"]\n`)
    const page = report(folder).page()
    expect(page).not.toMatch(/<img|<b>|<link|<script[^>]+src|@import|url\(/)
    expect(page).toContain('&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;')
    expect(groupsIn(page)[0].series[0].name).toBe(name)
  })

  test('leaves a file out that is none, says why, and fails', () => {
    file('good.hgrm', ROWS)
    file('bad.hgrm', 'not a histogram\n')
    const { status, stderr, page } = report(folder)
    expect(status).toBe(1)
    expect(stderr).toMatch(/bad\.hgrm: line 1 is no row .*; it is left out\n$/)
    expect(groupsIn(page())[0].series).toHaveLength(1)
  })

  test('says in one sentence that there is nothing, or no such place', () => {
    const nothing = report(folder)
    expect(nothing.status).toBe(1)
    expect(nothing.stderr).toMatch(/^report: there is no histogram in .+: npm run bench .+\n$/)
    const nowhere = report(join(folder, 'nowhere'))
    expect(nowhere.status).toBe(1)
    expect(nowhere.stderr).toMatch(/^report: there is no .*nowhere\n$/)
  })
})
