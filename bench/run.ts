// `npm run bench [-- NAME ...] [--json] [--quick]`: runs the benchmarks, all of them or those
// named.

import { spawnSync } from 'node:child_process'
import { Command } from 'commander'
import { withHugePages } from '../bin/huge-pages.js'
import { type BenchOptions, machine, machineLine, passes, type Report, render } from './report.ts'

/** By name: what it measures and how to load it. One that is not run is not loaded either. */
const BENCHES: Record<string, { what: string; load: () => Promise<Bench> }> = {
  book: {
    what: 'the book alone on five flows, against nodejs-order-book',
    load: () => import('./book.ts'),
  },
  engine: {
    what: 'the whole engine, against nodejs-order-book',
    load: () => import('./engine.ts'),
  },
  scale: {
    what: '10,000,000 orders, 1,000,000 accounts, 10,000 symbols',
    load: () => import('./scale.ts'),
  },
  garbage: { what: 'collections over 10,000,000 commands', load: () => import('./garbage.ts') },
  latency: {
    what: "percentiles of one message's time, .hgrm files in bench/out",
    load: () => import('./latency.ts'),
  },
  ring: {
    what: 'records between two threads, against postMessage; round trips',
    load: () => import('./ring.ts'),
  },
  workers: {
    what: 'the whole exchange at 0 to 4 worker threads; one lone command',
    load: () => import('./workers.ts'),
  },
  'journal-format': {
    what: "the journal's bytes: writing, reading, checksums",
    load: () => import('./journal-format.ts'),
  },
  store: {
    what: "commits of the journal's rows to Postgres, against bare INSERTs",
    load: () => import('./store.ts'),
  },
  durability: {
    what: 'with the journal against without; one lone command; order by order in SQL',
    load: () => import('./durability.ts'),
  },
  recovery: {
    what: 'restarts: a snapshot and the journal behind it',
    load: () => import('./recovery.ts'),
  },
  snapshot: {
    what: 'orders while a snapshot of 1,000,000 resting orders is taken',
    load: () => import('./snapshot.ts'),
  },
  takeover: {
    what: 'the leader is killed, the standby leads: 50 times',
    load: () => import('./takeover.ts'),
  },
  nats: {
    what: 'orders over NATS, durable, against a bare echo; a lone one; an open loop',
    load: () => import('./nats.ts'),
  },
  micro: { what: 'small operations one by one', load: () => import('./micro.ts') },
}

interface Bench {
  run(options: BenchOptions): Report | Promise<Report>
}

const listing = Object.entries(BENCHES).map(([name, { what }]) => `  ${name.padEnd(16)}${what}`)
const program = new Command('npm run bench --')
  .description('Benchmarks. Each proves its result right before its time counts.')
  .argument('[names...]', 'benchmarks to run; all if none is named')
  .option('--json', 'one JSON document on standard output instead of tables', false)
  .option('--quick', 'shorter and less exact, to see that it works; demands are not judged', false)
  .addHelpText('after', `\nBenchmarks:\n${listing.join('\n')}\n\nExample: npm run bench -- book`)
  .parse()
const { json, quick } = program.opts<{ json: boolean; quick: boolean }>()
const names = program.args.length > 0 ? program.args : Object.keys(BENCHES)
const unknown = names.find((name) => !Object.hasOwn(BENCHES, name))
if (unknown !== undefined) program.error(`no benchmark is called ${unknown}; see --help`)

if (process.env.ONEFILL_BENCH === 'here') await runHere(names[0])
else runApart(names)

/**
 * One benchmark a process, with the pages that the command-line tool runs with too: what V8 has
 * learned from one must neither help nor hurt the next (behind the others, the whole engine made
 * garbage that it does not make alone).
 */
function runApart(all: readonly string[]): void {
  const flags = [...(json ? ['--json'] : []), ...(quick ? ['--quick'] : [])]
  const documents: { reports: unknown[] }[] = []
  for (const name of all) {
    const child = spawnSync(
      process.execPath,
      [...process.execArgv, import.meta.filename, name, ...flags],
      {
        stdio: ['ignore', json ? 'pipe' : 'inherit', 'inherit'],
        maxBuffer: 2 ** 28,
        env: withHugePages({ ...process.env, ONEFILL_BENCH: 'here' }),
      },
    )
    if (child.status !== 0) process.exitCode = 1
    if (json) documents.push(JSON.parse(String(child.stdout)))
  }
  const reports = documents.flatMap((document) => document.reports)
  if (json) console.log(JSON.stringify({ machine: machine(), quick, reports }, null, 2))
}

async function runHere(name: string): Promise<void> {
  const bench = await BENCHES[name].load()
  const report = await bench.run({ quick })
  const demands = report.demands.map((demand) => ({ ...demand, pass: passes(demand) }))
  if (json) {
    const reports = [{ ...report, demands }]
    console.log(JSON.stringify({ machine: machine(), quick, reports }, null, 2))
  } else {
    console.log(`${machineLine()}\n\n${render(report)}`)
    if (quick) console.log('quick run: demands are shown, not judged')
  }
  if (demands.some(({ pass }) => !pass) && !quick) process.exitCode = 1
}
