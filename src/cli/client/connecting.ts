// How the commands that are clients of a running exchange find it, and how they end.

import { readFileSync } from 'node:fs'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { ClientProblem, type ConnectOptions, type MarketClient, type Report } from '../../client.ts'
import { EXIT, explain, say } from '../outcome.ts'

/** Where `onefill serve` leaves the address of its built-in NATS server. */
const ADDRESS_FILE = '.onefill/nats-url'
const ADDRESS = 'nats://127.0.0.1:4222'
/** Without an answer for so long, in seconds, a command ends. */
const WAIT_S = 10

/** What every such command can be told. */
export interface ClientOptions {
  readonly nats?: string
  readonly user?: string
  readonly pass?: string
  readonly token?: string
  readonly creds?: string
  readonly inboxPrefix?: string
  readonly wait: number
  readonly json: boolean
}

export interface AccountOptions extends ClientOptions {
  readonly account: string
}

/** Adds the options of every command that is a client. */
export function asClient(command: Command): Command {
  return command
    .addOption(new Option('--nats <url>', 'the NATS server').env('NATS_URL'))
    .addOption(new Option('--user <name>', 'a user of the server').env('NATS_USER'))
    .addOption(new Option('--pass <word>', "the user's password").env('NATS_PASSWORD'))
    .addOption(new Option('--token <text>', 'a token of the server').env('NATS_TOKEN'))
    .addOption(new Option('--creds <file>', 'a file of credentials').env('NATS_CREDS'))
    .addOption(
      new Option('--inbox-prefix <subject>', 'where replies come; _INBOX.USER of a user').env(
        'NATS_INBOX_PREFIX',
      ),
    )
    .option('--wait <seconds>', 'for an answer, trying again', secondsOf, WAIT_S)
    .option('--json', 'one JSON object a line, for machines', false)
}

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

/** The address that was given, or that a server of ours has left, or the usual one. */
function addressOf(nats: string | undefined): string {
  if (nats !== undefined && nats !== '') return nats
  try {
    return readFileSync(ADDRESS_FILE, 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ADDRESS
    throw error
  }
}

/** As the library takes them. */
function connectOptions(options: ClientOptions): ConnectOptions {
  const { nats, wait, user, pass, token, creds, inboxPrefix } = options
  const who = { user, pass, token, creds, inboxPrefix }
  return { servers: addressOf(nats), ...who, deadlineMs: wait * 1_000, name: 'onefill' }
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
    process.exitCode = failure(error)
  }
}

function failure(error: unknown): number {
  // Whoever read our output has had enough: no failure.
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') return EXIT.done
  if (!(error instanceof ClientProblem)) return explain(error)
  say(`onefill: ${error.message}`)
  return EXIT.failed
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
