// The client of whoever runs the exchange: definitions, money, limits and switches.

import { adminSubject } from '../gateway/subjects.ts'
import {
  type AdminCommand,
  type Instrument,
  type KillSwitch,
  type Limits,
  makeId,
  type Payment,
  paymentBody,
  type Reply,
} from './commands.ts'
import { type AskOptions, Link } from './link.ts'
import { type ConnectOptions, MarketClient } from './market-client.ts'
import { replyOf } from './onefill-client.ts'
import { withoutUndefined } from './wire.ts'

type Verb = Parameters<typeof adminSubject>[0]

/** Each method resolves with the reply: `accepted`, or `rejected` with a code. */
export class AdminClient extends MarketClient {
  /** Connects, for good. Throws a ClientProblem: `CANNOT_CONNECT`, `BAD_CREDENTIALS`. */
  static override async connect(options: ConnectOptions): Promise<AdminClient> {
    return new AdminClient(await Link.connect(options))
  }

  /** Defines an asset whose amounts have up to `decimals` (0 to 12) decimals. */
  asset(asset: string, decimals: number, options?: AskOptions): Promise<Reply> {
    return this.#send('asset', { asset, decimals }, options)
  }

  /** Defines what a book trades. */
  instrument(instrument: Instrument, options?: AskOptions): Promise<Reply> {
    return this.#send('instrument', instrument, options)
  }

  /** Makes an account. */
  account(account: string, options?: AskOptions): Promise<Reply> {
    return this.#send('account', { account }, options)
  }

  /** Adds to an account's balance, once for each `transferId`. */
  deposit(payment: Payment, options?: AskOptions): Promise<Reply> {
    return this.#send('deposit', paymentBody(payment), options)
  }

  /** Takes from an account's available balance, once for each `transferId`. */
  withdraw(payment: Payment, options?: AskOptions): Promise<Reply> {
    return this.#send('withdraw', paymentBody(payment), options)
  }

  /** Moves from one account to another, once for each `transferId`. */
  transfer(payment: Payment & { readonly to: string }, options?: AskOptions): Promise<Reply> {
    return this.#send('transfer', paymentBody(payment), options)
  }

  /** Sets risk limits. */
  limits(limits: Limits, options?: AskOptions): Promise<Reply> {
    return this.#send('limits', limits, options)
  }

  /** Stops trading in an instrument; cancels pass. */
  halt(symbol: string, options?: AskOptions): Promise<Reply> {
    return this.#send('halt', { symbol }, options)
  }

  /** Ends a halt. */
  resume(symbol: string, options?: AskOptions): Promise<Reply> {
    return this.#send('resume', { symbol }, options)
  }

  /** Lets an account send cancels only. */
  suspend(account: string, options?: AskOptions): Promise<Reply> {
    return this.#send('suspend', { account }, options)
  }

  /** Ends a suspension. */
  activate(account: string, options?: AskOptions): Promise<Reply> {
    return this.#send('activate', { account }, options)
  }

  /** Refuses every `new` and `replace`, of an account or of all, until it is off. */
  killSwitch(how: KillSwitch, options?: AskOptions): Promise<Reply> {
    return this.#send('killSwitch', how, options)
  }

  /** Sends up to 1,000 commands in one message; a reply each, in their order. */
  async batch(commands: readonly AdminCommand[], options?: AskOptions): Promise<Reply[]> {
    if (commands.length === 0) return []
    const bodies = commands.map(withoutUndefined).map(withTransferId)
    return (await this.link.askAll(adminSubject('batch'), bodies, options)).map(replyOf)
  }

  async #send(verb: Verb, body: object, options?: AskOptions): Promise<Reply> {
    return replyOf(await this.link.ask(adminSubject(verb), withoutUndefined(body), options))
  }
}

const PAYMENTS: ReadonlySet<unknown> = new Set(['deposit', 'withdraw', 'transfer'])

const withTransferId = (command: { readonly [field: string]: unknown }): object =>
  PAYMENTS.has(command.cmd) ? { transferId: makeId(), ...command } : command
