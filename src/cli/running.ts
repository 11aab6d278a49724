// An exchange on its servers: what `onefill serve` and `onefill start` do with their settings.

import { existsSync, readFileSync } from 'node:fs'
import {
  CONFIG_FILE,
  type Config,
  flagOf,
  type SettingName,
  type Settings,
  visible,
} from '../config.ts'
import { hostsOf } from '../gateway/nats-address.ts'
import { type Access, openAccess } from './access.ts'
import { Demo } from './demo.ts'
import { HealthBoard } from './health.ts'
import { createLog, type Log } from './log.ts'
import { outcomeOf } from './outcome.ts'
import { stopWithParent } from './parent.ts'
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
  // A demo can be tried over HTTP too, with the token that it prints.
  const httpAuth = sources.httpAuth.from === 'default' ? 'development' : settings.httpAuth
  const own: Settings = { ...settings, httpAuth, ...(isAny && { httpPort: 0 }) }
  const alone = { ...own, standby: false, stdio: false, stay: false }
  return runOn(alone, { demoFlags: flagsFor(config) })
}

async function runOn(
  settings: Settings,
  { hasNats = true, demoFlags }: { hasNats?: boolean; demoFlags?: string },
): Promise<number> {
  const log = createLog(settings)
  const version = versionOf()
  const node = process.versions.node
  log.info({ event: 'start', version, node }, `onefill ${version} starts`)
  stopWithParent()
  const { data: folder, databaseUrl, natsUrl } = settings
  let stack: Stack | undefined
  let access: Access | undefined
  try {
    access = openAccess(settings, log)
    if (databaseUrl === undefined && !existsSync(folder)) {
      log.info({ event: 'setup' }, `making a database in ${folder}: some seconds, once`)
    }
    stack = await startStack({ folder, databaseUrl, natsUrl, hasNats, log })
    const board = new HealthBoard(version)
    board.isLimitsAlone = access?.isDegraded ?? (() => false)
    const options: ServeOptions = {
      ...{ settings, log, board, access },
      ...{ databaseUrl: stack.databaseUrl, natsUrl: stack.natsUrl },
    }
    const { token } = access ?? {}
    if (demoFlags === undefined) {
      if (token !== undefined) await tellTokens(token, log)
      return await run(options)
    }
    const more = { token, flags: demoFlags }
    return await run({ ...options, onServing: (at) => welcome({ ...at, ...more }, log) })
  } catch (error) {
    const { code, message } = outcomeOf(error)
    log.fatal({ event: 'end', exit: code }, message)
    return code
  } finally {
    access?.close()
    await stack?.stop()
  }
}

/** In development: a token that is ready to use. */
async function tellTokens(token: MakeToken, log: Log): Promise<void> {
  const fields = { event: 'development-token', account: DEVELOPER, token: await token(DEVELOPER) }
  log.warn(fields, `development: whoever has this token trades for ${DEVELOPER}: ${fields.token}`)
}

type MakeToken = NonNullable<Access['token']>

/** Whose token is made in development. */
const DEVELOPER = 'alice'

interface Welcome {
  readonly natsUrl: string
  readonly httpUrl: string | undefined
  readonly token: MakeToken | undefined
  /** What commands must be told to find it. */
  readonly flags: string
}

/**
 * What commands in another terminal must be told to find this exchange: nothing but what it was
 * told itself in a way that they do not see. Passwords are not shown.
 */
function flagsFor({ sources }: Config): string {
  const names = ['data', 'natsUrl'] as const
  const told = names.filter((name) => !['default', CONFIG_FILE].includes(sources[name].from))
  const wordOf = (name: SettingName) => shellWord(String(visible(name, sources[name].raw)))
  return told.map((name) => ` ${flagOf(name)} ${wordOf(name)}`).join('')
}

/** As a shell takes it for one word, whatever stands in it. */
const shellWord = (text: string): string =>
  /^[\w@%+:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`

/** What can be tried over HTTP. */
async function overHttp(url: string, token: MakeToken | undefined): Promise<string> {
  const health = `  curl -s ${url}/readyz\n`
  if (token === undefined) return health
  return `${health}
Over HTTP, for ${DEVELOPER}, until this ends; ${url}/v1/docs has it all:

  TOKEN=${await token(DEVELOPER)}
  curl -s ${url}/v1/accounts/${DEVELOPER} -H "authorization: Bearer $TOKEN"
`
}

/** Starts the demo, and says what can be done now. */
async function welcome({ natsUrl, httpUrl, token, flags }: Welcome, log: Log): Promise<Demo> {
  const demo = await Demo.start(natsUrl, log)
  const order = `{"clOrdId":"my-3","symbol":"NVDA","side":"buy","ordType":"market","orderQty":"5"}`
  const nats = `nats -s ${shellWord(hostsOf(natsUrl).replaceAll(', ', ','))}`
  const http = httpUrl === undefined ? '' : await overHttp(httpUrl, token)
  process.stdout.write(`
The exchange runs, and a demo market trades on it. In another terminal:

  npx onefill book NVDA --watch${flags}
  npx onefill order buy NVDA 5 --price 170 --account alice${flags}
  ${nats} sub 'onefill.v1.md.*.trades'
  ${nats} req onefill.v1.order.alice.new '${order}'
${http}
docs/nats.md has the messages, docs/operations.md the settings. Ctrl+C ends everything; the next
start goes on where it was.

`)
  return demo
}
