// `npm run report [-- FILES or FOLDERS ...]`: the histograms that runs have left behind, as one
// page with charts and tables.

import { existsSync, globSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { Command } from 'commander'
import { type Hgrm, HgrmProblem, readHgrm } from './hgrm.ts'
import { type Group, latencyPage, type Series } from './latency-page.ts'

const ROOT = join(import.meta.dirname, '..')
const OUT = join(import.meta.dirname, 'out')
/** Where benchmarks and load leave their histograms. */
const PLACES = [OUT, join(ROOT, 'docs/benchmarks')]

const program = new Command('npm run report --')
  .description('Gathers histograms (.hgrm) into one HTML page with charts and tables.')
  .argument('[paths...]', 'files, and folders that have some; default: bench/out docs/benchmarks')
  .option('--out <file>', 'the page', join(OUT, 'report.html'))
  .option('--together', 'all in one chart, instead of one for each command', false)
  .addHelpText('after', '\nExample: npm run report -- bench/out/load-nats-steady.hgrm --together')
  .parse()
const { out, together } = program.opts<{ out: string; together: boolean }>()

const shown = (path: string): string => relative(process.cwd(), path) || '.'
const places = program.args.length > 0 ? program.args.map((path) => resolve(path)) : PLACES
const missing = places.filter((path) => program.args.length > 0 && !existsSync(path))
if (missing.length > 0) fail(`there is no ${missing.map(shown).join(', no ')}`)
const files = [...new Set(places.filter((path) => existsSync(path)).flatMap(filesIn))]

const found: { readonly title: string | undefined; readonly series: Series }[] = []
let isAllRead = true
for (const file of files) {
  try {
    const hgrm = readHgrm(file)
    const name = hgrm.origin.name ?? basename(file, '.hgrm')
    found.push({ title: titleOf(hgrm), series: { name, hgrm } })
    console.log(`${shown(file)}: ${hgrm.count.toLocaleString('en-US')} values`)
  } catch (error) {
    if (!(error instanceof HgrmProblem)) throw error
    isAllRead = false
    console.error(`${shown(file)}: ${error.message}; it is left out`)
  }
}
if (found.length === 0) {
  const where = places.map(shown).join(' and ')
  fail(
    `there is no histogram in ${where}: npm run bench -- latency, or npm run load:nats, makes some`,
  )
}
const groups = together ? [groupOf('All together', found)] : byCommand()
mkdirSync(dirname(resolve(out)), { recursive: true })
writeFileSync(out, latencyPage(groups, new Date().toISOString()))
console.log(`${found.length} in ${shown(resolve(out))}`)
// What could not be read was asked for, or should not be there.
if (!isAllRead) process.exitCode = 1

function filesIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  return globSync('*.hgrm', { cwd: path })
    .sort()
    .map((name) => join(path, name))
}

/** What of one command belongs together; those that do not say come last. */
function byCommand(): Group[] {
  const titles = new Set(found.map(({ title }) => title).filter((title) => title !== undefined))
  const of = (wanted: string | undefined) => found.filter(({ title }) => title === wanted)
  const named = [...titles].sort().map((title) => groupOf(title, of(title)))
  const others = of(undefined)
  return others.length === 0 ? named : [...named, groupOf('Other files', others)]
}

function titleOf({ origin: { command, chart } }: Hgrm): string | undefined {
  return chart === undefined || command === undefined ? command : `${command}: ${chart}`
}

function groupOf(title: string, all: typeof found): Group {
  return { title, series: all.map(({ series }) => series) }
}

function fail(message: string): never {
  console.error(`report: ${message}`)
  process.exit(1)
}
