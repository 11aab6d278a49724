// An exchange on its servers: what `onefill serve` and `onefill start` do with their settings.

import { existsSync, readFileSync } from 'node:fs'
import type { Config, SettingName, Settings } from '../config.ts'
import { Demo } from './demo.ts'
import { HealthBoard } from './health.ts'
import { createLog, type Log } from './log.ts'
import { outcomeOf } from './outcome.ts'
import { run, type ServeOptions } from './serving.ts'
import { isFree, type Stack, startStack } from './stack.ts'

/** The package's version. */
function versionOf(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** Runs until it is stopped; returns the exit code. */
export async function serve(config: Config): Promise<number> {
  const { settings, sources } = config
  if (!settings.stdio) return runOn(settings, {})
  // By lines alone, which say the time themselves, unless more is asked for.
  const isDefault = (name: SettingName) => sources[name].from === 'default'
  const quiet: Settings = {
    ...settings,
    httpPort: isDefault('httpPort') ? 'off' : settings.httpPort,
    clockEveryMs: isDefault('clockEveryMs') ? 0 : settings.clockEveryMs,
  }
  return runOn(quiet, { hasNats: settings.natsUrl !== undefined })
}

/** The same with a demo market. */
export async function startDemo(config: Config): Promise<number> {
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
  const order = `{"clOrdId":"my-3","symbol":"NVDA","side":"buy","ordType":"market","orderQty":"5"}`
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
