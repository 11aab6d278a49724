// `onefill serve` and `onefill start`: their flags and help, and the servers they run on.

import { existsSync, readFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { Config, Settings } from '../config.ts'
import { Demo } from './demo.ts'
import { HealthBoard } from './health.ts'
import { createLog, type Log } from './log.ts'
import { outcomeOf } from './outcome.ts'
import { run, type ServeOptions } from './serving.ts'
import { addSettings, configOf, type FlagValues, withConfig } from './settings.ts'
import { isFree, type Stack, startStack } from './stack.ts'

const HELP = `
Starts where the journal ends; no flag is needed after a crash. Ctrl+C or SIGTERM takes nothing more
in, commits and says what is under way, takes a snapshot and stops; a second one stops at once.
Exit codes: 0 stopped; 1 it cannot be done; 70 an invariant broke; 75 another process has taken
over. docs/operations.md has the settings, also for a file and the environment.

Examples:
  $ onefill serve
  $ onefill serve postgres://user@host/db --nats nats://host:4222 --workers 2 --keep-journal 30
  $ onefill serve postgres://user@host/db --nats nats://host:4222 --standby
  $ onefill serve --stdio < day.ndjson > reports.ndjson`

const START_HELP = `
Runs the exchange as serve does and sends it a live demo flow: market makers and takers, through
NATS, as any publisher. Ctrl+C ends everything; the next start goes on where it was.

Example:
  $ onefill start --data /tmp/onefill`

const URL_HELP = 'the database; without it, DATABASE_URL; without that, a built-in one'

/** Adds the commands. */
export function registerServe(program: Command): void {
  const serveCommand = program
    .command('serve')
    .description('Run the exchange on its journal in Postgres, until it is told to stop.')
    .argument('[url]', URL_HELP)
  addSettings(serveCommand)
    .addHelpText('after', HELP)
    .action((url: string | undefined, flags: FlagValues) => end(configured(flags, url, serve)))
  const startCommand = program
    .command('start')
    .description('Run the exchange with a live demo market: what npm start does.')
  addSettings(startCommand, ['standby', 'stdio', 'stay'])
    .addHelpText('after', START_HELP)
    .action((flags: FlagValues) => end(configured(flags, undefined, startDemo)))
}

async function end(code: Promise<number> | number): Promise<void> {
  // A read of standard input that is under way would keep the process.
  process.exit(await code)
}

const configured = (
  flags: FlagValues,
  url: string | undefined,
  work: (config: Config) => Promise<number>,
) => withConfig(() => configOf(flags, url), work)

/** The package's version. */
function versionOf(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

async function serve(config: Config): Promise<number> {
  const { settings, sources } = config
  if (!settings.stdio) return runOn(settings, {})
  // By lines alone, unless the others are asked for.
  const isHttpNamed = sources.httpPort.from !== 'default'
  const hasNats = settings.natsUrl !== undefined
  return runOn(isHttpNamed ? settings : { ...settings, httpPort: 'off' }, { hasNats })
}

async function startDemo(config: Config): Promise<number> {
  const { settings, sources } = config
  const isTaken = settings.httpPort !== 'off' && !(await isFree(settings.httpPort))
  // Whoever only wants to see it run does not care for the port.
  const isAny = sources.httpPort.from === 'default' && isTaken
  const own: Settings = isAny ? { ...settings, httpPort: 0 } : settings
  return runOn({ ...own, standby: false, stdio: false, stay: false }, { hasDemo: true })
}

async function runOn(
  settings: Settings,
  { hasNats = true, hasDemo = false }: { hasNats?: boolean; hasDemo?: boolean },
): Promise<number> {
  const log = createLog(settings)
  const version = versionOf()
  const node = process.versions.node
  log.info({ event: 'start', version, node }, `onefill ${version} starts`)
  const { data: folder, databaseUrl, natsUrl } = settings
  const isNew = !existsSync(folder)
  if (databaseUrl === undefined && isNew) {
    log.info({ event: 'setup' }, `making a database in ${folder}: some seconds, once`)
  }
  let stack: Stack | undefined
  try {
    stack = await startStack({ folder, databaseUrl, natsUrl, hasNats, log })
    const options: ServeOptions = {
      ...{ settings, log, board: new HealthBoard(version) },
      ...{ databaseUrl: stack.databaseUrl, natsUrl: stack.natsUrl },
    }
    return await run(hasDemo ? { ...options, onServing: (at) => welcome(at, log) } : options)
  } catch (error) {
    const { code, message } = outcomeOf(error)
    log.fatal({ event: 'end', exit: code }, message)
    return code
  } finally {
    await stack?.stop()
  }
}

/** Starts the demo, and says what can be done now. */
async function welcome(
  { natsUrl, httpUrl }: { natsUrl: string; httpUrl: string | undefined },
  log: Log,
): Promise<Demo> {
  const demo = await Demo.start(natsUrl, log)
  const order = `{"clOrdId":"my-1","symbol":"NVDA","side":"buy","ordType":"market","orderQty":"5"}`
  const health = httpUrl === undefined ? '' : `  curl -s ${httpUrl}/readyz\n`
  process.stdout.write(`
The exchange runs, and a demo market trades on it. In another terminal:

  npx onefill book NVDA --watch
  npx onefill order buy NVDA 5 --price 170 --account alice
  nats -s ${natsUrl.replace(/\/\/[^/@]*@/, '//')} sub 'onefill.v1.md.*.trades'
  nats -s ${natsUrl.replace(/\/\/[^/@]*@/, '//')} req onefill.v1.order.alice.new '${order}'
${health}
docs/nats.md has the messages, docs/operations.md the settings. Ctrl+C ends everything; the next
start goes on where it was.

`)
  return demo
}
