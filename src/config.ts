// The settings of a running exchange: defaults < file < environment < flags, by one schema; all
// that is wrong is said at once.

import { existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'
import { WORKERS_MAX, type Workers } from './actors/placement.ts'
import { addressesOf, withScheme } from './gateway/nats-address.ts'

/** Read where it is there, unless another file is named. */
export const CONFIG_FILE = 'onefill.config.json'

const DAY_MS = 86_400_000

// --- kinds of values: from text (environment, flags), or as JSON has them (file) ----------------

const whole = (min: number, max = Number.MAX_SAFE_INTEGER) =>
  z
    .union([
      z.number(),
      z
        .string()
        .regex(/^[0-9]{1,15}$/)
        .transform(Number),
    ])
    .pipe(z.number().int().min(min).max(max))
const flag = z.union([
  z.boolean(),
  z.enum(['true', 'false', '1', '0']).transform((text) => text === 'true' || text === '1'),
])
const text = z.string().min(1)
/** What is wrong with an address is all that is said of it: it may hold a password. */
const NO_ADDRESS = 'no such address'
const address = (protocols: readonly string[], split = (value: string) => [value]) =>
  z.string(NO_ADDRESS).superRefine((value, context) => {
    const [wrong] = split(value).flatMap((each) => wrongWith(each, protocols) ?? [])
    if (wrong !== undefined) context.addIssue({ code: 'custom', message: wrong })
  })
const workers = z.union([z.number(), z.string()]).transform((value, context): Workers => {
  const [, first, second] = /^([0-9]{1,3})(?:\+([0-9]{1,3}))?$/.exec(String(value)) ?? []
  const counts = [first, second].filter((each) => each !== undefined).map(Number)
  const isZero = counts.length === 1 && counts[0] === 0
  const fits = counts.length > 0 && counts.every((count) => count >= 1 && count <= WORKERS_MAX)
  if (!isZero && !fits) context.addIssue({ code: 'custom', message: 'no number of workers' })
  return counts.length < 2 ? (counts[0] ?? 0) : { accounts: counts[0], symbols: counts[1] }
})
const days = z.union([
  z.literal('all').transform(() => Number.POSITIVE_INFINITY),
  z
    .number()
    .min(0)
    .transform((value) => value * DAY_MS),
  z
    .string()
    .regex(/^[0-9]{1,6}(\.[0-9]{1,6})?$/)
    .transform((value) => Number(value) * DAY_MS),
])
const rate = z.union([z.literal('off'), whole(1, 1_000_000_000)])
const port = z.union([z.literal('off'), whole(0, 65_535)])

/** The addresses of a list for NATS: one behind the first may be a host alone. */
const serversOf = (value: string): string[] =>
  addressesOf(value).map((each, number) =>
    number > 0 && !each.includes('@') ? withScheme(each) : each,
  )

/** Why this is not one address by itself; undefined: it is. */
function wrongWith(address: string, protocols: readonly string[]): string | undefined {
  const [protocol] = address.split('://')
  if (!protocols.includes(protocol) || !URL.canParse(address)) return NO_ADDRESS
  const { hostname, username, password, pathname, search, hash } = new URL(address)
  // A / in a password makes a host of the user, and of the rest a path: an @ there tells.
  const isCut = /@/.test(pathname + hash) || /^[^=]*@/.test(search)
  if (hostname === '' || isCut) return NO_ADDRESS
  // To URL the rest of a list is a path, or part of a name; drivers would use the first alone.
  const isList = hostname.includes(',') || /,\s*[a-z]+:\/\//i.test(address)
  if (isList) return `${NO_ADDRESS}: give one, no list`
  const isWhole = [username, password].every(isEscaped)
  return isWhole ? undefined : `${NO_ADDRESS}: a % in user or password is written %25`
}

/** Whether each % begins an escape, which is what drivers take it for. */
function isEscaped(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

// --- the schema ---------------------------------------------------------------------------------

/** One of them. */
export interface Setting<T> {
  readonly schema: z.ZodType<T>
  /** As it would stand in the file; undefined: none. */
  readonly fallback: unknown
  /** What is allowed, for people. */
  readonly allowed: string
  /** What it is for, in the help of a command. */
  readonly help: string
  /** Its flag, if not its name. */
  readonly flag?: string
  readonly short?: string
  /** The variable, if not ONEFILL_ and its name. */
  readonly variable?: string
  /** May hold a password: a value that is wrong is not shown. */
  readonly isSecret?: boolean
  /** Without a value, the flag says true. */
  readonly isSwitch?: boolean
}

const define = <T>(setting: Setting<T>): Setting<T> => setting
const optional = <T>(schema: z.ZodType<T>) => schema.optional()
const ENCODED = 'special characters in user and password percent-encoded, % as %25'

/** Every setting, in the order in which they are shown. */
export const SETTINGS = {
  data: define({
    ...{ schema: text, fallback: '.onefill', allowed: 'a folder' },
    help: 'where the built-in servers live',
  }),
  databaseUrl: define({
    ...{ schema: optional(address(['postgres', 'postgresql'])), fallback: undefined },
    ...{ allowed: `postgres://USER:PASSWORD@HOST:PORT/DATABASE, ${ENCODED}`, flag: 'database' },
    ...{
      isSecret: true,
      variable: 'DATABASE_URL',
      help: 'the Postgres database; without it, a built-in one',
    },
  }),
  natsUrl: define({
    ...{ schema: optional(address(['nats', 'tls'], serversOf)), fallback: undefined },
    allowed: `nats://USER:PASSWORD@HOST:PORT, several with commas; ${ENCODED}, a comma as %2C`,
    ...{ isSecret: true, flag: 'nats', variable: 'NATS_URL' },
    help: 'the NATS servers; without them, a built-in one',
  }),
  redisUrl: define({
    ...{ schema: optional(address(['redis', 'rediss'])), fallback: undefined, flag: 'redis' },
    ...{
      allowed: `redis://USER:PASSWORD@HOST:PORT, ${ENCODED}`,
      isSecret: true,
      variable: 'REDIS_URL',
      help: 'rate limits are shared there; without it, each process counts for itself',
    },
  }),
  workers: define({
    ...{ schema: workers, fallback: 0, short: 'w' },
    allowed: `0, a number up to ${WORKERS_MAX}, or two like 2+1: for accounts and for symbols`,
    help: 'worker threads',
  }),
  standby: define({
    ...{ schema: flag, fallback: false, allowed: 'true or false', isSwitch: true },
    help: 'follow the journal; lead when the leader is silent',
  }),
  stdio: define({
    ...{ schema: flag, fallback: false, allowed: 'true or false', isSwitch: true },
    help: 'commands on standard input, reports on standard output; NATS, HTTP, clock if named',
  }),
  stay: define({
    ...{ schema: flag, fallback: false, allowed: 'true or false', isSwitch: true },
    help: 'with --stdio: do not stop at the end of input',
  }),
  snapshotEvery: define({
    ...{ schema: whole(0), fallback: 5_000_000, allowed: 'a whole number, 0 for never' },
    help: 'commands from one snapshot to the next',
  }),
  keepSnapshots: define({
    ...{ schema: whole(1), fallback: 3, allowed: 'a whole number from 1' },
    help: 'how many snapshots are kept',
  }),
  keepJournal: define({
    ...{ schema: days, fallback: 'all', allowed: 'days, like 30 or 0.5, or all' },
    help: 'how long rows are kept which no kept snapshot needs',
  }),
  clockEveryMs: define({
    ...{ schema: whole(0, 60_000), fallback: 10, allowed: '0 to 60000, 0 for never' },
    help: "ms from one setting of the exchange's clock to the next",
  }),
  reportFormat: define({
    ...{ schema: z.enum(['json', 'msgpack']), fallback: 'json', allowed: 'json or msgpack' },
    help: 'how reports and market data are written to NATS',
  }),
  depthEveryMs: define({
    ...{ schema: whole(1, 60_000), fallback: 50, allowed: '1 to 60000' },
    help: "ms at least from one update of a symbol's depth to the next",
  }),
  httpPort: define({
    ...{ schema: port, fallback: 8080, allowed: '0 to 65535, 0 for a free one, or off' },
    help: 'port for health and orders over HTTP',
  }),
  httpHost: define({
    ...{ schema: text, fallback: '127.0.0.1', allowed: 'a name or an address of this machine' },
    help: 'where HTTP listens',
  }),
  httpAuth: define({
    ...{
      schema: text,
      fallback: 'off',
      allowed: 'off, development, or a file (docs/http-auth.md)',
    },
    help: 'who trades over HTTP: nobody; whoever has the token made at start; or as a file says',
  }),
  httpAccountRate: define({
    ...{ schema: rate, fallback: 'off', allowed: 'a whole number from 1, or off' },
    help: 'requests and orders over HTTP that an account may send in a second',
  }),
  httpTotalRate: define({
    ...{ schema: rate, fallback: 'off', allowed: 'a whole number from 1, or off' },
    help: 'the same for all accounts together',
  }),
  httpServerTiming: define({
    ...{ schema: flag, fallback: false, allowed: 'true or false', isSwitch: true },
    help: 'answers over HTTP say how long they took here, in the header Server-Timing',
  }),
  logLevel: define({
    ...{ schema: z.enum(['debug', 'info', 'warn', 'error']), fallback: 'info' },
    ...{ allowed: 'debug, info, warn or error', help: 'the least that is logged' },
  }),
  logFormat: define({
    ...{ schema: z.enum(['auto', 'json', 'pretty']), fallback: 'auto' },
    ...{ allowed: 'auto, json or pretty', help: 'auto: pretty on a terminal, else JSON lines' },
  }),
} as const

export type SettingName = keyof typeof SETTINGS
export type Settings = {
  readonly [name in SettingName]: (typeof SETTINGS)[name] extends Setting<infer T> ? T : never
}
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[]

/** What is in force, as it was given, and where it came from. */
export interface Config {
  readonly settings: Settings
  /** By name: the value as written, undefined for none; "default", a file, a variable or a flag. */
  readonly sources: Readonly<Record<SettingName, { readonly raw: unknown; readonly from: string }>>
}

/** Settings that cannot be used: a line for each that is wrong, without secrets. */
export class ConfigProblem extends Error {
  override name = 'ConfigProblem'
  readonly lines: readonly string[]

  constructor(lines: readonly string[]) {
    super(lines.join('\n'))
    this.lines = lines
  }
}

export interface ConfigInput {
  /** The file that was named; without it CONFIG_FILE, if it is there. */
  readonly file?: string | undefined
  readonly environment: Readonly<Record<string, string | undefined>>
  /** By name of a setting; undefined: not given. */
  readonly flags: Readonly<Partial<Record<SettingName, unknown>>>
}

/** What was given of each setting, before it is looked at. */
type Given = Map<SettingName, { raw: unknown; from: string }>

const kebab = (name: string): string => name.replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)

/** `--keep-journal` for `keepJournal`. */
export const flagOf = (name: SettingName): string =>
  `--${(SETTINGS[name] as Setting<unknown>).flag ?? kebab(name)}`

/** `ONEFILL_KEEP_JOURNAL` for `keepJournal`. */
export const variableOf = (name: SettingName): string =>
  (SETTINGS[name] as Setting<unknown>).variable ??
  `ONEFILL_${kebab(name).replaceAll('-', '_').toUpperCase()}`

/** No settings, and for people all the same: of the file, and of the clients. */
const PEOPLES_VARIABLES = ['ONEFILL_CONFIG', 'ONEFILL_ACCOUNT']
/** Of the wrapper that starts us, and of our scripts. */
const OWN_VARIABLES = ['ONEFILL_WRAPPED', 'ONEFILL_BENCH', 'ONEFILL_LOBSTER_DIR']

/** Reads the settings; throws a ConfigProblem that says all that is wrong. */
export function readConfig(input: ConfigInput): Config {
  const problems: string[] = []
  const { given, isWhole } = gather(input, problems)
  const settings = parse(given, SETTING_NAMES, problems)
  // What a file that cannot be read says may go together.
  if (isWhole) checkTogether(settings, problems)
  if (problems.length > 0) throw new ConfigProblem(problems)
  return { settings: settings as Settings, sources: Object.fromEntries(given) as Config['sources'] }
}

/** Some of the settings, for who runs no exchange: what the others hold does not matter. */
export function readSettings<Name extends SettingName>(
  names: readonly Name[],
  input: ConfigInput,
): Pick<Settings, Name> {
  const problems: string[] = []
  const settings = parse(gather(input, problems).given, names, problems)
  if (problems.length > 0) throw new ConfigProblem(problems)
  return settings as Pick<Settings, Name>
}

/** What was given of each setting, and where; not whole where a file could not be read. */
function gather(
  { file, environment, flags }: ConfigInput,
  problems: string[],
): { given: Given; isWhole: boolean } {
  const given: Given = new Map()
  for (const name of SETTING_NAMES) {
    given.set(name, { raw: SETTINGS[name].fallback, from: 'default' })
  }
  const isWhole = readFile(file ?? (environment.ONEFILL_CONFIG || undefined), given, problems)
  readEnvironment(environment, given, problems)
  for (const name of SETTING_NAMES) {
    if (flags[name] !== undefined) given.set(name, { raw: flags[name], from: flagOf(name) })
  }
  return { given, isWhole }
}

/** Those that are as allowed: no key for one that is not. */
function parse(given: Given, names: readonly SettingName[], problems: string[]): Partial<Settings> {
  const settings: Partial<Record<SettingName, unknown>> = {}
  for (const name of names) {
    const { raw, from } = given.get(name) as { raw: unknown; from: string }
    const { schema, allowed, isSecret } = SETTINGS[name] as Setting<unknown>
    const parsed = schema.safeParse(raw)
    if (parsed.success) settings[name] = parsed.data
    else {
      const value = isSecret ? parsed.error.issues[0].message : shown(raw)
      problems.push(`${name} is ${value} (${from}); allowed: ${allowed}`)
    }
  }
  return settings as Partial<Settings>
}

/** Whether there is nothing left that it may say. */
function readFile(named: string | undefined, given: Given, problems: string[]): boolean {
  const file = named ?? CONFIG_FILE
  if (named === undefined && !existsSync(file)) return true
  let content: unknown
  try {
    content = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    const isSyntax = error instanceof SyntaxError
    const why = isSyntax ? noJson(error.message) : (error as NodeJS.ErrnoException).code
    problems.push(`the file ${file} cannot be read: ${why}`)
    return false
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    problems.push(`the file ${file} holds no object of settings`)
    return false
  }
  for (const [name, raw] of Object.entries(content)) {
    if (Object.hasOwn(SETTINGS, name)) given.set(name as SettingName, { raw, from: file })
    else {
      const what = `${hideSecrets(name)} is no setting (${file})`
      problems.push(`${what}; allowed: ${SETTING_NAMES.join(', ')}`)
    }
  }
  return true
}

/** Of what the parser says, where it stopped: the rest may quote a password. */
function noJson(said: string): string {
  const [, line, column] = /\(line (\d+) column (\d+)\)/.exec(said) ?? []
  return line === undefined ? 'it is not JSON' : `it is not JSON in line ${line}, column ${column}`
}

function readEnvironment(
  environment: ConfigInput['environment'],
  given: Given,
  problems: string[],
): void {
  const byVariable = new Map(SETTING_NAMES.map((name) => [variableOf(name), name]))
  const allowed = [...byVariable.keys(), ...PEOPLES_VARIABLES]
  const known = new Set([...allowed, ...OWN_VARIABLES])
  for (const [variable, raw] of Object.entries(environment)) {
    // Empty is how compose files and shells say "not set".
    if (raw === undefined || raw === '' || isGenerated(variable, raw)) continue
    const name = byVariable.get(variable)
    if (name !== undefined) given.set(name, { raw, from: variable })
    else if (variable.startsWith('ONEFILL_') && !known.has(variable)) {
      problems.push(`${variable} is no setting; allowed: ${allowed.join(', ')}`)
    }
  }
}

const GENERATED = [
  /^ONEFILL_(\w+_)?SERVICE_(HOST|PORT(_\w+)?)$/,
  /^ONEFILL_(\w+_)?PORT_[0-9]+_(TCP|UDP|SCTP)(_(ADDR|PROTO|PORT|START|END|PORT_START|PORT_END))?$/,
  /^ONEFILL_(\w+_)?ENV_\w+$/,
]

/**
 * Whether it is one of those that Kubernetes gives every pod beside a Service, or Docker beside a
 * link, that is named `onefill` or `onefill-…`: nobody has written it, and nobody can take it away.
 */
function isGenerated(variable: string, value: string): boolean {
  if (GENERATED.some((pattern) => pattern.test(variable))) return true
  // Names that somebody may have thought up: what they hold tells.
  if (/^ONEFILL_(\w+_)?PORT$/.test(variable)) return /^(tcp|udp|sctp):\/\//.test(value)
  return /^ONEFILL_(\w+_)?NAME$/.test(variable) && /^\/[^/]+\/[^/]+$/.test(value)
}

/** Only of settings that are as allowed themselves: what another was meant to say is unknown. */
function checkTogether(settings: Partial<Settings>, problems: string[]): void {
  const { standby, stdio, stay } = settings
  const isMissing = (name: SettingName) => name in settings && settings[name] === undefined
  if (standby && isMissing('databaseUrl')) {
    problems.push('standby needs databaseUrl: the database that the leader uses')
  }
  if (standby && stdio === false && isMissing('natsUrl')) {
    problems.push('standby needs natsUrl: the NATS server that the leader uses')
  }
  if (stay && stdio === false) problems.push('stay goes with stdio only')
}

// --- secrets ------------------------------------------------------------------------------------

/** Of a query. */
const SECRET_PARAMETER = '([?&](?:password|sslpassword|pass|token)=)'
/**
 * A character of a text that may be JSON: there a quote with one of these behind it, or nothing,
 * ends the string, and a backslash belongs to what is behind it.
 */
const characterBut = (not: string) =>
  String.raw`(?:\\(?:[^@\s]|(?=[@\s]))|"(?![,:}\]\n]|$)|[^"\\${not}])`
/** Not where the next address begins. */
const HERE = String.raw`(?![\s,][a-z][a-z0-9+.-]*://)`
const LETTER = HERE + characterBut(String.raw`@\n`)
/**
 * From :// to an @ with a host behind it. Up to the first @ a password may hold spaces: rather too
 * much of a sentence is hidden than a password shown. From there on it goes to the last @ without a
 * space before it, as a password may hold whatever was not escaped in it.
 */
const ADDRESS = new RegExp(
  String.raw`(\b[a-z][a-z0-9+.-]*://)((?:(?!:)${LETTER})*)(:(?:${LETTER})*)?@(?=\S)` +
    String.raw`(?:(?:${HERE}${characterBut(String.raw`@\s`)})*@(?=\S))*`,
  'gi',
)
const PARAMETER = new RegExp(`${SECRET_PARAMETER}${characterBut(String.raw`&\s`)}*`, 'gi')

/** The same text without the passwords, and tokens, of addresses in it. */
export function hideSecrets(text: string): string {
  // Most lines have none, and to look for one in a long line takes its time.
  const hasUser = text.includes('://') && text.includes('@')
  return (hasUser ? hideUsers(text) : text).replaceAll(PARAMETER, '$1***')
}

const hideUsers = (text: string): string =>
  text.replaceAll(ADDRESS, (_, protocol, user, password) =>
    password === undefined ? `${protocol}***@` : `${protocol}${user}:***@`,
  )

const WHOLE_PARAMETER = new RegExp(`${SECRET_PARAMETER}[^&]*`, 'gi')

/** The same of what is one address and nothing else: all up to its last @ is user and password. */
function hideInAddress(address: string): string {
  // First the query, where an @ may be part of a password.
  const shown = address.replaceAll(WHOLE_PARAMETER, '$1***')
  const [from, to] = [shown.indexOf('://') + 3, shown.lastIndexOf('@')]
  if (to < from) return shown
  const user = shown.slice(from, to)
  const left = user.includes(':') ? `${user.slice(0, user.indexOf(':'))}:***` : '***'
  return `${shown.slice(0, from)}${left}${shown.slice(to)}`
}

/** The value of a setting that is as allowed, as it was given, for people. */
export function visible(name: SettingName, raw: unknown): unknown {
  if (typeof raw !== 'string') return raw
  if (name === 'natsUrl') return addressesOf(raw).map(hideInAddress).join(',')
  return (SETTINGS[name] as Setting<unknown>).isSecret ? hideInAddress(raw) : hideSecrets(raw)
}

/** A value for people. */
const shown = (raw: unknown): string => hideSecrets(JSON.stringify(raw) ?? 'missing')
