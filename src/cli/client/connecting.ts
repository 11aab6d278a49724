// How the commands that are clients of a running exchange find it, and how they end.

import { type Command, InvalidArgumentError, Option } from 'commander'
import { ClientProblem, type ConnectOptions, type MarketClient, type Report } from '../../client.ts'
import { asPlaced, findAddress, namedFolder, type Place } from '../addresses.ts'
import { explain, say } from '../outcome.ts'

/** Where nobody says where it is. */
const ADDRESS = 'nats://127.0.0.1:4222'
/** Without an answer for so long, in seconds, a command ends. */
const WAIT_S = 10

/** What every such command can be told. */
export interface ClientOptions extends Place {
  readonly nats?: string
  readonly user?: string
  readonly pass?: string
  readonly token?: string
  readonly creds?: string
  readonly inboxPrefix?: string
  readonly wait: number
  readonly json?: true
}

export interface AccountOptions extends ClientOptions {
  readonly account: string
}

/** Adds the options of every command that is a client. */
export function asClient(command: Command): Command {
  return asPlaced(command.option('--nats <url>', NATS_HELP))
    .addOption(new Option('--user <name>', 'a user of the server').env('NATS_USER'))
    .addOption(new Option('--pass <word>', "the user's password").env('NATS_PASSWORD'))
    .addOption(new Option('--token <text>', 'a token of the server').env('NATS_TOKEN'))
    .addOption(new Option('--creds <file>', 'a file of credentials').env('NATS_CREDS'))
    .addOption(
      new Option('--inbox-prefix <subject>', 'where replies come; _INBOX.USER of a user').env(
        'NATS_INBOX_PREFIX',
      ),
    )
    .option('--wait <seconds>', 'to connect, and for an answer, trying again', secondsOf, WAIT_S)
    .option('--json', 'one JSON object a line, for machines')
}

const NATS_HELP =
  'nats://HOST:PORT, several with commas; unless given, as the settings say (env: NATS_URL), ' +
  `where the exchange of --data runs, or, without a folder named, ${ADDRESS}`

/** Adds the account too. */
export function asTrader(command: Command): Command {
  const account = new Option('--account <name>', 'the account').env('ONEFILL_ACCOUNT')
  return asClient(command.addOption(account.makeOptionMandatory()))
}

function secondsOf(text: string): number {
  const seconds = Number(text)
  if (/^[0-9]+(\.[0-9]+)?$/.test(text) && seconds > 0 && seconds <= 86_400) return seconds
  throw new InvalidArgumentError('Give a number of seconds above 0, like 10 or 0.5.')
}

/** Where nobody says more; a folder that was named is not passed over for whoever runs there. */
function usualAddress(place: Place): string {
  const folder = namedFolder(place)
  if (folder === undefined) return ADDRESS
  const why = `No exchange runs in ${folder} on a NATS server of its own.`
  throw new ClientProblem('CANNOT_CONNECT', why)
}

/** As the library takes them. */
function connectOptions(options: ClientOptions): ConnectOptions {
  const { nats, wait, user, pass, token, creds, inboxPrefix } = options
  const who = { user, pass, token, creds, inboxPrefix }
  const servers = findAddress('natsUrl', nats, options) ?? usualAddress(options)
  return { servers, ...who, deadlineMs: wait * 1_000, name: 'onefill' }
}

/**
 * Connects, works and closes; what cannot be done is one line. `work` returns the exit code.
 */
export async function withClient<C extends MarketClient, O extends ConnectOptions>(
  options: ClientOptions,
  { connect, more }: { connect: (options: O) => Promise<C>; more: Omit<O, keyof ConnectOptions> },
  work: (client: C) => Promise<number>,
): Promise<void> {
  try {
    const client = await connect({ ...connectOptions(options), ...more } as O)
    try {
      process.exitCode = await work(client)
    } finally {
      await client.close()
    }
  } catch (error) {
    process.exitCode = explain(withHint(error))
    // A try to connect that was given up cannot be ended, and would keep the process.
    if (error instanceof ClientProblem && error.code === 'CANNOT_CONNECT') process.exit()
  }
}

/** Says what to do where there is no server; one that asks who we are is there. */
function withHint(error: unknown): unknown {
  if (!(error instanceof ClientProblem) || error.code !== 'CANNOT_CONNECT') return error
  if (/authorization|authentication/i.test(error.message)) return error
  const hint = 'Does the exchange run? Where it is, --nats or --data can say.'
  return new ClientProblem(error.code, `${error.message} ${hint}`, error.cause)
}

/** Whether it is a refusal; then says so in one line: the code, the field, the text. */
export function isRefused(reply: object): reply is Report {
  if (!('execType' in reply) || reply.execType !== 'rejected') return false
  const { code, field, text } = reply as Report
  say(`onefill: refused: ${[code, field].filter(Boolean).join(' ')}: ${text}`)
  return true
}

/** Resolves at Ctrl+C, SIGTERM, or when whoever read the output has gone. */
export function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, resolve)
    process.stdout.once('error', () => resolve())
  })
}
